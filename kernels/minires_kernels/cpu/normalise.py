"""The loops of batch normalisation, with an addition and a ReLU in the same pass where wanted.

Arrays are seen as rows × lanes: a row holds one or more pixels, so that few channels still fill the
vector registers, and per-channel values are repeated along it.

    z = (x - mean) · scale + bias [+ residual]        y = z, or max(z, 0)
    g = dy, or dy where z > 0                         dresidual = g
    dx = scale · (g - mean(g) - (x - mean) · slope)

`mode` is one of PLAIN, RELU (after z) and ADD_RELU (of z + residual). Sums are kept in x's type
over FOLD rows at a time and then added in float64: the loop vectorises, and the rounding of a sum
does not grow with the number of rows. The order of operations is kept, so that a fused pass and its
parts one after another give the same bits.
"""

from __future__ import annotations

import numpy as np

from ..spec import Array
from .machine.jit import jit_in_order
from .machine.layout import plain, to_nchw, to_nhwc
from .machine.threads import parts

PLAIN, RELU, ADD_RELU = 0, 1, 2
LANES = 256  # elements of a row at most, if the channels are fewer
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
def typical(x: Array, shift: Array, channels: int) -> None:
    """shift (lanes,) = per channel the median of five values: near the mean, and no outlier.

    Sums of x - shift then lose no digits to a large mean. 0 where the median is not finite.
    """
    values = np.empty(5, x.dtype)
    for c in range(channels):
        for i in range(5):
            v = x[i * (len(x) - 1) // 4, c]
            j = i
            while j > 0 and values[j - 1] > v:  # insert into the sorted ones before
                values[j] = values[j - 1]
                j -= 1
            values[j] = v
        middle = values[2] if np.isfinite(values[2]) else x.dtype.type(0)
        for j in range(c, shift.size, channels):
            shift[j] = middle


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
def apply(lo: int, hi: int, x: Array, vectors: Array, residual: Array, y: Array, mode: int) -> None:
    """Write rows lo … hi - 1 of y; vectors (3, lanes) are mean, scale, bias."""
    mean, scale, bias = vectors[0], vectors[1], vectors[2]
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
def backward_sums(lo: int, hi: int, dy: Array, x: Array, vectors: Array, y: Array, g: Array,
                  sums: Array, mode: int) -> None:  # fmt: skip
    """sums[part] = Σ g and Σ g (x - mean) per lane; ADD_RELU also writes g.

    RELU finds where z > 0 from x, because reading y would cost more than computing z.
    """
    count, _, lanes = sums.shape
    mean, scale, bias = vectors[0], vectors[1], vectors[2]
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
def backward_apply(lo: int, hi: int, dy: Array, x: Array, vectors: Array, shares: Array,
                   dx: Array, mode: int, training: bool) -> None:  # fmt: skip
    """dx = scale · (g - constant - (x - mean) · slope), `shares` (2, lanes) being the two.

    `dy` is g already unless the mode is RELU. In evaluation dx = scale · g, whatever x is.
    """
    mean, scale, bias = vectors[0], vectors[1], vectors[2]
    constant, slope = shares[0], shares[1]
    zero = x.dtype.type(0)
    for m in range(lo, hi):
        d, row, out = dy[m], x[m], dx[m]
        if not training and mode == RELU:
            for j in range(row.size):
                z = (row[j] - mean[j]) * scale[j] + bias[j]
                out[j] = zero if z <= zero else scale[j] * d[j]
        elif not training:
            for j in range(row.size):
                out[j] = scale[j] * d[j]
        elif mode == RELU:
            for j in range(row.size):
                c = row[j] - mean[j]
                g = zero if c * scale[j] + bias[j] <= zero else d[j]
                out[j] = scale[j] * (g - constant[j] - c * slope[j])
        else:
            for j in range(row.size):
                out[j] = scale[j] * (d[j] - constant[j] - (row[j] - mean[j]) * slope[j])


@jit_in_order
def affine(mean: Array, var: Array, weight: Array, bias: Array, eps: float, vectors: Array) -> None:
    """vectors (3, lanes) = mean, scale and bias, repeated; weight and bias may be empty."""
    channels = mean.size
    for c in range(channels):
        scale = 1 / np.sqrt(np.float64(var[c]) + eps)
        if weight.size:
            scale *= weight[c]
        for j in range(c, vectors.shape[1], channels):
            vectors[0, j] = mean[c]
            vectors[1, j] = scale
            vectors[2, j] = bias[c] if bias.size else 0


@jit_in_order
def moments(sums: Array, shift: Array, count: int, mean: Array, var: Array, weight: Array,
            bias: Array, eps: float, vectors: Array) -> None:  # fmt: skip
    """Set mean, (biased) var and `affine`'s vectors from `statistics` of `count` values each."""
    parts_all, _, lanes = sums.shape
    channels = mean.size
    for c in range(channels):
        first, second = 0.0, 0.0
        for part in range(parts_all):
            for j in range(c, lanes, channels):
                first += sums[part, 0, j]
                second += sums[part, 1, j]
        first, second = first / count, second / count
        mean[c] = first + shift[c]
        v = second - first * first
        var[c] = 0 if v < 0 else v  # below zero only by rounding; NaN and infinity stay
    affine(mean, var, weight, bias, eps, vectors)


@jit_in_order
def gradients(sums: Array, var: Array, eps: float, count: int, dweight: Array, dbias: Array,
              vectors: Array) -> None:  # fmt: skip
    """Set dweight and dbias from the `backward_sums`; vectors (2, lanes) = constant and slope."""
    parts_all, _, lanes = sums.shape
    channels = var.size
    for c in range(channels):
        first, second = 0.0, 0.0
        for part in range(parts_all):
            for j in range(c, lanes, channels):
                first += sums[part, 0, j]
                second += sums[part, 1, j]
        rstd = 1 / np.sqrt(np.float64(var[c]) + eps)
        dbias[c] = first
        dweight[c] = second * rstd
        for j in range(c, lanes, channels):
            vectors[0, j] = first / count
            vectors[1, j] = second * rstd * rstd / count


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


def new_sums(rows: Array) -> Array:
    """Return zeros (parts, 2, lanes) for the sums over rows, cut by their size alone."""
    return np.zeros((parts(len(rows), SMALLEST // rows.shape[1] + 1), 2, rows.shape[1]))
