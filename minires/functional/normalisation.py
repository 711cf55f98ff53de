"""Normalisation over a batch, and over the features of one sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minires_kernels.arrays import require_same_device
from minires_kernels.backends import kernel_for

from ..tensor import Array, Tensor
from .kernels import BatchNorm, BatchNormReLU


def batch_norm(
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - mean) / sqrt(var + eps) · weight + bias, per channel of x (N, C[, H, W]).

    Training uses the batch's mean and biased variance, and moves the running arrays (C,) in place:
    running = (1 - momentum) running + momentum batch, with the unbiased variance. Evaluation uses
    the running arrays. Both modes are differentiable. Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    mean, var, seen = _statistics(x, running_mean, running_var, training, momentum)
    return BatchNorm.apply(x, weight, bias, mean, var, eps=eps, seen=seen)


def batch_norm_relu(
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """relu(batch_norm(x, …) + residual), in one pass; residual like x, or None for zero.

    The values are those of the three functions one after another; see `nn.norm_act`.
    """
    mean, var, seen = _statistics(x, running_mean, running_var, training, momentum)
    return BatchNormReLU.apply(x, weight, bias, mean, var, residual, eps=eps, seen=seen)


def _statistics(
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    training: bool,
    momentum: float,
) -> tuple[Array | None, Array | None, Callable[[Any], None] | None]:
    """Return the mean and variance to use (None: the batch's), and what to do with those used."""
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: evaluation needs running_mean and running_var")
        return running_mean, running_var, None
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch_norm: give both running_mean and running_var, or neither")
    if running_mean is None or running_var is None:
        return None, None, None
    if type(running_mean) is not type(x.data):
        require_same_device("x", x.data, running_mean=running_mean)

    def move_average(saved: Any) -> None:
        move = kernel_for("running_statistics", running_mean).forward
        count = x.size // saved.mean.size
        move(running_mean, running_var, saved.mean, saved.var, count=count, momentum=momentum)

    return None, None, move_average
