"""What a sweep tells while it runs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ..train.console import Telling, duration

if TYPE_CHECKING:
    from .engine import Engine, Item

LONGEST = 300  # characters of an error that are shown
QUIET = 30.0  # s between lines where no terminal shows them


class Watch:
    """Hears what happens; this one tells nobody."""

    def begin(self, engine: Engine) -> None:
        """Before the first run."""

    def tick(self, engine: Engine) -> None:
        """Several times a second, and after each run."""

    def failed(self, item: Item, again: bool) -> None:
        """A run failed; `again`: it will be tried again."""

    def say(self, text: str) -> None:
        """Something that a user wants to know."""

    def end(self, engine: Engine) -> None:
        """After the last run."""


class Console(Telling, Watch):
    """Tells how a sweep goes on."""

    def tick(self, engine: Engine) -> None:
        now = time.monotonic()
        if now - self._last < (0.2 if self.terminal else QUIET):
            return
        self._last = now
        if self.terminal:
            self._change(line(engine))
        else:
            self.say(line(engine))

    def failed(self, item: Item, again: bool) -> None:
        self.say(f"{'failed, to be tried again' if again else 'failed'}: {told(item)}")

    def end(self, engine: Engine) -> None:
        self._clear()


def line(engine: Engine) -> str:
    """Return how far a sweep is, in one line."""
    report = engine.report
    done = report.found + report.computed
    left = (engine.hand, engine.waiting, engine.alone, engine.elsewhere)
    total = done + len(report.failed) + sum(map(len, left))
    parts = [f"{done}/{total} runs", f"{len(engine.hand)} in hand"]
    if engine.elsewhere:
        parts.append(f"{len(engine.elsewhere)} in another sweep's")
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    parts.append(took(time.monotonic() - engine.start))
    if math.isfinite(seconds := engine.remaining()):
        parts.append(f"about {took(seconds)} to go")
    return "  ".join(parts)


def took(seconds: float) -> str:
    """Return a duration; short ones with a decimal, as estimates of small runs need it."""
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def count(n: int, what: str) -> str:
    """Return "1 run" or "2 runs"."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def told(item: Item) -> str:
    """Return a run and its error, in one line."""
    first = item.error.partition("\n")[0][:LONGEST]
    return f"{item.key} ({item.job.task}, {label(item)}): {first}"


def label(item: Item) -> str:
    """Return what tells a run from others of its task: all that is not a default."""
    from ..store import TASKS

    usual = TASKS[item.job.task].check({})
    own = [f"{k}={v}" for k, v in item.job.setting.items() if v != usual[k]]
    return " ".join([*own, f"seed={item.job.seed}"])
