"""The clock of a session: time, speed, rows, and who is told of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from .evaluate import Evaluation
from .listener import Listener, Progress
from .metrics import Row
from .schedule import Clock, RecipeLR

SMOOTH = 20  # iterations over which the speed that is shown is measured


class Meter:
    """Keeps `progress` up to date and makes the rows of the metrics.

    aside  seconds that were spent on evaluations and saving, all sessions together
    """

    def __init__(
        self,
        progress: Progress,
        schedule: RecipeLR,
        clock: Clock,
        listeners: Sequence[Listener],
    ) -> None:
        self.progress, self.schedule, self.clock = progress, schedule, clock
        self.listeners, self.aside = listeners, 0.0
        self._marks: dict[str, tuple[int, float]] = {}

    def begin(self, iteration: int) -> None:
        """Begin a session at an iteration."""
        now = self.clock.seconds()
        self._began = (iteration, now, self.schedule.done(iteration))
        self._mark, self._latest = (iteration, now - self.aside), (iteration, now)
        self.update(iteration)
        self.tell("begin")

    def update(self, iteration: int) -> None:
        """Bring `progress` up to date."""
        p, now = self.progress, self.clock.seconds()
        p.iteration, p.seconds = iteration, now
        p.lr = self.schedule.get_last_lr()[0]
        p.done = self.schedule.done(iteration)
        done = p.done - self._began[2]
        p.eta = (1 - p.done) * (now - self._began[1]) / done if done > 0 else None
        steps, seconds = iteration - self._latest[0], now - self._latest[1]
        before = self._latest[0] - self._began[0]  # the first step, which may compile, goes alone
        if steps and seconds > 0 and (steps >= SMOOTH or before <= 1):
            p.images_per_second = steps * p.recipe.batch_size / seconds
            if steps >= SMOOTH or before == 0:
                self._latest = (iteration, now)

    def row(self, kind: str, batches: int, test: Evaluation | None = None) -> None:
        """Add a row to the metrics, over the last batches or of an evaluation."""
        p = self.progress
        row = Row(
            kind, p.iteration, round(p.epoch, 6), p.lr, seconds=round(self.clock.seconds(), 3)
        )
        if test is None:
            row.train_loss, row.train_error = p.metrics.running(batches)
            row.images_per_second = self._speed(kind)
        else:
            row.test_loss, row.test_error = test.loss, test.error
        p.metrics.rows.append(row)
        self.tell("row", row)

    def _speed(self, kind: str) -> float | None:
        """Return images per second of training since the last row of a kind, in this session."""
        now = (self.progress.iteration, self.clock.seconds() - self.aside)
        then = self._marks.get(kind, self._mark)
        self._marks[kind] = now
        images, seconds = (now[0] - then[0]) * self.progress.recipe.batch_size, now[1] - then[1]
        return round(images / seconds, 1) if images and seconds > 0 else None

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        """Count what the block takes as no time of training."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.aside += time.monotonic() - start

    def tell(self, event: str, *details: Any) -> None:
        """Call this method of all listeners, with the progress first."""
        for listener in self.listeners:
            getattr(listener, event)(self.progress, *details)

    def say(self, text: str) -> None:
        """Tell the user something."""
        for listener in self.listeners:
            listener.say(text)
