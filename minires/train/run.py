"""What becomes of a training (`Run`), and what may differ between its sessions (`Habits`)."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import nn
from ..data import Normalise
from .evaluate import Evaluation
from .listener import Listener
from .metrics import Row
from .recipe import Recipe

EVALUATIONS = 40  # most of a training, unless told otherwise


@dataclass
class Run:
    """What became of a training.

    status       "finished", "interrupted" (by a signal), "diverged", or "failed" (to save)
    iteration    steps taken
    train_error  share misclassified of the last epoch's worth of batches, as they ran
    test         evaluation of the final net, None without test images, or before the end
    test_views   the same, by the logits of the recipe's views of each image; None if it has one
    reason       why it did not finish, and what to do
    out, files   where the results are
    records      gradient flow by layer and iteration, where it was recorded
    identity     what the run is: model, recipe, seed, data
    """

    net: nn.Module
    recipe: Recipe
    normalise: Normalise
    status: str
    iteration: int
    iterations: int | None
    seconds: float
    rows: list[Row]
    train_loss: float | None = None
    train_error: float | None = None
    test: Evaluation | None = None
    test_views: Evaluation | None = None
    signal: int | None = None
    reason: str = ""
    out: Path | None = None
    files: list[Path] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    identity: dict[str, Any] = field(default_factory=dict)

    @property
    def test_error(self) -> float | None:
        """Share of the test images misclassified at the end."""
        return None if self.test is None else self.test.error


@dataclass(frozen=True)
class Habits:
    """What may differ between two sessions of a run, because no weight depends on it.

    eval_every        iterations between evaluations; None: an epoch, or as long as 40 of them take
    checkpoint_every  iterations, or None for `checkpoint_seconds`
    record            iterations between two records of gradient flow; 0: none
    workers           of the loader
    """

    eval_every: int | None = None
    checkpoint_every: int | None = None
    checkpoint_seconds: float = 300.0
    record: int = 0
    workers: int = 1
    listeners: Sequence[Listener] = ()


def signal_name(number: int) -> str:
    """Return "SIGINT" for 2."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def batches_from(loader: Any, first: int) -> Generator[tuple[Any, Any]]:
    """Yield the batches of epoch after epoch, from iteration `first` on."""
    epoch, batch = divmod(first, len(loader))
    while True:
        with contextlib.closing(loader.batches(epoch, first=batch)) as batches:
            yield from batches
        epoch, batch = epoch + 1, 0
