"""The process in which a learner's file runs, seen from the one that checks."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from .channel import MOST_CHARACTERS, Broken
from .guard import REFUSED

_MAIN = "import sys; sys.path[:] = {!r}; from minires.lessons.worker import main; main()"
_LAST = 2**16  # bytes of what it says on standard error


class TimeUp(BaseException):
    """It has not answered in time. Not to be caught by checks."""


class Process:
    """A new process; lines go to it and come from it, by threads, so that none is waited for."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _MAIN.format(import_path())],
            env=os.environ | {"MINIRES_CHECK": "1"}, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._lines: queue.Queue[bytes] = queue.Queue(4)
        self._requests: queue.Queue[bytes | None] = queue.Queue()
        self._said = b""
        self._threads = [
            threading.Thread(target=f, daemon=True) for f in (self._read, self._write, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, line: bytes) -> None:
        """Send a line to it, some time."""
        self._requests.put(line)

    def receive(self, deadline: float) -> bytes:
        """Return the next line from it. TimeUp if there is none in time, Broken at the end."""
        try:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            raise TimeUp from None
        if not line:
            raise Broken("the end")
        return line

    def where(self) -> list[tuple[str, int]]:
        """Return the files and lines of the calls it is in, innermost first, where it tells."""
        if not hasattr(signal, "SIGUSR1"):
            return []
        before = len(self._said)
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGUSR1)
        for _ in range(20):
            time.sleep(0.05)
            if len(self._said) > before and self._said.endswith(b"\n"):
                break
        text = self._said[before:].decode("ascii", "replace")
        return [(f, int(n)) for f, n in re.findall(r'^  File "(.*)", line (\d+) in', text, re.M)]

    def ended(self) -> str:
        """Return how it has ended, "" if it goes on."""
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return ""
        self._threads[2].join(5)
        refused = [x for x in self._said.splitlines() if x.startswith(REFUSED)]
        if code == 3 and refused:
            return refused[-1].removeprefix(REFUSED).decode("utf-8", "replace")
        if code >= 0:
            return f"it ended Python, with exit code {code}"
        if -code == getattr(signal, "SIGKILL", 0):
            return "it ended Python, by the signal SIGKILL: did it take too much memory?"
        with contextlib.suppress(ValueError):
            return f"it ended Python, by the signal {signal.Signals(-code).name}"
        return f"it ended Python, by signal {-code}"

    def close(self) -> None:
        """End it, and whatever it may have started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._requests.put(None)
        while any(thread.is_alive() for thread in self._threads):
            with contextlib.suppress(queue.Empty):
                self._lines.get(timeout=0.05)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def _read(self) -> None:
        stream = self._process.stdout
        while line := stream.readline(MOST_CHARACTERS + 2) if stream else b"":
            self._lines.put(line)
        self._lines.put(b"")

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (line := self._requests.get()) is not None:
                if self._process.stdin:
                    self._process.stdin.write(line)
                    self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stderr
        while part := os.read(stream.fileno(), 4096) if stream else b"":
            self._said = (self._said + part)[-_LAST:]


def import_path() -> list[str]:
    """Return where modules are found, without the current folder, which may be the learner's."""
    here, home = os.getcwd(), str(Path(__file__).parents[2])
    return [p for p in sys.path if p and (os.path.abspath(p) != here or here == home)]
