"""The block of three weight layers: 1×1 down, 3×3, 1×1 up to four times the channels.

plain      y = act(norm(W₃ act(norm(W₂ act(norm(W₁ x))))))
residual   y = act(norm(W₃ act(norm(W₂ act(norm(W₁ x))))) + shortcut(x))

and in the other orders of `blocks`. Source: He et al. 2015 (1512.03385), Figure 5 (right). Where
the size shrinks, the paper strides in the first 1×1, which skips three pixels of four; torchvision
("v1.5") strides in the 3×3. The 3×3 may be in groups and wider: ResNeXt (Xie et al. 2017,
1611.05431, Figure 3(c)) and wide ResNets.
"""

from __future__ import annotations

from typing import Any

from minires_kernels import checks

from .. import nn
from .basic import ConvBlock
from .blocks import ACTIVATIONS, Layer, first_act_of, order_of, weights_of
from .norms import norm_of, takes_bias
from .shortcuts import Factory

EXPANSION = 4
STRIDES_IN = ("3x3", "1x1")
DEFAULTS = {"groups": 1, "width_per_group": 64, "stride_in": "3x3"}


def inner_channels(channels: int, groups: int, width_per_group: int) -> int:
    """Return the channels of the 3×3 convolution: `channels` for one group of 64.

    32 groups of 4 make 2 channels of each; a narrow net has at least one channel in a group.
    """
    return groups * max(1, channels * width_per_group // 64)


def bottleneck_options(
    offered: bool, groups: int, width_per_group: int, stride_in: str
) -> dict[str, Any]:
    """Check the options that only bottlenecks have; return those to pass on: none if not `offered`.

    Raises ValueError for a wrong value, and for any but the defaults if not `offered`.
    """
    options = {
        "groups": checks.integer("groups", groups, 1),
        "width_per_group": checks.integer("width_per_group", width_per_group, 1),
        "stride_in": stride_in,
    }
    if stride_in not in STRIDES_IN:
        raise ValueError(f"stride_in: expected one of {', '.join(STRIDES_IN)}, got {stride_in!r}")
    if offered:
        return options
    for name, value in options.items():
        if value != DEFAULTS[name]:
            raise ValueError(
                f"{name}: blocks of two layers have no 1×1 convolution to be a bottleneck, "
                f"got {value!r}"
            )
    return {}


class Bottleneck(ConvBlock):
    """The block of ResNet-50, -101 and -152: in_channels → channels → channels → 4 channels.

    skip       whether the shortcut is added: the only difference between plain and residual twins
    shortcut   what x passes on its way around: "A" zero-padding where the shape changes, "B" a
               projection there, "C" a projection in every block, or another of models.shortcuts
    stride_in  which convolution has the stride: "3x3" as in torchvision, "1x1" as in the paper
    order      the order of weights, norm and activation, see `blocks`
    first_act  of order "preact", where the first activation is, see `basic.BasicBlock`
    groups     of the 3×3 convolution, which has channels · width_per_group / 64 channels for each
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        skip: bool = True,
        shortcut: str | Factory = "B",
        norm: str = "bn",
        activation: str = "relu",
        scale: float | None = 1.0,
        stride_in: str = "3x3",
        order: str = "original",
        first_act: str = "branch",
        groups: int = 1,
        width_per_group: int = 64,
    ) -> None:
        super().__init__()
        act = ACTIVATIONS[activation]
        bias = takes_bias(norm)
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        inner, outputs = inner_channels(channels, groups, width_per_group), EXPANSION * channels
        before = order == "preact"  # a norm has the features before its weights, not those after
        self.skip, self.scale, self.order = skip, scale, order_of(order)
        self.first_act = first_act_of(first_act, order)
        self.conv1 = weights_of(nn.Conv2d(in_channels, inner, 1, first, bias=bias), norm)
        self.bn1 = self.first_norm(in_channels, inner, norm)
        self.act1 = nn.Identity() if first_act == "none" else act()
        conv2 = nn.Conv2d(inner, inner, 3, second, padding=1, groups=groups, bias=bias)
        self.conv2 = weights_of(conv2, norm)
        self.bn2 = norm_of(inner, norm, 4)
        self.act2 = act()
        self.conv3 = weights_of(nn.Conv2d(inner, outputs, 1, bias=bias), norm)
        self.bn3 = norm_of(inner if before else outputs, norm, 4, last=True)
        self.act3 = act()
        self.add_shortcut(shortcut, in_channels, outputs, stride, norm)
        self.add_alpha()

    def layers(self) -> tuple[Layer, ...]:
        return (
            (self.conv1, self.bn1, self.act1),
            (self.conv2, self.bn2, self.act2),
            (self.conv3, self.bn3, self.act3),
        )
