"""Stochastic depth: nets that are short while they learn, and deep when they are used.

In training block l of L keeps its branch with probability p_l = 1 - (l / L)(1 - p_L), once for each
batch; a branch that is dropped is not computed. In evaluation every branch is there, times p_l.
Source: Huang et al. 2016 (1603.09382), equations 2, 4 and 5; its p_L is 0.5.
"""

from __future__ import annotations

from minires_kernels import checks

from .. import nn
from .blocks import Block


def survival_probabilities(blocks: int, last: float = 0.5) -> list[float]:
    """Return p_l = 1 - (l / L)(1 - last) for l = 1 … L = blocks (equation 4)."""
    blocks, last = checks.integer("blocks", blocks, 1), check_survival(last)
    return [1 - number / blocks * (1 - last) for number in range(1, blocks + 1)]


def expected_depth(blocks: int, last: float = 0.5) -> float:
    """Return how many of the blocks are there on average: the sum of all p_l, 40.25 for 54."""
    return sum(survival_probabilities(blocks, last))


def stochastic_depth(net: nn.Module, survival: float = 0.5) -> None:
    """Let the branches of a residual net be there with the probabilities of this file, or 1.

    survival   p_L of the last block; 1 switches stochastic depth off

    Choices come from the generator of `minires.manual_seed`, one number for each block and batch.
    What a batch dropped has no gradient of it, so that an optimiser leaves its parameters alone,
    momentum and weight decay included. Raises ValueError for a net without residual blocks.
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a Module, got {type(net).__name__}")
    blocks = [m for m in net.modules() if isinstance(m, Block) and m.skip]
    survival = check_survival(survival)
    if not blocks:
        raise ValueError(f"survival: {type(net).__name__} has no residual blocks to drop")
    for block, p in zip(blocks, survival_probabilities(len(blocks), survival), strict=True):
        block.survival = p


def check_survival(survival: float) -> float:
    """Return a probability above 0, as a float; raises TypeError or ValueError."""
    survival = checks.real("survival", survival)
    if not 0 < survival <= 1:
        raise ValueError(f"survival: expected a probability above 0, got {survival}")
    return survival
