"""Layers: modules around the functions of `minires.functional`, with PyTorch's defaults."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from minires_kernels import checks

from .. import functional as F
from ..tensor import Array, Tensor
from . import init
from .attributes import Parameter
from .module import Module

Size = int | tuple[int, int]


def _parameter(*shape: int) -> Parameter:
    return Parameter(np.zeros(shape, np.float32))


def default_init(weight: Parameter, bias: Parameter | None) -> None:
    """Draw U(±1 / √fan_in), PyTorch's default of layers with weights."""
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        bound = 1 / math.sqrt(init.fans(weight)[0])
        init.uniform_(bias, -bound, bound)


class Linear(Module):
    """y = x Wᵀ + b: x (…, in_features) → y (…, out_features); W (out, in), b (out,).

    W and b start as U(±1 / √in_features), PyTorch's default, with variance 1 / (3 fan_in).
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = checks.integer("in_features", in_features, 1)
        self.out_features = checks.integer("out_features", out_features, 1)
        self.weight = _parameter(out_features, in_features)
        self.bias = _parameter(out_features) if bias else None
        default_init(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class Conv2d(Module):
    """Cross-correlation: x (N, C, H, W) → y (N, K, P, Q); weight (K, C / groups, R, S).

    Sizes are integers or pairs (height, width). Starts as U(±1 / √fan_in), PyTorch's default.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels = checks.integer("in_channels", in_channels, 1)
        self.out_channels = checks.integer("out_channels", out_channels, 1)
        self.kernel_size = checks.pair("kernel_size", kernel_size, 1)
        self.stride = checks.pair("stride", stride, 1)
        self.padding = checks.pair("padding", padding, 0)
        self.dilation = checks.pair("dilation", dilation, 1)
        self.groups = checks.integer("groups", groups, 1)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"groups = {groups} must divide in_channels = {in_channels} and "
                f"out_channels = {out_channels}"
            )
        self.weight = _parameter(out_channels, in_channels // groups, *self.kernel_size)
        self.bias = _parameter(out_channels) if bias else None
        default_init(self.weight, self.bias)

    @property
    def options(self) -> dict[str, Any]:
        """What `functional.conv2d` takes besides arrays."""
        sizes = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return sizes | {"groups": self.groups}

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, **self.options)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}, padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text + f", bias={self.bias is not None}"


class Identity(Module):
    """y = x; takes and ignores any arguments when built, as PyTorch's placeholder does."""

    def __init__(self, *_args: Any, **_options: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x


class Flatten(Module):
    """Merge the dimensions from `start_dim` on: (N, C, H, W) → (N, C·H·W)."""

    def __init__(self, start_dim: int = 1) -> None:
        super().__init__()
        self.start_dim = start_dim

    def forward(self, x: Tensor) -> Tensor:
        return F.flatten(x, self.start_dim)


class _Dropout(Module):
    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p: expected 0 <= p < 1, got {p}")
        self.p = p

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout(_Dropout):
    """Zero each element with probability p in training, and scale the others by 1 / (1 - p)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training)


class Dropout2d(_Dropout):
    """Zero whole channels of (N, C, H, W) with probability p in training, and scale the others."""

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout2d(x, self.p, self.training)


class MaxPool2d(Module):
    """Maximum over windows; stride None means kernel_size. See `functional.max_pool2d`."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode = dilation, ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """Mean over windows; stride None means kernel_size. See `functional.avg_pool2d`."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """Mean over a fixed number of cells, (1, 1) for global pooling."""

    def __init__(self, output_size: Size) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class CrossEntropyLoss(Module):
    """Mean of -log softmax(logits)[target]: see `functional.cross_entropy`, for options too."""

    def __init__(
        self,
        ignore_index: int = -100,
        reduction: Literal["mean", "sum", "none"] = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.ignore_index = checks.integer("ignore_index", ignore_index, -(2**31))
        self.reduction = _reduction(reduction)
        self.label_smoothing = checks.real("label_smoothing", label_smoothing)
        if label_smoothing > 1:
            raise ValueError(
                f"label_smoothing: expected a share from 0 to 1, got {label_smoothing}"
            )

    def forward(self, logits: Tensor, target: Tensor | Array) -> Tensor:
        """logits (N, C), target (N,) integers."""
        options = (self.reduction, self.label_smoothing, self.ignore_index)
        return F.cross_entropy(logits, target, *options)

    def extra_repr(self) -> str:
        """What differs from the defaults."""
        shown = [f"reduction={self.reduction!r}"] if self.reduction != "mean" else []
        if self.label_smoothing:
            shown.append(f"label_smoothing={self.label_smoothing}")
        if self.ignore_index != -100:
            shown.append(f"ignore_index={self.ignore_index}")
        return ", ".join(shown)


class MSELoss(Module):
    """Mean squared difference: see `functional.mse_loss`."""

    def __init__(self, reduction: Literal["mean", "sum", "none"] = "mean") -> None:
        super().__init__()
        self.reduction = _reduction(reduction)

    def forward(self, input: Tensor, target: Tensor | Array) -> Tensor:
        return F.mse_loss(input, target, self.reduction)

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}" if self.reduction != "mean" else ""


def _reduction(name: Any) -> Literal["mean", "sum", "none"]:
    if name not in ("mean", "sum", "none"):
        raise ValueError(f"reduction: expected 'mean', 'sum' or 'none', got {name!r}")
    return name  # type: ignore[no-any-return]
