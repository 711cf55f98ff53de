"""Who computes which run: several sweeps that fill one store share the work.

A claim is a file beside the runs, made by O_CREAT | O_EXCL, which one process alone can do, on NFS
too. It says which process computes the run, and is touched every `RENEW` seconds. It is void once
that process has ended, or, where that cannot be seen, on another machine, when it was not touched
for `STALE` seconds by the clock of the file system: no two clocks are compared.

A claim spares work and decides nothing. Where one is taken over too early, or cannot be written, a
run is computed twice, with the same bits, and the store keeps the first.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..processes import alive, begun

RENEW = 10.0  # s between two signs of life
STALE = 90.0  # s without one, after which a process is given up: more than NFS keeps an answer (60)
PREFIX = ".claim-"


@dataclass(frozen=True)
class Holder:
    """Who holds a claim: process `pid` of `host`, whose `machine` tells apart equal names.

    started  when the process began, as the system counts: a later process may have its number
    token    of this claim alone
    """

    host: str
    machine: str
    pid: int
    started: int | None
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.pid else "another process"


NOBODY = Holder("", "", 0, None, "")  # of a file that says nothing (yet)


def me() -> Holder:
    """Return this process as the holder of a new claim."""
    pid = os.getpid()
    return Holder(socket.gethostname(), _machine(), pid, begun(pid), secrets.token_hex(8))


@cache
def _machine() -> str:
    """Return what two processes share that can see each other's numbers; "" if nothing tells."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def path_of(runs_path: Path, key: str) -> Path:
    """Return the file of the claim on a run."""
    return runs_path / f"{PREFIX}{key}"


def holder(runs_path: Path, key: str) -> Holder | None:
    """Return who computes a run now, None if nobody does."""
    seen = _read(path_of(runs_path, key))
    return None if seen is None or _void(runs_path, *seen) else seen[0]


@contextlib.contextmanager
def claim(runs_path: Path, key: str) -> Iterator[Holder | None]:
    """Claim a run within the block; the value is who has it already, or None: it is ours.

    A store that takes no claims (full, say) lets everybody compute.
    """
    path, own = path_of(runs_path, key), me()
    try:
        theirs = _take(runs_path, path, own)
    except OSError:
        yield None
        return
    if theirs is not None:
        yield theirs
        return
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(path, over), daemon=True)
    thread.start()
    try:
        yield None
    finally:
        over.set()
        thread.join()
        seen = _read(path)
        if seen is not None and seen[0] == own:  # else it was taken over
            with contextlib.suppress(OSError):
                path.unlink()


def _take(runs_path: Path, path: Path, own: Holder) -> Holder | None:
    """Write the claim; return who has it already."""
    runs_path.mkdir(parents=True, exist_ok=True)
    for _ in range(3):  # each time somebody else may have taken it over first
        try:
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            seen = _read(path)
            if seen is None:  # it was given back
                continue
            if not _void(runs_path, *seen):
                return seen[0]
            _remove(runs_path, path, seen[0])
            continue
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            json.dump(vars(own), opened)
        return None
    return NOBODY


def _renew(path: Path, over: threading.Event) -> None:
    while not over.wait(RENEW):
        with contextlib.suppress(OSError):
            os.utime(path)


def _read(path: Path) -> tuple[Holder, float] | None:
    """Return who made a claim, and when it was last touched; None if there is none."""
    try:
        with open(path, encoding="utf-8") as opened:  # opening asks a file server anew
            touched = os.fstat(opened.fileno()).st_mtime
            text = opened.read()
    except (OSError, UnicodeDecodeError):
        return None
    try:
        return Holder(**json.loads(text)), touched
    except (ValueError, TypeError):
        return NOBODY, touched


def _void(runs_path: Path, who: Holder, touched: float) -> bool:
    if who.machine and who.machine == _machine() and not alive(who.pid, who.started):
        return True
    now = _now(runs_path)
    return now is not None and now - touched > STALE


def _now(runs_path: Path) -> float | None:
    """Return the time by the clock that stamps the store's files."""
    probe = runs_path / f".minires-{secrets.token_hex(8)}"
    try:
        with open(probe, "xb") as opened:
            opened.write(b"\n")
            opened.flush()
            return os.fstat(opened.fileno()).st_mtime
    except OSError:
        return None
    finally:
        probe.unlink(missing_ok=True)


def _remove(runs_path: Path, path: Path, void: Holder) -> None:
    """Remove a void claim; one that has just taken its place is put back."""
    aside = runs_path / f".damaged-{secrets.token_hex(8)}"
    with contextlib.suppress(OSError):
        os.rename(path, aside)
        seen = _read(aside)
        if seen is not None and seen[0] != void:
            os.link(aside, path)  # fails if there is a newer one still
    with contextlib.suppress(OSError):
        aside.unlink(missing_ok=True)
