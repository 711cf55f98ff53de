"""Learning-rate schedules: call `step()` after each of the optimiser's steps (or epochs)."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

from minires_kernels import checks

from .one_cycle import OneCycleLR
from .optimizer import Optimizer, check_number
from .schedule import Scheduler

__all__ = [
    "CosineAnnealingLR",
    "LinearLR",
    "LinearWarmup",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "Scheduler",
    "SequentialLR",
]


class MultiStepLR(Scheduler):
    """Multiply the rate by `gamma` at each of the `milestones`."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(checks.integer("milestones", m, 0) for m in milestones)
        self.gamma = check_number("gamma", gamma)
        super().__init__(optimizer)

    def factor(self, t: int) -> float:
        """gamma to the number of milestones passed."""
        return self.gamma ** bisect.bisect_right(self.milestones, t)


class LinearLR(Scheduler):
    """Change the rate linearly from start_factor to end_factor times over `total_iters` steps.

    LinearLR(sgd, 1.0, 0.0, total_iters=n) is "linear to zero" over a whole run of n steps.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.start_factor = check_number("start_factor", start_factor)
        self.end_factor = check_number("end_factor", end_factor)
        if not (0 < start_factor <= 1 and end_factor <= 1):
            raise ValueError(
                "expected 0 < start_factor <= 1 and 0 <= end_factor <= 1, got "
                f"{start_factor} and {end_factor}"
            )
        self.total_iters = checks.integer("total_iters", total_iters, 1)
        super().__init__(optimizer)

    def factor(self, t: int) -> float:
        """start + (end - start) t / total_iters, then end."""
        rise = (self.end_factor - self.start_factor) * min(t, self.total_iters)
        return self.start_factor + rise / self.total_iters


class LinearWarmup(LinearLR):
    """Raise the rate linearly from start_factor to 1 times over `steps`: a short LinearLR.

    He et al. 2015 warm ResNet-110 up (there: at a constant lower rate). Goyal et al. 2017, §2.2.
    """

    def __init__(self, optimizer: Optimizer, steps: int, start_factor: float = 1 / 3) -> None:
        if steps < 1 or not 0 < start_factor <= 1:
            raise ValueError(f"expected steps >= 1, 0 < start_factor <= 1: {steps}, {start_factor}")
        super().__init__(optimizer, start_factor, 1.0, steps)


class PolynomialLR(Scheduler):
    """Fall to 0 over `total_iters` steps as a power of the share that is left; 1 is linear."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters = checks.integer("total_iters", total_iters, 1)
        self.power = check_number("power", power)
        super().__init__(optimizer)

    def factor(self, t: int) -> float:
        """(1 - t / total_iters)^power, then 0."""
        return float((1 - min(t, self.total_iters) / self.total_iters) ** self.power)


class CosineAnnealingLR(Scheduler):
    """Fall to `eta_min` along half a cosine over `t_max` steps. Loshchilov and Hutter 2017."""

    def __init__(self, optimizer: Optimizer, t_max: int, eta_min: float = 0.0) -> None:
        self.t_max = checks.integer("t_max", t_max, 1)
        self.eta_min = check_number("eta_min", eta_min)
        super().__init__(optimizer)

    def value(self, base: float, t: int) -> float:
        """eta_min + (base - eta_min) (1 + cos(π t / t_max)) / 2."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.t_max)) / 2


class SequentialLR(Scheduler):
    """Use each scheduler in turn, changing at the `milestones`; each counts from its own start.

    SequentialLR(sgd, [LinearWarmup(sgd, 400), MultiStepLR(sgd, [32000, 48000])], [400])
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[Scheduler], milestones: Sequence[int]
    ) -> None:
        if len(schedulers) != len(milestones) + 1:
            raise ValueError(
                f"expected one milestone less than schedulers, got {len(milestones)} for "
                f"{len(schedulers)}"
            )
        for s in schedulers:
            if s.alone:
                raise ValueError(
                    f"{type(s).__name__} has a start and an end of its own; use it alone"
                )
        if any(s.optimizer is not optimizer for s in schedulers):
            raise ValueError("all schedulers must belong to the given optimiser")
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer)

    def value(self, base: float, t: int) -> float:
        """The rate that the scheduler in charge gives."""
        i = bisect.bisect_right(self.milestones, t)
        start = self.milestones[i - 1] if i else 0
        return self.schedulers[i].value(base, t - start)
