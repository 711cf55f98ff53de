"""Average pooling on the CPU, in channels-last memory.

forward    y = Σ of the window / its area;  x (N, H, W, C), y (N, P, Q, C), area (P, Q)
backward   dx += dy / area for every pixel of the window
threads    a thread owns whole images
bytes      x and y once

Versions
    v1  loops over windows and taps, channels innermost
"""

from __future__ import annotations

from typing import Any

from ..checks import Windows
from ..memory import empty, zeros
from ..reference.avg_pool2d import area
from ..spec import Array, versions
from .machine.jit import jit
from .machine.layout import to_nchw, to_nhwc
from .machine.threads import run

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@jit
def _forward(lo: int, hi: int, x: Array, geometry: tuple[int, ...], areas: Array, y: Array) -> None:
    r_all, s_all, sh, sw, ph, pw = geometry
    _, h_all, w_all, c_all = x.shape
    for n in range(lo, hi):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                total = y[n, p, q]
                total[:] = 0
                for row in range(max(0, p * sh - ph), min(h_all, p * sh - ph + r_all)):
                    for column in range(max(0, q * sw - pw), min(w_all, q * sw - pw + s_all)):
                        x_c = x[n, row, column]
                        for c in range(c_all):
                            total[c] += x_c[c]
                for c in range(c_all):
                    total[c] /= areas[p, q]


@jit
def _backward(
    lo: int, hi: int, dy: Array, geometry: tuple[int, ...], areas: Array, dx: Array
) -> None:
    r_all, s_all, sh, sw, ph, pw = geometry
    _, h_all, w_all, c_all = dx.shape
    for n in range(lo, hi):
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                d, share = dy[n, p, q], 1 / areas[p, q]
                for row in range(max(0, p * sh - ph), min(h_all, p * sh - ph + r_all)):
                    for column in range(max(0, q * sw - pw), min(w_all, q * sw - pw + s_all)):
                        dx_c = dx[n, row, column]
                        for c in range(c_all):
                            dx_c[c] += d[c] * share


def avg_pool2d_forward_v1(x: Array, *, win: Windows, count_include_pad: bool) -> tuple[Any, ...]:
    """Saved: the shape of x and the geometry."""
    n, c, h, w = x.shape
    y = empty((n, *win.output, c), x.dtype)
    areas = area(win, (h, w), count_include_pad).astype(x.dtype)
    geometry = (*win.size, *win.stride, *win.padding)
    few = SMALLEST // (c * h * w) + 1
    run(_forward, n, to_nhwc(x), geometry, areas, y, smallest=few)
    return to_nchw(y), x.shape, win, count_include_pad


def avg_pool2d_backward_v1(
    dy: Array, shape: tuple[int, ...], win: Windows, count_include_pad: bool
) -> Array:
    """Share each dy equally."""
    n, c, h, w = shape
    dx = zeros((n, h, w, c), dy.dtype)
    areas = area(win, (h, w), count_include_pad).astype(dy.dtype)
    geometry = (*win.size, *win.stride, *win.padding)
    few = SMALLEST // (c * h * w) + 1
    run(_backward, n, to_nhwc(dy), geometry, areas, dx, smallest=few)
    return to_nchw(dx)


VERSIONS = versions(__doc__, (avg_pool2d_forward_v1, avg_pool2d_backward_v1))
