"""Computing many runs one after the other; a signal ends it, and what is finished stays."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .job import Job
from .store import Store
from .stored import Stored


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception that ends what Ctrl-C ends."""


@dataclass
class Filled:
    """What came of it: the runs in the order of the jobs.

    known    how many of them were in the store before
    damaged  what is wrong with those that were there and were computed again
    signal   that ended it before the last one, or None
    """

    asked: int
    runs: list[Stored] = field(default_factory=list)
    known: int = 0
    damaged: list[str] = field(default_factory=list)
    signal: int | None = None


def fill(
    store: Store, jobs: Sequence[Job], progress: Callable[[list[Job]], Any] = lambda jobs: jobs
) -> Filled:
    """Find or compute all jobs, until SIGINT or SIGTERM. Raises OSError if one can't be stored."""
    done = Filled(len(jobs))
    try:
        with terminated():
            for job in progress(list(jobs)):
                run = store.find(job)
                if run is not None:
                    done.known += 1
                else:
                    if wrong := store.damaged.get(job.key()):
                        done.damaged.append(wrong)
                    run = store.compute(job)
                done.runs.append(run)
    except Terminated:
        done.signal = signal.SIGTERM
    except KeyboardInterrupt:
        done.signal = signal.SIGINT
    return done


@contextlib.contextmanager
def terminated() -> Iterator[None]:
    """Let SIGTERM raise `Terminated` within the block. Only the main thread hears signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def raised(*_: Any) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, raised)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
