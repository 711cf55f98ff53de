"""Group normalisation on the CPU: sample by sample, which stays in the cache between its passes.

forward    y = (x - mean) · scale + bias,  scale = weight · inverse
backward   dx = scale · dy - a - (x - mean) · b, a and b from the group's sums of weight · dy and
           weight · dy · x̂
shapes     x (N, C) or (N, H, W, C), seen as (N, pixels, C); sums are kept for each channel, so that
           the loops run along memory, and then added up over the channels of a group
threads    a thread owns samples; those of dweight and dbias are cut into at most 64 parts, whatever
           the number of threads, and the parts are added in order
numerics   sums in float64; forward first adds four pixels to each other, which costs less than four
           conversions, and no digit of a mean

Versions
    v1  loops over pixels and channels
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..memory import empty_like
from ..spec import ALL, Array, Needs, versions
from .machine.jit import jit_inner
from .machine.layout import plain, to_nchw, to_nhwc
from .machine.loops import loop
from .machine.sums import add_sums
from .machine.threads import run

Gradients = tuple[Array | None, Array | None, Array | None]
PARTS = 64
SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


def _rows(x: Array) -> Array:
    """View x, channels-last, as (N, pixels, C). Copies if memory is in another order."""
    last = to_nhwc(x) if x.ndim == 4 else plain(x)
    return last.reshape(len(x), x[:1, :1].size if x.size else 0, x.shape[1])


def _image(rows: Array, x: Array) -> Array:
    """Give (N, pixels, C) the shape of x; memory stays channels-last."""
    if x.ndim == 2:
        return rows.reshape(x.shape)
    n, c, h, w = x.shape
    return to_nchw(rows.reshape(n, h, w, c))


def _or_ones(a: Array | None, x: Array) -> Array:
    return np.ones(x.shape[1], x.dtype) if a is None else plain(a)


@jit_inner
def _add_squares(x: Array, centre: Array, sums: Array) -> None:
    """Add to sums (C,) those of (x - centre)²."""
    whole = len(x) - len(x) % 4
    for i in range(0, whole, 4):
        p, q, r, s = x[i], x[i + 1], x[i + 2], x[i + 3]
        for j in range(sums.size):
            a, b, c, d = p[j] - centre[j], q[j] - centre[j], r[j] - centre[j], s[j] - centre[j]
            sums[j] += (a * a + b * b) + (c * c + d * d)
    for i in range(whole, len(x)):
        p = x[i]
        for j in range(sums.size):
            d = p[j] - centre[j]
            sums[j] += d * d


@loop
def _forward(
    lo: int,
    hi: int,
    x: Array,
    weight: Array,
    bias: Array,
    eps: float,
    y: Array,
    mean: Array,
    inverse: Array,
) -> None:
    _, pixels, c = x.shape
    groups = mean.shape[1]
    each = c // groups
    sums, centre, scale = np.empty(c), np.empty(c, x.dtype), np.empty(c, x.dtype)
    for n in range(lo, hi):
        sums[:] = 0
        add_sums(x[n], sums)
        for g in range(groups):
            mean[n, g] = sums[g * each : (g + 1) * each].sum() / (each * pixels)
            centre[g * each : (g + 1) * each] = mean[n, g]
        sums[:] = 0
        _add_squares(x[n], centre, sums)
        for g in range(groups):
            var = sums[g * each : (g + 1) * each].sum() / (each * pixels)
            inverse[n, g] = 1 / np.sqrt(var + eps)
            for j in range(g * each, (g + 1) * each):
                scale[j] = inverse[n, g] * weight[j]
        for i in range(pixels):
            row, out = x[n, i], y[n, i]
            for j in range(c):
                out[j] = (row[j] - centre[j]) * scale[j] + bias[j]


@loop
def _backward(
    lo: int,
    hi: int,
    dy: Array,
    x: Array,
    weight: Array,
    mean: Array,
    inverse: Array,
    dx: Array,
    parts: Array,
) -> None:
    samples, pixels, c = x.shape
    groups = mean.shape[1]
    each = c // groups
    first, second, centre = np.empty(c), np.empty(c), np.empty(c, x.dtype)
    scale, slope, level = np.empty(c, x.dtype), np.empty(c, x.dtype), np.empty(c, x.dtype)
    for part in range(lo, hi):
        for n in range(part * samples // len(parts), (part + 1) * samples // len(parts)):
            for j in range(c):
                first[j] = 0
                second[j] = 0
                centre[j] = mean[n, j // each]
            for i in range(pixels):
                row, up = x[n, i], dy[n, i]
                for j in range(c):
                    first[j] += up[j]
                    second[j] += up[j] * (row[j] - centre[j])
            for g in range(groups):
                inv, a, b = np.float64(inverse[n, g]), 0.0, 0.0
                for j in range(g * each, (g + 1) * each):
                    second[j] *= inv
                    a += weight[j] * first[j]
                    b += weight[j] * second[j]
                a /= each * pixels
                b /= each * pixels
                for j in range(g * each, (g + 1) * each):
                    scale[j] = inv * weight[j]
                    level[j] = inv * a
                    slope[j] = inv * inv * b
            for j in range(c):
                parts[part, 0, j] += second[j]
                parts[part, 1, j] += first[j]
            for i in range(pixels):
                row, up, out = x[n, i], dy[n, i], dx[n, i]
                for j in range(c):
                    out[j] = scale[j] * up[j] - level[j] - (row[j] - centre[j]) * slope[j]


def group_norm_forward_v1(
    x: Array, weight: Array | None, bias: Array | None, *, groups: int, eps: float
) -> tuple[Any, ...]:
    """Saved: x, weight, and mean and inverse (N, groups)."""
    rows = _rows(x)
    y = empty_like(rows)
    mean, inverse = (np.empty((len(x), groups), x.dtype) for _ in range(2))
    shift = np.zeros(x.shape[1], x.dtype) if bias is None else plain(bias)
    few = SMALLEST // max(1, rows[:1].size) + 1
    arrays = rows, _or_ones(weight, x), shift, eps, y, mean, inverse
    run(_forward, len(x), *arrays, smallest=few)
    return _image(y, x), x, weight, mean, inverse


def group_norm_backward_v1(
    dy: Array, x: Array, weight: Array | None, mean: Array, inverse: Array, needs: Needs = ALL
) -> Gradients:
    """dx, and the sums over samples in a fixed number of parts."""
    rows = _rows(x)
    dx = empty_like(rows)
    count = max(1, min(PARTS, len(x)))
    parts = np.zeros((count, 2, x.shape[1]))
    few = SMALLEST * count // max(1, rows.size) + 1
    arrays = _rows(dy), rows, _or_ones(weight, x), plain(mean), plain(inverse), dx, parts
    run(_backward, count, *arrays, smallest=few)
    dweight, dbias = parts.sum(axis=0).astype(x.dtype)
    return (
        _image(dx, x) if needs[0] else None,
        dweight if needs[1] else None,
        dbias if needs[2] else None,
    )


VERSIONS = versions(__doc__, (group_norm_forward_v1, group_norm_backward_v1))
