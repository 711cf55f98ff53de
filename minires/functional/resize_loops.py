"""The loops of `resize.py` on channels-last memory, compiled: x (N, H, W, C), y (N, H', W', C).

Each thread resizes images of its own, a line of pixels at a time: first the mixture of two rows,
which stays in the cache, then of neighbours along it. Sums are those of `Line.taken`, in its order,
each rounded by itself: the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels.cpu.machine.layout import to_nchw, to_nhwc
from minires_kernels.cpu.machine.loops import loop_exact
from minires_kernels.cpu.machine.threads import run
from minires_kernels.memory import empty

from ..tensor import Array

SMALLEST = 1 << 15  # elements of y: below that a thread costs more than it saves


@loop_exact
def _mixed(
    begin: int, end: int, x: Array, lo: Array, hi: Array, t: Array,
    left: Array, right: Array, s: Array, y: Array,
) -> None:  # fmt: skip
    one = x.dtype.type(1)
    line = np.empty(x.shape[2:], x.dtype)  # (W, C)
    mixture = line.reshape(-1)
    for n in range(begin, end):
        for i in range(lo.size):
            above, below = x[n, lo[i]].reshape(-1), x[n, hi[i]].reshape(-1)
            u, v = one - t[i], t[i]
            for k in range(mixture.size):
                mixture[k] = above[k] * u + below[k] * v
            for j in range(left.size):
                a, b, out, u, v = line[left[j]], line[right[j]], y[n, i, j], one - s[j], s[j]
                for c in range(out.size):
                    out[c] = a[c] * u + b[c] * v


@loop_exact
def _spread(
    begin: int, end: int, dy: Array, lo: Array, hi: Array, t: Array,
    left: Array, right: Array, s: Array, dx: Array,
) -> None:  # fmt: skip
    one = dy.dtype.type(1)
    line = np.empty(dx.shape[2:], dx.dtype)  # (W, C)
    mixture = line.reshape(-1)
    for n in range(begin, end):
        dx[n] = 0
        for i in range(lo.size):
            mixture[:] = 0
            for j in range(left.size):
                given, a, b, u, v = dy[n, i, j], line[left[j]], line[right[j]], one - s[j], s[j]
                for c in range(given.size):
                    a[c] += given[c] * u
                    b[c] += given[c] * v  # at the end b is a
            above, below = dx[n, lo[i]].reshape(-1), dx[n, hi[i]].reshape(-1)
            u, v = one - t[i], t[i]
            for k in range(mixture.size):
                above[k] += mixture[k] * u
                below[k] += mixture[k] * v


@loop_exact
def _copied(begin: int, end: int, x: Array, rows: Array, columns: Array, y: Array) -> None:
    for n in range(begin, end):
        for i in range(rows.size):
            if i > 0 and rows[i] == rows[i - 1]:
                y[n, i] = y[n, i - 1]
                continue
            line = x[n, rows[i]]
            for j in range(columns.size):
                pixel, out = line[columns[j]], y[n, i, j]
                for c in range(out.size):
                    out[c] = pixel[c]


@loop_exact
def _gathered(begin: int, end: int, dy: Array, rows: Array, columns: Array, dx: Array) -> None:
    for n in range(begin, end):
        dx[n] = 0
        for i in range(rows.size):
            line = dx[n, rows[i]]
            for j in range(columns.size):
                pixel, given = line[columns[j]], dy[n, i, j]
                for c in range(given.size):
                    pixel[c] += given[c]


def resized(x: Array, rows: Any, columns: Any) -> Array:
    """y = A x Bᵀ for each image, `rows` and `columns` being the `Line`s of A and B."""
    n, c = x.shape[:2]
    y = empty((n, len(rows.lo), len(columns.lo), c), x.dtype)
    _run(_copied if rows.t is None else _mixed, to_nhwc(x), rows, columns, y, y)
    return to_nchw(y)


def gradient(dy: Array, h: int, w: int, rows: Any, columns: Any) -> Array:
    """dx = Aᵀ dy B (N, C, H, W)."""
    n, c = dy.shape[:2]
    dx = empty((n, h, w, c), dy.dtype)
    _run(_gathered if rows.t is None else _spread, to_nhwc(dy), rows, columns, dx, dy)
    return to_nchw(dx)


def _run(loop: Any, source: Array, rows: Any, columns: Any, result: Array, larger: Array) -> None:
    if rows.t is None:
        places: tuple[Array, ...] = rows.lo, columns.lo
    else:
        dtype = source.dtype
        places = *rows[:2], rows.t.astype(dtype), *columns[:2], columns.t.astype(dtype)
    few = SMALLEST // max(1, larger[:1].size) + 1
    run(loop, len(source), source, *places, result, smallest=few)
