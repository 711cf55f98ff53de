"""Deep stacks of equal linear layers: the simplest nets that show what depth does."""

from __future__ import annotations

import math

import numpy as np

from minires_kernels import checks

from .. import nn
from ..random import generator, using
from ..tensor import Tensor
from .blocks import ACTIVATIONS, MLPBlock
from .initialise import initialise

SKIPS = ("none", "identity", "preact")
NORMS = ("none", "bn")


class MLPStack(nn.Module):
    """[stem] → body of `depth` width → width layers → [norm, act if pre-activation] → head."""

    def __init__(
        self,
        depth: int,
        width: int,
        skip: str,
        norm: str,
        activation: str,
        scale: float | None,
        in_features: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        normalised = norm == "bn"
        act = ACTIVATIONS[activation]

        def layer(features: int) -> list[nn.Module]:
            linear = nn.Linear(features, width, bias=not normalised)
            return [linear, nn.BatchNorm1d(width) if normalised else nn.Identity(), act()]

        preact = skip == "preact"
        stem = [] if in_features == width else layer(in_features)
        # In a pre-activation net the body's first norm and act belong to its first block.
        self.stem = nn.Sequential(*(stem[:1] if preact else stem))
        blocks: list[nn.Module] = [
            MLPBlock(
                width,
                skip=skip != "none",
                preact=preact,
                norm=norm,
                activation=activation,
                scale=scale,
            )
            for _ in range(depth // 2)
        ]
        if depth % 2:
            blocks.append(nn.Sequential(*layer(width)))
        self.body = nn.Sequential(*blocks)
        self.tail = nn.Sequential(*(layer(width)[1:] if preact else []))
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
    in_features: int | None = None,
    num_classes: int = 10,
    seed: np.random.Generator | int | None = None,
) -> MLPStack:
    """Build a plain or residual MLP with `depth` width → width layers.

    skip "none" is plain, "identity" the residual net of 2015, "preact" that of 2016; residual
    blocks have two layers. A stem is added if in_features (default: width) differs from width.
    branch_scale multiplies each branch: a number, "1/sqrt(blocks)", or "skipinit" (learnable, from
    0). Plain and residual nets of one seed have the same weights. Raises ValueError.
    """
    depth, width = checks.integer("depth", depth, 1), checks.integer("width", width, 1)
    for name, value, offered in (
        ("skip", skip, SKIPS),
        ("norm", norm, NORMS),
        ("activation", activation, tuple(ACTIVATIONS)),
    ):
        if value not in offered:
            raise ValueError(f"{name}: expected one of {', '.join(offered)}, got {value!r}")
    if skip != "none" and depth % 2:
        raise ValueError(f"depth: residual blocks have two layers, so {depth} cannot be odd")
    scale = branch_factor(branch_scale, max(1, depth // 2))
    features = width if in_features is None else checks.integer("in_features", in_features, 1)
    rng = generator(seed)
    with using(rng):
        net = MLPStack(depth, width, skip, norm, activation, scale, features, num_classes)
    initialise(net, init, rng)
    return net


def branch_factor(branch_scale: float | str, blocks: int) -> float | None:
    """Return the number by which a branch is multiplied, None for a learnable one."""
    if branch_scale == "skipinit":
        return None
    if branch_scale == "1/sqrt(blocks)":
        return 1 / math.sqrt(blocks)
    if isinstance(branch_scale, str):
        raise ValueError(
            f"branch_scale: expected a number, '1/sqrt(blocks)' or 'skipinit', got {branch_scale!r}"
        )
    return checks.real("branch_scale", branch_scale)
