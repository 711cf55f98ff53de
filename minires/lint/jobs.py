"""Run tasks in another process, which may crash, hang or print without harm.

The worker (worker.py) gets one JSON document with the common settings and a list of tasks, and
writes events as lines of JSON: {"step": text, "limit": seconds} before whatever may take long,
{"done": true} after each task, and anything else, which is handed on. If the worker dies, or a step
outlasts its limit, the task ends with an event {"lost": what happened, "step": text} and a new
worker goes on with the next task.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from typing import IO, Any

Event = dict[str, Any]

START_LIMIT = 120.0  # seconds for a worker to import what it needs


def run(
    settings: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]
) -> Generator[tuple[int, Event], None, None]:
    """Yield (number of the task, event) until every task has ended, one way or another."""
    first = 0
    while first < len(tasks):
        with _Worker({**settings, "tasks": list(tasks[first:])}) as worker:
            step, limit = "starting", START_LIMIT
            while first < len(tasks):
                event = worker.event(limit)
                if "limit" in event:
                    step, limit = event["step"], event["limit"]
                elif "done" in event:
                    first, step, limit = first + 1, "starting", START_LIMIT
                else:
                    yield first, event | ({"step": step} if "lost" in event else {})
                    if "lost" in event:
                        first += 1
                        break


class _Worker:
    """The process, and two threads that read what it writes."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        path = os.pathsep.join(p for p in sys.path if p)
        # -P: a file of the user's folder must not be taken for a module
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "minires.lint.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,  # to be ended with all that it starts
        )
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._errors: deque[bytes] = deque(maxlen=20)
        self._readers = [
            threading.Thread(target=self._read_events, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._give(json.dumps(job).encode())

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):  # it has ended
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def event(self, limit: float) -> Event:
        """Return the next event; {"lost": why} if there is none within `limit` seconds."""
        try:
            event = self._events.get(timeout=limit)
        except queue.Empty:
            return {"lost": f"no end within {limit:g} seconds", "why": "time"}
        return self._death() if event is None else event

    def _give(self, job: bytes) -> None:
        stream = self._process.stdin
        if stream is None:
            return
        with contextlib.suppress(OSError):  # it died at once: `event` says so
            stream.write(job)
            stream.close()

    def _death(self) -> Event:
        code = self._process.wait()
        told = b"".join(self._errors).decode("utf-8", "replace").strip()
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return {"lost": f"the process was ended by {name}", "why": "crash", "told": told}
        return {"lost": f"the process ended with code {code}", "why": "crash", "told": told}

    def _read_events(self, stream: IO[bytes]) -> None:
        for line in stream:
            try:
                event = json.loads(line)
            except ValueError:  # the last line of a process that was killed
                continue
            self._events.put(event)
        self._events.put(None)

    def _read_errors(self, stream: IO[bytes]) -> None:
        while block := stream.read1(4096):  # type: ignore[attr-defined]
            self._errors.append(block)
