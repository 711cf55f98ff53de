"""Sums over pixels, channel by channel."""

from __future__ import annotations

from ...spec import Array
from .jit import jit_inner


@jit_inner
def add_sums(x: Array, sums: Array) -> None:
    """Add to sums (C,), in float64, those of x (pixels, C).

    Four pixels are first added to each other, which costs less than four conversions to float64.
    """
    whole = len(x) - len(x) % 4
    for i in range(0, whole, 4):
        p, q, r, s = x[i], x[i + 1], x[i + 2], x[i + 3]
        for j in range(sums.size):
            sums[j] += (p[j] + q[j]) + (r[j] + s[j])
    for i in range(whole, len(x)):
        p = x[i]
        for j in range(sums.size):
            sums[j] += p[j]
