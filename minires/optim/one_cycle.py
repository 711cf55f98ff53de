"""One cycle of the rate: up and down again. Smith and Topin 2017 (1708.07120)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from minires_kernels import checks

from .optimizer import Optimizer, check_number
from .schedule import Scheduler


class OneCycleLR(Scheduler):
    """Up to `max_lr` and down to nearly 0, with momentum the other way.

    From max_lr / div_factor up over the first pct_start of the steps, then down to the start's
    1 / final_div_factor, or (three_phase) first down to the start; each along half a cosine or a
    line. Momentum (β₁ of Adam) falls from max_momentum to base_momentum and rises again. Give
    `total_steps`, or `epochs` and `steps_per_epoch`; `max_lr` may be a list, one for each group.
    As PyTorch's, except that the values of the last step stay after it.
    """

    alone: ClassVar[bool] = True

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        self.total_steps = _length(total_steps, epochs, steps_per_epoch)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy: expected 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.anneal_strategy = anneal_strategy
        if check_number("pct_start", pct_start) > 1:
            raise ValueError(f"pct_start: expected a share from 0 to 1, got {pct_start}")
        for name, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            if check_number(name, value) == 0:
                raise ValueError(f"{name}: expected a number above 0, got {value}")
        base = check_number("base_momentum", base_momentum, below=1.0)
        top = check_number("max_momentum", max_momentum, below=1.0)
        low, end = 1 / div_factor, self.total_steps - 1.0
        up = pct_start * self.total_steps - 1
        # (last step of a phase, factor of max_lr there, momentum there), from the start on
        self.phases = [(0.0, low, top), (up, 1.0, base), (end, low / final_div_factor, top)]
        if checks.flag("three_phase", three_phase):
            self.phases.insert(2, (2 * up, low, top))
        self.cycle_momentum = checks.flag("cycle_momentum", cycle_momentum)
        self._start(optimizer, max_lr)
        super().__init__(optimizer)

    def _start(self, optimizer: Optimizer, max_lr: float | Sequence[float]) -> None:
        """Make `max_lr` the rate that is multiplied."""
        groups = optimizer.param_groups
        if self.cycle_momentum and not all({"momentum", "betas"} & set(group) for group in groups):
            raise ValueError("cycle_momentum: this optimiser has no momentum; set it to False")
        rates = list(max_lr) if isinstance(max_lr, Sequence) else [max_lr] * len(groups)
        if len(rates) != len(groups):
            raise ValueError(f"max_lr: expected {len(groups)} rates, one a group, got {len(rates)}")
        for rate in rates:
            check_number("max_lr", rate)
        for group, rate in zip(groups, rates, strict=True):
            group["initial_lr"] = float(rate)

    def _between(self, t: int) -> tuple[float, float]:
        """Return the factor of max_lr, and the momentum, after `t` steps."""
        start, *from_ = self.phases[0]
        for end, *to in self.phases[1:]:
            if t <= end or end == self.phases[-1][0]:
                break
            start, from_ = end, to
        share = min((t - start) / (end - start), 1.0) if end > start else 1.0
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        factor, momentum = ((1 - share) * a + share * b for a, b in zip(from_, to, strict=True))
        return factor, momentum

    def factor(self, t: int) -> float:
        """The factor of max_lr; see the class."""
        return self._between(t)[0]

    def _set(self) -> None:
        super()._set()
        if not self.cycle_momentum:
            return
        momentum = self._between(self.t)[1]
        for group in self.optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, group["betas"][1])
            else:
                group["momentum"] = momentum

    def step(self) -> None:
        """Go on by one step. Raises ValueError after the last: the cycle is over."""
        if self.t >= self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {self.t + 1} of a cycle of {self.total_steps}; make it as long "
                "as the run is"
            )
        super().step()


def _length(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return checks.integer("total_steps", total_steps, 1)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
    epochs = checks.integer("epochs", epochs, 1)
    return epochs * checks.integer("steps_per_epoch", steps_per_epoch, 1)
