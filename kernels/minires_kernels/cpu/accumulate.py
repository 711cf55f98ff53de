"""The sum of two arrays of one shape, on all threads: where two gradients meet."""

from __future__ import annotations

import numpy as np

from ..memory import empty_like
from ..spec import Array
from .jit import jit
from .layout import flat, unflat
from .threads import run

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@jit
def _add(lo: int, hi: int, a: Array, b: Array, y: Array) -> None:
    a_part, b_part, y_part = a[lo:hi], b[lo:hi], y[lo:hi]
    for j in range(a_part.size):
        y_part[j] = a_part[j] + b_part[j]


def add(a: Array, b: Array, owned: bool) -> Array:
    """Return a + b, in the memory order of a; in its memory if it is `owned` by the caller."""
    if a.size < 1 << 12:
        return np.asarray(a + b)
    values = flat(a)
    total = values if owned and np.shares_memory(values, a) else empty_like(values)
    run(_add, a.size, values, flat(b, a), total, smallest=SMALLEST)
    return unflat(total, a)
