"""What the nets of this package share: the options of their blocks, and how their weights start.

branch_scale       the branch of a block at the start                        source
a number           × that number
"1/sqrt(blocks)"   × 1 / √(number of blocks)
"skipinit"         × a learnable scalar that starts at 0                     2002.10444, 2003.04887
"zero-gamma"       its last norm's γ starts at 0                             Goyal et al. 2017
"fixup"            see models.fixup; without a norm                          1901.09321

survival           probability that the last branch is there in training, falling from 1: see
                   models.survival
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minires_kernels import checks

from .. import nn
from ..nn import init as fill
from ..random import using
from . import fixup
from .blocks import ACTIVATIONS, Block, order_of
from .initialise import initialise
from .norms import NORMS
from .shortcuts import Factory, parse
from .survival import check_survival, stochastic_depth

BRANCH_SCALES = ("1/sqrt(blocks)", "skipinit", "zero-gamma", "fixup")


def branch_factor(branch_scale: float | str, blocks: int) -> float | None:
    """Return the number by which a branch is multiplied, None for a learnable one."""
    if branch_scale == "skipinit":
        return None
    if branch_scale == "1/sqrt(blocks)":
        return 1 / math.sqrt(blocks)
    if isinstance(branch_scale, str):
        if branch_scale in BRANCH_SCALES:
            return 1.0
        raise ValueError(
            "branch_scale: expected a number, "
            f"{', '.join(map(repr, BRANCH_SCALES[:-1]))} or 'fixup', got {branch_scale!r}"
        )
    return checks.real("branch_scale", branch_scale)


def check(
    norm: str,
    activation: str,
    order: str,
    skip: bool,
    shortcut: str | Factory,
    branch_scale: float | str,
    survival: float = 1.0,
) -> str:
    """Raise ValueError for options that are not offered together; return the norm of the blocks."""
    if check_survival(survival) < 1 and not skip:
        raise ValueError("survival: a plain net has no branches to leave out; leave it at 1")
    for name, value, offered in (
        ("norm", norm, NORMS),
        ("activation", activation, tuple(ACTIVATIONS)),
    ):
        if value not in offered:
            raise ValueError(f"{name}: expected one of {', '.join(offered)}, got {value!r}")
    order_of(order)
    _, sitting = parse(shortcut)
    if sitting is not None and not skip:
        raise ValueError(f"shortcut: a plain net has none, got {shortcut!r}; leave it out")
    branch_factor(branch_scale, 1)
    if branch_scale in ("zero-gamma", "fixup") and not skip:
        raise ValueError(
            f"branch_scale: {branch_scale!r} starts branches at 0, and a plain net is nothing else"
        )
    if branch_scale == "zero-gamma":
        if norm == "none":
            raise ValueError(
                "branch_scale: 'zero-gamma' starts norms; it needs norm='bn' (or 'ln', 'gn')"
            )
        if order not in ("original", "relu-preact"):
            raise ValueError(
                "branch_scale: 'zero-gamma' needs a norm at the end of the branch (order "
                f"'original' or 'relu-preact'), got order {order!r}"
            )
    if branch_scale == "fixup" and norm != "none":
        raise ValueError(f"branch_scale: 'fixup' does without normalisation, got norm {norm!r}")
    return "fixup" if branch_scale == "fixup" else norm


def start(
    net: nn.Module,
    classifier: nn.Linear,
    init: str,
    activation: str,
    rng: np.random.Generator,
    shortcut: str | Factory,
    branch_scale: float | str,
    survival: float = 1.0,
) -> None:
    """Draw the weights of a net, then put what sits on its shortcuts, then start its branches.

    In this order nets of one seed start alike but for what they are asked to differ in.
    """
    initialise(net, init, rng, activation)
    blocks = [module for module in net.modules() if isinstance(module, Block)]
    for block in blocks:
        if not block.skip:
            continue
        with using(rng):
            module = block.seat(shortcut)
        if module is None:
            continue
        if not isinstance(module, nn.Module):
            raise TypeError(f"shortcut: expected a Module from the function, got {module!r}")
        if isinstance(shortcut, str):  # what somebody else made starts as they made it
            initialise(module, init, rng, activation)
        block.sit(module)
    if branch_scale == "zero-gamma":
        for block in blocks:
            norm: Any = block.layers()[-1][1]
            fill.zeros_(norm.weight)
    if branch_scale == "fixup":
        fixup.start([[weights for weights, _, _ in b.layers()] for b in blocks], classifier)
    if survival < 1:
        stochastic_depth(net, survival)


def plain_option(shortcut: str | Factory) -> str:
    """Return the shortcut that a net is built with before `start` puts others on it."""
    return parse(shortcut)[0]
