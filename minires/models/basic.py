"""The block of two 3×3 convolutions, and what blocks of convolutions share.

The orders of its parts are those of `blocks`. Source: He et al. 2015 (1512.03385), Figure 5 (left).
"""

from __future__ import annotations

from .. import nn
from .blocks import ACTIVATIONS, Block, Layer, first_act_of, order_of, weights_of
from .norms import norm_of, takes_bias
from .shortcuts import Factory, Matched, make_shortcut, parse


class ConvBlock(Block):
    """What blocks of convolutions share: `downsample`, which is the shortcut's name in states."""

    downsample: nn.Module

    def first_norm(self, in_channels: int, channels: int, norm: str) -> nn.Module:
        """Return the norm of the first layer, which stands before its weights in order "preact"."""
        if self.first_act == "none":
            return nn.Identity()
        return norm_of(in_channels if self.order == "preact" else channels, norm, 4)

    def add_shortcut(
        self, shortcut: str | Factory, in_channels: int, channels: int, stride: int, norm: str
    ) -> None:
        """Make `downsample`: what matches the shape, and what sits on the shortcut."""
        self.channels = channels
        option = parse(shortcut)[0] if self.skip else "none"
        after = norm if self.first_act == "branch" else "of the block"
        self.downsample = make_shortcut(option, in_channels, channels, stride, after)
        module = self.seat(shortcut) if self.skip else None
        if module is not None:
            self.sit(module)

    @property
    def shortcut(self) -> nn.Module:  # type: ignore[override]
        """What x passes on its way around the branch; named `downsample` in state dicts."""
        return self.downsample

    def seat(self, shortcut: str | Factory) -> nn.Module | None:
        _, make = parse(shortcut)
        return None if make is None else make(self.channels)

    def sit(self, module: nn.Module) -> None:
        """Put a module on the shortcut, behind what matches the shape."""
        plain = isinstance(self.downsample, nn.Identity)
        self.downsample = module if plain else Matched(self.downsample, module)


class BasicBlock(ConvBlock):
    """Two 3×3 convolutions, the block of ResNet-18, -34 and of the CIFAR nets.

    skip       whether the shortcut is added: the only difference between plain and residual twins
    shortcut   what x passes on its way around: "A" zero-padding where the shape changes, "B" a
               projection there, "C" a projection in every block, or another of models.shortcuts
    order      the order of weights, norm and activation, see models.blocks
    first_act  of order "preact": its first activation is in the "branch", before "both" paths, or
               in "none" of them, x being activated already; with the latter two projections have
               no norm
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        skip: bool = True,
        shortcut: str | Factory = "A",
        norm: str = "bn",
        activation: str = "relu",
        scale: float | None = 1.0,
        order: str = "original",
        first_act: str = "branch",
    ) -> None:
        super().__init__()
        act = ACTIVATIONS[activation]
        bias = takes_bias(norm)
        self.skip, self.scale, self.order = skip, scale, order_of(order)
        self.first_act = first_act_of(first_act, order)
        conv = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=bias)
        self.conv1 = weights_of(conv, norm)
        self.bn1 = self.first_norm(in_channels, channels, norm)
        self.act1 = nn.Identity() if first_act == "none" else act()
        self.conv2 = weights_of(nn.Conv2d(channels, channels, 3, padding=1, bias=bias), norm)
        self.bn2 = norm_of(channels, norm, 4, last=True)
        self.act2 = act()
        self.add_shortcut(shortcut, in_channels, channels, stride, norm)
        self.add_alpha()

    def layers(self) -> tuple[Layer, ...]:
        return (self.conv1, self.bn1, self.act1), (self.conv2, self.bn2, self.act2)
