"""Run a compiled loop on several threads, with results that do not depend on how many.

The work is cut into chunks by its size alone, never by the number of threads; a reduction writes
one partial result per chunk, and the caller adds them in order. So 1 thread and 64 give the same
bits. Compiled kernels release the GIL (nogil), so plain Python threads run them in parallel.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAX_CHUNKS = 64  # more than most machines have cores, few enough to sum partial results cheaply

_pool: ThreadPoolExecutor | None = None
_threads: int | None = None


def num_threads() -> int:
    """Return how many threads kernels use (`MINIRES_NUM_THREADS`, else the usable cores)."""
    global _threads
    if _threads is None:
        text = os.environ.get("MINIRES_NUM_THREADS")
        if text is None:
            _threads = _usable_cores()
        elif text.isdecimal() and int(text) > 0:
            _threads = int(text)
        else:
            raise ValueError(f"MINIRES_NUM_THREADS: expected a positive integer, got {text!r}")
    return _threads


def set_num_threads(n: int) -> None:
    """Use `n` threads from the next kernel on. Results do not change."""
    global _threads, _pool
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: expected a positive integer, got {n!r}")
    _threads, _pool = n, None  # an old pool ends by itself once its last task is done


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _forget_pool() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):  # threads do not survive a fork: the child makes its own pool
    os.register_at_fork(after_in_child=_forget_pool)


def chunks(n: int, smallest: int = 1, most: int = MAX_CHUNKS) -> list[tuple[int, int]]:
    """Cut range(n) into at most `most` ranges (lo, hi) of at least `smallest`, by sizes alone."""
    count = min(most, n // max(1, smallest))
    if count <= 1:
        return [(0, n)]
    return [(i * n // count, (i + 1) * n // count) for i in range(count)]


def run(loop: Callable[..., Any], pieces: list[tuple[int, int]], *args: Any) -> None:
    """Call `loop(i, lo, hi, *args)` for each piece i, spread over the threads.

    `loop` must write only what belongs to its piece. An exception in any piece is raised here.
    """
    threads = 1 if len(pieces) == 1 else min(num_threads(), len(pieces))
    if threads == 1:
        for i, (lo, hi) in enumerate(pieces):
            loop(i, lo, hi, *args)
        return

    def work(t: int) -> None:
        for i in range(t, len(pieces), threads):
            loop(i, *pieces[i], *args)

    global _pool
    pool = _pool  # another thread may replace the global one at any time
    if pool is None:
        pool = _pool = ThreadPoolExecutor(max(1, num_threads() - 1), thread_name_prefix="minires")
    others = [pool.submit(work, t) for t in range(1, threads)]
    work(0)
    for other in others:
        other.result()
