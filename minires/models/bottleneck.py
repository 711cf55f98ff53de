"""The block of three weight layers: 1×1 down, 3×3, 1×1 up to four times the channels.

plain      y = act(norm(W₃ act(norm(W₂ act(norm(W₁ x))))))
residual   y = act(norm(W₃ act(norm(W₂ act(norm(W₁ x))))) + shortcut(x))

and in the other orders of `blocks`. Source: He et al. 2015 (1512.03385), Figure 5 (right). Where
the size shrinks, the paper strides in the first 1×1, which skips three pixels of four; torchvision
("v1.5") strides in the 3×3.
"""

from __future__ import annotations

from .. import nn
from .blocks import ACTIVATIONS, ConvBlock, Layer, norm_of, order_of, weights_of
from .shortcuts import Factory

EXPANSION = 4
STRIDES_IN = ("3x3", "1x1")


class Bottleneck(ConvBlock):
    """The block of ResNet-50, -101 and -152: in_channels → channels → channels → 4 channels.

    skip       whether the shortcut is added: the only difference between plain and residual twins
    shortcut   what x passes on its way around: "A" zero-padding where the shape changes, "B" a
               projection there, "C" a projection in every block, or another of models.shortcuts
    stride_in  which convolution has the stride: "3x3" as in torchvision, "1x1" as in the paper
    order      the order of weights, norm and activation, see `blocks`
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
    ) -> None:
        super().__init__()
        act = ACTIVATIONS[activation]
        bias = norm != "bn"
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        outputs = EXPANSION * channels
        before = order == "preact"  # a norm has the features before its weights, not those after
        self.skip, self.scale, self.order = skip, scale, order_of(order)
        self.conv1 = weights_of(nn.Conv2d(in_channels, channels, 1, first, bias=bias), norm)
        self.bn1 = norm_of(in_channels if before else channels, norm, 4)
        self.act1 = act()
        conv2 = nn.Conv2d(channels, channels, 3, second, padding=1, bias=bias)
        self.conv2 = weights_of(conv2, norm)
        self.bn2 = norm_of(channels, norm, 4)
        self.act2 = act()
        self.conv3 = weights_of(nn.Conv2d(channels, outputs, 1, bias=bias), norm)
        self.bn3 = norm_of(channels if before else outputs, norm, 4, last=True)
        self.act3 = act()
        self.add_shortcut(shortcut, in_channels, outputs, stride, norm)
        self.add_alpha()

    def layers(self) -> tuple[Layer, ...]:
        return (
            (self.conv1, self.bn1, self.act1),
            (self.conv2, self.bn2, self.act2),
            (self.conv3, self.bn3, self.act3),
        )
