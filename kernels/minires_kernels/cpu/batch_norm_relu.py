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

from ..memory import empty_like
from ..spec import ALL, Array, Needs, versions
from .machine.layout import plain
from .machine.threads import run
from .normalise import (
    ADD_RELU,
    RELU,
    SMALLEST,
    affine,
    apply,
    backward_apply,
    backward_sums,
    gradients,
    image_of,
    moments,
    new_sums,
    rows_of,
    statistics,
    typical,
)

Gradients = tuple[Array | None, ...]


def _or_empty(a: Array | None, x: Array) -> Array:
    return np.empty(0, x.dtype) if a is None else plain(a)


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
    vectors = np.empty((3, lanes), x.dtype)
    parameters = _or_empty(weight, x), _or_empty(bias, x)
    if mean is None or var is None:
        shift, sums = np.empty(lanes, x.dtype), new_sums(rows)
        typical(rows, shift, c)
        run(statistics, len(sums), rows, shift, sums)
        mean, var = np.empty((2, c), x.dtype)
        moments(sums, shift, x.size // c, mean, var, *parameters, eps, vectors)
    else:
        affine(plain(mean), plain(var), *parameters, eps, vectors)
    y = empty_like(rows)
    other = rows if residual is None else rows_of(residual)
    run(apply, len(rows), rows, vectors, other, y, mode, smallest=SMALLEST // lanes + 1)
    return image_of(y, x), mean, var


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
    needs: Needs,
) -> Gradients:
    """Return dx, dweight, dbias, and the residual's gradient if the mode is ADD_RELU."""
    c, rows, dy_rows = x.shape[1], rows_of(x), rows_of(dy)
    lanes = rows.shape[1]
    vectors, shares = np.empty((3, lanes), x.dtype), np.empty((2, lanes), x.dtype)
    affine(plain(mean), plain(var), _or_empty(weight, x), _or_empty(bias, x), eps, vectors)
    g, y_rows = dy_rows, rows  # not read, or written, in the other modes
    if mode == ADD_RELU and y is not None:
        g, y_rows = empty_like(rows), rows_of(y)
    sums = new_sums(rows)
    run(backward_sums, len(sums), dy_rows, rows, vectors, y_rows, g, sums, mode)
    dweight, dbias = np.empty(c, x.dtype), np.empty(c, x.dtype)
    gradients(sums, plain(var), eps, x.size // c, dweight, dbias, shares)
    dx = None
    if needs[0]:
        dx = empty_like(rows)
        args = (g, rows, vectors, shares, dx, mode, training)
        run(backward_apply, len(rows), *args, smallest=SMALLEST // lanes + 1)
        dx = image_of(dx, x)
    return (
        dx,
        dweight if needs[1] else None,
        dbias if needs[2] else None,
        image_of(g, x) if mode == ADD_RELU and needs[5] else None,
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
    """Saved: x, weight, bias, mean and variance used, eps, the mode, y, and whether it added."""
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
    needs: Needs = ALL,
) -> Gradients:
    """dx, dweight, dbias, dresidual; None where not needed."""
    mode = ADD_RELU if added else RELU
    return backward(dy, x, weight, bias, mean, var, eps, training, y, mode, needs)


VERSIONS = versions(__doc__, (batch_norm_relu_forward_v1, batch_norm_relu_backward_v1))
