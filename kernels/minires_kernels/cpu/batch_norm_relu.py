"""Batch normalisation, the addition of a residual block, and ReLU, in the same two passes.

    z = (x - mean) · scale + bias [+ residual];  y = max(z, 0);  g = dy where z > 0, dresidual = g
    dx = scale · (g - mean(g) - (x - mean) · slope)            see batch_norm.py

forward    statistics: one read of x; then y: one read of x (and of the residual), one write
backward   sums: one read of dy and x (with a residual: and of y, and one write of g);
           then dx: one read of dy (or of g) and x, one write
shapes     as batch_norm; residual and y like x
bytes      three separate kernels read and write each activation two times more in each direction
numerics   operations in the order of the separate kernels, so that both give the same bits

Versions
    v1  the loops of batch_norm, with the addition and ReLU in them
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..memory import empty_like
from ..spec import ALL, Array, Needs, versions
from .batch_norm import (
    FOLD,
    SMALLEST,
    ask_for,
    fold,
    image_of,
    input_gradient,
    new_sums,
    normaliser,
    parameter_gradients,
    rows_of,
)
from .machine.loops import loop_in_order
from .machine.threads import run

Gradients = tuple[Array | None, Array | None, Array | None, Array | None]


@loop_in_order
def _apply(lo: int, hi: int, x: Array, vectors: Array, residual: Array, y: Array,
           add: bool) -> None:  # fmt: skip
    """Write rows lo … hi - 1 of y; vectors (3, lanes) are mean, scale, bias."""
    mean, scale, bias = vectors[0], vectors[1], vectors[2]
    zero = x.dtype.type(0)
    for m in range(lo, hi):
        ask_for(m, x)
        ask_for(m, y)
        row, out = x[m], y[m]
        if add:
            ask_for(m, residual)
            other = residual[m]
            for j in range(row.size):
                z = (row[j] - mean[j]) * scale[j] + bias[j] + other[j]
                out[j] = zero if z < zero else z  # NaN < 0 is false: a NaN stays
        else:
            for j in range(row.size):
                z = (row[j] - mean[j]) * scale[j] + bias[j]
                out[j] = zero if z < zero else z


@loop_in_order
def _sums(lo: int, hi: int, dy: Array, x: Array, vectors: Array, y: Array, g: Array, sums: Array,
          added: bool) -> None:  # fmt: skip
    """sums[part] = Σ g and Σ g (x - mean) per lane; with a residual also write g.

    Without one, where z > 0 is found from x: reading y would cost more than computing z.
    """
    count, _, lanes = sums.shape
    mean, scale, bias = vectors[0], vectors[1], vectors[2]
    zero = x.dtype.type(0)
    first, second = np.zeros(lanes, x.dtype), np.zeros(lanes, x.dtype)
    for part in range(lo, hi):
        for m in range(part * len(x) // count, (part + 1) * len(x) // count):
            ask_for(m, dy)
            ask_for(m, x)
            d, row = dy[m], x[m]
            if added:
                ask_for(m, y)
                ask_for(m, g)
                open_, out = y[m], g[m]
                for j in range(lanes):
                    gj = zero if open_[j] <= zero else d[j]
                    out[j] = gj
                    first[j] += gj
                    second[j] += gj * (row[j] - mean[j])
            else:
                for j in range(lanes):
                    c = row[j] - mean[j]
                    gj = zero if c * scale[j] + bias[j] <= zero else d[j]
                    first[j] += gj
                    second[j] += gj * c
            if m % FOLD == 0:
                fold(first, second, sums[part])
        fold(first, second, sums[part])


@loop_in_order
def masked_input_gradient(lo: int, hi: int, dy: Array, x: Array, vectors: Array, shares: Array,
                          dx: Array, training: bool) -> None:  # fmt: skip
    """As batch_norm's, of g where g was not written: without a residual."""
    mean, scale, bias = vectors[0], vectors[1], vectors[2]
    constant, slope = shares[0], shares[1]
    zero = x.dtype.type(0)
    for m in range(lo, hi):
        d, row, out = dy[m], x[m], dx[m]
        if training:
            for j in range(row.size):
                c = row[j] - mean[j]
                g = zero if c * scale[j] + bias[j] <= zero else d[j]
                out[j] = scale[j] * (g - constant[j] - c * slope[j])
        else:
            for j in range(row.size):
                z = (row[j] - mean[j]) * scale[j] + bias[j]
                out[j] = zero if z <= zero else scale[j] * d[j]


def batch_norm_relu_forward_v1(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, weight, bias, mean and variance used, eps, the mode, y, and whether it added."""
    training, added = mean is None, residual is not None
    rows, vectors, mean, var = normaliser(x, weight, bias, mean, var, eps)
    y_rows = empty_like(rows)
    args = (rows, vectors, rows if residual is None else rows_of(residual), y_rows, added)
    run(_apply, len(rows), *args, smallest=SMALLEST // rows.shape[1] + 1)
    y = image_of(y_rows, x)
    return y, x, weight, bias, mean, var, eps, training, y, added


class Summed(NamedTuple):
    """What is known when the sums of backward are: dx is a matter of each element then."""

    g: Array  # rows of dy, of g if there was a residual
    x: Array  # rows
    vectors: Array  # (3, lanes): mean, scale, bias
    shares: Array  # (2, lanes): constant and slope
    dweight: Array
    dbias: Array


def backward_sums(
    dy: Array,
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    y: Array,
    added: bool,
) -> Summed:
    """The first pass of backward."""
    rows, vectors, _, _ = normaliser(x, weight, bias, mean, var, eps)
    g, y_rows = rows_of(dy), rows  # neither written nor read without a residual
    dy_rows, sums = g, new_sums(rows)
    if added:
        g, y_rows = empty_like(rows), rows_of(y)
    run(_sums, len(sums), dy_rows, rows, vectors, y_rows, g, sums, added)
    dweight, dbias, shares = parameter_gradients(sums, var, eps, x, rows.shape[1])
    return Summed(g, rows, vectors, shares, dweight, dbias)


def batch_norm_relu_backward_v1(
    dy: Array,
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    y: Array,
    added: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dweight, dbias, dresidual; None where not needed."""
    s = backward_sums(dy, x, weight, bias, mean, var, eps, y, added)
    dx = None
    if needs[0]:
        dx_rows = empty_like(s.x)
        args = (s.g, s.x, s.vectors, s.shares, dx_rows, training)
        loop = input_gradient if added else masked_input_gradient
        run(loop, len(s.x), *args, smallest=SMALLEST // s.x.shape[1] + 1)
        dx = image_of(dx_rows, x)
    return (
        dx,
        s.dweight if needs[1] else None,
        s.dbias if needs[2] else None,
        image_of(s.g, x) if added and needs[5] else None,
    )


VERSIONS = versions(__doc__, (batch_norm_relu_forward_v1, batch_norm_relu_backward_v1))
