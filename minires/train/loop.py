"""The training loop, one step at a time.

    for step in train(net, optimizer, batches):
        print(step.index, step.loss)

The loop belongs to the caller: whoever wants fewer steps breaks out of it, and whoever wants to
evaluate, log or save between two steps does so in its body.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .. import functional as F
from .. import nn, optim
from ..nn.utils import clip_grad_norm_
from ..tensor import Array, Tensor


class Watch(Protocol):
    """Who looks on at a step: entered around its forward and backward pass, then at its update."""

    def __enter__(self) -> object: ...

    def __exit__(self, *error: Any) -> bool | None: ...

    def measure_update(self, step: Callable[[], object]) -> None:
        """Call `step`, the optimiser's."""


class Schedule(Protocol):
    """A schedule of the learning rate, as in optim.lr_scheduler."""

    def step(self) -> object: ...


@dataclass
class Step:
    """A step that has been taken.

    index   counts steps from 0
    loss    mean cross-entropy of the batch before the update, in nats
    logits  (N, classes) of the batch before the update
    y       (N,) labels of the batch
    """

    index: int
    loss: float
    logits: Array
    y: Array

    @property
    def diverged(self) -> bool:
        """Whether the loss is NaN or infinite; then nothing was updated, and no step follows."""
        return not math.isfinite(self.loss)

    @property
    def errors(self) -> int:
        """The number of misclassified samples of the batch."""
        return int((self.logits.argmax(axis=1) != self.y).sum())


def train(
    net: nn.Module,
    optimizer: optim.Optimizer,
    batches: Iterable[tuple[Array, Array]],
    *,
    schedule: Schedule | None = None,
    watch: Callable[[int], Watch | None] = lambda index: None,
    clip: float | None = None,
) -> Iterator[Step]:
    """Take a step of cross-entropy for each batch (x, y) and yield it, until the loss diverges.

    `schedule` is stepped after each update. `watch` is asked for whom to let look on at each step,
    e.g. a `Recorder`, which sees the gradients as they came. Nothing is computed otherwise than
    without them. `clip` limits the norm of all gradients together before each update.
    """
    for index, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        watcher = watch(index)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is found, and told
            with contextlib.nullcontext() if watcher is None else watcher:
                logits = net(Tensor(x))
                loss = F.cross_entropy(logits, y)
                loss.backward()
            step = Step(index, float(loss.item()), logits.data, y)
            if not step.diverged:
                if clip is not None:
                    clip_grad_norm_(net.parameters(), clip)
                if watcher is None:
                    optimizer.step()
                else:
                    watcher.measure_update(optimizer.step)
                if schedule is not None:
                    schedule.step()
        yield step
        if step.diverged:
            return
