"""Normalisation over a batch, and over the features of one sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minires_kernels import checks
from minires_kernels.arrays import require_same_device
from minires_kernels.backends import kernel_for

from ..tensor import Array, Tensor
from .kernels import (
    BatchNorm,
    BatchNormReLU,
    Conv2dNormReLU,
    GroupNorm,
    LinearNormReLU,
    require_tensor,
)


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


def conv2d_norm_relu(
    x: Tensor,
    w: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    **options: Any,
) -> Tensor:
    """relu(batch_norm(conv2d(x, w, **options), …) + residual), as one step; see `nn.layer`."""
    mean, var, seen = _statistics(x, running_mean, running_var, training, momentum, of="c")
    arrays = (x, w, weight, bias, mean, var, residual)
    return Conv2dNormReLU.apply(*arrays, eps=eps, seen=seen, **options)


def linear_norm_relu(
    x: Tensor,
    w: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """relu(batch_norm(linear(x, w), …) + residual), as one step; see `nn.layer`."""
    mean, var, seen = _statistics(x, running_mean, running_var, training, momentum, of="a")
    return LinearNormReLU.apply(x, w, weight, bias, mean, var, residual, eps=eps, seen=seen)


def _statistics(
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    training: bool,
    momentum: float,
    of: str = "x",
) -> tuple[Array | None, Array | None, Callable[[Any], None] | None]:
    """Return the mean and variance to use (None: the batch's), and what to do with those used.

    They are of the values that the kernel saves under the name `of`.
    """
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
        count = getattr(saved, of).size // saved.mean.size
        move(running_mean, running_var, saved.mean, saved.var, count=count, momentum=momentum)

    return None, None, move_average


def layer_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - mean) / √(var + eps) · weight + bias, over the last dimensions of each sample.

    These have the `normalized_shape`, and so have weight and bias; var is the biased variance. The
    same in training and evaluation. Ba, Kiros and Hinton 2016 (1607.06450), eq. 4.
    """
    shape = _features(require_tensor("x", x), normalized_shape)
    _check_affine(x, shape, weight=weight, bias=bias)
    features = math.prod(shape)
    rows = x.reshape(x.size // features, features)
    affine = [None if p is None else p.reshape(features) for p in (weight, bias)]
    return GroupNorm.apply(rows, *affine, groups=1, eps=eps).reshape(*x.shape)


def _features(x: Tensor, normalized_shape: Any) -> tuple[int, ...]:
    given = normalized_shape if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    shape = tuple(checks.integer("normalized_shape", n, 1) for n in given)
    if not shape or x.shape[-len(shape) :] != shape:
        ends = ", ".join(["…", *map(str, shape)])
        raise ValueError(f"layer_norm: expected x of shape ({ends}), got {x.shape}")
    return shape


def group_norm(
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each sample over each group of channels and all pixels: x (N, C, …).

    y = (x - mean) / √(var + eps) · weight + bias, with weight and bias (C,), and the biased
    variance. One group is layer norm without its shape of weights, C groups are instance norm.
    Wu and He 2018 (1803.08494), eq. 1 and 7.
    """
    shape = require_tensor("x", x).shape
    if x.ndim < 2 or 0 in shape[1:]:
        raise ValueError(f"group_norm: expected shape (N, C, …) without zeros, got {shape}")
    groups = checks.integer("num_groups", num_groups, 1)
    if shape[1] % groups:
        raise ValueError(
            f"group_norm: num_groups = {groups} must divide C = {shape[1]} of shape {shape}"
        )
    pixels = math.prod(shape[2:])
    images = x if x.ndim in (2, 4) else x.reshape(*shape[:2], pixels, 1)
    y = GroupNorm.apply(images, weight, bias, groups=groups, eps=eps)
    return y if x.ndim in (2, 4) else y.reshape(*shape)


def _check_affine(x: Tensor, shape: tuple[int, ...], **given: Tensor | None) -> None:
    for name, p in given.items():
        if p is not None:
            checks.has_shape(name, require_tensor(name, p).data, shape, "one for each feature")
            checks.same_dtype("x", x.data, **{name: p.data})
