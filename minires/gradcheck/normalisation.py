"""Which term of a wrong gradient of a normalisation is wrong, from the numbers alone."""

from __future__ import annotations

import numpy as np

from ..tensor import Array
from .edits.tables import DETACHED, SCALE
from .numeric import Comparison
from .subject import Subject


def of_normalisation(
    c: Comparison, a: Array, n: Array, v: Array, s: Subject
) -> tuple[str, str] | None:
    """Which of the three terms of a normalisation is wrong: k dy - mean - x̂ · variance?

    Per channel, or per sample, both gradients are fitted by dy, 1 and x - mean(x).
    """
    if n.ndim not in (2, 4) or n.shape != v.shape or c.name not in s.names:
        return None
    x = s.arrays[s.names.index(c.name)]
    for axis in (1, 0):
        xs, ours, theirs, dys = (
            np.moveaxis(g, axis, 0).reshape(g.shape[axis], -1) for g in (x, a, n, v)
        )
        if xs.shape[1] < 5:
            continue
        fits = np.array(
            [_three(*row) for row in zip(xs, ours, theirs, dys, strict=True)]
        )  # (groups, ours or theirs, terms)
        if not np.isfinite(fits).all() or not np.allclose(fits[:, 0, 0], fits[:, 1, 0], 1e-4):
            continue
        mean, variance = (_ratio(fits[:, 0, k], fits[:, 1, k]) for k in (1, 2))
        told = [
            f"the term of the {what} {'is missing' if abs(k) < 1e-4 else f'is scaled by {k:.5g}'}"
            for what, k in (("mean", mean), ("variance", variance))
            if k is not None and abs(k - 1) > 1e-4
        ]
        if mean is None or variance is None or not told:
            continue
        missing = all("missing" in text for text in told)
        text = f"{c.name}: {' and '.join(told)} (the statistics depend on x too)"
        return (DETACHED if missing else SCALE), text
    return None


def _three(x: Array, a: Array, n: Array, v: Array) -> list[Array]:
    """Return the coefficients of dy, 1 and x - mean(x) in a and in n; NaN if they do not fit."""
    terms = np.stack([v, np.ones_like(v), x - x.mean()], axis=1)
    found = []
    for g in (a, n):
        fit = np.linalg.lstsq(terms, g, rcond=None)[0]
        close = np.abs(terms @ fit - g).max() <= 1e-6 * np.abs(g).max()
        found.append(fit if close else np.full(3, np.nan))
    return found


def _ratio(ours: Array, theirs: Array) -> float | None:
    """Return the one factor between two lists of numbers, None if there is none."""
    factor = float(ours @ theirs / max(float(theirs @ theirs), 1e-300))
    return factor if np.abs(ours - factor * theirs).max() <= 1e-4 * np.abs(theirs).max() else None
