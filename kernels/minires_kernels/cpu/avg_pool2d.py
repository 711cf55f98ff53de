"""Average pooling on the CPU, in channels-last memory.

forward    y = Σ of the window / its area;  x (N, H, W, C), y (N, P, Q, C), area (P, Q)
backward   dx = Σ dy / area over the windows that cover the pixel
threads    a thread owns whole images
bytes      x and y once

Versions
    v1  loops over windows and taps, each sum in a register of channels
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..checks import Windows
from ..memory import empty
from ..reference.avg_pool2d import area
from ..spec import Array, versions
from .machine.layout import to_nchw, to_nhwc
from .machine.loops import loop
from .machine.simd import fill, lanes, load, store
from .machine.threads import run
from .machine.windows import covering, inside

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@loop
def _forward(lo: int, hi: int, x: Array, geometry: tuple[int, ...], areas: Array, y: Array) -> None:
    r_all, s_all, sh, sw, ph, pw = geometry
    _, h_all, w_all, c_all = x.shape
    values, means = x.reshape(-1), y.reshape(-1)
    whole = c_all - c_all % lanes(means)
    for n in range(lo, hi):
        for p in range(y.shape[1]):
            top = p * sh - ph
            r_first, r_last = inside(top, 1, r_all, h_all)
            for q in range(y.shape[2]):
                left = q * sw - pw
                s_first, s_last = inside(left, 1, s_all, w_all)
                out = ((n * y.shape[1] + p) * y.shape[2] + q) * c_all
                for c in range(0, whole, lanes(means)):
                    total = fill(means, 0)
                    for r in range(r_first, r_last):
                        for s in range(s_first, s_last):
                            i = ((n * h_all + top + r) * w_all + left + s) * c_all + c
                            total = total + load(values, i)
                    store(means, out + c, total / areas[p, q])
                for c in range(whole, c_all):
                    number = values.dtype.type(0)
                    for r in range(r_first, r_last):
                        for s in range(s_first, s_last):
                            number += values[((n * h_all + top + r) * w_all + left + s) * c_all + c]
                    means[out + c] = number / areas[p, q]


@loop
def _backward(
    lo: int, hi: int, dy: Array, geometry: tuple[int, ...], areas: Array, dx: Array
) -> None:
    r_all, s_all, sh, sw, ph, pw = geometry
    _, h_all, w_all, c_all = dx.shape
    _, p_all, q_all, _ = dy.shape
    given, result = dy.reshape(-1), dx.reshape(-1)
    whole = c_all - c_all % lanes(result)
    rows, columns = covering(h_all, r_all, sh, ph, p_all), covering(w_all, s_all, sw, pw, q_all)
    for n in range(lo, hi):
        for h in range(h_all):
            for w in range(w_all):
                out = ((n * h_all + h) * w_all + w) * c_all
                for c in range(0, whole, lanes(result)):
                    total = fill(result, 0)
                    for p in range(rows[h, 0], rows[h, 1]):
                        for q in range(columns[w, 0], columns[w, 1]):
                            i = ((n * p_all + p) * q_all + q) * c_all + c
                            total = total + load(given, i) / areas[p, q]
                    store(result, out + c, total)
                for c in range(whole, c_all):
                    number = given.dtype.type(0)
                    for p in range(rows[h, 0], rows[h, 1]):
                        for q in range(columns[w, 0], columns[w, 1]):
                            i = ((n * p_all + p) * q_all + q) * c_all + c
                            number += given[i] / areas[p, q]
                    result[out + c] = number


@lru_cache(64)
def _areas(
    win: Windows, image: tuple[int, int], count_include_pad: bool, dtype: np.dtype[Any]
) -> Array:
    return area(win, image, count_include_pad).astype(dtype)


def avg_pool2d_forward_v1(x: Array, *, win: Windows, count_include_pad: bool) -> tuple[Any, ...]:
    """Saved: the shape of x and the geometry."""
    n, c, h, w = x.shape
    y = empty((n, *win.output, c), x.dtype)
    areas = _areas(win, (h, w), count_include_pad, x.dtype)
    geometry = (*win.size, *win.stride, *win.padding)
    few = SMALLEST // (c * h * w) + 1
    run(_forward, n, to_nhwc(x), geometry, areas, y, smallest=few)
    return to_nchw(y), x.shape, win, count_include_pad


def avg_pool2d_backward_v1(
    dy: Array, shape: tuple[int, ...], win: Windows, count_include_pad: bool
) -> Array:
    """Share each dy equally."""
    n, c, h, w = shape
    dx = empty((n, h, w, c), dy.dtype)
    areas = _areas(win, (h, w), count_include_pad, dy.dtype)
    geometry = (*win.size, *win.stride, *win.padding)
    few = SMALLEST // (c * h * w) + 1
    run(_backward, n, to_nhwc(dy), geometry, areas, dx, smallest=few)
    return to_nchw(dx)


VERSIONS = versions(__doc__, (avg_pool2d_forward_v1, avg_pool2d_backward_v1))
