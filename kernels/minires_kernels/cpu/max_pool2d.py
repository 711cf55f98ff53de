"""Maximum pooling on the CPU, in channels-last memory.

forward    compare the taps of each window, channel by channel; x (N, H, W, C), y (N, P, Q, C)
backward   add each dy to its winner's dx
threads    a thread owns whole images
bytes      x and y once, and one index per element of y

Versions
    v1  loops over windows and taps, channels innermost
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import Windows
from ..memory import empty, zeros
from ..spec import Array, versions
from .machine.jit import jit
from .machine.layout import to_nchw, to_nhwc
from .machine.threads import run

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@jit
def _forward(
    lo: int, hi: int, x: Array, geometry: tuple[int, ...], y: Array, winner: Array
) -> None:
    r_all, s_all, sh, sw, ph, pw, dh, dw = geometry
    _, h_all, w_all, c_all = x.shape
    for n in range(lo, hi):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                best, index = y[n, p, q], winner[n, p, q]
                index[:] = -1
                for r in range(r_all):
                    for s in range(s_all):
                        row, column = p * sh + r * dh - ph, q * sw + s * dw - pw
                        if 0 <= row < h_all and 0 <= column < w_all:
                            x_c, here = x[n, row, column], row * w_all + column
                            for c in range(c_all):
                                v, b = x_c[c], best[c]
                                if index[c] < 0 or v > b or (v != v and b == b):  # NaN wins once
                                    best[c] = v
                                    index[c] = here


@jit
def _backward(lo: int, hi: int, dy: Array, winner: Array, dx: Array) -> None:
    for n in range(lo, hi):
        dx_n = dx[n]  # (H·W, C)
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                d, index = dy[n, p, q], winner[n, p, q]
                for c in range(d.size):
                    dx_n[index[c], c] += d[c]


def max_pool2d_forward_v1(x: Array, *, win: Windows) -> tuple[Any, ...]:
    """Saved: the winners' indices (N, C, P, Q), the shape of x, and the geometry."""
    n, c, h, w = x.shape
    y = empty((n, *win.output, c), x.dtype)
    winner = empty(y.shape, np.intp)
    geometry = (*win.size, *win.stride, *win.padding, *win.dilation)
    few = SMALLEST // (c * h * w) + 1
    run(_forward, n, to_nhwc(x), geometry, y, winner, smallest=few)
    return to_nchw(y), to_nchw(winner), x.shape, win


def max_pool2d_backward_v1(dy: Array, winner: Array, shape: tuple[int, ...], win: Windows) -> Array:
    """Each image's dy is added to its dx in row-major order of the windows."""
    n, c, h, w = shape
    dx = zeros((n, h * w, c), dy.dtype)
    few = SMALLEST // (c * h * w) + 1
    run(_backward, n, to_nhwc(dy), to_nhwc(winner), dx, smallest=few)
    return to_nchw(dx.reshape(n, h, w, c))


VERSIONS = versions(__doc__, (max_pool2d_forward_v1, max_pool2d_backward_v1))
