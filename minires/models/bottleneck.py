"""The block of three weight layers: 1×1 down, 3×3, 1×1 up to four times the channels.

plain      y = act(norm(W₃ act(norm(W₂ act(norm(W₁ x))))))
residual   y = act(norm(W₃ act(norm(W₂ act(norm(W₁ x))))) + shortcut(x))

Source: He et al. 2015 (1512.03385), Figure 5 (right). Where the size shrinks, the paper strides in
the first 1×1, which skips three pixels of four; torchvision ("v1.5") strides in the 3×3.
"""

from __future__ import annotations

from .. import nn
from ..tensor import Tensor
from .blocks import ACTIVATIONS, Block
from .shortcuts import make_shortcut

EXPANSION = 4
STRIDES_IN = ("3x3", "1x1")


class Bottleneck(Block):
    """The block of ResNet-50, -101 and -152: in_channels → channels → channels → 4 channels.

    skip       whether the shortcut is added: the only difference between plain and residual twins
    shortcut   what to do where the shape changes: "A" zero-padding, "B" a projection there,
               "C" a projection in every block
    stride_in  which convolution has the stride: "3x3" as in torchvision, "1x1" as in the paper
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        skip: bool = True,
        shortcut: str = "B",
        norm: str = "bn",
        activation: str = "relu",
        scale: float | None = 1.0,
        stride_in: str = "3x3",
    ) -> None:
        super().__init__()
        normalised = norm == "bn"
        make_norm = nn.BatchNorm2d if normalised else nn.Identity
        act = ACTIVATIONS[activation]
        bias = not normalised
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        outputs = EXPANSION * channels
        self.skip, self.scale = skip, scale
        self.conv1 = nn.Conv2d(in_channels, channels, 1, first, bias=bias)
        self.bn1 = make_norm(channels)
        self.act1 = act()
        self.conv2 = nn.Conv2d(channels, channels, 3, second, padding=1, bias=bias)
        self.bn2 = make_norm(channels)
        self.act2 = act()
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=bias)
        self.bn3 = make_norm(outputs)
        self.act3 = act()
        kind = shortcut if skip else "none"
        self.downsample = make_shortcut(kind, in_channels, outputs, stride, normalised)
        self.add_alpha()

    @property
    def entry(self) -> nn.Module:
        """The module through which the branch takes its input."""
        return self.conv1

    @property
    def shortcut(self) -> nn.Module:
        """What x passes on its way around the branch; named `downsample` in state dicts."""
        return self.downsample

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) → (N, 4 channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        y = nn.norm_act(self.bn1, self.act1, self.conv1(x))
        y = nn.norm_act(self.bn2, self.act2, self.conv2(y))
        y = self.conv3(y)
        shortcut = self.downsample(x) if self.skip else None
        return self.end(y, self.bn3, self.act3, shortcut)
