"""A recipe at work on one net: its optimiser, its rate at every step, its loss."""

from __future__ import annotations

import functools
import time
from typing import Any

from .. import functional as F
from .. import nn, optim
from ..optim.lr_scheduler import Scheduler
from .loop import Loss
from .recipe import Recipe

WARMUP_FACTOR = 0.1  # He et al. 2015, §4.2: 0.01 instead of 0.1 while ResNet-110 warms up


class Clock:
    """Seconds of a training, all of its sessions together.

    agreed  the seconds that all ranks go by: those of rank 0 at the last step; None without ranks
    """

    def __init__(self, before: float = 0.0) -> None:
        self.start = time.monotonic() - before
        self.agreed: float | None = None

    def seconds(self) -> float:
        return time.monotonic() - self.start

    def passed(self) -> float:
        """Return the seconds by which a schedule of so many minutes goes."""
        return self.seconds() if self.agreed is None else self.agreed

    def go_on(self, before: float) -> None:
        """Go on from a session that ended after so many seconds."""
        self.start -= before
        if self.agreed is not None:
            self.agreed = before


class RecipeLR(Scheduler):
    """The rate of a recipe over `iterations` steps, or by the clock over `recipe.minutes`.

    Step t of T takes the factor of the fraction (t + 1/2) / T, the middle of the step.
    """

    def __init__(
        self, optimizer: optim.Optimizer, recipe: Recipe, iterations: int | None, clock: Clock
    ) -> None:
        self.recipe, self.iterations, self.clock = recipe, iterations, clock
        self.warm = recipe.warmup_error is None
        super().__init__(optimizer)

    def done(self, t: float) -> float:
        """Return the fraction of the training that is over after `t` steps, 0 to 1."""
        if self.iterations is not None:
            return min(1.0, t / self.iterations)
        assert self.recipe.minutes is not None
        return min(1.0, self.clock.passed() / (60 * self.recipe.minutes))

    def factor(self, t: int) -> float:
        """The recipe's, a tenth of it until warm."""
        factor = self.recipe.factor(self.done(t + 0.5))
        return factor if self.warm else WARMUP_FACTOR * factor

    def saw(self, error: float | None) -> None:
        """Hear of a running training error; below the recipe's `warmup_error` the net is warm."""
        least = self.recipe.warmup_error
        if not self.warm and error is not None and least is not None:
            self.warm = error < least
            self._set()

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"warm": self.warm}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the position of a `state_dict`."""
        self.warm = bool(state["warm"])
        super().load_state_dict({k: v for k, v in state.items() if k != "warm"})


def optimizer_of(net: nn.Module, recipe: Recipe) -> optim.Optimizer:
    """Return the optimiser of a net; parameters with another rate or decay are other groups."""
    biases = {id(m.bias) for m in net.modules() if isinstance(m, nn.Norm) and hasattr(m, "bias")}
    apart = recipe.norm_bias_rate != 1
    groups: list[dict[str, Any]] = [
        {"params": []},
        {"params": [], "weight_decay": 0.0},
        {
            "params": [],
            "lr": recipe.lr * recipe.norm_bias_rate,
            "weight_decay": recipe.weight_decay * recipe.decay_norms / recipe.norm_bias_rate,
        },
    ]
    for p in net.parameters():
        if p.requires_grad:
            decays = recipe.decay_norms or p.ndim > 1
            groups[2 if apart and id(p) in biases else 0 if decays else 1]["params"].append(p)
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        adamw: optim.Optimizer = optim.AdamW(groups, recipe.lr, weight_decay=recipe.weight_decay)
        return adamw
    return optim.SGD(
        groups,
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
    )


class Frozen:
    """What a recipe freezes. ValueError for a name that no parameter and no module has."""

    def __init__(self, net: nn.Module, recipe: Recipe, per_epoch: int) -> None:
        self.first = recipe.freeze_after * per_epoch
        self.parameters: list[nn.Parameter] = []
        named = dict(net.named_parameters())
        for name in recipe.freeze:
            found = [p for key, p in named.items() if f"{key}.".startswith(f"{name}.")]
            if not found:
                raise ValueError(
                    f"freeze: no parameter of {type(net).__name__}, and no module with some, is "
                    f"called {name}; parameters are {', '.join(named)}"
                )
            self.parameters += found

    def begin(self, iteration: int) -> None:
        """Freeze them before the step after `iteration` steps, if it is time."""
        if iteration >= self.first:
            for p in self.parameters:
                p.requires_grad_(False)


def loss_of(recipe: Recipe) -> Loss:
    """Return the loss of a recipe: cross-entropy, with its label smoothing."""
    return functools.partial(F.cross_entropy, label_smoothing=recipe.label_smoothing)
