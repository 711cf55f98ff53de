"""What a worker does, wherever it is: compute one run into the store on disk, and report."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import threads
from ..store import TASKS, Job, Store, claims

MARK = ".sweep"  # a file of the store by which workers know that they see the same folder
_one_at_a_time = threading.Lock()  # workers with several threads: compiled loops share helpers


@dataclass(frozen=True)
class Order:
    """What is sent to a worker: the store's path, what its mark says, the job and its key."""

    store: str
    mark: str
    job: Job
    key: str


@dataclass(frozen=True)
class Done:
    """How a run ended: it is in the store, or `error` says why not, or `by` who computes it.

    busy      seconds of the worker, from receiving the order to reporting
    details   the traceback of an error
    found     it was there already
    by        another process, which had claimed it before
    """

    key: str
    busy: float
    error: str = ""
    details: str = ""
    where: str = ""
    found: bool = False
    by: str = ""


def work(order: Order) -> Done:
    """Compute a run into the store, unless it is there, or another process is at it.

    A run's fault is reported, never raised.

    Kernels and BLAS get one thread: so every worker gives the same bits, and cores are not fought
    for. A worker that sees another folder, or has other sources or data, refuses.
    """
    start, where = time.perf_counter(), f"process {os.getpid()} on {socket.gethostname()}"
    error = details = by = ""
    found = False
    try:
        _agree(order, where)
        store = Store(order.store)
        with _one_at_a_time, claims.claim(store.runs_path, order.key) as holder, one_thread():
            if holder is not None:
                by = str(holder)
            elif not (found := store.find(order.job) is not None):
                store.compute(order.job)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}" if str(raised) else type(raised).__name__
        details = traceback.format_exc()
    return Done(order.key, time.perf_counter() - start, error, details, where, found, by)


def _agree(order: Order, where: str) -> None:
    try:
        mark = (Path(order.store) / MARK).read_text(encoding="utf-8")
    except OSError:
        mark = ""
    if mark != order.mark:
        raise ValueError(
            f"{where} sees another folder at {order.store}, or none: the store must be in a folder "
            "that all machines share, at the same path"
        )
    if (own := order.job.key()) != order.key:
        raise ValueError(
            f"{where} has other sources of minires, or other data, than the process that asks (key "
            f"{own} there, {order.key} here): install the same version on all machines"
        )


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Give kernels and BLAS one thread within the block."""
    import threadpoolctl

    before = threads.get_num_threads()
    with threadpoolctl.threadpool_limits(1):
        if before != 1:
            threads.set_num_threads(1)
        try:
            yield
        finally:
            if before != 1:
                threads.set_num_threads(before)


def prepare(parent: int) -> None:
    """Make a process ready as a worker: the terminal's Ctrl-C is for the sweep, its parent.

    It ends when the parent is gone, killed or not: else it would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def compile_for(jobs: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Run small trainings, which leave their compiled kernels on disk for other processes."""
    with one_thread():
        for task, setting in jobs:
            with contextlib.suppress(ValueError, TypeError):  # too short for its own recipe
                TASKS[task].compute(TASKS[task].check(setting), 0)
