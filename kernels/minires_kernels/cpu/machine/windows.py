"""Sliding windows along one axis, for the compiled loops of pooling."""

from __future__ import annotations

import numpy as np

from ...spec import Array
from .jit import jit_inner


@jit_inner
def inside(start: int, step: int, size: int, limit: int) -> tuple[int, int]:
    """Return the first tap i, and the one after the last, with start + i · step in range(limit)."""
    first, last = 0, size
    if start < 0:
        first = -(start // step)
    if start + (size - 1) * step >= limit:
        last = (limit - 1 - start) // step + 1
    return first, last


@jit_inner
def covering(pixels: int, reach: int, stride: int, padding: int, count: int) -> Array:
    """Return the first window over each pixel, and the one after the last: (pixels, 2).

    Window p of `count` reaches over the pixels from p · stride - padding on.
    """
    found = np.empty((pixels, 2), np.intp)
    for i in range(pixels):
        found[i, 0] = max(0, (i + padding - reach) // stride + 1)
        found[i, 1] = min(count, (i + padding) // stride + 1)
    return found
