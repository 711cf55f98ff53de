"""Global average pooling on the CPU, in channels-last memory.

forward    y[n,c] = Σ of the pixels / (H W);  x (N, H·W, C), y (N, C)
backward   dx = dy / (H W) for every pixel
threads    a thread owns whole images
bytes      x or dx once

Versions
    v1  loops over pixels, channels innermost; sums in float64
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..memory import empty
from ..spec import Array, versions
from .machine.layout import plain, to_nchw, to_nhwc
from .machine.loops import loop
from .machine.sums import add_sums
from .machine.threads import run

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@loop
def _forward(lo: int, hi: int, x: Array, y: Array) -> None:
    _, pixels, c_all = x.shape
    total = np.empty(c_all, np.float64)
    for n in range(lo, hi):
        total[:] = 0
        add_sums(x[n], total)
        y_n = y[n]
        for c in range(c_all):
            y_n[c] = total[c] / pixels


@loop
def _backward(lo: int, hi: int, dy: Array, dx: Array) -> None:
    _, pixels, c_all = dx.shape
    for n in range(lo, hi):
        share = dy[n] / dy.dtype.type(pixels)
        for m in range(pixels):
            dx_c = dx[n, m]
            for c in range(c_all):
                dx_c[c] = share[c]


def global_avg_pool2d_forward_v1(x: Array) -> tuple[Any, ...]:
    """Saved: the shape of x."""
    n, c, h, w = x.shape
    y = empty((n, c), x.dtype)
    few = SMALLEST // (c * h * w) + 1
    run(_forward, n, to_nhwc(x).reshape(n, h * w, c), y, smallest=few)
    return y.reshape(n, c, 1, 1), x.shape


def global_avg_pool2d_backward_v1(dy: Array, shape: tuple[int, ...]) -> Array:
    """Share dy equally."""
    n, c, h, w = shape
    dx = empty((n, h * w, c), dy.dtype)
    few = SMALLEST // (c * h * w) + 1
    run(_backward, n, plain(dy.reshape(n, c)), dx, smallest=few)
    return to_nchw(dx.reshape(n, h, w, c))


VERSIONS = versions(__doc__, (global_avg_pool2d_forward_v1, global_avg_pool2d_backward_v1))
