"""Least squares with a bound: which coefficients of terms give an array, if any surely do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...tensor import Array
from .library import Named
from .termtrial import Trial

CONDITION = 1e5  # of the fitted terms, each scaled to length 1
MOST_PAIRS = 40


def solve(columns: Sequence[Array | None], run: Trial, t: int) -> Array | None:
    """Return c with Σ c · column = numeric, None if there is no sure answer."""
    n = run.numeric[t]
    known = ~np.isnan(n)
    if not columns or known.sum() < 2 * len(columns) or any(c is None for c in columns):
        return None
    matrix = np.array([c[known] for c in columns if c is not None]).T
    size = np.linalg.norm(matrix, axis=0)
    if not size.all():
        return None
    matrix /= size
    if len(columns) > 1 and np.linalg.cond(matrix) > CONDITION:
        return None
    c = np.linalg.lstsq(matrix, n[known], rcond=None)[0]
    if (np.abs(matrix @ c - n[known]) > run.allowed(t)[known]).any():
        return None
    return np.asarray(c / size)


def combinations(
    every: Named, goal: Array, allowed: Array, count: int
) -> Iterator[tuple[list[float], list[str]]]:
    """Yield the coefficients and texts of one term, or of two, that equal `goal` in bounds."""
    g, limit = goal.ravel(), allowed.ravel()
    if not every or (np.abs(g) <= limit).all():
        return
    size = np.array([np.linalg.norm(v) for _, v in every])
    unit = np.array([v.ravel() for _, v in every]) / size[:, None]
    along = unit @ g
    if count == 1:
        for k in np.flatnonzero(g @ g - along**2 <= 1e-6 * (g @ g)).tolist():
            if (np.abs(along[k] * unit[k] - g) <= limit).all():
                yield [float(along[k] / size[k])], [every[k][0]]
        return
    if g.size < 8:
        return
    gram = unit @ unit.T
    det = 1 - gram**2
    np.fill_diagonal(det, 0)
    first = (along[:, None] - gram * along[None, :]) / np.where(det > 1e-6, det, 1)
    left = g @ g - first * along[:, None] - first.T * along[None, :]
    near = np.argwhere(np.triu((det > 1e-6) & (left < 1e-7 * (g @ g)), 1)).tolist()
    near.sort(key=lambda jk: len(every[jk[0]][0]) + len(every[jk[1]][0]))
    for j, k in near[:MOST_PAIRS]:
        if (np.abs(first[j, k] * unit[j] + first[k, j] * unit[k] - g) <= limit).all():
            cs = [float(first[j, k] / size[j]), float(first[k, j] / size[k])]
            yield cs, [every[j][0], every[k][0]]
