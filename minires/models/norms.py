"""The norms that the nets of this package offer, by name.

"none"    nothing; weights then have biases
"bn"      batch norm
"ln"      layer norm (Ba et al. 2016): of each sample over its features, or over channels and pixels
          of its maps, with a γ and β for each channel (what group norm of one group is)
"gn"      group norm (Wu and He 2018): of each sample over groups of 16 channels or features, or so
          many more as divide them; with fewer than 32 it is layer norm
"fixup"   the scalars of models.fixup, chosen by branch_scale="fixup"
"""

from __future__ import annotations

from .. import nn
from .fixup import Shift

NORMS = ("none", "bn", "ln", "gn")
GROUP = 16  # channels: Wu and He 2018, Table 3


def norm_of(features: int, norm: str, ndim: int, last: bool = False) -> nn.Module:
    """Return the norm after (or before) weights, for inputs of 2 or 4 dimensions."""
    if norm == "fixup":
        return Shift(multiplied=last)
    if norm == "bn":
        return nn.BatchNorm1d(features) if ndim == 2 else nn.BatchNorm2d(features)
    if norm == "ln":
        return nn.LayerNorm(features) if ndim == 2 else nn.GroupNorm(1, features)
    if norm == "gn":
        return nn.GroupNorm(groups_of(features), features)
    return nn.Identity()


def groups_of(features: int) -> int:
    """Return into how many groups of at least 16 group norm parts them."""
    return next(n for n in range(max(1, features // GROUP), 0, -1) if features % n == 0)


def takes_bias(norm: str) -> bool:
    """Return whether weights beside this norm have a bias: norms have one of their own."""
    return norm not in ("bn", "ln", "gn")
