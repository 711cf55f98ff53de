"""Batch normalisation on the CPU: channels-last memory as rows of lanes.

forward    statistics: one read of x; then y = (x - mean) · scale + bias: one read, one write
backward   sums of dy and dy x̂: one read of x and dy; then dx: one read of both, one write
shapes     x (N, C) or (N, H, W, C), seen as rows × lanes; a lane row holds one or more pixels
threads    a thread owns chunks of rows; sums are kept per chunk and added in order
numerics   sums in float64 of x - shift, the shift being the first pixel: a large mean cancels

Versions
    v1  lanes: several pixels per row, so that few channels still fill the vector registers
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spec import Array, versions
from .jit import jit
from .layout import plain, to_nchw, to_nhwc
from .threads import chunks, run

Gradients = tuple[Array | None, Array | None, Array | None]
LANES = 64  # enough to fill the vector registers; more only if there are more channels
SMALLEST = 1 << 15  # elements per chunk


@jit
def _statistics(i: int, lo: int, hi: int, x: Array, shift: Array, sums: Array) -> None:
    """sums[i] = Σ d and Σ d² over rows lo:hi, per lane, with d = x - shift in float64."""
    first, second = sums[i, 0], sums[i, 1]
    for m in range(lo, hi):
        row = x[m]
        for j in range(row.size):
            d = row[j] - shift[j]
            first[j] += d
            second[j] += d * d


@jit
def _apply(
    i: int, lo: int, hi: int, x: Array, mean: Array, scale: Array, bias: Array, y: Array
) -> None:
    """y = (x - mean) · scale + bias."""
    for m in range(lo, hi):
        row, out = x[m], y[m]
        for j in range(row.size):
            out[j] = (row[j] - mean[j]) * scale[j] + bias[j]


@jit
def _backward_sums(i: int, lo: int, hi: int, dy: Array, x: Array, mean: Array, sums: Array) -> None:
    """sums[i] = Σ dy and Σ dy (x - mean) over rows lo:hi, per lane; mean is float64."""
    first, second = sums[i, 0], sums[i, 1]
    for m in range(lo, hi):
        d, row = dy[m], x[m]
        for j in range(row.size):
            first[j] += d[j]
            second[j] += d[j] * (row[j] - mean[j])


@jit
def _backward_apply(
    i: int,
    lo: int,
    hi: int,
    dy: Array,
    x: Array,
    mean: Array,
    scale: Array,
    constant: Array,
    slope: Array,
    dx: Array,
) -> None:
    """dx = scale · (dy - constant - (x - mean) · slope)."""
    for m in range(lo, hi):
        d, row, out = dy[m], x[m], dx[m]
        for j in range(row.size):
            out[j] = scale[j] * (d[j] - constant[j] - (row[j] - mean[j]) * slope[j])


def _pixels_per_row(pixels: int, c: int) -> int:
    """Return the largest power of two that divides `pixels` and keeps a row within LANES."""
    f = 1
    while pixels and pixels % (2 * f) == 0 and 2 * f * c <= LANES:
        f *= 2
    return f


def _lanes(x: Array) -> Array:
    """View x, channels-last, as (rows, lanes). Copies if memory is in another order."""
    c = x.shape[1]
    pixels = x.size // c
    per_row = _pixels_per_row(pixels, c)
    return (to_nhwc(x) if x.ndim == 4 else plain(x)).reshape(pixels // per_row, c * per_row)


def _image(values: Array, x: Array) -> Array:
    """Give (rows, lanes) the shape of x; memory stays channels-last."""
    if x.ndim == 2:
        return values.reshape(x.shape)
    n, c, h, w = x.shape
    return to_nchw(values.reshape(n, h, w, c))


def _tile(per_channel: Any, lanes: int, dtype: Any) -> Array:
    """Repeat the channels' values over a row of lanes."""
    values = np.asarray(per_channel, dtype)
    return values if len(values) == lanes else np.tile(values, lanes // len(values))


def _chunk_sums(loop: Any, rows: int, lanes: int, c: int, *args: Any) -> Array:
    """Run a summing loop over chunks of rows; return the totals per channel, (2, C) float64."""
    pieces = chunks(rows, SMALLEST // lanes + 1)
    sums = np.zeros((len(pieces), 2, lanes))
    run(loop, pieces, *args, sums)
    totals: Array = sums[0] if len(pieces) == 1 else sums.sum(axis=0)
    return totals if lanes == c else totals.reshape(2, lanes // c, c).sum(axis=1)


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
    c = x.shape[1]
    training = mean is None or var is None
    rows = _lanes(x)
    lanes = rows.shape[1]
    if mean is None or var is None:
        shift = rows[0, :c].astype(np.float64)
        totals = _chunk_sums(_statistics, len(rows), lanes, c, rows, _tile(shift, lanes, None))
        first, second = totals / (x.size // c)
        mean = (first + shift).astype(x.dtype)
        # below zero only by rounding; a NaN or infinity in x stays one
        variance = second - first * first
        var = np.where(variance < 0, 0, variance).astype(x.dtype)
    scale = 1 / np.sqrt(var.astype(np.float64) + eps)
    if weight is not None:
        scale = scale * weight
    offset = np.zeros(c) if bias is None else bias
    y = np.empty_like(rows)
    vectors = (_tile(v, lanes, x.dtype) for v in (mean, scale, offset))
    run(_apply, chunks(len(rows), SMALLEST // lanes + 1), rows, *vectors, y)
    return _image(y, x), x, weight, mean, var, eps, training


def batch_norm_backward_v1(
    dy: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    needs: tuple[bool, bool, bool] = (True, True, True),
) -> Gradients:
    """dx, dweight, dbias; None where not needed."""
    c, rows, dy_rows = x.shape[1], _lanes(x), _lanes(dy)
    lanes = rows.shape[1]
    rstd = 1 / np.sqrt(var.astype(np.float64) + eps)
    center = _tile(mean, lanes, np.float64)
    dbias, moment = _chunk_sums(_backward_sums, len(rows), lanes, c, dy_rows, rows, center)
    dweight = moment * rstd
    dx = None
    if needs[0]:
        scale = rstd if weight is None else rstd * weight
        dx_rows = np.empty_like(rows)
        pieces = chunks(len(rows), SMALLEST // lanes + 1)
        if training:
            m = x.size // c
            vectors = [
                _tile(v, lanes, x.dtype) for v in (mean, scale, dbias / m, rstd * dweight / m)
            ]
            run(_backward_apply, pieces, dy_rows, rows, *vectors, dx_rows)
        else:  # dx = (dy - 0) · scale + 0
            zero = np.zeros(lanes, x.dtype)
            run(_apply, pieces, dy_rows, zero, _tile(scale, lanes, x.dtype), zero, dx_rows)
        dx = _image(dx_rows, x)
    return (
        dx,
        dweight.astype(x.dtype) if needs[1] else None,
        dbias.astype(x.dtype) if needs[2] else None,
    )


VERSIONS = versions(__doc__, (batch_norm_forward_v1, batch_norm_backward_v1))
