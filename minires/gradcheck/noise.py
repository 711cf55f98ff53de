"""The rounding noise of a function, measured, and the scale on which its inputs may be moved.

Source: Moré and Wild, SIAM J. Sci. Comput. 33 (2011) 1292 (noise from difference tables).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..tensor import Array

EPS = float(np.finfo(np.float64).eps)
Value = Callable[[Sequence[Array]], Array | None]  # None: outside the domain, or on another branch


def noise(value: Value, y0: Array, arrays: Sequence[Array]) -> Array:
    """Return the rounding noise of each output, from differences of 7 equally spaced points.

    Differences of order m of a smooth function vanish like δᵐ; those of noise of deviation σ stay
    at σ sqrt((2m)!) / m!. What a kink within the points leaves shrinks with δ, and noise does not,
    so δ is cut until the estimate no longer falls; an output that did not change at all tells
    nothing, it may be a staircase of rounded values. The last digit is the least.
    """
    rng = np.random.default_rng(7)
    # No round numbers: sums and means of the moved values shall be rounded anew at each point.
    units = [rng.uniform(1, 3, a.shape) * rng.choice([-1, 1], a.shape) * scale(a) for a in arrays]
    least = np.asarray(EPS * np.abs(y0))
    found = np.full(y0.shape, np.inf)
    wanted = np.ones(y0.shape, bool)  # outputs whose estimate may still fall
    for fraction in (2.0**-18, 2.0**-24, 2.0**-30, 2.0**-42, 2.0**-12):
        if fraction == 2.0**-12:
            wanted = np.isinf(found)
        if not wanted.any():
            continue
        values = _window(value, arrays, [u * fraction for u in units])
        if values is None:
            continue
        estimate = _deviation(values)
        better = wanted & (values != values[0]).any(axis=0) & (estimate < found)
        fell = estimate < found / 8
        found = np.where(better, estimate, found)
        wanted &= fell & (found > 1e2 * least)
    return np.maximum(np.where(np.isfinite(found), found, 0), least)


def _window(value: Value, arrays: Sequence[Array], moves: Sequence[Array]) -> Array | None:
    """Return the outputs at 7 equally spaced points, or None if they lie on several branches."""
    moves = [_exact(m, a) for m, a in zip(moves, arrays, strict=True)]
    values = []
    for j in range(-3, 4):
        y = value([a + j * m for a, m in zip(arrays, moves, strict=True)])
        if y is None:
            return None
        values.append(y)
    return np.stack(values)


def _deviation(values: Array) -> Array:
    """Return σ per output from a table of differences; values (7, …)."""
    largest = np.zeros(values.shape[1:])
    for m in range(1, 7):
        values = np.diff(values, axis=0)
        if m >= 4:
            factor = math.factorial(m) ** 2 / math.factorial(2 * m)
            largest = np.maximum(largest, np.sqrt(factor * np.mean(values**2, axis=0)))
    return largest


def _exact(move: Array, a: Array) -> Array:
    """Round moves to multiples of the last digit of `a`, at least one, or to 34 bits."""
    digit = np.maximum(np.spacing(2 * np.abs(a)), 2.0 ** np.floor(np.log2(np.abs(move)) - 34))
    return np.asarray(np.sign(move) * np.maximum(np.round(np.abs(move) / digit), 1) * digit)


def scale(a: Array) -> Array:
    """Return the scale on which each element may be moved: min(|x|, spread of x), a power of 2."""
    if a.size == 0:
        return np.ones(a.shape)
    spread = spread_of(a)
    size = np.abs(a)
    size = np.where((size == 0) | (size > spread), spread, size)
    return np.asarray(2.0 ** np.round(np.log2(size)))


def spread_of(a: Array) -> float:
    """Return the deviation of the elements; their largest size if they are all equal, or 1."""
    largest = float(np.abs(a).max())
    spread = float(np.std(a))
    return (spread if spread > 16 * EPS * largest else largest) or 1.0
