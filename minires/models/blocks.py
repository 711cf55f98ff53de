"""Blocks of two weight layers; the flag `skip` alone tells a residual block from its plain twin.

plain              y = act(norm(W₂ act(norm(W₁ x))))
residual (2015)    y = act(norm(W₂ act(norm(W₁ x))) + shortcut(x))
pre-act (2016)     y = x + W₂ act(norm(W₁ act(norm(x))))

Sources: He et al. 2015 (1512.03385), Figure 2; He et al. 2016 (1603.05027), Figure 1(b).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .. import nn
from ..tensor import Tensor
from .shortcuts import make_shortcut

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}


class Residual(Protocol):
    """A block that can be told apart from its plain twin, and whose two paths can be told apart.

    skip    whether the block's input is added to the output of its branch
    entry   the module through which the branch takes its input
    """

    skip: bool

    @property
    def entry(self) -> nn.Module: ...


# An isinstance() with a protocol would see no submodules from Python 3.12 on: it asks no
# __getattr__ any more.
def is_residual(module: nn.Module) -> bool:
    """Return whether a module is a `Residual` whose skip is in use."""
    entry = getattr(module, "entry", None)
    return getattr(module, "skip", None) is True and isinstance(entry, nn.Module)


def has_shortcut(module: nn.Module) -> bool:
    """Return whether a block has a module on the way around its branch, e.g. a projection."""
    return isinstance(getattr(module, "shortcut", None), nn.Module)


class Block(nn.Module):
    """What the blocks of this package share: the factor of the branch, and the end of the block.

    scale   factor of the branch: a number, or None for a learnable scalar `alpha` that starts at 0
            (SkipInit, De and Smith 2020; ReZero, Bachlechner et al. 2020)
    """

    skip: bool
    scale: float | None

    def add_alpha(self) -> None:
        """Register `alpha`, after all other parameters, if the factor is learnable."""
        if self.scale is None:
            self.alpha = nn.Parameter(np.zeros((), np.float32))

    def scaled(self, y: Tensor) -> Tensor:
        """Multiply a branch by its factor."""
        if self.scale is None:
            return y * self.alpha
        return y if self.scale == 1 else y * self.scale

    def end(self, y: Tensor, norm: nn.Module, act: nn.Module, shortcut: Tensor | None) -> Tensor:
        """The end of a block: act(norm(y)) if it is plain, act(norm(y) + shortcut) if residual.

        `nn.norm_act` computes just that, in one pass over memory where nobody looks in between.
        """
        if shortcut is None:
            return nn.norm_act(norm, act, y)
        if self.scale == 1:
            return nn.norm_act(norm, act, y, add=shortcut)
        return act(self.scaled(norm(y)) + shortcut)  # type: ignore[no-any-return]


class MLPBlock(Block):
    """Two width → width linear layers; see the top of this file for the three kinds.

    skip     whether x is added: the only difference between plain and residual twins
    preact   the order of 2016
    scale    factor of the branch, see Block
    """

    def __init__(
        self,
        width: int,
        *,
        skip: bool,
        preact: bool = False,
        norm: str = "none",
        activation: str = "relu",
        scale: float | None = 1.0,
    ) -> None:
        super().__init__()
        normalised = norm == "bn"
        make_norm = nn.BatchNorm1d if normalised else nn.Identity
        act = ACTIVATIONS[activation]
        self.skip, self.preact, self.scale = skip, preact, scale
        self.linear1 = nn.Linear(width, width, bias=not normalised)
        self.norm1 = make_norm(width)
        self.act1 = act()
        self.linear2 = nn.Linear(width, width, bias=not normalised)
        self.norm2 = make_norm(width)
        self.act2 = act()
        self.shortcut = nn.Identity()
        self.add_alpha()

    @property
    def entry(self) -> nn.Module:
        """The module through which the branch takes its input."""
        return self.norm1 if self.preact else self.linear1

    def branch(self, x: Tensor) -> Tensor:
        """Return the branch up to its last linear layer; in the order of 2015 a norm follows."""
        y: Tensor
        if self.preact:
            h = self.linear1(nn.norm_act(self.norm1, self.act1, x))
            y = self.linear2(nn.norm_act(self.norm2, self.act2, h))
        else:
            h = nn.norm_act(self.norm1, self.act1, self.linear1(x))
            y = self.linear2(h)
        return y

    def forward(self, x: Tensor) -> Tensor:
        """x (N, width)."""
        y = self.branch(x)
        shortcut = self.shortcut(x) if self.skip else None
        if self.preact:
            return y if shortcut is None else self.scaled(y) + shortcut
        return self.end(y, self.norm2, self.act2, shortcut)


class BasicBlock(Block):
    """Two 3×3 convolutions, the block of ResNet-18, -34 and of the CIFAR nets.

    skip       whether the shortcut is added: the only difference between plain and residual twins
    shortcut   what to do where the shape changes: "A" zero-padding, "B" a projection there,
               "C" a projection in every block
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        skip: bool = True,
        shortcut: str = "A",
        norm: str = "bn",
        activation: str = "relu",
        scale: float | None = 1.0,
    ) -> None:
        super().__init__()
        normalised = norm == "bn"
        make_norm = nn.BatchNorm2d if normalised else nn.Identity
        act = ACTIVATIONS[activation]
        bias = not normalised
        self.skip, self.scale = skip, scale
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=bias)
        self.bn1 = make_norm(channels)
        self.act1 = act()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.bn2 = make_norm(channels)
        self.act2 = act()
        kind = shortcut if skip else "none"
        self.downsample = make_shortcut(kind, in_channels, channels, stride, normalised)
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
        """x (N, C, H, W)."""
        y = nn.norm_act(self.bn1, self.act1, self.conv1(x))
        y = self.conv2(y)
        shortcut = self.downsample(x) if self.skip else None
        return self.end(y, self.bn2, self.act2, shortcut)
