"""The Taylor-remainder check: a second opinion that needs no tolerance.

r(h) = |J(x + h u) - J(x) - h ⟨g, u⟩| falls like h² if g is the gradient, and like h if it is not.
Source: the standard test of adjoint models, e.g. Farrell et al. 2013 (1204.5577), §5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array
from .subject import Subject

STEPS = tuple(0.1 * 2.0**-k for k in range(10))
LOWEST_SLOPE = 1.9


@dataclass
class TaylorResult:
    """The remainders r(h) at the usable steps, and the slope of log r over log h on the last three.

    slope None: the remainder is rounding at every step (J is linear along u), or a kink lies within
    every step; `reason` says which.
    """

    steps: list[float]
    remainders: list[float]
    slope: float | None
    ok: bool
    reason: str

    def __str__(self) -> str:
        if self.slope is None:
            return f"Taylor: {'PASS' if self.ok else 'FAIL'} ({self.reason})"
        return (
            f"Taylor: {'PASS' if self.ok else 'FAIL'}, the remainder falls with slope "
            f"{self.slope:.2f} (2 = right, 1 = wrong)"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dict(vars(self))


def taylor(
    subject: Subject, v: Array, analytic: list[Array], rng: np.random.Generator
) -> TaylorResult:
    """Run the check along one random direction through all tensors at once."""
    directions = [rng.standard_normal(a.shape) for a in subject.arrays]
    slope = sum(float(np.sum(g * u)) for g, u in zip(analytic, directions, strict=True))
    y0, digest = subject.value(subject.arrays)
    size = float(np.sum(np.abs(v * y0)))
    steps, remainders, kinks = [], [], 0
    for h in STEPS:
        moved = [a + h * u for a, u in zip(subject.arrays, directions, strict=True)]
        y, branches = subject.value(moved)
        if branches != digest:
            kinks += 1
            continue
        r = abs(float(np.sum(v * (y - y0))) - h * slope)
        if r > 1e3 * np.finfo(np.float64).eps * max(size, abs(h * slope)):
            steps.append(h)
            remainders.append(r)
    if len(steps) < 3:
        if kinks > len(STEPS) // 2:
            return TaylorResult(steps, remainders, None, False, "a kink lies within most steps")
        return TaylorResult(steps, remainders, None, True, "linear: no remainder above rounding")
    fitted = float(np.polyfit(np.log(steps[-3:]), np.log(remainders[-3:]), 1)[0])
    return TaylorResult(steps, remainders, fitted, fitted >= LOWEST_SLOPE, "fitted")
