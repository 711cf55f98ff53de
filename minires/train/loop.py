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

from minires_kernels.arrays import module_of

from .. import functional as F
from .. import nn, optim
from ..nn.utils import clip_grad_norm_
from ..parallel.ranks import Ranks
from ..replay import Replay
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


Loss = Callable[[Tensor, Array], Tensor]


@dataclass
class Step:
    """A step that has been taken.

    index   counts steps from 0
    loss    mean loss of the batch before the update, in nats
    logits  (N, classes) of the batch before the update
    y       (N,) labels of the batch
    broken  whether a gradient is NaN or infinite, where the loop was told to look
    counted (errors, images) of the whole batch, where other ranks have the rest; loss is of all
    """

    index: int
    loss: float
    logits: Array
    y: Array
    broken: bool = False
    counted: tuple[int, int] | None = None

    @property
    def diverged(self) -> bool:
        """Whether the loss is NaN or infinite, or a gradient found to be so.

        Then no parameter was updated, and no step follows.
        """
        return self.broken or not math.isfinite(self.loss)

    @property
    def errors(self) -> int:
        """The number of misclassified samples of the batch."""
        if self.counted is not None:
            return self.counted[0]
        return int((self.logits.argmax(axis=1) != self.y).sum())

    @property
    def images(self) -> int:
        """The number of samples of the batch."""
        return len(self.y) if self.counted is None else self.counted[1]


def train(
    net: nn.Module,
    optimizer: optim.Optimizer,
    batches: Iterable[tuple[Array, Array]],
    *,
    schedule: Schedule | None = None,
    watch: Callable[[int], Watch | None] = lambda index: None,
    clip: float | None = None,
    loss: Loss = F.cross_entropy,
    check_gradients: bool = False,
    ranks: Ranks | None = None,
    replay: bool = False,
) -> Iterator[Step]:
    """Take a step for each batch (x, y) and yield it, until the loss diverges.

    `loss` is a function of logits and labels. With `check_gradients` a gradient that is NaN or
    infinite counts as divergence too, before it reaches a parameter.

    `schedule` is stepped after each update. `watch` is asked for whom to let look on at each step,
    e.g. a `Recorder`, which sees the gradients as they came. Nothing is computed otherwise than
    without them. `clip` limits the norm of all gradients together before each update. `ranks` are
    several that take this step together, each on its share of the batch. `replay` takes less time
    for a small net that does the same at each step, see `minires.replay`: all bits are the same.
    """
    forward = Replay(net) if replay else net
    together = contextlib.nullcontext if ranks is None else ranks.averaging
    for index, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        watcher = watch(index)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # it is found, and told
            with contextlib.nullcontext() if watcher is None else watcher, together():
                logits = forward(Tensor(x))
                value = loss(logits, y)
                value.backward()
            step = Step(index, float(value.item()), logits.data, y)
            if ranks is not None:
                step.loss, *counts = ranks.agree(step.loss, step.errors, step.images)
                step.counted = (counts[0], counts[1])
            step.broken = check_gradients and not step.diverged and not _finite_gradients(net)
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


def _finite_gradients(net: nn.Module) -> bool:
    """Return whether all gradients are finite: a sum of squares is, unless it overflows."""
    for p in net.parameters():
        g = p.grad
        if g is None or math.isfinite(float((g * g).sum())):
            continue
        if not bool(module_of(g).isfinite(g).all()):
            return False
    return True
