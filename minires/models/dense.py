"""DenseNets: a layer's input is everything that the layers before it in its block have made.

layer      x ↦ [x, F(x)], with F of k filters ("growth"): conv3×3(act(norm(x))), or of bottlenecks
           conv3×3(act(norm(conv1×1(4k)(act(norm(x))))))
between    norm – act – conv1×1 – average pool 2×2; with `compression` θ it keeps θ of the channels
A layer's input has k₀ + k l channels: what a residual block adds, a dense layer puts beside.

Source: Huang et al. 2017 (1608.06993). Names and shapes of the state are torchvision's. Parameters:
7,978,856 for 121 layers, 14,149,480 (169), 20,013,928 (201); for CIFAR 1,019,722 for 40 layers of
k = 12 without bottlenecks, 769,162 (BC, 100, k = 12), 15,324,406 (BC, 250, k = 24), 25,624,430
(BC, 190, k = 40).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels import checks

from .. import functional as F
from .. import nn
from ..tensor import Tensor
from .initialise import seeded

BLOCKS = {
    121: (6, 12, 24, 16),
    169: (6, 12, 32, 32),
    201: (6, 12, 48, 32),
}


class DenseLayer(nn.Module):
    """F of the file's top: x (N, C, H, W) → (N, growth, H, W)."""

    def __init__(self, channels: int, growth: int, bottleneck: bool, dropout: float) -> None:
        super().__init__()
        self.bottleneck = bottleneck
        self.norm1, self.relu1 = nn.BatchNorm2d(channels), nn.ReLU()
        if bottleneck:
            self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
            self.norm2, self.relu2 = nn.BatchNorm2d(4 * growth), nn.ReLU()
            self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(channels, growth, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """x (N, channels, H, W)."""
        y = self.conv1(nn.norm_act(self.norm1, self.relu1, x))
        if self.bottleneck:
            y = self.conv2(nn.norm_act(self.norm2, self.relu2, y))
        return self.dropout(y)  # type: ignore[no-any-return]


class DenseBlock(nn.Sequential):
    """Dense layers, each beside what came before: (N, C, H, W) → (N, C + count · growth, H, W)."""

    def __init__(self, count: int, channels: int, growth: int, *options: Any) -> None:
        layers = {
            f"denselayer{i + 1}": DenseLayer(channels + i * growth, growth, *options)
            for i in range(count)
        }
        super().__init__(layers)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, channels, H, W)."""
        for layer in self:
            x = F.concat([x, layer(x)], 1)
        return x


class Transition(nn.Module):
    """norm – ReLU – conv1×1 – average pool 2×2."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.norm, self.relu = nn.BatchNorm2d(channels), nn.ReLU()
        self.conv = nn.Conv2d(channels, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, channels, H, W) → (N, outputs, ⌊H / 2⌋, ⌊W / 2⌋)."""
        return self.pool(self.conv(nn.norm_act(self.norm, self.relu, x)))  # type: ignore[no-any-return]


class DenseNet(nn.Module):
    """The nets of this file; `stem` is the convolution (and pooling) before the first block."""

    def __init__(
        self,
        stem: dict[str, nn.Module],
        channels: int,
        blocks: tuple[int, ...],
        growth: int,
        bottleneck: bool,
        compression: float,
        dropout: float,
        num_classes: int,
    ) -> None:
        super().__init__()
        parts: dict[str, nn.Module] = dict(stem)
        for number, count in enumerate(blocks, start=1):
            parts[f"denseblock{number}"] = DenseBlock(count, channels, growth, bottleneck, dropout)
            channels += count * growth
            if number < len(blocks):
                outputs = max(1, int(channels * compression))
                parts[f"transition{number}"] = Transition(channels, outputs)
                channels = outputs
        parts[f"norm{len(blocks) + 1}"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(parts)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) → logits (N, num_classes)."""
        x = self.relu(self.features(x))
        return self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))  # type: ignore[no-any-return]


def _dropout(dropout: float) -> float:
    dropout = checks.real("dropout", dropout)
    if dropout >= 1:
        raise ValueError(f"dropout: expected a probability below 1, got {dropout}")
    return dropout


def densenet(
    depth: int,
    *,
    growth: int = 12,
    bottleneck: bool = True,
    compression: float | None = None,
    width: int | None = None,
    dropout: float = 0.0,
    in_channels: int = 3,
    num_classes: int = 10,
    init: str = "he",
    seed: np.random.Generator | int | None = None,
) -> DenseNet:
    """Build a DenseNet for CIFAR, of three blocks: depth = 3n+4 layers, 6n+4 with bottlenecks.

    bottleneck    DenseNet-BC with True (compression 0.5, 2k filters in the first convolution), the
                  plain DenseNet with False (1, and 16); compression and width replace these
    dropout       after each convolution of a block; the paper's 0.2 for data without augmentation

    Raises ValueError for a wrong value.
    """
    depth, growth = checks.integer("depth", depth, 7), checks.integer("growth", growth, 1)
    if not isinstance(bottleneck, bool):
        raise TypeError(f"bottleneck: expected True or False, got {bottleneck!r}")
    per_block = 6 if bottleneck else 3
    if depth % per_block != 4 % per_block or depth < per_block + 4:
        few = ", ".join(str(per_block * n + 4) for n in range(1, 6))
        raise ValueError(f"depth: expected {per_block}n+4 ({few}, …), got {depth}")
    theta = (0.5 if bottleneck else 1.0) if compression is None else compression
    theta = checks.real("compression", theta)
    if not 0 < theta <= 1:
        raise ValueError(f"compression: expected a share above 0, at most 1, got {theta}")
    first = (2 * growth if bottleneck else 16) if width is None else width
    first, dropout = checks.integer("width", first, 1), _dropout(dropout)
    inputs = checks.integer("in_channels", in_channels, 1)
    classes = checks.integer("num_classes", num_classes, 1)

    def net() -> DenseNet:
        stem: dict[str, nn.Module] = {"conv0": nn.Conv2d(inputs, first, 3, padding=1, bias=False)}
        blocks = ((depth - 4) // per_block,) * 3
        return DenseNet(stem, first, blocks, growth, bottleneck, theta, dropout, classes)

    return seeded(net, init, seed)


def imagenet_densenet(
    depth: int,
    *,
    growth: int = 32,
    width: int | None = None,
    dropout: float = 0.0,
    in_channels: int = 3,
    num_classes: int = 1000,
    init: str = "he",
    seed: np.random.Generator | int | None = None,
) -> DenseNet:
    """Build DenseNet-121, -169 or -201: conv7×7/2, max pool/2, four blocks with bottlenecks.

    width is the number of filters of the first convolution, 2 · growth. Raises ValueError.
    """
    if checks.integer("depth", depth, 1) not in BLOCKS:
        raise ValueError(f"depth: expected one of {', '.join(map(str, BLOCKS))}, got {depth}")
    growth, dropout = checks.integer("growth", growth, 1), _dropout(dropout)
    first = checks.integer("width", 2 * growth if width is None else width, 1)
    inputs = checks.integer("in_channels", in_channels, 1)
    classes = checks.integer("num_classes", num_classes, 1)

    def net() -> DenseNet:
        stem: dict[str, nn.Module] = {
            "conv0": nn.Conv2d(inputs, first, 7, 2, padding=3, bias=False),
            "norm0": nn.BatchNorm2d(first),
            "relu0": nn.ReLU(),
            "pool0": nn.MaxPool2d(3, 2, padding=1),
        }
        return DenseNet(stem, first, BLOCKS[depth], growth, True, 0.5, dropout, classes)

    return seeded(net, init, seed)


def densenet40(**options: Any) -> DenseNet:
    """Return DenseNet-40 of k = 12, without bottlenecks; options as in `densenet`."""
    return densenet(40, **({"bottleneck": False} | options))


def densenet_bc100(**options: Any) -> DenseNet:
    """Return DenseNet-BC-100 of k = 12; options as in `densenet`."""
    return densenet(100, **options)


def densenet_bc190(**options: Any) -> DenseNet:
    """Return DenseNet-BC-190 of k = 40; options as in `densenet`."""
    return densenet(190, **({"growth": 40} | options))


def densenet_bc250(**options: Any) -> DenseNet:
    """Return DenseNet-BC-250 of k = 24; options as in `densenet`."""
    return densenet(250, **({"growth": 24} | options))


def densenet121(**options: Any) -> DenseNet:
    """Return DenseNet-121; options as in `imagenet_densenet`."""
    return imagenet_densenet(121, **options)


def densenet169(**options: Any) -> DenseNet:
    """Return DenseNet-169; options as in `imagenet_densenet`."""
    return imagenet_densenet(169, **options)


def densenet201(**options: Any) -> DenseNet:
    """Return DenseNet-201; options as in `imagenet_densenet`."""
    return imagenet_densenet(201, **options)
