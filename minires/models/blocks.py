"""Blocks of two weight layers; the flag `skip` alone tells a residual block from its plain twin.

    order             residual block, h(x) being the shortcut                    2016, Figure 4
    "original"        y = act(norm(W₂ act(norm(W₁ x))) + h(x))                   (a), that of 2015
    "bn-after-add"    y = act(norm(W₂ act(norm(W₁ x)) + h(x)))                   (b)
    "relu-before-add" y = act(norm(W₂ act(norm(W₁ x)))) + h(x)                   (c)
    "relu-preact"     y = norm(W₂ act(norm(W₁ act(x)))) + h(x)                   (d)
    "preact"          y = W₂ act(norm(W₁ act(norm(x)))) + h(x)                   (e)

Plain twins lack + h(x). Sources: He et al. 2015 (1512.03385), Figure 2; He et al. 2016
(1603.05027), Figure 4 and Table 2.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .. import nn
from ..random import generator
from ..tensor import Tensor
from .fixup import shifted
from .norms import norm_of, takes_bias
from .shortcuts import Factory, Matched, parse, takes_branch

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
    "identity": nn.Identity,
}
ORDERS = ("original", "bn-after-add", "relu-before-add", "relu-preact", "preact")
FIRST_ACTS = ("branch", "both", "none")  # see Block
PRE = ("relu-preact", "preact")  # whose branch begins with an activation, and does not end in one

Layer = tuple[nn.Module, nn.Module, nn.Module]  # weights, norm, activation


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
    """What the blocks of this package share: the order of their parts, and the two paths' sum.

    scale      factor of the branch: a number, or None for a learnable scalar `alpha` that starts
               at 0 (SkipInit, De and Smith 2020; ReZero, Bachlechner et al. 2020)
    first_act  of order "preact", where the first norm and activation are: in the "branch", before
               "both" paths, or in "none" of them, x being activated already
    survival   probability that the branch is there in training, see models.survival
    """

    skip: bool
    scale: float | None
    order: str
    shortcut: nn.Module
    first_act = "branch"
    survival = 1.0

    def layers(self) -> tuple[Layer, ...]:
        """Return the branch's layers in order: weights, norm and activation of each."""
        raise NotImplementedError

    def seat(self, shortcut: str | Factory) -> nn.Module | None:
        """Return a new module to `sit` on the shortcut, None where x passes as it is."""
        raise NotImplementedError

    def sit(self, module: nn.Module) -> None:
        """Put a module on the shortcut."""
        raise NotImplementedError

    @property
    def entry(self) -> nn.Module:
        """The module through which the branch takes its input."""
        weights, norm, act = self.layers()[0]
        if self.first_act != "branch":
            return weights
        return {"preact": norm, "relu-preact": act}.get(self.order, weights)

    def add_alpha(self) -> None:
        """Register `alpha`, after all other parameters, if the factor is learnable."""
        if self.scale is None:
            self.alpha = nn.Parameter(np.zeros((), np.float32))

    def scaled(self, y: Tensor) -> Tensor:
        """Multiply a branch by its factor, and in evaluation by its share of the batches."""
        factor = 1.0 if self.training else self.survival
        if self.scale is None:
            y = y * self.alpha
        else:
            factor *= self.scale
        return y if factor == 1 else y * factor

    @property
    def is_plain_sum(self) -> bool:
        """Whether `joined` would add the branch itself to the shortcut."""
        as_it_is = self.scale == 1 and (self.training or self.survival == 1)
        return as_it_is and not takes_branch(self.shortcut)

    def branch(self, x: Tensor, layers: tuple[Layer, ...] = ()) -> Tensor:
        """Return the branch up to its last weights; "relu-preact" has the norm after them too.

        `layers` are `self.layers()`, for who has them at hand.
        """
        layers = layers or self.layers()
        if self.order == "preact":
            for i, (weights, norm, act) in enumerate(layers):
                inside = i > 0 or self.first_act == "branch"
                x = weights(nn.norm_act(norm, act, x) if inside else x)
            return x
        if self.order == "relu-preact":
            for weights, norm, act in layers:
                x = norm(weights(act(x)))
            return x
        last: Tensor = layers[-1][0](self.inner(x, layers))
        return last

    def inner(self, x: Tensor, layers: tuple[Layer, ...]) -> Tensor:
        """Return what all layers but the last make of x, weights before norms."""
        for layer in layers[:-1]:
            x = nn.layer(*layer, x)
        return x

    def joined(self, y: Tensor, x: Tensor) -> Tensor:
        """The branch y times its factor + what the shortcut makes of x."""
        if takes_branch(self.shortcut):
            return self.shortcut(x, self.scaled(y))  # type: ignore[no-any-return]
        return self.scaled(y) + self.shortcut(x)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """x (N, width) or (N, C, H, W)."""
        if self.survival < 1 and self.training and generator().random() >= self.survival:
            return self.without_branch(x)
        return self.paths(x, x)

    def paths(self, into_branch: Tensor, into_shortcut: Tensor) -> Tensor:
        """Return the output where branch and shortcut take different inputs of one shape.

        `nn.layer` computes act(norm(weights(y)) + shortcut) in few passes over memory where nobody
        looks in between.
        """
        same = into_shortcut is into_branch
        into_branch = self.shared(into_branch)
        into_shortcut = into_branch if same else self.shared(into_shortcut)
        layers = self.layers()
        if not self.skip and self.order not in PRE:
            return nn.layer(*layers[-1], self.inner(into_branch, layers))
        if self.skip and self.order == "original" and self.is_plain_sum:
            # Recorded before the branch, the shortcut comes after it in backward, and adds its part
            # of the gradient to what is there.
            around = self.shortcut(into_shortcut)
            return nn.layer(*layers[-1], self.inner(into_branch, layers), around)
        y = self.branch(into_branch, layers)
        _, norm, act = layers[-1]
        if not self.skip:
            return y
        if self.order in PRE:
            return self.joined(y, into_shortcut)
        if self.order == "bn-after-add":
            return nn.norm_act(norm, act, self.joined(y, into_shortcut))
        if self.order == "relu-before-add":
            return self.joined(nn.norm_act(norm, act, y), into_shortcut)
        return act(self.joined(norm(y), into_shortcut))  # type: ignore[no-any-return]

    def shared(self, x: Tensor) -> Tensor:
        """Return what both paths start from: x, or act(norm(x)) if that is before both of them."""
        if self.first_act != "both":
            return x
        _, norm, act = self.layers()[0]
        return nn.norm_act(norm, act, x)

    def without_branch(self, x: Tensor) -> Tensor:
        """Return what a residual block makes of x where its branch gives 0."""
        x, shortcut = self.shared(x), self.shortcut
        if takes_branch(shortcut):
            if isinstance(shortcut, Matched):
                match, shortcut = shortcut
                x = match(x)
            y = shortcut(x, Tensor(x.data * 0))
        else:
            y = shortcut(x)
        _, norm, act = self.layers()[-1]
        if self.order == "original":
            return act(y)  # type: ignore[no-any-return]
        return nn.norm_act(norm, act, y) if self.order == "bn-after-add" else y


def weights_of(layer: nn.Linear | nn.Conv2d, norm: str) -> nn.Module:
    """Return a branch's weight layer as the norm wants it."""
    return shifted(layer) if norm == "fixup" else layer


def order_of(order: str, preact: bool = False) -> str:
    """Return the order of a block's parts; raises ValueError for one that is not offered."""
    if order not in ORDERS:
        raise ValueError(f"order: expected one of {', '.join(ORDERS)}, got {order!r}")
    if preact and order != "original":
        raise ValueError(f"order: preact=True means order='preact', got {order!r} beside it")
    return "preact" if preact else order


def first_act_of(first_act: str, order: str) -> str:
    """Return where the first activation is; raises ValueError for what is not offered together."""
    if first_act not in FIRST_ACTS:
        raise ValueError(f"first_act: expected one of {', '.join(FIRST_ACTS)}, got {first_act!r}")
    if first_act != "branch" and order != "preact":
        raise ValueError(f"first_act: {first_act!r} needs order='preact', got order {order!r}")
    return first_act


class MLPBlock(Block):
    """Two width → width linear layers; see the top of this file for the orders.

    skip      whether h(x) is added: the only difference between plain and residual twins
    preact    short for order="preact"
    norm      "none", "bn", "ln", or "fixup" for its scalar biases and multiplier
    scale     factor of the branch, see Block
    shortcut  h(x): a name of models.shortcuts, or a function width ↦ Module
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
        order: str = "original",
        shortcut: str | Factory = "A",
    ) -> None:
        super().__init__()
        act = ACTIVATIONS[activation]
        self.width, self.norm = width, norm
        self.skip, self.scale, self.order = skip, scale, order_of(order, preact)
        bias = takes_bias(norm)
        self.linear1 = weights_of(nn.Linear(width, width, bias=bias), norm)
        self.norm1 = norm_of(width, norm, 2)
        self.act1 = act()
        self.linear2 = weights_of(nn.Linear(width, width, bias=bias), norm)
        self.norm2 = norm_of(width, norm, 2, last=True)
        self.act2 = act()
        self.shortcut = (self.seat(shortcut) if skip else None) or nn.Identity()
        self.add_alpha()

    @property
    def preact(self) -> bool:
        """Whether the order is that of 2016."""
        return self.order == "preact"

    def layers(self) -> tuple[Layer, ...]:
        return (self.linear1, self.norm1, self.act1), (self.linear2, self.norm2, self.act2)

    def seat(self, shortcut: str | Factory) -> nn.Module | None:
        option, make = parse(shortcut)
        width = self.width
        if make is not None:
            return make(width)
        if option != "C":  # the shape never changes
            return None
        linear = nn.Linear(width, width, bias=takes_bias(self.norm))
        return nn.Sequential(linear, norm_of(width, self.norm, 2))

    def sit(self, module: nn.Module) -> None:
        self.shortcut = module
