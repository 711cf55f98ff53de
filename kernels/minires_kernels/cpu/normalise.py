"""The loops of batch normalisation, with an addition and a ReLU in the same pass where wanted.

Arrays are seen as rows × lanes: a row holds one or more pixels, so that few channels still fill the
vector registers, and per-channel values are repeated along it.

    z = (x - mean) · scale + bias [+ residual]        y = z, or max(z, 0)
    g = dy, or dy where z > 0                         dresidual = g
    dx = scale · (g - mean(g) - (x - mean) · slope)

`mode` is one of PLAIN, RELU (after z) and ADD_RELU (of z + residual). Sums are kept in x's type over
FOLD rows at a time and then added in float64: the loop vectorises, and the rounding of a sum does
not grow with the number of rows. The order of operations is kept, so that a fused pass and its
parts one after another give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spec import Array
from .jit import jit_in_order
from .layout import plain, to_nchw, to_nhwc
from .threads import parts, run

PLAIN, RELU, ADD_RELU = 0, 1, 2
LANES = 512  # elements of a row at most, if the channels are fewer
FOLD = 64  # rows
SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@jit_in_order
def _fold(first: Array, second: Array, sums: Array) -> None:
    """Add two rows of sums to sums (2, lanes) in float64, and clear them."""
    for j in range(first.size):
        sums[0, j] += first[j]
        sums[1, j] += second[j]
        first[j] = 0
        second[j] = 0


@jit_in_order
def statistics(lo: int, hi: int, x: Array, shift: Array, sums: Array) -> None:
    """sums[part] = Σ d and Σ d² per lane, d = x - shift, for parts lo … hi - 1 of the rows."""
    count, _, lanes = sums.shape
    first, second = np.zeros(lanes, x.dtype), np.zeros(lanes, x.dtype)
    for part in range(lo, hi):
        for m in range(part * len(x) // count, (part + 1) * len(x) // count):
            row = x[m]
            for j in range(lanes):
                d = row[j] - shift[j]
                first[j] += d
                second[j] += d * d
            if m % FOLD == 0:
                _fold(first, second, sums[part])
        _fold(first, second, sums[part])


@jit_in_order
def apply(lo: int, hi: int, x: Array, mean: Array, scale: Array, bias: Array, residual: Array,
          y: Array, mode: int) -> None:  # fmt: skip
    """Write rows lo … hi - 1 of y."""
    zero = x.dtype.type(0)
    for m in range(lo, hi):
        row, out = x[m], y[m]
        if mode == PLAIN:
            for j in range(row.size):
                out[j] = (row[j] - mean[j]) * scale[j] + bias[j]
        elif mode == RELU:
            for j in range(row.size):
                z = (row[j] - mean[j]) * scale[j] + bias[j]
                out[j] = zero if z < zero else z  # NaN < 0 is false: a NaN stays
        else:
            other = residual[m]
            for j in range(row.size):
                z = (row[j] - mean[j]) * scale[j] + bias[j] + other[j]
                out[j] = zero if z < zero else z


@jit_in_order
def backward_sums(lo: int, hi: int, dy: Array, x: Array, mean: Array, scale: Array, bias: Array,
                  y: Array, g: Array, sums: Array, mode: int) -> None:  # fmt: skip
    """sums[part] = Σ g and Σ g (x - mean) per lane; ADD_RELU also writes g, the residual's gradient.

    RELU finds where z > 0 from x, because reading y would cost more than computing z.
    """
    count, _, lanes = sums.shape
    zero = x.dtype.type(0)
    first, second = np.zeros(lanes, x.dtype), np.zeros(lanes, x.dtype)
    for part in range(lo, hi):
        for m in range(part * len(x) // count, (part + 1) * len(x) // count):
            d, row = dy[m], x[m]
            if mode == PLAIN:
                for j in range(lanes):
                    first[j] += d[j]
                    second[j] += d[j] * (row[j] - mean[j])
            elif mode == RELU:
                for j in range(lanes):
                    c = row[j] - mean[j]
                    gj = zero if c * scale[j] + bias[j] <= zero else d[j]
                    first[j] += gj
                    second[j] += gj * c
            else:
                open_, out = y[m], g[m]
                for j in range(lanes):
                    gj = zero if open_[j] <= zero else d[j]
                    out[j] = gj
                    first[j] += gj
                    second[j] += gj * (row[j] - mean[j])
            if m % FOLD == 0:
                _fold(first, second, sums[part])
        _fold(first, second, sums[part])


@jit_in_order
def backward_apply(lo: int, hi: int, dy: Array, x: Array, mean: Array, scale: Array, bias: Array,
                   constant: Array, slope: Array, dx: Array, mode: int) -> None:  # fmt: skip
    """dx = scale · (g - constant - (x - mean) · slope); `dy` is g already unless the mode is RELU."""
    zero = x.dtype.type(0)
    for m in range(lo, hi):
        d, row, out = dy[m], x[m], dx[m]
        if mode == RELU:
            for j in range(row.size):
                c = row[j] - mean[j]
                g = zero if c * scale[j] + bias[j] <= zero else d[j]
                out[j] = scale[j] * (g - constant[j] - c * slope[j])
        else:
            for j in range(row.size):
                out[j] = scale[j] * (d[j] - constant[j] - (row[j] - mean[j]) * slope[j])


def rows_of(x: Array) -> Array:
    """View x, channels-last, as (rows, lanes). Copies if memory is in another order."""
    c = x.shape[1]
    pixels = x.size // c
    per_row = 1
    while pixels and pixels % (2 * per_row) == 0 and 2 * per_row * c <= LANES:
        per_row *= 2
    return (to_nhwc(x) if x.ndim == 4 else plain(x)).reshape(pixels // per_row, c * per_row)


def image_of(rows: Array, x: Array) -> Array:
    """Give (rows, lanes) the shape of x; memory stays channels-last."""
    if x.ndim == 2:
        return rows.reshape(x.shape)
    n, c, h, w = x.shape
    return to_nchw(rows.reshape(n, h, w, c))


def repeated(per_channel: Any, lanes: int, dtype: Any) -> Array:
    """Repeat the channels' values over a row of lanes."""
    values = np.asarray(per_channel, dtype)
    return values if len(values) == lanes else np.tile(values, lanes // len(values))


def channel_sums(loop: Any, rows: Array, c: int, *args: Any) -> Array:
    """Run a summing loop, `loop(lo, hi, *before, sums, *after)`, over parts of the rows.

    `args` has None where `sums` belongs. Returns the totals per channel, (2, C) in float64.
    """
    lanes = rows.shape[1]
    count = parts(len(rows), SMALLEST // lanes + 1)
    sums = np.zeros((count, 2, lanes))
    run(loop, count, *(sums if a is None else a for a in args))
    totals: Array = sums[0] if count == 1 else sums.sum(axis=0)
    return totals if lanes == c else totals.reshape(2, lanes // c, c).sum(axis=1)
