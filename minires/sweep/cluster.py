"""Dask: workers on this and other machines, which a scheduler hands the runs to.

What Dask forgets (it does when its scheduler dies, and it computes finished tasks again when the
worker that holds their results dies) does not matter: results are in the store, and the engine
gives again what is missing.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from .pools import Executor, Lost
from .worker import Done, Order, work

ANSWER = 10.0  # s that the scheduler has to answer
AGAIN = 60.0  # s between messages while it does not
LOOK = 2.0  # s between questions how many workers there are
QUEUE = 100  # runs given at least, so that clusters which grow with their queue do


class Dask(Executor):
    """The workers of a Dask scheduler, found again when it was restarted.

    Raises ImportError without Dask, OSError or ValueError if no scheduler answers at the address.
    """

    def __init__(self, address: str = "", client: Any = None) -> None:
        self.address, self.own = address, client is None
        super().__init__(self._connect() if client is None else client)
        if client is not None:
            self.address = str(client.scheduler.address)
        self._looked, self._since, self._told = 0.0, time.monotonic(), False
        self.workers: int = 0

    def _connect(self) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise ImportError(
                'a cluster needs Dask, which is not installed: pip install "minires[cluster]"'
            ) from None
        client: Any = Client
        is_file = self.address.endswith(".json") or os.path.isfile(self.address)
        if not is_file and not re.fullmatch(r"((tcp|tls|wss?|ucx)://)?[^/\s]+:\d+/?", self.address):
            raise ValueError(
                f"expected the address of a Dask scheduler, e.g. tcp://10.0.0.1:8786, or the file "
                f"that it wrote with --scheduler-file, got {self.address!r}"
            )
        where = "scheduler_file" if is_file else "address"
        try:
            if is_file:
                _wait_for(self.address)
            return client(**{where: self.address}, timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise OSError(
                f"no Dask scheduler answers at {self.address} ({error}); `dask scheduler` starts "
                "one and prints its address, e.g. tcp://10.0.0.1:8786"
            ) from None

    @property
    def window(self) -> int:
        return max(QUEUE, 2 * (self.workers or 0))

    def submit(self, order: Order) -> Any:
        if self.executor.status != "running":
            raise Lost("the scheduler does not answer")
        # a name of its own: no answer of an earlier try is taken for this one's
        key = f"minires-{order.key}-{secrets.token_hex(4)}"
        future = self.executor.submit(work, order, key=key, pure=False)
        future.add_done_callback(self._ended.put)
        return future

    def wait(self, futures: Iterable[Any], seconds: float) -> list[Any]:
        if time.monotonic() - self._looked > LOOK:
            self.look()
        return super().wait(futures, seconds)

    def result(self, future: Any) -> Done:
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):
            raise Lost("the scheduler is gone")
        try:
            return super().result(future)
        except KilledWorker as error:  # several, one after the other, which had it alone
            return Done("", 0.0, "its workers died (killed, or out of memory)", str(error))
        except Exception as error:  # before `work` was reached, say where minires is not installed
            if isinstance(error, Lost):
                raise
            text = f"a worker could not begin: {type(error).__name__}: {error}"
            return Done("", 0.0, text, str(error))

    def look(self) -> int:
        """Ask how many threads the workers have together."""
        if self.executor.status == "running":
            with contextlib.suppress(OSError):
                self.workers = sum(self.executor.nthreads().values())
        self._looked = time.monotonic()
        return self.workers

    def notice(self) -> str:
        """Return that there are no workers, once, some seconds after there were any."""
        now = time.monotonic()
        if self.workers:
            self._since, self._told = now, False
        elif now - self._since > 5 and not self._told:
            self._told = True
            return (
                f"the scheduler has no workers; on each machine: dask worker {self.address} "
                "--nworkers N --nthreads 1"
            )
        return ""

    def recover(self, say: Callable[[str], None], stopped: Callable[[], bool]) -> bool:
        if self.executor.status == "running":
            return False  # one run was lost, the others go on
        told = 0.0
        while not stopped():
            if not told or time.monotonic() - told > AGAIN:
                told = time.monotonic()
                say(f"the scheduler at {self.address} does not answer; waiting for it")
            if self.executor.status == "running":
                say("it is back")
                break
            if self.executor.status in ("closed", "closing"):
                with contextlib.suppress(OSError, ValueError):
                    self.executor, self.own = self._connect(), True
            time.sleep(0.2)
        return True

    def drop(self, futures: Iterable[Any]) -> list[Any]:
        """Take back the runs that no worker has begun; return them."""
        if self.executor.status != "running":
            return []
        dropped = []
        with contextlib.suppress(OSError):
            begun = {key for keys in self.executor.processing().values() for key in keys}
            dropped = [f for f in futures if not f.done() and f.key not in begun]
            self.executor.cancel(dropped)
        return dropped

    def close(self, now: bool = False) -> None:
        if self.own:
            self.executor.close()


def _wait_for(file: str) -> None:
    """Wait for a scheduler's file, which it writes when it is ready."""
    end = time.monotonic() + ANSWER
    while not os.path.exists(file):
        if time.monotonic() > end:
            raise FileNotFoundError(f"there is no file {file}")
        time.sleep(0.1)
