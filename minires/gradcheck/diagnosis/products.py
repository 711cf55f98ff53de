"""Terms that are products of matrices and then something more: spread over axes, or weighted.

A path through a pooled value gives `(d @ w.T)[:, :, None, None]`; a sum of squares under a
product gives `v * ((x**2).T @ d)`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from ...tensor import Array

MOST = 14  # matrices of which products are made
SPREAD = {  # number of dimensions: how a matrix is spread, and along which axes it lies
    3: (("[:, None, :]", (0, 2)), ("[:, :, None]", (0, 1)), ("[None]", (1, 2))),
    4: (("[:, :, None, None]", (0, 1)), ("[:, None, None, :]", (0, 3))),
}


def combined(names: Mapping[str, Array], shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Yield the terms of the given shape, as text and value."""
    matrices = [
        (k, v) for k, v in names.items() if v.ndim == 2 and v.dtype.kind == "f" and v.size < 400
    ][-MOST:]
    for spread, (a, b) in SPREAD.get(len(shape), ()):
        index = [None if k not in (a, b) else slice(None) for k in range(len(shape))]
        for text, v in _products(matrices, ("",)):
            if v.shape == (shape[a], shape[b]):
                yield f"({text}){spread}", np.broadcast_to(v[tuple(index)], shape)
    if len(shape) == 2:
        weights = [(k, v) for k, v in matrices if v.shape == shape]
        columns = [
            (f"{k}[:, None]", v[:, None])
            for k, v in names.items()
            if v.ndim == 1 and v.dtype.kind == "f"
        ]
        for text, v in _products([*matrices, *columns[:MOST]], ("**2",)):
            if v.shape in (shape, (shape[0], 1), (1, shape[1])):
                yield from ((f"{k} * ({text})", w * v) for k, w in weights)


def _products(
    matrices: list[tuple[str, Array]], powers: tuple[str, ...]
) -> Iterator[tuple[str, Array]]:
    """Yield a @ b, a @ b.T and a.T @ b, the first one squared if `powers` says so."""
    for (k, v), (m, w) in itertools.product(matrices, matrices):
        for power in powers:
            a, left = (f"({k}{power})", v**2) if power else (k, v)
            for text, p, q in ((f"{a} @ {m}", left, w), (f"{a} @ {m}.T", left, w.T),
                               (f"{a}.T @ {m}", left.T, w)):  # fmt: skip
                if p.shape[1] == q.shape[0]:
                    yield text, p @ q
