"""What the differences at one step say: a slope, what it may be wrong by, and a jump.

The formulas stand at the head of `differences.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..tensor import Array
from .noise import EPS

NOISE = 12.0  # standard deviations of the rounding of one output, over the step


@dataclass(frozen=True)
class Round:
    """What the differences at one step say; see the head of this file."""

    step: float
    value: float
    truncation: float
    jump: float
    size: float  # Σ |v| |y(h) - y(-h)| / 2h: the sum without cancellation
    amplified: float  # of the noise: 1, or 2 with three levels
    changed: Array  # the outputs that differ from those at x

    def rounding(self, noise: float) -> float:
        return NOISE * self.amplified * noise / self.step + 16 * EPS * self.size

    @property
    def error(self) -> float:
        """What is not due to rounding."""
        return self.truncation + abs(self.jump) / 2

    def bound(self, noise: float) -> float:
        return self.truncation + max(self.rounding(noise), abs(self.jump) / 2)

    def at_kink(self, noise: float) -> bool:
        """Whether the slope jumps within the step, by more than the rest may be wrong by."""
        return abs(self.jump) / 2 > self.truncation + 4 * self.rounding(noise)


def truncation(slopes: Sequence[float], first: Sequence[float], best: float, noise: float) -> float:
    """Return the truncation error of the extrapolated slope of three.

    Where the function is smooth, the change of the slope falls by 4 per halved step. Where it is
    not, as x max(x, 0) at 0, it falls by another ratio r, and what is left of it is the rest of a
    geometric series.
    """
    long, short = abs(slopes[1] - slopes[0]), abs(slopes[2] - slopes[1])
    if 3.4 * short <= long <= 4.7 * short or long + short <= noise:
        return abs(first[1] - first[0]) / 5
    falls = max(long / short - 1, 0.1) if short else math.inf
    return abs(best - slopes[2]) + short / falls
