"""Run a compiled loop on several threads, with results that do not depend on how many.

A loop gets a range of independent items, `loop(lo, hi, *args)`, and must leave the same bits in
memory however range(n) is cut. Where items are summed, the *caller* cuts the sum into parts by its
size alone (`parts`), the loop writes one partial result per part, and they are added in order. So
1 thread and 64 give the same bits.

Compiled kernels release the GIL, so plain Python threads run them in parallel. The calling thread
takes ranges too, from the same list: it never waits for a helper that is slow to wake up, and a
helper that is missing (after a fork, say) costs time and nothing else. Ranges of a compiled `@loop`
are handed out by compiled code (`loops.py`), those of any other function by the interpreter.
"""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from . import loops
from .jit import numba_config
from .spin import finish, subtract_in_python, turns

RANGES_PER_THREAD = 2  # one, and the slower half is waited for; more, and loops begin too often
HELPER_WATCHES = 300  # µs that a helper waits for the next job before it sleeps
CALLER_WATCHES = 5000  # µs that the calling thread waits for the last range before it sleeps
GIVER_NEEDS = 5  # µs, from giving a job to entering compiled code

_helpers: list[_Helper] = []
_lock = threading.Lock()  # of _helpers
_threads: int | None = None
_shared = loops.new_job()  # where one compiled loop at a time is shared
_sharing = threading.Lock()  # of _shared


def num_threads() -> int:
    """Return how many threads kernels use (`MINIRES_NUM_THREADS`, else the usable cores)."""
    global _threads
    if _threads is None:
        text = os.environ.get("MINIRES_NUM_THREADS")
        if text is None:
            _threads = _usable_cores()
        elif re.fullmatch("0*[1-9][0-9]{0,5}", text):
            _threads = int(text)
        else:
            raise ValueError(
                "MINIRES_NUM_THREADS: expected a positive integer of at most six digits, "
                f"got {text[:20]!r}"
            )
    return _threads


def set_num_threads(n: int) -> None:
    """Use `n` threads from the next kernel on, this one included. Results do not change."""
    global _threads
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: expected a positive integer, got {n!r}")
    with _lock:
        _threads = n
        while len(_helpers) > n - 1:
            _helpers.pop().jobs.put(None)


def _watch_time(most: int) -> int:
    """Return for how many µs to wait awake: none where threads take cores from each other."""
    return most if num_threads() <= _cores else 0


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _forget_helpers() -> None:
    """Threads do not survive a fork: the child starts its own on first use."""
    global _lock, _sharing, _shared
    _lock, _sharing = threading.Lock(), threading.Lock()  # the parent may have held them
    _shared = loops.new_job()
    _helpers.clear()


_cores = _usable_cores()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


def _nothing(*_args: Any) -> None:
    """What a finished job does."""


class _Job:
    """One loop, cut into ranges that threads take until none is left."""

    def __init__(self, loop: Callable[..., Any], args: tuple[Any, ...], n: int, cuts: int) -> None:
        self.loop, self.args = loop, args
        self.ranges = [(i * n // cuts, (i + 1) * n // cuts) for i in reversed(range(cuts))]
        self.unfinished = np.array([cuts])
        self.helping: list[None] = []  # an entry for each helper within `work`
        self.error: BaseException | None = None

    def work(self) -> int:
        """Take ranges and run them until none is left; return how many."""
        done = 0
        while True:
            try:
                lo, hi = self.ranges.pop()  # atomic
            except IndexError:
                return done
            done += 1
            try:
                if self.error is None:
                    self.loop(lo, hi, *self.args)
            except BaseException as error:  # raised again in the calling thread
                self.error = error

    def complete(self) -> None:
        """Take part, and wait until all ranges are finished; raise what any of them raised."""
        try:
            done = self.work()
            if not finish(self.unfinished, done, _watch_time(CALLER_WATCHES)):
                while self.unfinished[0]:
                    time.sleep(1e-4)
        except BaseException:  # an interrupt: helpers may be within their ranges
            self.ranges.clear()
            while self.helping:
                time.sleep(1e-4)
            raise
        finally:
            self.loop, self.args = _nothing, ()  # a helper may hold this job for a while yet
        error, self.error = self.error, None
        if error is not None:
            raise error


_NO_JOB = _Job(_nothing, (), 0, 0)  # wakes a helper


class _Helper:
    """A thread that works on one job after another, and watches for a while for the next."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()  # a None ends it
        self.asleep = True

    def help(self) -> None:
        while True:
            job = self.jobs.get()
            if job is None:
                return
            job.helping.append(None)
            done, unfinished = job.work(), job.unfinished
            job.helping.pop()
            del job  # its arrays must not stay alive until the next job
            self.leave(unfinished, done)

    def leave(self, unfinished: Any, done: int) -> None:
        """Say that `done` ranges are finished; share compiled loops until none comes for a while.

        All without the GIL, so that whoever waits for unfinished[0] finds it free; and when there
        is news, a few µs pass until its giver is done with the GIL.
        """
        if numba_config.DISABLE_JIT:
            subtract_in_python(unfinished, done)
            return
        self.asleep, shared = False, _shared
        while True:
            seen = shared[loops.NEWS]  # before the look at the queue: a job in between is seen
            watch = turns(_watch_time(HELPER_WATCHES)) if self.jobs.empty() else 0
            loops.serve(unfinished, done, shared, seen, watch, turns(GIVER_NEEDS))
            done = 0
            if shared[loops.LEFT] <= 0 and not (watch and _sharing.locked()):  # nor on its way
                break
        self.asleep = True


def _start_helper() -> None:
    helper = _Helper()
    name = f"minires-{len(_helpers) + 1}"
    try:
        threading.Thread(target=helper.help, name=name, daemon=True).start()
        _helpers.append(helper)
    except BaseException:  # an interrupt: the thread may have started, and must end
        helper.jobs.put(None)
        raise


def _helpers_for(threads: int) -> list[_Helper]:
    """Return the helpers of so many threads, or fewer; start those that are missing."""
    global _threads
    with _lock:
        try:
            while len(_helpers) < threads - 1:
                _start_helper()
        except RuntimeError:  # the system allows no more: fewer do
            _threads = len(_helpers) + 1
        return _helpers[: threads - 1]


def parts(n: int, smallest: int = 1, most: int = 16) -> int:
    """Return into how many parts to cut a sum of n items: by the sizes alone, never by threads.

    Parts have at least `smallest` items and there are at most `most` of them, at least one. A power
    of two: 2, 4 or 8 threads then get equally many, where of 7 parts one of two would work on 4.
    """
    count = max(1, min(most, n // max(1, smallest)))
    return 1 << count.bit_length() - 1


def run(loop: Callable[..., Any], n: int, *args: Any, smallest: int = 1) -> None:
    """Call `loop(lo, hi, *args)` on disjoint ranges that cover range(n), on several threads.

    `smallest` is the number of items below which a range is not worth a thread's while. An
    exception in any range is raised here, after all threads have stopped.
    """
    launch = getattr(loop, "launch", None)  # of a compiled loop
    if n < 2 * smallest or num_threads() == 1:
        if n > 0:
            loop(0, n, *args) if launch is None else launch(n, 1, 0, _shared, args)
        return
    ranges = n // smallest
    threads = min(num_threads(), ranges)
    cuts = min(ranges, RANGES_PER_THREAD * threads)
    if launch is not None:
        _share(launch, n, cuts, threads, args)
        return
    job = _Job(loop, args, n, cuts)
    for helper in _helpers_for(threads):
        helper.jobs.put(job)
    _shared[loops.NEWS] += 1
    job.complete()


def _share(
    launch: Callable[..., bool], n: int, cuts: int, threads: int, args: tuple[Any, ...]
) -> None:
    """Run a compiled loop with helpers; alone if they share another thread's loop just now."""
    if not _sharing.acquire(blocking=False):
        launch(n, 1, 0, _shared, args)
        return
    try:
        for helper in _helpers_for(threads):
            if helper.asleep:
                helper.jobs.put(_NO_JOB)
        well = launch(n, cuts, turns(_watch_time(CALLER_WATCHES)), _shared, args)
    finally:
        _sharing.release()
    if not well:
        raise MemoryError("no memory for what a kernel's threads keep for themselves")
