"""Maximum pooling on the CPU, in channels-last memory.

forward    compare the taps of each window, a register of channels at a time, the maximum and its
           place in registers;  x (N, H, W, C), y (N, P, Q, C)
backward   each pixel takes in dy of the windows that it won
threads    a thread owns whole images
bytes      x and y once, and one index per element of y, as wide as that

Versions
    v1  loops over windows and taps, each in registers of channels
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import Windows
from ..memory import empty
from ..spec import Array, versions
from .machine.layout import to_nchw, to_nhwc
from .machine.loops import loop
from .machine.simd import fill, lanes, larger, load, store, where_equal
from .machine.threads import run
from .machine.windows import covering, inside

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves
INDEX = {4: np.int32, 8: np.int64}  # by the size of an element: as many to a register


@loop
def _forward(
    lo: int, hi: int, x: Array, geometry: tuple[int, ...], y: Array, winner: Array
) -> None:
    r_all, s_all, sh, sw, ph, pw, dh, dw = geometry
    _, h_all, w_all, c_all = x.shape
    values, maxima, winners = x.reshape(-1), y.reshape(-1), winner.reshape(-1)
    whole = c_all - c_all % lanes(maxima)
    for n in range(lo, hi):
        image = n * h_all * w_all
        for p in range(y.shape[1]):
            top = p * sh - ph
            r_first, r_last = inside(top, dh, r_all, h_all)
            for q in range(y.shape[2]):
                left = q * sw - pw
                s_first, s_last = inside(left, dw, s_all, w_all)
                first = (top + r_first * dh) * w_all + left + s_first * dw
                out = ((n * y.shape[1] + p) * y.shape[2] + q) * c_all
                for c in range(0, whole, lanes(maxima)):
                    best = load(values, (image + first) * c_all + c)
                    index = fill(winners, first)
                    for r in range(r_first, r_last):
                        for s in range(s_first, s_last):
                            here = (top + r * dh) * w_all + left + s * dw
                            v = load(values, (image + here) * c_all + c)
                            best, index = larger(v, here, best, index)
                    store(maxima, out + c, best)
                    store(winners, out + c, index)
                for c in range(whole, c_all):
                    most, place = values[(image + first) * c_all + c], first
                    for r in range(r_first, r_last):
                        for s in range(s_first, s_last):
                            here = (top + r * dh) * w_all + left + s * dw
                            v = values[(image + here) * c_all + c]
                            if v > most or (v != v and most == most):  # NaN wins once
                                most, place = v, here
                    maxima[out + c] = most
                    winners[out + c] = place


@loop
def _backward(
    lo: int, hi: int, dy: Array, winner: Array, geometry: tuple[int, ...], dx: Array
) -> None:
    r_all, s_all, sh, sw, ph, pw, dh, dw = geometry
    _, h_all, w_all, c_all = dx.shape
    _, p_all, q_all, _ = dy.shape
    given, winners, result = dy.reshape(-1), winner.reshape(-1), dx.reshape(-1)
    whole = c_all - c_all % lanes(result)
    rows = covering(h_all, (r_all - 1) * dh + 1, sh, ph, p_all)
    columns = covering(w_all, (s_all - 1) * dw + 1, sw, pw, q_all)
    for n in range(lo, hi):
        for h in range(h_all):
            for w in range(w_all):
                here = h * w_all + w
                out = (n * h_all * w_all + here) * c_all
                for c in range(0, whole, lanes(result)):
                    total = fill(result, 0)
                    for p in range(rows[h, 0], rows[h, 1]):
                        for q in range(columns[w, 0], columns[w, 1]):
                            i = ((n * p_all + p) * q_all + q) * c_all + c
                            total = total + where_equal(load(winners, i), here, load(given, i))
                    store(result, out + c, total)
                for c in range(whole, c_all):
                    number = given.dtype.type(0)
                    for p in range(rows[h, 0], rows[h, 1]):
                        for q in range(columns[w, 0], columns[w, 1]):
                            i = ((n * p_all + p) * q_all + q) * c_all + c
                            if winners[i] == here:
                                number += given[i]
                    result[out + c] = number


def _geometry(win: Windows) -> tuple[int, ...]:
    return (*win.size, *win.stride, *win.padding, *win.dilation)


def max_pool2d_forward_v1(x: Array, *, win: Windows) -> tuple[Any, ...]:
    """Saved: the winners' indices (N, C, P, Q), the shape of x, and the geometry."""
    n, c, h, w = x.shape
    y = empty((n, *win.output, c), x.dtype)
    winner = empty(y.shape, INDEX[x.itemsize])
    few = SMALLEST // (c * h * w) + 1
    run(_forward, n, to_nhwc(x), _geometry(win), y, winner, smallest=few)
    return to_nchw(y), to_nchw(winner), x.shape, win


def max_pool2d_backward_v1(dy: Array, winner: Array, shape: tuple[int, ...], win: Windows) -> Array:
    """A pixel's gradients are added in row-major order of its windows."""
    n, c, h, w = shape
    dx = empty((n, h, w, c), dy.dtype)
    index = to_nhwc(winner.astype(INDEX[dy.itemsize], copy=False))
    few = SMALLEST // (c * h * w) + 1
    run(_backward, n, to_nhwc(dy), index, _geometry(win), dx, smallest=few)
    return to_nchw(dx)


VERSIONS = versions(__doc__, (max_pool2d_forward_v1, max_pool2d_backward_v1))
