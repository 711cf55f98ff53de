"""Batch normalisation, the addition of a residual block, and ReLU, in the same two passes.

forward    statistics: one read of x; then y: one read of x (and of the residual), one write
backward   sums: one read of dy and x (with a residual: and of y, and one write of its gradient);
           then dx: one read of dy (or of that gradient) and x, one write
shapes     as batch_norm; residual and y like x
bytes      three separate kernels read and write each activation two times more in each direction

Versions
    v1  the loops of normalise.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spec import Array, versions
from .layout import plain
from .memory import empty_like
from .normalise import (
    ADD_RELU,
    RELU,
    SMALLEST,
    apply,
    backward_apply,
    backward_sums,
    channel_sums,
    image_of,
    repeated,
    rows_of,
    statistics,
)
from .threads import run

Gradients = tuple[Array | None, ...]


def forward(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    eps: float,
    mode: int,
) -> tuple[Array, Array, Array]:
    """Return y, and the mean and variance used."""
    c, rows = x.shape[1], rows_of(x)
    lanes = rows.shape[1]
    if mean is None or var is None:
        shift = plain(rows[0, :c])
        tiled = repeated(shift, lanes, x.dtype)
        first, second = channel_sums(statistics, rows, c, rows, tiled, None) / (x.size // c)
        mean = (first + shift).astype(x.dtype)
        # below zero only by rounding; a NaN or infinity in x stays one
        variance = second - first * first
        var = np.where(variance < 0, 0, variance).astype(x.dtype)
    scale, offset = _scale(weight, var, eps), np.zeros(c) if bias is None else bias
    y = empty_like(rows)
    vectors = [repeated(v, lanes, x.dtype) for v in (mean, scale, offset)]
    other = rows if residual is None else rows_of(residual)
    few = SMALLEST // lanes + 1
    run(apply, len(rows), rows, *vectors, other, y, mode, smallest=few)
    return image_of(y, x), mean, var


def _scale(weight: Array | None, var: Array, eps: float) -> Array:
    """weight / σ in float64."""
    rstd: Array = 1 / np.sqrt(var.astype(np.float64) + eps)
    return rstd if weight is None else rstd * weight


def backward(
    dy: Array,
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    y: Array | None,
    mode: int,
    needs: tuple[bool, ...],
) -> Gradients:
    """Return dx, dweight, dbias, and the residual's gradient if the mode is ADD_RELU."""
    c, rows, dy_rows = x.shape[1], rows_of(x), rows_of(dy)
    lanes = rows.shape[1]
    scale = _scale(weight, var, eps)
    center, factor, offset = (
        repeated(v, lanes, x.dtype) for v in (mean, scale, np.zeros(c) if bias is None else bias)
    )
    g, y_rows = dy_rows, rows  # not read, or written, in the other modes
    if mode == ADD_RELU and y is not None:
        g, y_rows = empty_like(rows), rows_of(y)
    dbias, moment = channel_sums(
        backward_sums, rows, c, dy_rows, rows, center, factor, offset, y_rows, g, None, mode
    )
    rstd = _scale(None, var, eps)
    dweight = moment * rstd
    dx = None
    if needs[0]:
        dx_rows = empty_like(rows)
        m = max(1, x.size // c)
        shares = (dbias / m, rstd * dweight / m) if training else (np.zeros(c), np.zeros(c))
        vectors = (repeated(v, lanes, x.dtype) for v in shares)
        args = (g, rows, center, factor, offset, *vectors, dx_rows, mode)
        run(backward_apply, len(rows), *args, smallest=SMALLEST // lanes + 1)
        dx = image_of(dx_rows, x)
    return (
        dx,
        dweight.astype(x.dtype) if needs[1] else None,
        dbias.astype(x.dtype) if needs[2] else None,
        image_of(g, x) if mode == ADD_RELU and needs[3] else None,
    )


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
    """Saved: x, weight, bias, the mean and variance used, eps, the mode, y, and whether it added."""
    training, added = mean is None, residual is not None
    mode = ADD_RELU if added else RELU
    y, mean, var = forward(x, weight, bias, mean, var, residual, eps, mode)
    return y, x, weight, bias, mean, var, eps, training, y, added


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
    needs: tuple[bool, bool, bool, bool] = (True, True, True, True),
) -> Gradients:
    """dx, dweight, dbias, dresidual; None where not needed."""
    mode = ADD_RELU if added else RELU
    return backward(dy, x, weight, bias, mean, var, eps, training, y, mode, needs)


VERSIONS = versions(__doc__, (batch_norm_relu_forward_v1, batch_norm_relu_backward_v1))

