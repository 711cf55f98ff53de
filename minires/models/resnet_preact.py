"""The pre-activation nets of He et al. 2016 (1603.05027), and ResNet-164 and -1001 in both orders.

CIFAR, 3n blocks, n = 18 (110 and 164 layers) or 111 (1001):
                   blocks          parameters, num_classes=10
preact_resnet110   two 3×3          1,727,962
preact_resnet164   bottlenecks      1,703,258    the paper's 1.7 M
preact_resnet1001  bottlenecks     10,327,706    its 10.2 M, not counting batch norm (149,216)
resnet164          bottlenecks      1,704,154
resnet1001         bottlenecks     10,328,602
ImageNet, of the blocks of ResNet-18 … -152: 11,687,720 parameters for 18 layers, 21,795,880 (34),
25,549,352 (50), 44,541,480 (101), 60,185,128 (152).

As in the paper's appendix the first activation comes right after the first convolution, and where
the shape changes both paths start from the activated input; see `stages.check_shared_act`.
"""

from __future__ import annotations

from typing import Any

from .resnet_cifar import CifarResNet, resnet
from .resnet_imagenet import ImageNetResNet, imagenet_resnet

PREACT: dict[str, Any] = {"order": "preact", "shared_act": True}
BOTTLENECKS: dict[str, Any] = {"block": "bottleneck", "shortcut": "B", "stride_in": "1x1"}


def preact_resnet110(**options: Any) -> CifarResNet:
    """Return ResNet-110 in pre-activation order; options as in `resnet`."""
    return resnet(110, **(PREACT | options))


def preact_resnet164(**options: Any) -> CifarResNet:
    """Return ResNet-164 in pre-activation order; options as in `resnet`."""
    return resnet(164, **(PREACT | BOTTLENECKS | options))


def preact_resnet1001(**options: Any) -> CifarResNet:
    """Return ResNet-1001 in pre-activation order; options as in `resnet`."""
    return resnet(1001, **(PREACT | BOTTLENECKS | options))


def resnet164(**options: Any) -> CifarResNet:
    """Return ResNet-164 in the order of 2015, the other's baseline; options as in `resnet`."""
    return resnet(164, **(BOTTLENECKS | options))


def resnet1001(**options: Any) -> CifarResNet:
    """Return ResNet-1001 in the order of 2015, the other's baseline; options as in `resnet`."""
    return resnet(1001, **(BOTTLENECKS | options))


def preact_resnet18(**options: Any) -> ImageNetResNet:
    """Return ResNet-18 in pre-activation order; options as in `imagenet_resnet`."""
    return imagenet_resnet(18, **(PREACT | options))


def preact_resnet34(**options: Any) -> ImageNetResNet:
    """Return ResNet-34 in pre-activation order; options as in `imagenet_resnet`."""
    return imagenet_resnet(34, **(PREACT | options))


def preact_resnet50(**options: Any) -> ImageNetResNet:
    """Return ResNet-50 in pre-activation order; options as in `imagenet_resnet`."""
    return imagenet_resnet(50, **(PREACT | options))


def preact_resnet101(**options: Any) -> ImageNetResNet:
    """Return ResNet-101 in pre-activation order; options as in `imagenet_resnet`."""
    return imagenet_resnet(101, **(PREACT | options))


def preact_resnet152(**options: Any) -> ImageNetResNet:
    """Return ResNet-152 in pre-activation order; options as in `imagenet_resnet`."""
    return imagenet_resnet(152, **(PREACT | options))
