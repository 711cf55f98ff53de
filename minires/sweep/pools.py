"""Where runs are computed: in this process, in processes of this machine, in an executor's."""

from __future__ import annotations

import concurrent.futures
import os
import queue
from collections.abc import Callable, Iterable
from typing import Any

from .worker import Done, Order, compile_for, prepare, work

SILENT = 5.0  # s that compiling may take before a user is told
ONE_THREAD = dict.fromkeys(
    (
        "MINIRES_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)  # fmt: skip


class Lost(Exception):
    """The worker that computed a run is gone, or the connection to it: not the run's fault.

    suspect   True if the run itself may have ended its worker, say by its need of memory
    """

    def __init__(self, text: str, suspect: bool = False, details: str = "") -> None:
        super().__init__(text)
        self.suspect, self.details = suspect, details


class Pool:
    """Computes orders in this process, one after the other; the others build on this.

    workers   how many runs are computed at a time, None if that is not known
    window    how many are given at a time
    """

    workers: int | None = 1
    replaces: bool = False  # whether workers that die are replaced
    compiles: bool = False  # whether one process compiles before the others start

    @property
    def window(self) -> int:
        """One more than workers, so that none waits; here it is one."""
        return 1

    def submit(self, order: Order) -> Any:
        """Begin, and return a future of `Done`."""
        future: concurrent.futures.Future[Done] = concurrent.futures.Future()
        future.set_result(work(order))
        return future

    def wait(self, futures: Iterable[Any], seconds: float) -> list[Any]:
        """Return the futures that have ended, waiting for one for some seconds."""
        return [future for future in futures if future.done()]

    def result(self, future: Any) -> Done:
        """Return how a run ended; raise `Lost` if nobody knows."""
        done: Done = future.result()
        return done

    def compile(self, jobs: list[Any], say: Callable[[str], None]) -> None:
        """Compile what these jobs need, once for all workers."""

    def recover(self, say: Callable[[str], None], stopped: Callable[[], bool]) -> bool:
        """Make ready again after a run was lost; return whether all others in hand are lost too."""
        return False

    def drop(self, futures: Iterable[Any]) -> list[Any]:
        """Take back what has not begun; return it."""
        return []

    def notice(self) -> str:
        """Return what a user should be told, if there is something new."""
        return ""

    def close(self, now: bool = False) -> None:
        """Let go of the workers; `now`: without waiting for what they do."""


class Executor(Pool):
    """An object with `submit(function, argument)` that returns futures, e.g. of submitit.

    Futures have done() and result(), and may have add_done_callback, which spares asking.
    """

    def __init__(self, executor: Any, window: int | None = None) -> None:
        if not callable(getattr(executor, "submit", None)):
            raise TypeError(
                f"executor: expected an object with a method submit, as those of "
                f"concurrent.futures, Dask's Client and submitit, got {executor!r}"
            )
        self.executor = executor
        self.workers = getattr(executor, "_max_workers", None)
        self._window = window
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @property
    def window(self) -> int:
        if self._window is not None:
            return self._window
        return 1_000_000_000 if self.workers is None else self.workers + 1

    def submit(self, order: Order) -> Any:
        try:
            future = self.executor.submit(work, order)
        except RuntimeError as error:  # concurrent.futures: broken, or shut down
            if self.replaces:
                raise Lost(
                    str(error), isinstance(error, concurrent.futures.BrokenExecutor)
                ) from None
            raise RuntimeError(
                f"the executor takes no more runs ({error}); those that are finished are in the "
                "store, so the same sweep with a new executor goes on"
            ) from None
        if hasattr(future, "add_done_callback"):
            future.add_done_callback(self._ended.put)
        return future

    def wait(self, futures: Iterable[Any], seconds: float) -> list[Any]:
        try:
            self._ended.get(timeout=seconds)
            while True:
                self._ended.get_nowait()
        except queue.Empty:
            return [future for future in futures if future.done()]

    def result(self, future: Any) -> Done:
        try:
            return super().result(future)
        except concurrent.futures.BrokenExecutor as error:
            text = "its process died (killed, or out of memory)"
            raise Lost(text, True, str(error)) from None
        except (concurrent.futures.CancelledError, OSError, EOFError) as error:
            raise Lost(f"{type(error).__name__}: {error}") from None

    def drop(self, futures: Iterable[Any]) -> list[Any]:
        local = [f for f in futures if isinstance(f, concurrent.futures.Future)]
        return [future for future in local if future.cancel()]


class Processes(Executor):
    """Processes of this machine, each with one thread; those that die are replaced."""

    compiles = replaces = True

    def __init__(self, workers: int) -> None:
        super().__init__(_processes(workers))
        self.workers = workers

    @property
    def window(self) -> int:
        return (self.workers or 1) + 1

    def compile(self, jobs: list[Any], say: Callable[[str], None]) -> None:
        compiled = self.executor.submit(compile_for, jobs)
        if not concurrent.futures.wait([compiled], SILENT).done:
            say("compiling kernels, for the first time on this machine or after an update")
            concurrent.futures.wait([compiled])

    def recover(self, say: Callable[[str], None], stopped: Callable[[], bool]) -> bool:
        self.close(now=True)
        self.executor = _processes(self.workers or 1)
        return True

    def close(self, now: bool = False) -> None:
        self.executor.shutdown(wait=True, kill_workers=now)


def _processes(workers: int) -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(
        workers, timeout=None, initializer=prepare, initargs=(os.getpid(),), env=ONE_THREAD
    )
