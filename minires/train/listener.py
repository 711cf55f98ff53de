"""Who is told how a training goes: the console, the live page, or something of yours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .metrics import Metrics, Row
from .recipe import Recipe

if TYPE_CHECKING:
    from .run import Run


@dataclass
class Progress:
    """Where a training is.

    iteration, iterations   steps taken, and in all (None: its length is a time)
    done                    fraction of the training that is over
    eta                     seconds that are left at the pace so far, None before it is known
    cuts                    fractions of the training at which the rate jumps
    records                 of gradient flow, a row per layer and recorded step; it grows
    """

    name: str
    data: str
    note: str
    recipe: Recipe
    metrics: Metrics
    per_epoch: int
    iterations: int | None
    iteration: int = 0
    lr: float = 0.0
    done: float = 0.0
    seconds: float = 0.0
    images_per_second: float | None = None
    eta: float | None = None
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def epoch(self) -> float:
        """Passes through the training images."""
        return self.iteration / self.per_epoch


class Listener:
    """What is told to whom. Each method does nothing unless a subclass says so."""

    def begin(self, progress: Progress) -> None:
        """A training begins, or goes on."""

    def say(self, text: str) -> None:
        """Something that the user must know."""

    def step(self, progress: Progress) -> None:
        """A step was taken."""

    def row(self, progress: Progress, row: Row) -> None:
        """There is a new row of metrics.csv."""

    def end(self, progress: Progress, run: Run) -> None:
        """The training, or this session of it, is over."""
