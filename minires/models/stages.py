"""What residual nets for images are made of: stages of equal blocks, and the ends around them."""

from __future__ import annotations

from typing import Any

from .. import nn
from .basic import BasicBlock
from .blocks import ACTIVATIONS, PRE
from .bottleneck import EXPANSION, Bottleneck
from .fixup import Shift
from .norms import norm_of


def outputs_of(layers: int, filters: int) -> int:
    """Return the channels that a block of two or three layers ends in."""
    return filters if layers == 2 else EXPANSION * filters


def make_stage(
    layers: int,
    count: int,
    channels: int,
    filters: int,
    *,
    first: bool,
    shared_act: bool,
    **options: Any,
) -> nn.Sequential:
    """Return `count` blocks of two or three layers for an input of so many `channels`.

    first        whether it is the net's first stage: the others halve height and width
    shared_act   see `check_shared_act`: where each block's first activation is
    """
    outputs = outputs_of(layers, filters)
    blocks: list[nn.Module] = []
    for i in range(count):
        stride = 2 if i == 0 and not first else 1
        if shared_act:
            changes = stride != 1 or channels != outputs
            at_the_start = first and i == 0
            options["first_act"] = "none" if at_the_start else "both" if changes else "branch"
        kind = BasicBlock if layers == 2 else Bottleneck
        blocks.append(kind(channels, filters, stride, **options))
        channels = outputs
    return nn.Sequential(*blocks)


def first_parts(
    width: int, norm: str, order: str, shared_act: bool, activation: str
) -> tuple[nn.Module, nn.Module]:
    """Return norm and activation after the first convolution.

    In a pre-activation net they belong to the first block, unless both paths share them.
    """
    act = ACTIVATIONS[activation]()
    if shared_act:
        return norm_of(width, norm, 4), act
    return (
        nn.Identity() if order == "preact" else norm_of(width, norm, 4),
        nn.Identity() if order in PRE else act,
    )


def last_parts(channels: int, norm: str, order: str, activation: str) -> list[nn.Module]:
    """Return what stands between the last block and the pooling."""
    parts: list[nn.Module] = []
    if order in PRE:
        parts.append(norm_of(channels, norm, 4) if order == "preact" else nn.Identity())
        parts.append(ACTIVATIONS[activation]())
    return [*parts, Shift()] if norm == "fixup" else parts


def check_shared_act(shared_act: bool, order: str) -> None:
    """Check the option of pre-activation nets that has them as He et al. 2016 have them.

    True: the net's first norm and activation come right after conv1, before the paths part, and
    where a block changes the shape its first norm and activation do too; projections then have no
    norm (2016, appendix). False: every block's shortcut starts from x itself.
    """
    if not isinstance(shared_act, bool):
        raise TypeError(f"shared_act: expected True or False, got {shared_act!r}")
    if shared_act and order != "preact":
        raise ValueError(f"shared_act: True needs order='preact', got order {order!r}")
