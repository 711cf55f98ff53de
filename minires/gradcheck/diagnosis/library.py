"""Candidate terms from a function's own names: products, means and sums, matrix products."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...tensor import Array

LARGE = 4000  # elements of a value
MOST_ATOMS = 14
MOST_TERMS = 900

# Derivatives of elementary functions, at x: what a gradient most often lacks as a factor.
ELEMENTARY = (
    "np.cos(x)", "np.sin(x)", "np.exp(x)", "1 / (1 + np.exp(-x))", "(1 - np.tanh(x) ** 2)",
    "np.tanh(x)", "np.sign(x)", "(x > 0)", "1 / np.sqrt(x)", "np.log(x)", "1 / (1 + x**2)",
    "1 / np.cos(x) ** 2", "np.exp(-(x**2) / 2)", "x**2", "x * (1 - x)", "(1 - x**2)",
)  # fmt: skip

Named = list[tuple[str, Array]]


def atoms(values: Mapping[str, Any]) -> dict[str, Array]:
    """Return the float arrays that can be written with the names in scope, items of tuples too."""
    found: dict[str, Array] = {}
    for name, x in values.items():
        items = enumerate(x) if isinstance(x, tuple | list) else []
        options = {name: x, **{f"{name}[{i}]": item for i, item in items if len(x) < 12}}
        if isinstance(x, dict):
            options |= {f"{name}[{key!r}]": item for key, item in x.items() if len(x) < 12}
        for text, a in options.items() if not name.startswith("_") else ():
            floating = isinstance(a, np.ndarray) and a.dtype.kind in "fb" and a.size <= LARGE
            if floating and np.isfinite(a).all():
                found[text] = np.asarray(a, dtype=np.float64)
    return found


def elementary(values: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Array]:
    """Return functions of the names in scope that have this shape, as they would be written."""
    found: dict[str, Array] = {}
    for name, x in atoms(values).items():
        if x.shape == shape and x.size > 3 and np.ptp(x) > 0:
            for text in ELEMENTARY:
                value = eval(text, {"np": np, "x": x})
                if np.isfinite(value).all():
                    found[re.sub(r"\bx\b", name, text)] = np.asarray(value, dtype=np.float64)
    return found


def fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Return whether one shape broadcasts to another."""
    if len(small) > len(large):
        return False
    return all(a in (1, b) for a, b in zip(small[::-1], large[::-1], strict=False))


def library(values: Mapping[str, Any], shape: tuple[int, ...], upstream: str) -> Named:
    """Return the candidate terms of a shape, the simplest first, no value twice.

    They are linear in the upstream: each holds `upstream` or something that was made of it (which
    another upstream shows).
    """
    found: Named = []
    seen: set[bytes] = set()
    for text, value in itertools.chain(
        _products(values, shape, 2),
        _matrices(values, shape),
        _sums(values, shape, upstream),
        _projections(values, shape, upstream),
        _products(values, shape, 3),
    ):
        if value.shape != shape or not np.isfinite(value).all() or not np.any(value):
            continue
        key = (value / np.abs(value).max()).round(10).tobytes()
        if key not in seen:
            seen.add(key)
            found.append((text, value))
        if len(found) >= MOST_TERMS:
            break
    return found


def _forms(values: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Array]:
    arrays = atoms(values)
    forms = {k: v for k, v in arrays.items() if v.ndim and fits(v.shape, shape)}
    for k, v in arrays.items():
        if v.ndim == 2 and fits(v.T.shape, shape) and v.shape[0] != 1:
            forms[f"{k}.T"] = v.T
        if v.ndim == len(shape) - 1 and v.shape == shape[:-1]:
            forms[f"{k}[..., None]"] = v[..., None]
    return forms


def _products(
    values: Mapping[str, Any], shape: tuple[int, ...], most: int
) -> Iterator[tuple[str, Array]]:
    forms = _forms(values, shape)
    inverse = {f"1 / {k}": 1 / v for k, v in forms.items() if np.abs(v).min() > 0}
    for count in (1, 2) if most == 2 else (3,):
        names = list(forms)[: MOST_ATOMS if count > 1 else 40]
        for chosen in itertools.combinations_with_replacement(names, count):
            value = np.prod([np.broadcast_to(forms[c], shape) for c in chosen], axis=0)
            yield " * ".join(chosen), value
            if count < 3:
                for text, v in inverse.items():
                    divisor = text.removeprefix("1 / ")
                    if divisor not in chosen:
                        yield f"{' * '.join(chosen)} / {divisor}", value * v


def derivatives(values: Mapping[str, Any], shape: tuple[int, ...], upstream: str) -> Named:
    """Return dy * f(x) for elementary f, and dy."""
    dy = values.get(upstream)
    if dy is None or np.shape(dy) != shape:
        return []
    found = [(upstream, np.asarray(dy, dtype=np.float64))]
    for text, v in elementary(values, shape).items():
        name = f"{upstream} / {text[4:]}" if text.startswith("1 / ") else f"{upstream} * {text}"
        found.append((name, dy * v))
    return found


def _sums(
    values: Mapping[str, Any], shape: tuple[int, ...], upstream: str
) -> Iterator[tuple[str, Array]]:
    """The upstream, or its product with a value, summed over the axes that a tensor lacks."""
    arrays = atoms(values)
    dy = arrays.get(upstream)
    if dy is None or dy.ndim <= len(shape):
        return
    options = {upstream: dy}
    for k, v in arrays.items():
        if k != upstream and fits(v.shape, dy.shape):
            options[f"({upstream} * {k})"] = dy * v
    for axes in itertools.combinations(range(dy.ndim), dy.ndim - len(shape)):
        shown = axes[0] if len(axes) == 1 else axes
        for text, v in options.items():
            yield f"{text}.sum(axis={shown})", np.asarray(v.sum(axis=axes))


def _projections(
    values: Mapping[str, Any], shape: tuple[int, ...], upstream: str
) -> Iterator[tuple[str, Array]]:
    """a * mean(dy * b) / c over some axes: what a statistic or a shared sum sends back."""
    forms = _forms(values, shape)
    full = {k: v for k, v in forms.items() if v.shape == shape}
    if upstream not in full:
        return
    small = {k: v for k, v in forms.items() if k not in full}
    inner = {upstream: full[upstream]}
    inner |= {f"{upstream} * {k}": full[upstream] * v for k, v in forms.items() if k != upstream}
    for count in range(1, len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            shown = str(axes[0] if len(axes) == 1 else axes)
            for text, v in inner.items():
                start = text if text == upstream else f"({text})"
                mean = f"{start}.mean(axis={shown}, keepdims=True)"
                value = np.broadcast_to(v.mean(axis=axes, keepdims=True), shape)
                for outer, w in [("", None), *((k, x) for k, x in full.items() if k != upstream)]:
                    product = value if w is None else value * w
                    name = f"{outer} * {mean}" if outer else mean
                    yield name, np.asarray(product)
                    for k, x in small.items():
                        yield f"{k} * {name}", product * x
                        if np.abs(x).min() > 0:
                            yield f"{name} / {k}", product / x


def _matrices(values: Mapping[str, Any], shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    arrays = {k: v for k, v in atoms(values).items() if v.ndim in (1, 2)}
    forms = arrays | {f"{k}.T": v.T for k, v in arrays.items() if v.ndim == 2}
    for (a, x), (b, y) in itertools.product(forms.items(), repeat=2):
        if x.shape[-1] == y.shape[0] and (*x.shape[:-1], *y.shape[1:]) == shape:
            yield f"{a} @ {b}", np.asarray(x @ y)
