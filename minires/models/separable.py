"""MobileNets: a 3×3 convolution of C → K channels as 9C weights in space, then C·K across channels.

A depthwise convolution has one filter for each channel, the 1×1 convolution after it mixes them:
(9 + K) C weights in place of 9 C K.

v1   norm and ReLU after each of the two (Howard et al. 2017, 1704.04861, Table 1): 4,231,976
     parameters, the paper's 4.2 M
v2   inverted residuals x ↦ x + F(x): F widens x by a 1×1, filters depthwise, and narrows it by a
     1×1 without activation (Sandler et al. 2018, 1801.04381, Table 2). 3,504,872 parameters; names
     and shapes of the state are torchvision's
"""

from __future__ import annotations

import numpy as np

from minires_kernels import checks

from .. import functional as F
from .. import nn
from ..tensor import Tensor
from .initialise import seeded

# v1: channels and stride of each depthwise-separable layer
SEPARABLE = (
    (64, 1),
    *((128, 2), (128, 1)),
    *((256, 2), (256, 1)),
    *((512, 2), *[(512, 1)] * 5),
    *((1024, 2), (1024, 1)),
)
# v2: factor of the widening, channels, number of blocks, stride of the first
INVERTED = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STRIDES = (32, 16, 8, 4, 2, 1)


class ReLU6(nn.Module):
    """min(max(x, 0), 6)."""

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape."""
        return F.relu(x).clip(max=6.0)


class ConvNorm(nn.Sequential):
    """Convolution, batch norm, activation; height and width shrink by the stride alone."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        act: type[nn.Module] = nn.ReLU,
    ) -> None:
        pad = kernel_size // 2
        conv = nn.Conv2d(
            inputs, outputs, kernel_size, stride, padding=pad, groups=groups, bias=False
        )
        super().__init__(conv, nn.BatchNorm2d(outputs), act())

    def forward(self, x: Tensor) -> Tensor:
        """x (N, inputs, H, W) → (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""
        conv, norm, act = self
        return nn.layer(conv, norm, act, x)


class InvertedResidual(nn.Module):
    """x + narrow(depthwise(widen(x))), without the x where the shape changes.

    skip   whether x is added
    """

    def __init__(self, inputs: int, outputs: int, stride: int, factor: int) -> None:
        super().__init__()
        inner = inputs * factor
        self.skip = stride == 1 and inputs == outputs
        widen = [ConvNorm(inputs, inner, 1, act=ReLU6)] if factor != 1 else []
        self.conv = nn.Sequential(
            *widen,
            ConvNorm(inner, inner, 3, stride, groups=inner, act=ReLU6),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    @property
    def entry(self) -> nn.Module:
        """The module through which the branch takes its input."""
        return self.conv[0]

    def forward(self, x: Tensor) -> Tensor:
        """x (N, inputs, H, W)."""
        y: Tensor = self.conv(x)
        return x + y if self.skip else y


class MobileNet(nn.Module):
    """`features`, global average pool, `classifier`."""

    def __init__(self, features: list[nn.Module], classifier: nn.Module) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) → logits (N, num_classes)."""
        x = F.adaptive_avg_pool2d(self.features(x), 1).flatten(1)
        return self.classifier(x)  # type: ignore[no-any-return]


def mobilenet_v1(
    *,
    width: float = 1.0,
    output_stride: int = 32,
    in_channels: int = 3,
    num_classes: int = 1000,
    init: str = "he",
    seed: np.random.Generator | int | None = None,
) -> MobileNet:
    """Build MobileNet: a convolution, 13 depthwise-separable layers, a linear one.

    width           factor of all channels, the paper's α
    output_stride   by how much the net shrinks height and width: 8 or 4 for images as small as
                    CIFAR's; the first layers then stride by 1 instead of 2

    Raises ValueError for a wrong value.
    """
    factor, strides = _factor(width), _Strides(output_stride)
    inputs, classes = _sizes(in_channels, num_classes)

    def net() -> MobileNet:
        channels = max(1, int(32 * factor))
        features: list[nn.Module] = [ConvNorm(inputs, channels, 3, strides.take(2))]
        for full, stride in SEPARABLE:
            outputs = max(1, int(full * factor))
            features.append(
                nn.Sequential(
                    ConvNorm(channels, channels, 3, strides.take(stride), groups=channels),
                    ConvNorm(channels, outputs, 1),
                )
            )
            channels = outputs
        return MobileNet(features, nn.Linear(channels, classes))

    return seeded(net, init, seed)


def mobilenet_v2(
    *,
    width: float = 1.0,
    dropout: float = 0.2,
    output_stride: int = 32,
    in_channels: int = 3,
    num_classes: int = 1000,
    init: str = "he",
    seed: np.random.Generator | int | None = None,
) -> MobileNet:
    """Build MobileNetV2: a convolution, 17 inverted residuals, a convolution, a linear layer.

    width           factor of all channels, which are then rounded to multiples of 8
    dropout         before the linear layer, as torchvision has it
    output_stride   see `mobilenet_v1`

    Raises ValueError for a wrong value.
    """
    factor, strides = _factor(width), _Strides(output_stride)
    inputs, classes = _sizes(in_channels, num_classes)
    last = _multiple_of_8(1280 * max(1.0, factor))

    def net() -> MobileNet:
        channels = _multiple_of_8(32 * factor)
        features: list[nn.Module] = [ConvNorm(inputs, channels, 3, strides.take(2), act=ReLU6)]
        for widening, full, count, stride in INVERTED:
            outputs = _multiple_of_8(full * factor)
            for i in range(count):
                step = strides.take(stride) if i == 0 else 1
                features.append(InvertedResidual(channels, outputs, step, widening))
                channels = outputs
        features.append(ConvNorm(channels, last, 1, act=ReLU6))
        return MobileNet(features, nn.Sequential(nn.Dropout(dropout), nn.Linear(last, classes)))

    return seeded(net, init, seed)


class _Strides:
    """Strides of 2 from the last ones on, as many as the output stride needs; 1 before them."""

    def __init__(self, output_stride: int) -> None:
        if isinstance(output_stride, bool) or output_stride not in STRIDES:
            raise ValueError(
                f"output_stride: expected one of {', '.join(map(str, STRIDES))}, "
                f"got {output_stride!r}"
            )
        self.left_out = STRIDES.index(output_stride)

    def take(self, stride: int) -> int:
        if stride == 2 and self.left_out:
            self.left_out -= 1
            return 1
        return stride


def _factor(width: float) -> float:
    width = checks.real("width", width)
    if not 0 < width < float("inf"):
        raise ValueError(f"width: expected a factor above 0, got {width}")
    return width


def _sizes(in_channels: int, num_classes: int) -> tuple[int, int]:
    return (
        checks.integer("in_channels", in_channels, 1),
        checks.integer("num_classes", num_classes, 1),
    )


def _multiple_of_8(channels: float) -> int:
    """Round to a multiple of 8, by at most a tenth downwards (as torchvision does)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8
