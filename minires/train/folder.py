"""The folder of a run: who may write into it, and what must not be overwritten."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

from .. import results
from . import checkpoint
from .outputs import MODEL

LOCK = ".minires-lock"
_LEFT = re.compile(r"\.minires-[0-9a-f]{16}")


class Folder:
    """A run's folder, locked while the object is in use (`with Folder(path) as folder:`).

    The lock is the system's, on an open file: it ends with the process, however that ends. Raises
    OSError for a folder that cannot be written to, or that another process is training into.
    """

    def __init__(self, path: results.StrPath) -> None:
        self.path = results.folder(path)
        self._file: BinaryIO | None = None

    def __enter__(self) -> Folder:
        file = open(self.path / LOCK, "a+b")
        if not _locked(file):
            file.seek(0)
            who = file.read(100).decode("ascii", "replace").strip()
            file.close()
            raise OSError(
                f"another process{f' ({who})' if who else ''} is training into {self.path}; wait "
                "for its end, or name another folder"
            )
        file.truncate(0)
        file.write(f"process {os.getpid()}".encode())
        file.flush()
        self._file = file
        for left in self.path.iterdir():  # by a process that was killed while it wrote
            if _LEFT.fullmatch(left.name):
                with contextlib.suppress(OSError):
                    left.unlink()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def clear(self) -> None:
        """Remove the run that is here, finished or not; its model is not that of the next run."""
        for name in ("run.json", MODEL):
            (self.path / name).unlink(missing_ok=True)
        checkpoint.remove(self.path)

    def require_free(self) -> None:
        """Raise FileExistsError if a run is here, finished or not."""
        run, half = finished(self.path), checkpoint.exists(self.path)
        if run is not None:
            raise FileExistsError(
                f"{self.path} holds a finished run ({run.get('model', {}).get('name', 'a net')}); "
                "name another folder, or pass --force to replace it"
            )
        elif half:
            raise FileExistsError(
                f"{self.path} holds a run that has not finished; go on with it by --resume, name "
                "another folder, or pass --force to begin anew"
            )


def finished(path: Path) -> dict[str, Any] | None:
    """Return the run.json of a finished training in this folder, or None."""
    try:
        found = json.loads(results.read_text(path / "run.json"))
        return found if found["experiment"] == "train" and found["status"] == "finished" else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _locked(file: BinaryIO) -> bool:
    """Lock an open file; return False if another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows, whose locks are of bytes
        import msvcrt

        try:
            file.seek(1000)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
