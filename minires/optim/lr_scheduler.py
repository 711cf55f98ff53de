"""Learning-rate schedules: call `step()` after each of the optimiser's steps (or epochs)."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

from .optimizer import Optimizer


class Scheduler:
    """Base class: multiplies each group's initial rate by `factor(t)`, t = number of steps."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        # A second scheduler of the same optimiser starts from the same rates as the first.
        self.base_lrs = [
            group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups
        ]
        self.t = 0
        self._set()

    def factor(self, t: int) -> float:
        """Return the factor after `t` steps; subclasses define it."""
        raise TypeError(f"{type(self).__name__} defines no factor()")

    def value(self, base: float, t: int) -> float:
        """Return the rate after `t` steps for a group whose initial rate is `base`."""
        return base * self.factor(t)

    def _set(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self.value(base, self.t)

    def step(self) -> None:
        self.t += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """Return the current rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        return {"t": self.t, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the position of a `state_dict` and set the rates.

        Raises ValueError if it is not of a scheduler with as many groups.
        """
        if not isinstance(state, dict) or set(state) != {"t", "base_lrs"}:
            raise ValueError(f"expected a state_dict() of a scheduler, got {state!r:.200}")
        if len(state["base_lrs"]) != len(self.base_lrs):
            raise ValueError(
                f"expected the rates of {len(self.base_lrs)} groups, got {len(state['base_lrs'])}"
            )
        self.t, self.base_lrs = state["t"], list(state["base_lrs"])
        self._set()


class MultiStepLR(Scheduler):
    """Multiply the rate by `gamma` at each of the `milestones`."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def factor(self, t: int) -> float:
        """gamma to the number of milestones passed."""
        return self.gamma ** bisect.bisect_right(self.milestones, t)


class LinearWarmup(Scheduler):
    """Raise the rate linearly from start_factor to 1 times over `steps`: PyTorch's LinearLR.

    He et al. 2015 warm ResNet-110 up (there: at a constant lower rate). Goyal et al. 2017, §2.2.
    """

    def __init__(self, optimizer: Optimizer, steps: int, start_factor: float = 1 / 3) -> None:
        if steps < 1 or not 0 < start_factor <= 1:
            raise ValueError(f"expected steps >= 1, 0 < start_factor <= 1: {steps}, {start_factor}")
        self.steps, self.start_factor = steps, start_factor
        super().__init__(optimizer)

    def factor(self, t: int) -> float:
        """start + (1 - start) t / steps, then 1."""
        return self.start_factor + (1 - self.start_factor) * min(t, self.steps) / self.steps


class CosineAnnealingLR(Scheduler):
    """Fall to `eta_min` along half a cosine over `t_max` steps. Loshchilov and Hutter 2017."""

    def __init__(self, optimizer: Optimizer, t_max: int, eta_min: float = 0.0) -> None:
        if t_max < 1:
            raise ValueError(f"t_max: expected at least 1, got {t_max}")
        self.t_max, self.eta_min = t_max, eta_min
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
        if any(s.optimizer is not optimizer for s in schedulers):
            raise ValueError("all schedulers must belong to the given optimiser")
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer)

    def value(self, base: float, t: int) -> float:
        """The rate that the scheduler in charge gives."""
        i = bisect.bisect_right(self.milestones, t)
        start = self.milestones[i - 1] if i else 0
        return self.schedulers[i].value(base, t - start)
