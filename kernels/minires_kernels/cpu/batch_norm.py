"""Batch normalisation on the CPU: channels-last memory as rows of lanes.

forward    statistics: one read of x; then y = (x - mean) · scale + bias: one read, one write
backward   sums of dy and dy x̂: one read of x and dy; then dx: one read of both, one write
shapes     x (N, C) or (N, H, W, C), seen as rows × lanes; a lane row holds one or more pixels
threads    a thread owns rows; sums are kept per part of the rows and added in order
numerics   sums of x - shift, the shift being the median of five pixels: a large mean cancels

Versions
    v1  one set of loops for this kernel and for batch_norm_relu (normalise.py), at memory speed
"""

from __future__ import annotations

from typing import Any

from ..spec import ALL, Array, Needs, versions
from .batch_norm_relu import Gradients, backward, forward
from .normalise import PLAIN


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
    y, mean, var = forward(x, weight, bias, mean, var, None, eps, PLAIN)
    return y, x, weight, mean, var, eps, training


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
    return backward(dy, x, weight, None, mean, var, eps, training, None, PLAIN, needs)[:3]


VERSIONS = versions(__doc__, (batch_norm_forward_v1, batch_norm_backward_v1))
