"""Nets that restore images: a chain of 3×3 convolutions, and its twin that learns the residual.

residual   y = x + F(x): F learns only what is missing, the fine detail or minus the noise
direct     y = F(x): F must carry the whole image through all of its layers
with F = conv – act – [conv – (norm) – act] × (depth - 2) – conv, of `width` filters.

Source: Kim, Lee and Lee 2016 (1511.04587), "VDSR", Figure 2: 20 layers of 64 filters, 665,921
parameters for one channel, applied to images already enlarged; norm="bn" makes it the denoiser of
Zhang et al. 2017 (1608.03981), "DnCNN", Figure 1, of 17 layers.
"""

from __future__ import annotations

import numpy as np

from minires_kernels import checks

from .. import nn
from ..tensor import Tensor
from .blocks import ACTIVATIONS
from .initialise import seeded

NORMS = ("none", "bn")


class Restorer(nn.Module):
    """The nets of this file: `residual` tells whether x is added to what `body` makes of it."""

    def __init__(
        self, depth: int, width: int, residual: bool, channels: int, norm: str, activation: str
    ) -> None:
        super().__init__()
        self.residual = residual
        act = ACTIVATIONS[activation]
        parts: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), act()]
        for _ in range(depth - 2):
            parts.append(nn.Conv2d(width, width, 3, padding=1, bias=norm != "bn"))
            if norm == "bn":
                parts.append(nn.BatchNorm2d(width))
            parts.append(act())
        self.body = nn.Sequential(*parts, nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) → (N, in_channels, H, W)."""
        y: Tensor = self.body(x)
        return x + y if self.residual else y


def vdsr(
    depth: int = 20,
    *,
    width: int = 64,
    residual: bool = True,
    in_channels: int = 1,
    norm: str = "none",
    activation: str = "relu",
    init: str = "he",
    seed: np.random.Generator | int | None = None,
) -> Restorer:
    """Build a net of `depth` convolutions that restores images; `residual=False` its direct twin.

    Nets of one seed have the same weights, whether residual or not. norm "bn" normalises in all
    layers but the first and the last. Raises ValueError for a wrong value.
    """
    depth, width = checks.integer("depth", depth, 2), checks.integer("width", width, 1)
    channels = checks.integer("in_channels", in_channels, 1)
    if not isinstance(residual, bool):
        raise TypeError(f"residual: expected True or False, got {residual!r}")
    for name, value, offered in (("norm", norm, NORMS), ("activation", activation, ACTIVATIONS)):
        if value not in offered:
            raise ValueError(f"{name}: expected one of {', '.join(offered)}, got {value!r}")
    return seeded(
        lambda: Restorer(depth, width, residual, channels, norm, activation), init, seed, activation
    )
