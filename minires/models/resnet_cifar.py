"""The CIFAR-10 nets of He et al. 2015 (1512.03385), §4.2: plain and residual twins of 6n+2 layers.

conv3×3(16) – 2n layers of 16 filters – 2n of 32 – 2n of 64 – global average pool – linear(10).
With the zero-padding shortcut (option A) plain and residual nets have identical parameters:
269,722 for 20 layers, 464,154 (32), 658,586 (44), 853,018 (56), 1,727,962 (110), 19,421,274 (1202).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels import checks

from .. import functional as F
from .. import nn
from ..random import generator, using
from ..tensor import Tensor
from .blocks import ACTIVATIONS, BasicBlock
from .initialise import initialise
from .mlp import NORMS, branch_factor


class CifarResNet(nn.Module):
    """The net of this file; parameters are named as in torchvision's ResNets."""

    def __init__(
        self, n: int, width: int, in_channels: int, num_classes: int, **block_options: Any
    ) -> None:
        super().__init__()
        normalised = block_options["norm"] == "bn"
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=not normalised)
        self.bn1 = nn.BatchNorm2d(width) if normalised else nn.Identity()
        self.act = ACTIVATIONS[block_options["activation"]]()
        channels = width
        for stage, (filters, stride) in enumerate(
            ((width, 1), (2 * width, 2), (4 * width, 2)), start=1
        ):
            blocks = []
            for i in range(n):
                step = stride if i == 0 else 1
                blocks.append(BasicBlock(channels, filters, step, **block_options))
                channels = filters
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) → logits (N, num_classes)."""
        x = nn.norm_act(self.bn1, self.act, self.conv1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)  # (N, 4 width)
        return self.fc(x)  # type: ignore[no-any-return]


def resnet(
    depth: int,
    *,
    shortcut: str = "A",
    width: int = 16,
    in_channels: int = 3,
    num_classes: int = 10,
    init: str = "he",
    norm: str = "bn",
    activation: str = "relu",
    branch_scale: float | str = 1.0,
    skip: bool = True,
    seed: np.random.Generator | int | None = None,
) -> CifarResNet:
    """Build a residual net of depth = 6n+2 weight layers; `skip=False` gives its plain twin.

    width is the number of filters of the first stage (the paper's 16); small ones make small runs.
    shortcut: "A" zero-padding, "B" projection where the shape changes, "C" projection everywhere.
    norm "none" leaves batch norm out (and adds biases). Raises ValueError for a wrong value.
    """
    depth = checks.integer("depth", depth, 8)
    if depth % 6 != 2:
        raise ValueError(f"depth: expected 6n+2 (8, 14, 20, 26, 32, …), got {depth}")
    for name, value, offered in (
        ("shortcut", shortcut, ("A", "B", "C")),
        ("norm", norm, NORMS),
        ("activation", activation, tuple(ACTIVATIONS)),
    ):
        if value not in offered:
            raise ValueError(f"{name}: expected one of {', '.join(offered)}, got {value!r}")
    n = depth // 6
    rng = generator(seed)
    with using(rng):
        net = CifarResNet(
            n,
            checks.integer("width", width, 1),
            checks.integer("in_channels", in_channels, 1),
            checks.integer("num_classes", num_classes, 1),
            skip=skip,
            shortcut=shortcut,
            norm=norm,
            activation=activation,
            scale=branch_factor(branch_scale, 3 * n),
        )
    initialise(net, init, rng)
    return net


def plain(depth: int, **options: Any) -> CifarResNet:
    """Build the plain twin: `resnet(depth, skip=False, …)`."""
    return resnet(depth, skip=False, **options)


def resnet20(**options: Any) -> CifarResNet:
    """Return ResNet-20; options as in `resnet`."""
    return resnet(20, **options)


def resnet32(**options: Any) -> CifarResNet:
    """Return ResNet-32; options as in `resnet`."""
    return resnet(32, **options)


def resnet44(**options: Any) -> CifarResNet:
    """Return ResNet-44; options as in `resnet`."""
    return resnet(44, **options)


def resnet56(**options: Any) -> CifarResNet:
    """Return ResNet-56; options as in `resnet`."""
    return resnet(56, **options)


def resnet110(**options: Any) -> CifarResNet:
    """Return ResNet-110; options as in `resnet`."""
    return resnet(110, **options)


def resnet1202(**options: Any) -> CifarResNet:
    """Return ResNet-1202; options as in `resnet`."""
    return resnet(1202, **options)


def plain20(**options: Any) -> CifarResNet:
    """Return the plain net of 20 layers; options as in `resnet`."""
    return plain(20, **options)


def plain32(**options: Any) -> CifarResNet:
    """Return the plain net of 32 layers; options as in `resnet`."""
    return plain(32, **options)


def plain44(**options: Any) -> CifarResNet:
    """Return the plain net of 44 layers; options as in `resnet`."""
    return plain(44, **options)


def plain56(**options: Any) -> CifarResNet:
    """Return the plain net of 56 layers; options as in `resnet`."""
    return plain(56, **options)


def plain110(**options: Any) -> CifarResNet:
    """Return the plain net of 110 layers; options as in `resnet`."""
    return plain(110, **options)
