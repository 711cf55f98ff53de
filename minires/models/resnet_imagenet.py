"""The ImageNet nets of He et al. 2015 (1512.03385), Table 1: 18 to 152 layers, and plain twins.

conv7×7(64)/2 – max pool 3×3/2 – four stages of 64, 128, 256, 512 filters, all but the first of
them halving the size – global average pool – linear(1000). 18 and 34 layers are of BasicBlocks,
50, 101 and 152 of Bottlenecks, whose stages end in 256, 512, 1024, 2048 channels.
Parameters with projections where the shape changes (option B, as in torchvision): 11,689,512 for
18 layers, 21,797,672 (34), 25,557,032 (50), 44,549,160 (101), 60,192,808 (152). Names and shapes
of the state are torchvision's too.
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

# depth: (layers per block, blocks per stage); depth = 2 + layers · blocks
STAGES = {
    18: (2, (2, 2, 2, 2)),
    34: (2, (3, 4, 6, 3)),
    50: (3, (3, 4, 6, 3)),
    101: (3, (3, 4, 23, 3)),
    152: (3, (3, 8, 36, 3)),
}


class ImageNetResNet(nn.Module):
    """The net of this file; parameters are named as in torchvision's ResNets."""

    def __init__(
        self,
        depth: int,
        width: int,
        in_channels: int,
        num_classes: int,
        *,
        shared_act: bool,
        **options: Any,
    ) -> None:
        super().__init__()
        layers, stages = STAGES[depth]
        norm, order, activation = options["norm"], options["order"], options["activation"]
        conv = nn.Conv2d(in_channels, width, 7, 2, padding=3, bias=takes_bias(norm))
        self.conv1 = weights_of(conv, norm)
        self.bn1, self.act = first_parts(width, norm, order, shared_act, activation)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        channels, options["shared_act"] = width, shared_act
        for stage, count in enumerate(stages):
            filters = width * 2**stage
            row = make_stage(layers, count, channels, filters, first=stage == 0, **options)
            setattr(self, f"layer{stage + 1}", row)
            channels = outputs_of(layers, filters)
        tail = last_parts(channels, norm, order, activation)
        self.tail = tail[0] if len(tail) == 1 else nn.Sequential(*tail)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) → logits (N, num_classes), of images of any size."""
        x = nn.layer(self.conv1, self.bn1, self.act, x)
        x = self.maxpool(x)  # (N, width, ⌈H / 4⌉, ⌈W / 4⌉)
        x = self.tail(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)  # (N, 8 width), or 32 width of Bottlenecks
        return self.fc(x)  # type: ignore[no-any-return]


def imagenet_resnet(
    depth: int,
    *,
    shortcut: str | Factory = "B",
    order: str = "original",
    shared_act: bool = False,
    stride_in: str = "3x3",
    groups: int = 1,
    width_per_group: int = 64,
    width: int = 64,
    in_channels: int = 3,
    num_classes: int = 1000,
    init: str = "he",
    norm: str = "bn",
    activation: str = "relu",
    branch_scale: float | str = 1.0,
    survival: float = 1.0,
    skip: bool = True,
    seed: np.random.Generator | int | None = None,
) -> ImageNetResNet:
    """Build a residual net of 18, 34, 50, 101 or 152 weight layers; `skip=False` a plain one.

    width is the number of filters of the stem (the paper's 64); small ones make small runs.
    shortcut: "A" zero-padding, "B" projection where the shape changes, "C" projection everywhere,
    or another of models.shortcuts. order: see models.blocks; branch_scale, survival: see
    models.options; shared_act: see models.stages.
    Plain nets have no projections, so only with "A" do twins of one seed have the same weights.
    stride_in: from 50 layers, the convolution of a block with the stride: "3x3" as in torchvision,
    "1x1" as in the paper; the weights are the same. groups, width_per_group: see models.bottleneck.
    norm: see models.norms ("none" adds biases). Raises ValueError for a wrong value.
    """
    depth = checks.integer("depth", depth, 1)
    if depth not in STAGES:
        raise ValueError(f"depth: expected one of {', '.join(map(str, STAGES))}, got {depth}")
    block_norm = check(norm, activation, order, skip, shortcut, branch_scale, survival)
    check_shared_act(shared_act, order)
    layers, stages = STAGES[depth]
    inner = bottleneck_options(layers == 3, groups, width_per_group, stride_in)
    rng = generator(seed)
    with using(rng):
        net = ImageNetResNet(
            depth,
            checks.integer("width", width, 1),
            checks.integer("in_channels", in_channels, 1),
            checks.integer("num_classes", num_classes, 1),
            shared_act=shared_act,
            skip=skip,
            shortcut=plain_option(shortcut),
            norm=block_norm,
            activation=activation,
            order=order,
            scale=branch_factor(branch_scale, sum(stages)),
            **inner,
        )
    start(net, net.fc, init, activation, rng, shortcut, branch_scale, survival)
    return net


def resnet18(**options: Any) -> ImageNetResNet:
    """Return ResNet-18; options as in `imagenet_resnet`."""
    return imagenet_resnet(18, **options)


def resnet34(**options: Any) -> ImageNetResNet:
    """Return ResNet-34; options as in `imagenet_resnet`."""
    return imagenet_resnet(34, **options)


def resnet50(**options: Any) -> ImageNetResNet:
    """Return ResNet-50; options as in `imagenet_resnet`."""
    return imagenet_resnet(50, **options)


def resnet101(**options: Any) -> ImageNetResNet:
    """Return ResNet-101; options as in `imagenet_resnet`."""
    return imagenet_resnet(101, **options)


def resnet152(**options: Any) -> ImageNetResNet:
    """Return ResNet-152; options as in `imagenet_resnet`."""
    return imagenet_resnet(152, **options)


def plain18(**options: Any) -> ImageNetResNet:
    """Return the plain net of 18 layers; options as in `imagenet_resnet`."""
    return imagenet_resnet(18, skip=False, **options)


def plain34(**options: Any) -> ImageNetResNet:
    """Return the plain net of 34 layers; options as in `imagenet_resnet`."""
    return imagenet_resnet(34, skip=False, **options)
