"""A residual net that enlarges images: it works on the small one, and rearranges pixels at the end.

conv3×3 – B blocks x ↦ x + s·conv3×3(act(conv3×3(x))) – conv3×3, + what came before the blocks –
[conv3×3 to r² times the filters – pixel shuffle by r] – conv3×3. There is no normalisation, which
would take away the range of the colours; 4 times larger is twice 2 times larger.

Source: Lim et al. 2017 (1707.02921), "EDSR", Figure 3 and Table 1; pixel shuffle: Shi et al. 2016
(1609.05158). Baseline of 16 blocks of 64 filters: 1,369,859 parameters for 2 times larger,
1,554,499 (3) and 1,517,571 (4).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels import checks

from .. import nn
from ..tensor import Tensor
from .basic import BasicBlock
from .initialise import seeded

# conv – act – conv: of the order act – conv – act – conv, without the first activation
BLOCK: dict[str, Any] = {"norm": "none", "order": "preact", "first_act": "none"}
FACTORS = {2: (2,), 3: (3,), 4: (2, 2)}


class Upscaler(nn.Module):
    """The net of this file: `head`, `body` (with a skip around all of it), `tail`."""

    def __init__(
        self, blocks: int, width: int, scale: int, branch_scale: float, skip: bool, channels: int
    ) -> None:
        super().__init__()
        self.residual = skip
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        body: list[nn.Module] = [
            BasicBlock(width, width, skip=skip, scale=branch_scale, **BLOCK) for _ in range(blocks)
        ]
        self.body = nn.Sequential(*body, nn.Conv2d(width, width, 3, padding=1))
        tail: list[nn.Module] = []
        for r in FACTORS[scale]:
            tail += [nn.Conv2d(width, r * r * width, 3, padding=1), nn.PixelShuffle(r)]
        self.tail = nn.Sequential(*tail, nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) → (N, in_channels, scale H, scale W)."""
        x = self.head(x)
        y: Tensor = self.body(x)
        return self.tail(x + y if self.residual else y)  # type: ignore[no-any-return]


def edsr(
    *,
    blocks: int = 16,
    width: int = 64,
    scale: int = 2,
    branch_scale: float = 1.0,
    skip: bool = True,
    in_channels: int = 3,
    init: str = "he",
    seed: np.random.Generator | int | None = None,
) -> Upscaler:
    """Build a net that makes images `scale` = 2, 3 or 4 times larger; `skip=False` a plain one.

    branch_scale   s of each block; the paper's 0.1 lets nets of 256 filters train

    Nets of one seed have the same weights with and without skips. Raises ValueError.
    """
    count, filters = checks.integer("blocks", blocks, 1), checks.integer("width", width, 1)
    channels = checks.integer("in_channels", in_channels, 1)
    if checks.integer("scale", scale, 1) not in FACTORS:
        raise ValueError(f"scale: expected one of {', '.join(map(str, FACTORS))}, got {scale}")
    if not isinstance(skip, bool):
        raise TypeError(f"skip: expected True or False, got {skip!r}")
    factor = checks.real("branch_scale", branch_scale)
    return seeded(lambda: Upscaler(count, filters, scale, factor, skip, channels), init, seed)
