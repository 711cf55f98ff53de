"""The loop of a sweep: give runs to a pool, longest first, until all are in the store.

Only the store says what is finished. Whatever the pool reports, loses or forgets, a run counts when
it is there, and is given again when it is not.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import results
from ..store import Job, Store, claims
from .estimates import Estimates, small
from .pools import Lost, Pool
from .watch import Watch, count
from .worker import MARK, Order

LOOK = 2.0  # s between looks into the store for runs in hand whose report may be lost
TICK = 0.25  # s after which a signal is noticed
LOSSES = 50  # of one run, after which something else than a cluster's weather must be wrong
SUSPECT = 2  # workers that a run may lose before it is computed alone


@dataclass(eq=False)
class Item:
    """A run that is wanted, and what became of it so far.

    tries    times that it failed by itself
    deaths   workers that died while they had it, or others beside it
    """

    job: Job
    key: str
    seconds: float = 0.0
    tries: int = 0
    deaths: int = 0
    losses: int = 0
    error: str = ""
    details: str = ""


@dataclass
class Report:
    """What a sweep came to: `computed` by it, `found` before or by others, and what is missing.

    damaged   runs that were in the store and unusable, and are computed again
    busy      seconds of all workers together
    over      True if the minutes were over before all runs had begun
    signal    the signal that stopped it, or None
    """

    found: int = 0
    damaged: int = 0
    computed: int = 0
    failed: list[Item] = field(default_factory=list)
    left: int = 0
    busy: float = 0.0
    wall: float = 0.0
    workers: int | None = None
    over: bool = False
    signal: int | None = None

    @property
    def complete(self) -> bool:
        """Whether every run is in the store."""
        return not self.failed and not self.left


class Engine:
    """Runs jobs in a pool; see `minires.sweep.run`."""

    def __init__(
        self,
        jobs: Sequence[Job],
        store: Store,
        pool: Pool,
        *,
        retries: int = 1,
        minutes: float | None = None,
        watch: Watch | None = None,
        stopped: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.store, self.pool, self.retries = store, pool, retries
        self.watch, self.stopped = watch or Watch(), stopped
        self.report = Report()
        self.start = time.monotonic()
        self.end = math.inf if minutes is None else self.start + 60 * minutes
        items = {item.key: item for item in (Item(job, job.key()) for job in jobs)}
        there = set(store.keys())
        self.waiting = [i for k, i in items.items() if k not in there or not self._there(i)]
        self.report.found = len(items) - len(self.waiting)
        self.report.damaged = sum(item.key in store.damaged for item in self.waiting)
        self.alone: list[Item] = []  # runs that may have killed workers
        self.elsewhere: list[Item] = []  # runs that other sweeps compute
        self.hand: dict[Any, Item] = {}
        self.costs = Estimates(store, [item.job for item in self.waiting])
        self._sort()
        self.path = str(store.path.resolve())
        self._looked, self._stopping = self.start, False
        self._warm: set[str] = set()
        self._seen: set[str] = set()  # at the last look, without a report until then
        self._told = False  # of other sweeps

    def run(self) -> Report:
        """Compute all that is missing; failures are reported, not raised."""
        self.watch.begin(self)
        if self.waiting:
            if self.pool.compiles and not self.report.found:  # else that was done before
                self.pool.compile(small(item.job for item in self.waiting), self.watch.say)
            try:
                self._loop()
            finally:
                self.report.wall = time.monotonic() - self.start
                self.report.workers = self.pool.workers
        self.report.left = len(self.waiting) + len(self.alone) + len(self.elsewhere)
        self.report.signal = self.stopped()
        self.watch.end(self)
        return self.report

    def _loop(self) -> None:
        while True:
            self._fill()
            if not self.hand:
                if not self._waits():
                    break
                time.sleep(TICK)
            lost = False
            for future in self.pool.wait(list(self.hand), TICK):
                lost |= not self._settle(self.hand.pop(future), future)
            self._look()
            if lost:
                self._recover()
            self._stop()
            if said := self.pool.notice():
                self.watch.say(said)
            self.watch.tick(self)

    def _stop(self) -> None:
        """After a signal, or when the minutes are over, take back what has not begun."""
        if self._stopping or not (self.stopped() or time.monotonic() > self.end):
            return
        self._stopping = True
        for future in self.pool.drop(list(self.hand)):
            self.waiting.append(self.hand.pop(future))
        if self.hand and self.stopped():
            hand = count(len(self.hand), "run")
            self.watch.say(f"finishing the {hand} in hand; another Ctrl-C stops at once")

    def _fill(self) -> None:
        """Give runs to the pool until it has enough."""
        while item := self._next():
            if self._elsewhere(item):
                continue
            order = Order(self.path, _mark(self.store.path), item.job, item.key)
            try:
                future = self.pool.submit(order)
            except Lost as lost:
                self._lost(item, lost)
                self._recover()
                continue
            self.hand[future] = item

    def _next(self) -> Item | None:
        """Take the longest run that is over before the minutes are; suspects come last, alone."""
        if self.stopped() or self.report.over or len(self.hand) >= self.pool.window:
            return None
        left = self.end - time.monotonic()
        for i, item in enumerate(self.waiting):
            if item.seconds <= left or (left > 0 and not self.costs.known):
                return self.waiting.pop(i)
        if self.alone and not self.waiting and not self.hand and left > 0:
            return self.alone.pop(0)
        self.report.over = bool(self.waiting) or (bool(self.alone) and left <= 0)
        return None

    def _elsewhere(self, item: Item) -> bool:
        """Return whether another sweep of the same store has computed a run, or is at it."""
        if self._there(item):
            self.report.found += 1
            return True
        who = claims.holder(self.store.runs_path, item.key)
        if who is not None:
            self._leave(item, str(who))
        return who is not None

    def _leave(self, item: Item, by: str) -> None:
        self.elsewhere.append(item)
        if not self._told:
            self._told = True
            self.watch.say(f"another sweep ({by}) fills this store, too: they share the runs")

    def _waits(self) -> bool:
        """Return whether there is nothing to do but to wait for runs of other sweeps."""
        over = self.stopped() or self.report.over or time.monotonic() > self.end
        return bool(self.elsewhere) and not over

    def _settle(self, item: Item, future: Any) -> bool:
        """Take in how a run ended; return False if its worker is lost."""
        try:
            done = self.pool.result(future)
        except Lost as lost:
            self._lost(item, lost)
            return False
        self.report.busy += done.busy
        if done.by:
            self._leave(item, done.by)
        elif done.error:
            self._failed(item, done.error, done.details)
        elif not self._there(item):
            self._failed(item, "it was computed, and is not in the store", "")
        elif done.found:
            self.report.found += 1
        else:
            self.report.computed += 1
            if done.where in self._warm and self.costs.learn(item.job, done.busy):
                self._sort()
            self._warm.add(done.where)  # the first run of a process also imports and compiles
        return True

    def _failed(self, item: Item, error: str, details: str) -> None:
        item.tries += 1
        item.error, item.details = error, details
        again = item.tries <= self.retries
        if again:
            self.waiting.append(item)
        else:
            self.report.failed.append(item)
        self.watch.failed(item, again)

    def _lost(self, item: Item, lost: Lost) -> None:
        """Give a run again whose worker is gone; one that loses many is computed alone, at last."""
        if self._there(item):
            self.report.computed += 1
            return
        item.deaths += lost.suspect
        item.losses += 1
        if item.deaths > SUSPECT + self.retries or item.losses > LOSSES:
            item.error, item.details = str(lost), lost.details
            self.report.failed.append(item)
            self.watch.failed(item, False)
        else:
            self._again(item)

    def _again(self, item: Item) -> None:
        (self.alone if item.deaths >= SUSPECT else self.waiting).append(item)

    def _recover(self) -> None:
        """Make the pool ready again; all that it had in hand is given again, unless it is there."""
        if self.pool.recover(self.watch.say, lambda: self.stopped() is not None):
            hand, self.hand = self.hand, {}
            for item in hand.values():
                self._lost(item, Lost("its worker is gone"))

    def _look(self) -> None:
        """Count runs in hand that are in the store although nobody reported them.

        Take back those that other sweeps were to compute, and no longer do.
        """
        if time.monotonic() - self._looked < LOOK:
            return
        elsewhere, self.elsewhere = self.elsewhere, []
        for item in elsewhere:
            if not self._elsewhere(item):
                self._again(item)
        seen = set(self.store.keys()) & {item.key for item in self.hand.values()}
        for future, item in list(self.hand.items()):
            if item.key in seen & self._seen and not future.done() and self._there(item):
                del self.hand[future]
                self.report.computed += 1
        self._looked, self._seen = time.monotonic(), seen

    def _sort(self) -> None:
        """Put the longest first; equal ones keep their order."""
        for item in self.waiting:
            item.seconds = self.costs.seconds(item.job)
        self.waiting.sort(key=lambda item: -item.seconds)

    def _there(self, item: Item) -> bool:
        return self.store.find(item.job) is not None

    def remaining(self) -> float:
        """Return the estimated seconds until all are there; infinite where nothing is known."""
        if not self.costs.known:
            return math.inf
        items = [*self.hand.values(), *self.waiting, *self.alone, *self.elsewhere]
        workers = min(self.pool.workers or len(items) or 1, len(items) or 1)
        return sum(item.seconds for item in items) / workers


def _mark(path: Path) -> str:
    """Return what the store's mark says, made if there is none; workers compare it.

    Of several sweeps that begin at a time one makes it.
    """
    file = path / MARK
    with contextlib.suppress(FileExistsError), open(file, "x", encoding="ascii") as opened:
        opened.write(secrets.token_hex(16))
    for _ in range(100):
        if text := results.read_text(file):
            break
        time.sleep(0.01)  # who makes it has not written yet
    return text
