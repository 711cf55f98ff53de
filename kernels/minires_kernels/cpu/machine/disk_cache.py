"""Compiled kernels on disk: never stale, never damaged, and not needed to run.

Numba's own cache keys on the file that holds a function, so an edit in a module which that file
imports goes unnoticed; a truncated file stops every later run, damaged machine code crashes it,
and so does a disk that is full. Here the folder is named by a hash over all sources of the cpu
backend and the versions that compile them, an entry is one file that starts with its SHA-256,
written whole, and one that cannot be read is removed and compiled anew. Where nothing can be
written, a line on standard error says so once, and the run goes on. Folders that no process has
used for 30 days are removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import pickle
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.compiler import CompileResult as _CompileResult
from numba.core.serialize import dumps as _dumps

from ...caches import cache_root

CompileResult: Any = _CompileResult
dumps: Any = _dumps

UNUSED_AFTER_S = 30 * 24 * 3600
SOURCES = next(p for p in Path(__file__).parents if p.name == "cpu")
_DIGEST = hashlib.sha256().digest_size
complaint = ""  # why compiled kernels are not kept


def source_hash(folder: Path = SOURCES) -> str:
    """Hash every Python source under `folder`, and the versions that compile it."""
    versions = (sys.version, numba.__version__, llvmlite.__version__, np.__version__)
    h = hashlib.sha256(" ".join(versions).encode())
    for path in sorted(folder.rglob("*.py")):
        h.update(os.fsencode(path.relative_to(folder)))
        h.update(path.read_bytes())
    return h.hexdigest()[:16]


def cache_folder() -> Path | None:
    """Create and return the folder of these sources; None, after a complaint, if that fails.

    A folder that can be read but not written is used as it is. One that belongs to another user is
    not: what lies there is unpickled and run.
    """
    root = cache_root()
    if root is None:
        complain("there is no home folder")
        return None
    folder = root / f"numba-{source_hash()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if hasattr(os, "geteuid") and folder.stat().st_uid not in (0, os.geteuid()):
            complain(f"{folder} belongs to another user")
            return None
    except OSError as error:
        complain(f"{error.strerror}: {folder}")
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)  # "used now"
    for other in root.glob("numba-*"):
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > UNUSED_AFTER_S:
                shutil.rmtree(other, ignore_errors=True)
    return folder


def complain(reason: str) -> None:
    """Say once a process, on standard error, that compiled kernels are not kept."""
    global complaint
    if not complaint and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(
                f"minires: compiled kernels are not kept ({reason}), so each start compiles them "
                "again; MINIRES_CACHE_DIR names another folder",
                file=sys.stderr,
            )
    complaint = complaint or reason


def damaged(folder: Path) -> list[Path]:
    """Return the entries that will be compiled anew because their content is not what it was."""
    return [path for path in sorted(folder.glob("*.nbc")) if _checked(path) is None]


def _checked(path: Path) -> bytes | None:
    """Return what was saved in `path`, or None if it is not that any more."""
    content = path.read_bytes()
    data = content[_DIGEST:]
    return data if hashlib.sha256(data).digest() == content[:_DIGEST] else None


class DiskCache:
    """What Numba asks of the cache of one function."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        source = Path(inspect.getfile(function))
        self.cache_path = str(folder)
        self._function = function
        self._stem = folder / f"{source.stem}.{function.__qualname__}".replace("<locals>.", "")
        self._stamp = b"" if SOURCES in source.parents else source.read_bytes()

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return what was compiled for this signature and processor; None if it is not there."""
        target.refresh()  # so that it knows all types
        path = self._path(signature, target.codegen())
        try:
            data = _checked(path)
            if data is not None:
                return CompileResult._rebuild(target, *pickle.loads(data))
        except FileNotFoundError:
            return None
        except Exception:  # whatever is wrong with a file, compiling is right
            pass
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Write what was compiled, or complain."""
        if complaint or result.library.has_dynamic_globals or result.lifted:
            return
        path = self._path(signature, result.codegen)
        data = dumps(result._reduce())
        try:
            _write(path, hashlib.sha256(data).digest() + data)
        except OSError as error:
            complain(f"{error.strerror}: {path.parent}")

    def _path(self, signature: Any, codegen: Any) -> Path:
        cells = tuple(cell.cell_contents for cell in self._function.__closure__ or ())
        code = self._function.__code__
        parts = (repr(signature), codegen.magic_tuple(), code.co_firstlineno, code.co_code)
        key = hashlib.sha256(repr(parts).encode() + dumps(cells) + self._stamp).hexdigest()[:16]
        return self._stem.with_name(f"{self._stem.name}-{key}.nbc")

    def flush(self) -> None:
        """Numba's `recompile` calls this; entries are overwritten anyway."""


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
