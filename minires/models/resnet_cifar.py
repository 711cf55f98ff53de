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
from .blocks import weights_of
from .bottleneck import bottleneck_options
from .norms import takes_bias
from .options import branch_factor, check, plain_option, start
from .shortcuts import Factory
from .stages import check_shared_act, first_parts, last_parts, make_stage, outputs_of

BLOCKS = {"basic": 2, "bottleneck": 3}  # layers in a branch


class CifarResNet(nn.Module):
    """The net of this file; parameters are named as in torchvision's ResNets."""

    def __init__(
        self,
        block: str,
        n: int,
        width: int,
        widen: int,
        in_channels: int,
        num_classes: int,
        *,
        shared_act: bool,
        **options: Any,
    ) -> None:
        super().__init__()
        norm, order, activation = options["norm"], options["order"], options["activation"]
        layers = BLOCKS[block]
        conv = nn.Conv2d(in_channels, width, 3, padding=1, bias=takes_bias(norm))
        self.conv1 = weights_of(conv, norm)
        self.bn1, self.act = first_parts(width, norm, order, shared_act, activation)
        channels, options["shared_act"] = width, shared_act
        for stage in range(3):
            filters = width * widen * 2**stage
            row = make_stage(layers, n, channels, filters, first=stage == 0, **options)
            setattr(self, f"layer{stage + 1}", row)
            channels = outputs_of(layers, filters)
        self.tail = nn.Sequential(*last_parts(channels, norm, order, activation))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) → logits (N, num_classes)."""
        x = nn.layer(self.conv1, self.bn1, self.act, x)
        x = self.tail(self.layer3(self.layer2(self.layer1(x))))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)  # (N, 4 width), or 16 width of bottlenecks
        return self.fc(x)  # type: ignore[no-any-return]


def resnet(
    depth: int,
    *,
    shortcut: str | Factory = "A",
    block: str = "basic",
    order: str = "original",
    shared_act: bool = False,
    width: int = 16,
    widen: int = 1,
    groups: int = 1,
    width_per_group: int = 64,
    stride_in: str = "3x3",
    in_channels: int = 3,
    num_classes: int = 10,
    init: str = "he",
    norm: str = "bn",
    activation: str = "relu",
    branch_scale: float | str = 1.0,
    survival: float = 1.0,
    skip: bool = True,
    seed: np.random.Generator | int | None = None,
) -> CifarResNet:
    """Build a residual net of depth = 6n+2 weight layers; `skip=False` gives its plain twin.

    width is the number of filters of the first stage (the paper's 16); small ones make small runs.
    shortcut: "A" zero-padding, "B" projection where the shape changes, "C" projection everywhere,
    or another of models.shortcuts. order: see models.blocks; branch_scale, survival: see
    models.options; shared_act: see models.stages; widen: filters of the stages × that.
    block: "bottleneck" makes 9n+2 layers, as in He et al. 2016's ResNet-164 and -1001; groups,
    width_per_group and stride_in are theirs, see models.bottleneck.
    norm: see models.norms ("none" adds biases). Raises ValueError for a wrong value.
    """
    depth = checks.integer("depth", depth, 8)
    if block not in BLOCKS:
        raise ValueError(f"block: expected one of {', '.join(BLOCKS)}, got {block!r}")
    layers = 3 * BLOCKS[block]  # of a block in each of three stages
    if depth % layers != 2:
        few = ", ".join(str(layers * n + 2) for n in range(1, 6))
        raise ValueError(f"depth: expected {layers}n+2 ({few}, …), got {depth}")
    block_norm = check(norm, activation, order, skip, shortcut, branch_scale, survival)
    check_shared_act(shared_act, order)
    inner = bottleneck_options(block == "bottleneck", groups, width_per_group, stride_in)
    n = depth // layers
    rng = generator(seed)
    with using(rng):
        net = CifarResNet(
            block,
            n,
            checks.integer("width", width, 1),
            checks.integer("widen", widen, 1),
            checks.integer("in_channels", in_channels, 1),
            checks.integer("num_classes", num_classes, 1),
            shared_act=shared_act,
            skip=skip,
            shortcut=plain_option(shortcut),
            norm=block_norm,
            activation=activation,
            order=order,
            scale=branch_factor(branch_scale, 3 * n),
            **inner,
        )
    start(net, net.fc, init, activation, rng, shortcut, branch_scale, survival)
    return net


def plain(depth: int, **options: Any) -> CifarResNet:
    """Build the plain twin: `resnet(depth, skip=False, …)`."""
    return resnet(depth, skip=False, **options)


def resnet20(*, weights: str | None = None, **options: Any) -> CifarResNet:
    """Return ResNet-20; options as in `resnet`. weights: "cifar10", see `weights.pretrained`."""
    net = resnet(20, **options)
    if weights is None:
        return net
    from ..weights.shipped import filled  # takes time to import

    return filled(net, "resnet20", weights, options, resnet.__kwdefaults__ or {})


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
