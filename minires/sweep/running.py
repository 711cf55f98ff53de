"""Running a sweep from Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .. import results
from ..store import Job, Store
from ..train.signals import Stop
from .engine import Engine, Report
from .pools import Executor, Pool, Processes
from .summary import keep_failures
from .watch import Watch


def run(
    jobs: Sequence[Job],
    store: results.StrPath,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    executor: Any = None,
    window: int | None = None,
    retries: int = 1,
    minutes: float | None = None,
    watch: Watch | None = None,
) -> Report:
    """Compute what is missing of these runs into the store at a path; return what came out.

    workers    processes of this machine, each with one thread; 1: this process
    scheduler  address of a Dask scheduler, or its file: its workers compute instead
    executor   computes instead: anything with submit(function, argument) that returns futures, as
               Dask's Client, submitit's and those of concurrent.futures
    window     runs given to the executor at a time; None: one more than its workers, or all
    retries    of a run that fails
    minutes    begin no run that would end later

    The first SIGINT or SIGTERM lets runs in hand finish, a second Ctrl-C raises KeyboardInterrupt.
    """
    place = Store(results.folder(store))
    pool = choose(workers, scheduler, executor, window)
    with Stop() as stop:
        engine = Engine(
            jobs, place, pool, retries=retries, minutes=minutes, watch=watch,
            stopped=lambda: stop.signal,
        )  # fmt: skip
        try:
            report = engine.run()
        except BaseException:
            pool.close(now=True)
            raise
        pool.close()
    keep_failures(report, place.path)
    return report


def choose(
    workers: int = 1, scheduler: str | None = None, executor: Any = None, window: int | None = None
) -> Pool:
    """Return the pool for these arguments of `run`."""
    if scheduler is not None:
        from .cluster import Dask

        return Dask(scheduler)
    if executor is not None and type(executor).__module__.partition(".")[0] == "distributed":
        from .cluster import Dask

        return Dask(client=executor)
    if executor is not None:
        return Executor(executor, window)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers: expected a positive integer, got {workers!r}")
    return Pool() if workers == 1 else Processes(workers)


def width(workers: int, scheduler: str | None) -> int:
    """Return how many runs are computed at a time, at least 1; asks the scheduler, if there is."""
    if scheduler is None:
        return workers
    from .cluster import Dask

    pool = Dask(scheduler)
    found = pool.look()
    pool.close()
    return max(found, 1)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
