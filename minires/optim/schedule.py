"""What the schedules share: each is a function of the number of steps alone.

So `state_dict` is short, and a run that is resumed has the very same rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from minires_kernels import checks

from .optimizer import Optimizer, check_number


class Scheduler:
    """Base class: multiplies each group's initial rate by `factor(t)`, t = number of steps.

    `alone` says that a schedule cannot be part of a sequence.
    """

    alone: ClassVar[bool] = False

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        # A second scheduler of the same optimiser starts from the same rates as the first.
        self.base_lrs = [
            group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups
        ]
        self.t = 0
        self._set()

    def _groups(self) -> Iterator[tuple[dict[str, Any], float]]:
        """Yield each group with its initial rate; groups that came later start from their own."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(group.setdefault("initial_lr", group["lr"]))
        return zip(self.optimizer.param_groups, self.base_lrs, strict=True)

    def factor(self, t: int) -> float:
        """Return the factor after `t` steps; subclasses define it."""
        raise TypeError(f"{type(self).__name__} defines no factor()")

    def value(self, base: float, t: int) -> float:
        """Return the rate after `t` steps for a group whose initial rate is `base`."""
        return base * self.factor(t)

    def _set(self) -> None:
        for group, base in self._groups():
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
        if not isinstance(state["base_lrs"], list | tuple):
            raise TypeError(f"base_lrs: expected a list of rates, got {state['base_lrs']!r:.200}")
        if len(state["base_lrs"]) != len(self.base_lrs):
            raise ValueError(
                f"expected the rates of {len(self.base_lrs)} groups, got {len(state['base_lrs'])}"
            )
        t = checks.integer("t", state["t"], 0)
        self.t, self.base_lrs = t, [check_number("base_lrs", rate) for rate in state["base_lrs"]]
        self._set()
