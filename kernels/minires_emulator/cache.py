"""Compiled files on disk: `entry(key, make)`.

An entry is one file: a shared object, notes about it (JSON), and a SHA-256 of both. The loader of
the system ignores what follows a shared object. A file whose hash is wrong is made again, never
loaded: a truncated shared object can crash the process that loads it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Notes = dict[str, Any]
UNUSED_AFTER_S = 30 * 24 * 3600
_TEMPORARY = "minires-emulator-"
_HASH = hashlib.sha256().digest_size


def folder() -> Path:
    """Return the cache's folder; a temporary one where the proper one cannot be used.

    One that belongs to another user is not: what lies there is loaded and run.
    """
    try:
        if given := os.environ.get("MINIRES_CACHE_DIR"):
            root = Path(os.path.abspath(os.path.expanduser(given)))
        else:
            named = Path(os.environ.get("XDG_CACHE_HOME", ""))
            root = (named if named.is_absolute() else Path.home() / ".cache") / "minires"
        if root.is_absolute():
            path = root / "emulator"
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.stat().st_uid in (0, os.geteuid()):
                with tempfile.TemporaryFile(dir=path):
                    return path
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        pass
    return _temporary_folder(os.getpid())


@functools.lru_cache(maxsize=1)
def _temporary_folder(process: int) -> Path:
    path = Path(tempfile.mkdtemp(prefix=_TEMPORARY))

    def remove() -> None:
        if os.getpid() == process:  # not in a forked child
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path


def is_temporary(path: Path) -> bool:
    """Tell whether `path` is the folder that this process takes for want of a proper one."""
    return path.name.startswith(_TEMPORARY)


def entry(key: str, make: Callable[[Path], tuple[Path, Notes]]) -> tuple[Path, Notes]:
    """Return the file named by `key`, with its notes; make it if it is not there or damaged.

    `make` gets an empty folder and returns the shared object it made there, and the notes. Two
    processes may make the same entry at once: each renames a whole file to its name.
    """
    path = folder() / f"{key}.so"
    notes = _read(path)
    if notes is not None:
        with contextlib.suppress(OSError):
            os.utime(path)  # "used now"
        return path, notes
    # An interrupted compiler may still write to its folder when that is removed.
    with tempfile.TemporaryDirectory(prefix="minires-making-", ignore_cleanup_errors=True) as work:
        made, notes = make(Path(work))
        text = json.dumps(notes).encode()
        content = made.read_bytes() + text + len(text).to_bytes(8, "little")
    content += hashlib.sha256(content).digest()
    try:
        _write(path, content)
    except OSError:  # a disk that is full
        path = _temporary_folder(os.getpid()) / path.name
        _write(path, content)
    _remove_unused(path.parent)
    return path, notes


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix="making-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _read(path: Path) -> Notes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content, digest = data[:-_HASH], data[-_HASH:]
    if len(content) < 8 or hashlib.sha256(content).digest() != digest:
        return None
    length = int.from_bytes(content[-8:], "little")
    notes: Notes = json.loads(content[-8 - length : -8])
    return notes


def _remove_unused(path: Path) -> None:
    """Remove entries, and folders of processes that were killed, which are 30 days old."""
    for old in path.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > UNUSED_AFTER_S:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
