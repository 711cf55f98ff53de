"""Batch normalisation on the CPU: channels-last memory as rows of lanes.

    y = (x - mean) · scale + bias                        scale = weight / √(var + eps)
    dx = scale · (dy - mean(dy) - (x - mean) · slope)    slope = mean(dy (x - mean)) / (var + eps)

forward    statistics: one read of x; then y: one read, one write
backward   sums of dy and dy (x - mean): one read of x and dy; then dx: one read of both, one write
shapes     x (N, C) or (N, H, W, C), seen as rows × lanes: a row holds one or more pixels, so that
           few channels fill the vector registers, and per-channel values are repeated along it
threads    a thread owns rows; sums are kept per part of the rows and added in order
numerics   sums of x - shift, the shift being the median of five pixels: a large mean cancels. They
           are kept in x's type over FOLD rows at a time and then added in float64: the loop
           vectorises, and the rounding of a sum does not grow with the number of rows

Versions
    v1  loops over rows of lanes, at memory speed
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..memory import empty_like
from ..spec import ALL, Array, Needs, versions
from .machine.jit import jit_in_order, jit_inner_in_order
from .machine.layout import LINE, plain, to_nchw, to_nhwc
from .machine.loops import loop_in_order
from .machine.simd import prefetch
from .machine.threads import parts, run

Gradients = tuple[Array | None, Array | None, Array | None]
LANES = 256  # elements of a row at most, if the channels are fewer
FOLD = 64  # rows
AHEAD = 4  # rows that are asked for before they are needed
SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


# ---- rows of lanes ------------------------------------------------------------------------------
def rows_of(x: Array) -> Array:
    """View x, channels-last, as (rows, lanes). Copies if memory is in another order."""
    c = x.shape[1]
    rows = to_nhwc(x) if x.ndim == 4 else plain(x)
    return rows.reshape(-1 if x.size else 0, row_lanes(x.size // c, c))


@lru_cache(1024)
def row_lanes(pixels: int, channels: int) -> int:
    """Return how many lanes a row has: those of as many pixels as fit and divide the pixels."""
    per_row = 1
    while pixels and pixels % (2 * per_row) == 0 and 2 * per_row * channels <= LANES:
        per_row *= 2
    return per_row * channels


def image_of(rows: Array, x: Array) -> Array:
    """Give (rows, lanes) the shape of x; memory stays channels-last."""
    if x.ndim == 2:
        return rows.reshape(x.shape)
    n, c, h, w = x.shape
    return to_nchw(rows.reshape(n, h, w, c))


def or_empty(a: Array | None, x: Array) -> Array:
    """Return an empty array for None: compiled loops take no None."""
    return np.empty(0, x.dtype) if a is None else plain(a)


def new_sums(rows: Array) -> Array:
    """Return zeros (parts, 2, lanes) for the sums over rows, cut by their size alone."""
    return np.zeros(_shape_of_sums(*rows.shape))


@lru_cache(1024)
def _shape_of_sums(rows: int, lanes: int) -> tuple[int, int, int]:
    return parts(rows, SMALLEST // lanes), 2, lanes


@jit_inner_in_order
def ask_for(m: int, x: Array) -> None:
    """Prefetch the row AHEAD of row m, which is read or written soon.

    The processor foresees a walk along memory only to the end of a page of 4 KiB.
    """
    for j in range(0, x.shape[1], LINE // x.itemsize):
        prefetch(x, (m + AHEAD) * x.shape[1] + j)


# ---- statistics and per-channel values ----------------------------------------------------------
@jit_inner_in_order
def fold(first: Array, second: Array, sums: Array) -> None:
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


@loop_in_order
def statistics(lo: int, hi: int, x: Array, shift: Array, sums: Array) -> None:
    """sums[part] = Σ d and Σ d² per lane, d = x - shift, for parts lo … hi - 1 of the rows."""
    count, _, lanes = sums.shape
    first, second = np.zeros(lanes, x.dtype), np.zeros(lanes, x.dtype)
    for part in range(lo, hi):
        for m in range(part * len(x) // count, (part + 1) * len(x) // count):
            ask_for(m, x)
            row = x[m]
            for j in range(lanes):
                d = row[j] - shift[j]
                first[j] += d
                second[j] += d * d
            if m % FOLD == 0:
                fold(first, second, sums[part])
        fold(first, second, sums[part])


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


def normaliser(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    eps: float,
) -> tuple[Array, Array, Array, Array]:
    """Return x as rows, vectors (3, lanes) of mean, scale and bias, and mean and variance (C,)."""
    rows = rows_of(x)  # (rows, lanes)
    c, lanes = x.shape[1], rows.shape[1]
    vectors, parameters = np.empty((3, lanes), x.dtype), (or_empty(weight, x), or_empty(bias, x))
    if mean is not None and var is not None:
        affine(plain(mean), plain(var), *parameters, eps, vectors)
        return rows, vectors, mean, var
    shift, sums = np.empty(lanes, x.dtype), new_sums(rows)
    typical(rows, shift, c)
    run(statistics, len(sums), rows, shift, sums)
    mean, var = np.empty((2, c), x.dtype)
    moments(sums, shift, x.size // c, mean, var, *parameters, eps, vectors)
    return rows, vectors, mean, var


# ---- forward ------------------------------------------------------------------------------------
@loop_in_order
def _apply(lo: int, hi: int, x: Array, vectors: Array, y: Array) -> None:
    """Write rows lo … hi - 1 of y; vectors (3, lanes) are mean, scale, bias."""
    mean, scale, bias = vectors[0], vectors[1], vectors[2]
    for m in range(lo, hi):
        row, out = x[m], y[m]
        for j in range(row.size):
            out[j] = (row[j] - mean[j]) * scale[j] + bias[j]


def batch_norm_forward_v1(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """Normalise. Saved: x, weight, the mean and variance used, eps, and the mode."""
    training = mean is None
    rows, vectors, mean, var = normaliser(x, weight, bias, mean, var, eps)
    y = empty_like(rows)
    run(_apply, len(rows), rows, vectors, y, smallest=SMALLEST // rows.shape[1] + 1)
    return image_of(y, x), x, weight, mean, var, eps, training


# ---- backward -----------------------------------------------------------------------------------
@loop_in_order
def _sums(lo: int, hi: int, dy: Array, x: Array, vectors: Array, sums: Array) -> None:
    """sums[part] = Σ dy and Σ dy (x - mean) per lane."""
    count, _, lanes = sums.shape
    mean = vectors[0]
    first, second = np.zeros(lanes, x.dtype), np.zeros(lanes, x.dtype)
    for part in range(lo, hi):
        for m in range(part * len(x) // count, (part + 1) * len(x) // count):
            d, row = dy[m], x[m]
            for j in range(lanes):
                first[j] += d[j]
                second[j] += d[j] * (row[j] - mean[j])
            if m % FOLD == 0:
                fold(first, second, sums[part])
        fold(first, second, sums[part])


@loop_in_order
def input_gradient(lo: int, hi: int, dy: Array, x: Array, vectors: Array, shares: Array, dx: Array,
                   training: bool) -> None:  # fmt: skip
    """dx = scale · (dy - constant - (x - mean) · slope), `shares` (2, lanes) being the two.

    In evaluation dx = scale · dy, whatever x is.
    """
    mean, scale = vectors[0], vectors[1]
    constant, slope = shares[0], shares[1]
    for m in range(lo, hi):
        d, row, out = dy[m], x[m], dx[m]
        if training:
            for j in range(row.size):
                out[j] = scale[j] * (d[j] - constant[j] - (row[j] - mean[j]) * slope[j])
        else:
            for j in range(row.size):
                out[j] = scale[j] * d[j]


@jit_in_order
def _gradients(sums: Array, var: Array, eps: float, count: int, dweight: Array, dbias: Array,
              vectors: Array) -> None:  # fmt: skip
    """Set dweight and dbias from `_sums`; vectors (2, lanes) = constant and slope."""
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


def parameter_gradients(
    sums: Array, var: Array, eps: float, x: Array, lanes: int
) -> tuple[Array, Array, Array]:
    """Return dweight, dbias (C,) and shares (2, lanes) from the sums."""
    c = x.shape[1]
    dweight, dbias = np.empty(c, x.dtype), np.empty(c, x.dtype)
    shares = np.empty((2, lanes), x.dtype)
    _gradients(sums, plain(var), eps, x.size // c, dweight, dbias, shares)
    return dweight, dbias, shares


def batch_norm_backward_v1(
    dy: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dweight, dbias; None where not needed."""
    rows, vectors, _, _ = normaliser(x, weight, None, mean, var, eps)
    dy_rows, sums = rows_of(dy), new_sums(rows)
    run(_sums, len(sums), dy_rows, rows, vectors, sums)
    dweight, dbias, shares = parameter_gradients(sums, var, eps, x, rows.shape[1])
    dx = None
    if needs[0]:
        dx_rows = empty_like(rows)
        args = (dy_rows, rows, vectors, shares, dx_rows, training)
        run(input_gradient, len(rows), *args, smallest=SMALLEST // rows.shape[1] + 1)
        dx = image_of(dx_rows, x)
    return dx, dweight if needs[1] else None, dbias if needs[2] else None


VERSIONS = versions(__doc__, (batch_norm_forward_v1, batch_norm_backward_v1))
