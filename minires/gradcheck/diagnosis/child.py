"""Learners' code, changed and run thousands of times, in a process that may do no harm.

The child gets limits of time and memory, writes no files, starts nothing, opens no connection and
prints nowhere; it answers with lines of JSON. A candidate that hangs within one call of NumPy, or
crashes, costs the child: the parent starts another, which leaves that candidate out.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from . import trial

Send = Callable[[dict[str, Any]], None]
Beat = Callable[[int], bool]  # told a candidate's number: whether to try it; -1 for other work
Work = Callable[[Send, Beat], None]

HUNG = 3.0  # seconds of processor time within one candidate
MEMORY = 1 << 30  # bytes more than the process has at the start
RESTARTS = 3
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FORBIDDEN = (
    "os.", "shutil.", "subprocess.", "socket.", "ctypes.", "pty.", "urllib.", "http.", "ftplib.",
    "smtplib.", "webbrowser.", "tempfile.", "sqlite3.", "winreg.", "signal.pthread_kill",
)  # fmt: skip
HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk")


def can_fork() -> bool:
    """Whether this platform can run a child process that shares the user's functions."""
    return hasattr(os, "fork") and sys.platform not in ("emscripten", "wasi", "win32")


def isolated(work: Work, wall: float) -> tuple[list[dict[str, Any]], int]:
    """Run `work` in child processes until it ends or `wall` seconds are over.

    Returns what it sent, and how many candidates had to be left out.
    """
    until = time.monotonic() + wall
    answers: list[dict[str, Any]] = []
    left_out: set[int] = set()
    for _ in range(RESTARTS + 1):
        stopped = _one(work, until, left_out, answers)
        if stopped is None or time.monotonic() > until:
            break
        left_out.add(stopped)
    return answers, len(left_out)


def _one(work: Work, until: float, left_out: set[int], answers: list[dict[str, Any]]) -> int | None:
    """Run one child; return the number of the candidate that stopped it, None if it ended well."""
    beat = mmap.mmap(-1, 16)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that other threads exist: the child runs none of them
        pid = os.fork()
    if pid == 0:
        os.close(reading)
        _child(work, writing, beat, left_out)
    os.close(writing)
    try:
        ended = _listen(pid, reading, beat, until, answers)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    stopped = struct.unpack("qq", beat[:])[0]
    return None if ended else int(stopped)


def _listen(
    pid: int, reading: int, beat: mmap.mmap, until: float, answers: list[dict[str, Any]]
) -> bool:
    """Collect answers; return whether the child said that it was done, or the time is over."""
    buffer, last, since = b"", b"", _used(pid)
    while True:
        if time.monotonic() > until:
            return True
        ready, _, _ = select.select([reading], [], [], 0.25)
        if ready:
            data = os.read(reading, 1 << 16)
            if not data:
                return False
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                answers.append(json.loads(line))
                if "done" in answers[-1]:
                    return True
        used = _used(pid)
        if beat[:] != last:
            last, since = beat[:], used
        elif used - since > HUNG:
            return False


def _used(pid: int) -> float:
    """Return the seconds that a process has computed; where that is unknown, those on the clock."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.monotonic()


def _child(work: Work, writing: int, beat: mmap.mmap, left_out: set[int]) -> None:
    """Do the work and leave without any of the parent's clean-up. Never returns."""

    def send(answer: dict[str, Any]) -> None:
        os.write(writing, json.dumps(answer).encode() + b"\n")

    at = [0, 0]

    def told(k: int) -> bool:
        at[0], at[1] = max(k, at[0]), at[1] + 1
        beat[:] = struct.pack("qq", *at)
        return k not in left_out

    try:
        _confine()
        work(send, told)
        send({"done": True})
    except BaseException as problem:  # whatever it was, the parent must not see it twice
        with contextlib.suppress(BaseException):
            send({"problem": f"{type(problem).__name__}: {problem}", "done": False})
    finally:
        os._exit(0)


def _confine() -> None:
    import resource

    trial.own_timer()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    except (OSError, ValueError):
        pass  # no such file: the memory is not limited
    sys.addaudithook(_refuse)


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    """Refuse what reaches outside of the process."""
    if event == "open":
        mode, flags = args[1], args[2]
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & WRITING:
            raise PermissionError("a candidate of the diagnosis may not write files")
    elif event.startswith(FORBIDDEN) and event not in HARMLESS:
        raise PermissionError(f"a candidate of the diagnosis may not call {event}")
