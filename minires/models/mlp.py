"""Deep stacks of equal linear layers: the simplest nets that show what depth does."""

from __future__ import annotations

import numpy as np

from minires_kernels import checks

from .. import nn
from ..random import generator, using
from ..tensor import Tensor
from .blocks import ACTIVATIONS, PRE, MLPBlock, order_of, weights_of
from .fixup import Shift
from .norms import norm_of, takes_bias
from .options import branch_factor, check, start
from .shortcuts import Factory

SKIPS = ("none", "identity", "preact")


class MLPStack(nn.Module):
    """[stem] → body of `depth` width → width layers → [norm, act if pre-activation] → head."""

    def __init__(
        self,
        depth: int,
        width: int,
        skip: bool,
        order: str,
        norm: str,
        activation: str,
        scale: float | None,
        in_features: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        act = ACTIVATIONS[activation]

        def layer(features: int) -> list[nn.Module]:
            linear = nn.Linear(features, width, bias=takes_bias(norm))
            return [weights_of(linear, norm), norm_of(width, norm, 2), act()]

        stem = [] if in_features == width else layer(in_features)
        # In a pre-activation net the body's first norm and act belong to its first block.
        kept = {"preact": 1, "relu-preact": 2}.get(order, 3)
        self.stem = nn.Sequential(*stem[:kept])
        blocks: list[nn.Module] = [
            MLPBlock(
                width,
                skip=skip,
                order=order,
                norm=norm,
                activation=activation,
                scale=scale,
            )
            for _ in range(depth // 2)
        ]
        if depth % 2:
            blocks.append(nn.Sequential(*layer(width)))
        self.body = nn.Sequential(*blocks)
        tail = layer(width)[kept:] if order in PRE else []
        self.tail = nn.Sequential(*tail, *([Shift()] if norm == "fixup" else []))
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_features) → logits (N, num_classes)."""
        return self.head(self.tail(self.body(self.stem(x))))  # type: ignore[no-any-return]


def mlp_stack(
    depth: int,
    width: int,
    skip: str = "none",
    norm: str = "none",
    activation: str = "relu",
    init: str = "he",
    branch_scale: float | str = 1.0,
    *,
    shortcut: str | Factory = "A",
    order: str = "original",
    survival: float = 1.0,
    in_features: int | None = None,
    num_classes: int = 10,
    seed: np.random.Generator | int | None = None,
) -> MLPStack:
    """Build a plain or residual MLP with `depth` width → width layers.

    skip "none" is plain, "identity" the residual net of 2015, "preact" that of 2016 (short for
    skip="identity", order="preact"); residual blocks have two layers. A stem is added if
    in_features (default: width) differs from width.
    norm: see models.norms. branch_scale, survival: see models.options. order: see models.blocks.
    shortcut: a name of models.shortcuts, or a function width ↦ Module; a net has the same shape
    everywhere, so "A" and "B" are the identity. Nets of one seed have the same weights but for
    what sits on their shortcuts, and how their branches start. Raises ValueError.
    """
    depth, width = checks.integer("depth", depth, 1), checks.integer("width", width, 1)
    if skip not in SKIPS:
        raise ValueError(f"skip: expected one of {', '.join(SKIPS)}, got {skip!r}")
    if skip == "preact":
        order = order_of(order, preact=True)
    residual = skip != "none"
    if residual and depth % 2:
        raise ValueError(f"depth: residual blocks have two layers, so {depth} cannot be odd")
    if depth % 2 and order in PRE:
        raise ValueError(f"depth: blocks of order {order!r} have two layers, so {depth} is odd")
    block_norm = check(norm, activation, order, residual, shortcut, branch_scale, survival)
    scale = branch_factor(branch_scale, max(1, depth // 2))
    features = width if in_features is None else checks.integer("in_features", in_features, 1)
    rng = generator(seed)
    with using(rng):
        net = MLPStack(
            depth, width, residual, order, block_norm, activation, scale, features, num_classes
        )
    start(net, net.head, init, activation, rng, shortcut, branch_scale, survival)
    return net
