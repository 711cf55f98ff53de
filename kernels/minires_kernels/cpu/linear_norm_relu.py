"""Linear, batch norm, addition and ReLU on the CPU: one call where a layer is small.

threads    as linear and batch_norm_relu
bytes      theirs; what is saved is the Python between the two, which takes longer than their loops
           where a batch of features fits in a cache

Versions
    v1  the newest versions of linear and batch_norm_relu, one after the other
"""

from __future__ import annotations

from typing import Any

from ..spec import ALL, Array, Needs, versions
from .batch_norm_relu import batch_norm_relu_backward_v1, batch_norm_relu_forward_v1
from .linear import linear_backward_v2, linear_forward_v2

Gradients = tuple[Array | None, Array | None, Array | None, Array | None, Array | None]


def linear_norm_relu_forward_v1(
    x: Array,
    w: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, w, and what batch_norm_relu saves."""
    a, *_ = linear_forward_v2(x, w, None)
    y, *saved = batch_norm_relu_forward_v1(a, weight, bias, mean, var, residual, eps=eps)
    return y, x, w, *saved


def linear_norm_relu_backward_v1(
    dy: Array,
    x: Array,
    w: Array,
    a: Array,
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
    """dx, dw, dweight, dbias, dresidual; None where not needed."""
    saved = (a, weight, bias, mean, var, eps, training, y, added)
    da, *others = batch_norm_relu_backward_v1(dy, *saved, (needs[0] or needs[1], *needs[2:]))
    dx = dw = None
    if da is not None:
        dx, dw, _ = linear_backward_v2(da, x, w, False, needs)
    dweight, dbias, dresidual = others
    return dx, dw, dweight, dbias, dresidual


VERSIONS = versions(__doc__, (linear_norm_relu_forward_v1, linear_norm_relu_backward_v1))
