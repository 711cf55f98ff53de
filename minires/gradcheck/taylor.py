"""The Taylor-remainder check: a second opinion that needs no tolerance.

r(h) = |J(x + h u) - J(x) - h ⟨g, u⟩| falls like h² if g is the gradient, and like h if it is not.
Source: the standard test of adjoint models, e.g. Farrell et al. 2013 (1204.5577), §5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tensor import Array
from .differences import Differences
from .noise import scale
from .report import FAIL, PASS, UNDECIDED, VACUOUS
from .subject import Subject

STEPS = tuple(0.1 * 2.0**-k for k in range(10))
LOWEST_SLOPE = 1.9


@dataclass
class TaylorResult:
    """The remainders r(h) at the usable steps, and the slope of log r over log h on the last three.

    slope None: fewer than three steps were usable, and `reason` says why: J is linear along u (a
    PASS), a kink lies within most steps (UNDECIDED), or J does not change along u (VACUOUS).
    """

    steps: list[float]
    remainders: list[float]
    slope: float | None
    verdict: str
    reason: str

    @property
    def ok(self) -> bool:
        """Whether the check passed."""
        return self.verdict == PASS

    def __str__(self) -> str:
        if self.slope is None:
            return f"Taylor: {self.verdict} ({self.reason})"
        return (
            f"Taylor: {self.verdict}, the remainder falls with slope {self.slope:.2f} "
            "(2 = right, 1 = wrong)"
        )


def taylor(
    subject: Subject,
    v: Array,
    analytic: list[Array],
    rng: np.random.Generator,
    expect_zero: bool = False,
) -> TaylorResult:
    """Run the check along one random direction through all tensors at once."""
    directions = [rng.standard_normal(a.shape) * scale(a) for a in subject.arrays]
    slope = sum(float(np.sum(g * u)) for g, u in zip(analytic, directions, strict=True))
    y0, digest = subject.value(subject.arrays)
    noise = 64 * float(np.sum(np.abs(v) * Differences(subject, v).noise))
    steps, remainders, kinks, moves = [], [], 0, expect_zero
    for h in STEPS:
        moved = [a + h * u for a, u in zip(subject.arrays, directions, strict=True)]
        y, branches = subject.value(moved)
        if branches != digest or not np.isfinite(y).all():
            kinks += 1
            continue
        change = float(np.sum(v * (y - y0)))
        r = abs(change - h * slope)
        rounding = noise + 1e3 * np.finfo(np.float64).eps * abs(h * slope)
        moves = moves or bool(max(abs(change), abs(h * slope)) > rounding)
        if r > rounding:
            steps.append(h)
            remainders.append(r)
    if kinks > len(STEPS) - 3:
        return TaylorResult(steps, remainders, None, UNDECIDED, "a kink lies within most steps")
    if not moves:
        reason = "the function does not change along the direction"
        return TaylorResult(steps, remainders, None, VACUOUS, reason)
    if len(steps) < 3:
        return TaylorResult(steps, remainders, None, PASS, "linear: no remainder above rounding")
    fitted = float(np.polyfit(np.log(steps[-3:]), np.log(remainders[-3:]), 1)[0])
    verdict = PASS if fitted >= LOWEST_SLOPE else FAIL
    return TaylorResult(steps, remainders, fitted, verdict, "fitted")
