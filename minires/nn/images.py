"""Modules that enlarge images or make them smaller, beside strided convolution and pooling."""

from __future__ import annotations

from typing import Literal

import numpy as np

from minires_kernels import checks

from .. import functional as F
from ..tensor import Tensor
from .attributes import Parameter
from .layers import Size, default_init
from .module import Module


class ConvTranspose2d(Module):
    """The gradient of Conv2d as a layer, `stride` times larger: see `functional.conv_transpose2d`.

    weight (in_channels, out_channels / groups, R, S); it starts as PyTorch's, U(±1 / √fan) with
    fan = out_channels / groups · R S.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
    ) -> None:
        super().__init__()
        self.in_channels = checks.integer("in_channels", in_channels, 1)
        self.out_channels = checks.integer("out_channels", out_channels, 1)
        self.kernel_size = checks.pair("kernel_size", kernel_size, 1)
        self.stride = checks.pair("stride", stride, 1)
        self.padding = checks.pair("padding", padding, 0)
        self.output_padding = checks.pair("output_padding", output_padding, 0)
        self.dilation = checks.pair("dilation", dilation, 1)
        self.groups = checks.integer("groups", groups, 1)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"groups = {groups} must divide in_channels = {in_channels} and "
                f"out_channels = {out_channels}"
            )
        if any(e >= s for e, s in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(
                f"output_padding: expected less than the stride {self.stride}, got "
                f"{self.output_padding}"
            )
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight = Parameter(np.zeros(shape, np.float32))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None
        default_init(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}, padding={self.padding}"
        if self.output_padding != (0, 0):
            text += f", output_padding={self.output_padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text + f", bias={self.bias is not None}"


class PixelShuffle(Module):
    """(N, C r², H, W) → (N, C, r H, r W): see `functional.pixel_shuffle`."""

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = checks.integer("upscale_factor", upscale_factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(N, C, r H, r W) → (N, C r², H, W): what PixelShuffle undoes."""

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = checks.integer("downscale_factor", downscale_factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class Upsample(Module):
    """Resize images to a size or by a factor: see `functional.interpolate`."""

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: float | tuple[float, float] | None = None,
        mode: Literal["nearest", "bilinear"] = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        super().__init__()
        if (size is None) == (scale_factor is None):
            raise ValueError("Upsample: give either size or scale_factor")
        if mode not in ("nearest", "bilinear"):
            raise ValueError(f"mode: expected 'nearest' or 'bilinear', got {mode!r}")
        if mode == "nearest" and align_corners is not None:
            raise ValueError("align_corners is for mode='bilinear'; leave it out")
        self.size, self.scale_factor = size, scale_factor
        self.mode, self.align_corners = mode, align_corners

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        given = (
            f"size={self.size}" if self.size is not None else f"scale_factor={self.scale_factor}"
        )
        corners = "" if self.align_corners is None else f", align_corners={self.align_corners}"
        return f"{given}, mode={self.mode!r}{corners}"
