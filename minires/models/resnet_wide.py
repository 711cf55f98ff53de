"""Nets that are wider instead of deeper: more filters in every block, or more groups of them.

Wide ResNets for CIFAR (Zagoruyko and Komodakis 2016, 1605.07146, Table 1): 6n+4 layers, of which
three are projections; pre-activation blocks of 16k, 32k, 64k filters. 2,748,890 parameters for
WRN-16-4, 10,961,370 (16-8), 8,949,210 (40-4), 36,479,194 (28-10).
Wide ResNet-50 and -101 of torchvision: the 3×3 convolutions are twice as wide, 68,883,240 and
126,886,696.
ResNeXt (Xie et al. 2017, 1611.05431): 3×3 convolutions in groups. 25,028,904 for 50 layers of 32
groups of 4, 88,791,336 (101, 32×8), 83,455,272 (101, 64×4); for CIFAR 34,426,698 (29, 8×64) and
68,155,210 (29, 16×64). Names and shapes of the ImageNet nets' states are torchvision's.
"""

from __future__ import annotations

from typing import Any

from minires_kernels import checks

from .resnet_cifar import CifarResNet, resnet
from .resnet_imagenet import ImageNetResNet, imagenet_resnet
from .resnet_preact import PREACT

WIDE: dict[str, Any] = PREACT | {"shortcut": "B"}
TWICE: dict[str, Any] = {"width_per_group": 128}
CIFAR_RESNEXT: dict[str, Any] = {"block": "bottleneck", "shortcut": "B", "width": 64}
GROUPS_8x64: dict[str, Any] = {"groups": 8, "width_per_group": 64}
GROUPS_16x64: dict[str, Any] = {"groups": 16, "width_per_group": 64}
GROUPS_32x4: dict[str, Any] = {"groups": 32, "width_per_group": 4}
GROUPS_32x8: dict[str, Any] = {"groups": 32, "width_per_group": 8}
GROUPS_64x4: dict[str, Any] = {"groups": 64, "width_per_group": 4}


def wide_resnet(depth: int, widen: int, **options: Any) -> CifarResNet:
    """Build WRN-depth-widen of 6n+4 weight layers; other options as in `resnet`."""
    depth = checks.integer("depth", depth, 10)
    if depth % 6 != 4:
        few = ", ".join(str(6 * n + 4) for n in range(1, 6))
        raise ValueError(f"depth: expected 6n+4 ({few}, …), got {depth}")
    return resnet(depth - 2, widen=widen, **(WIDE | options))


def wide_resnet16_4(**options: Any) -> CifarResNet:
    """Return WRN-16-4; options as in `resnet`."""
    return wide_resnet(16, 4, **options)


def wide_resnet16_8(**options: Any) -> CifarResNet:
    """Return WRN-16-8; options as in `resnet`."""
    return wide_resnet(16, 8, **options)


def wide_resnet28_10(**options: Any) -> CifarResNet:
    """Return WRN-28-10; options as in `resnet`."""
    return wide_resnet(28, 10, **options)


def wide_resnet40_4(**options: Any) -> CifarResNet:
    """Return WRN-40-4; options as in `resnet`."""
    return wide_resnet(40, 4, **options)


def wide_resnet50_2(**options: Any) -> ImageNetResNet:
    """Return Wide ResNet-50-2; options as in `imagenet_resnet`."""
    return imagenet_resnet(50, **(TWICE | options))


def wide_resnet101_2(**options: Any) -> ImageNetResNet:
    """Return Wide ResNet-101-2; options as in `imagenet_resnet`."""
    return imagenet_resnet(101, **(TWICE | options))


def resnext50_32x4d(**options: Any) -> ImageNetResNet:
    """Return ResNeXt-50 of 32 groups of 4; options as in `imagenet_resnet`."""
    return imagenet_resnet(50, **(GROUPS_32x4 | options))


def resnext101_32x8d(**options: Any) -> ImageNetResNet:
    """Return ResNeXt-101 of 32 groups of 8; options as in `imagenet_resnet`."""
    return imagenet_resnet(101, **(GROUPS_32x8 | options))


def resnext101_64x4d(**options: Any) -> ImageNetResNet:
    """Return ResNeXt-101 of 64 groups of 4; options as in `imagenet_resnet`."""
    return imagenet_resnet(101, **(GROUPS_64x4 | options))


def resnext29_8x64d(**options: Any) -> CifarResNet:
    """Return ResNeXt-29 of 8 groups of 64, for CIFAR; options as in `resnet`."""
    return resnet(29, **(CIFAR_RESNEXT | GROUPS_8x64 | options))


def resnext29_16x64d(**options: Any) -> CifarResNet:
    """Return ResNeXt-29 of 16 groups of 64, for CIFAR; options as in `resnet`."""
    return resnet(29, **(CIFAR_RESNEXT | GROUPS_16x64 | options))
