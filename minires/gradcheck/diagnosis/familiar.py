"""Familiar numbers: how a coefficient would be written with the names of a function."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from .termtrial import Trial

SAME = 1e-5  # relative: a coefficient is this near to a familiar number
MOST_NAMES = 12

Scalars = Mapping[str, float]


def scalars_of(run: Trial) -> dict[str, float]:
    """Return the numbers that coefficients are made of: scalars in scope, then sizes of arrays."""
    found: dict[str, float] = {}
    for name, x in run.named().items():
        number = isinstance(x, int | float | np.number) and not isinstance(x, bool)
        if number and np.isfinite(x) and abs(x) not in (0, 1):
            found[name] = float(x)
    for name, x in run.local.items():
        if isinstance(x, np.ndarray) and x.ndim:
            sizes = {f"{name}.shape[{k}]": n for k, n in enumerate(x.shape)}
            sizes[f"{name}.size"] = x.size
            found |= {k: float(n) for k, n in sizes.items() if n > 1 and n not in found.values()}
    return found


def familiar(c: float, scalars: Scalars) -> str | None:
    """Return how a coefficient would be written, None if it is no familiar number."""
    near = (text for text, x in _numbers(scalars) if abs(c - x) <= SAME * max(abs(x), 0.1))
    return next(near, None)


def _numbers(scalars: Scalars) -> Iterator[tuple[str, float]]:
    """Yield the likely numbers first: what has a name before what has none, sums last."""
    named = {k: x for k, x in list(scalars.items())[:MOST_NAMES] if x}
    given = {k: x for k, x in named.items() if k.isidentifier() and x != int(x)}
    plain = {"0": 0.0, "1": 1.0, **given, **{f"1 / {k}": 1 / x for k, x in given.items()}}
    plain |= {"2": 2.0, "1 / 2": 0.5} | named | {f"1 / {k}": 1 / x for k, x in named.items()}
    plain |= {"3": 3.0, "1 / 3": 1 / 3}
    plain |= {f"2 * {k}": 2 * x for k, x in given.items()}
    plain |= {f"{a} / 2": x / 2 for a, x in named.items()}
    plain |= {f"2 / {a}": 2 / x for a, x in named.items()}
    whole = {k: x for k, x in named.items() if x == int(x) and x > 1}
    pairs = list(itertools.permutations(named, 2))
    plain |= {f"{a} / {b}": named[a] / named[b] for a, b in pairs if _akin(a, b)}
    integers = sorted({int(x) for x in whole.values()})
    plain |= {f"{a} / {b}": a / b for a, b in itertools.permutations(integers, 2)}
    plain |= {f"({k} - 1) / {k}": (x - 1) / x for k, x in whole.items()}
    plain |= {f"{k} / ({k} - 1)": x / (x - 1) for k, x in whole.items()}
    for text, x in plain.items():
        yield text, x
        if x:
            yield (f"-({text})" if " " in text else f"-{text}"), -x


def _akin(a: str, b: str) -> bool:
    """Whether two numbers belong together: two names, or two sizes of one array."""
    return a.partition(".")[0] == b.partition(".")[0] or (a.isidentifier() and b.isidentifier())


def valued(label: str, scalars: Scalars) -> str:
    """Return a number as it is written, with the values of its names."""
    names = [k for k in sorted(scalars, key=len, reverse=True) if k in label]
    given = [k for i, k in enumerate(names) if not any(k in longer for longer in names[:i])]
    told = ", ".join(f"{k} = {scalars[k]:g}" for k in given)
    return f"{label} ({told})" if told else label


def plain(label: str) -> tuple[str, str]:
    """Return the sign of a label, "-" or "", and its size without parentheses."""
    sign, size = ("-", label[1:]) if label.startswith("-") else ("", label)
    return sign, size[1:-1] if size.startswith("(") and size.endswith(")") and sign else size


def times(label: str, text: str) -> tuple[str, str]:
    """Return the sign, and the source of a familiar number times an expression."""
    sign, size = plain(label)
    if size == "1":
        return sign, text
    if size.startswith("1 / "):
        return sign, f"{text} / {size[4:]}"
    return sign, f"({size}) * {text}" if "/" in size else f"{size} * {text}"


def scaled(node: ast.expr, label: str) -> str:
    """Return the source of an operand of the learner's code times a familiar number."""
    text = ast.unparse(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        text = f"({text})"
    return "".join(times(label, text))


def sentence(term: str, c: float, label: str, scalars: Scalars) -> str:
    """Return what is wrong with a term that should have the factor c, written as `label`."""
    what = f"the term `{term}`" if term else "the gradient"
    if label == "0":
        return f"{what} does not belong in it: its factor should be 0"
    if label == "-1":
        return f"{what} has the wrong sign"
    over = familiar(1 / c, scalars)
    if over is not None and abs(c) < 1 and "/" not in over:
        return f"{what} is scaled by {valued(over, scalars)}; it should have factor 1"
    return f"{what} should have the factor {valued(label, scalars)}"
