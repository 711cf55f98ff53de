"""Normalisation layers: modules around the functions of `minires.functional`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minires_kernels import checks
from minires_kernels.arrays import to_host

from .. import functional as F
from ..tensor import Array, Tensor
from .attributes import Parameter
from .layers import Conv2d, Linear
from .module import Module


class Norm(Module):
    """Base class of layers that normalise; `optim.groups` gives their parameters no decay."""


class _BatchNorm(Norm):
    ndim: int  # of the input, set by the subclasses

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = checks.integer("num_features", num_features, 1)
        self.eps = checks.real("eps", eps)
        self.momentum = None if momentum is None else checks.real("momentum", momentum)
        self.weight = Parameter(np.ones(num_features, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(num_features, np.float32)) if affine else None
        track = track_running_stats
        self.register_buffer("running_mean", np.zeros(num_features, np.float32) if track else None)
        self.register_buffer("running_var", np.ones(num_features, np.float32) if track else None)
        self.register_buffer("num_batches_tracked", np.array(0, np.int64) if track else None)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over all dimensions but the channels'."""
        self._check(x)
        mean, var, options = self._prepare()
        return self._counted(F.batch_norm(x, mean, var, self.weight, self.bias, *options))

    def then_relu(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """relu(self(x) + residual), in one pass; runs no hooks. See `nn.norm_act`."""
        self._check(x)
        mean, var, options = self._prepare()
        y = F.batch_norm_relu(x, mean, var, self.weight, self.bias, residual, *options)
        return self._counted(y)

    def _check(self, x: Tensor) -> None:
        came = x.shape
        if len(came) != self.ndim or came[1] != self.num_features:
            shape = "(N, C)" if self.ndim == 2 else "(N, C, H, W)"
            raise ValueError(
                f"{type(self).__name__}: expected shape {shape} with C = {self.num_features}, "
                f"got {came}"
            )

    def _prepare(self) -> tuple[Array | None, Array | None, tuple[bool, float, float]]:
        """Return what `functional.batch_norm` needs: mean, var, (training, momentum, eps)."""
        momentum = 0.0 if self.momentum is None else self.momentum
        mean, var = self._statistics()
        tracked = mean is not None
        if not (self.training and tracked):
            return mean, var, (not tracked or self.training, momentum, self.eps)
        if self.momentum is None:  # a plain average over all batches, with this one
            before = to_host(self._buffers["num_batches_tracked"])  # on a GPU this waits for it
            momentum = 1 / (int(before) + 1)
        return mean, var, (True, momentum, self.eps)

    def _counted(self, y: Tensor) -> Tensor:
        """Count the batch, which has been normalised: one that was refused does not count."""
        if self.training and self._buffers["running_mean"] is not None:
            count = self._buffers["num_batches_tracked"]
            count += 1  # in place, the array being a buffer
        return y

    def _statistics(self) -> tuple[Array | None, Array | None]:
        return self._buffers["running_mean"], self._buffers["running_var"]

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of x (N, C): see `functional.batch_norm`."""

    ndim = 2

    def of_weights_then_relu(self, linear: Linear, x: Tensor, residual: Tensor | None) -> Tensor:
        """relu(self(linear(x)) + residual), as one step; runs no hooks. See `nn.layer`."""
        mean, var, options = self._prepare()
        weight, bias = self.weight, self.bias
        y = F.linear_norm_relu(x, linear.weight, mean, var, weight, bias, residual, *options)
        return self._counted(y)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of x (N, C, H, W), per channel: see `functional.batch_norm`."""

    ndim = 4

    def of_weights_then_relu(self, conv: Conv2d, x: Tensor, residual: Tensor | None) -> Tensor:
        """relu(self(conv(x)) + residual), as one step; runs no hooks. See `nn.layer`."""
        mean, var, options = self._prepare()
        weight, bias, sizes = self.weight, self.bias, conv.options
        y = F.conv2d_norm_relu(x, conv.weight, mean, var, weight, bias, residual, *options, **sizes)
        return self._counted(y)


class LayerNorm(Norm):
    """Normalise the last dimensions of each sample: see `functional.layer_norm`."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        several = isinstance(normalized_shape, Sequence)
        given = tuple(normalized_shape) if several else (normalized_shape,)  # type: ignore[arg-type]
        if not given:
            raise ValueError("normalized_shape: expected at least one dimension, got ()")
        self.normalized_shape = tuple(checks.integer("normalized_shape", n, 1) for n in given)
        self.eps = checks.real("eps", eps)
        shape, affine = self.normalized_shape, elementwise_affine
        self.weight = Parameter(np.ones(shape, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(shape, np.float32)) if affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = self.weight is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}"


class GroupNorm(Norm):
    """Normalise each sample over groups of channels: see `functional.group_norm`."""

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True
    ) -> None:
        super().__init__()
        self.num_groups = checks.integer("num_groups", num_groups, 1)
        self.num_channels = checks.integer("num_channels", num_channels, 1)
        if num_channels % num_groups:
            raise ValueError(f"num_groups = {num_groups} must divide num_channels = {num_channels}")
        self.eps = checks.real("eps", eps)
        self.weight = Parameter(np.ones(num_channels, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(num_channels, np.float32)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm: expected shape (N, C, …) with C = {self.num_channels}, got {x.shape}"
            )
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = self.weight is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={affine}"
