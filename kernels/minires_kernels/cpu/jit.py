"""`jit`: Numba compilation with a cache on disk that can never serve stale code.

Numba keys its cache on the file that holds a function, so an edit in a module which that file
imports goes unnoticed, and yesterday's machine code runs. Here the folder of the cache is named
by a hash over all sources of this package and the versions of Python, Numba and NumPy: any edit
leads to another, empty folder. Folders that no process has used for 30 days are removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import config as _config

numba_config: Any = _config  # its settings are made at run time, so a type checker sees none

UNUSED_AFTER_S = 30 * 24 * 3600


def cache_root() -> Path:
    """Return the folder of all minires caches: `MINIRES_CACHE_DIR` or the user's cache folder."""
    if given := os.environ.get("MINIRES_CACHE_DIR"):
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "minires"


def source_hash(folder: Path = Path(__file__).parent) -> str:
    """Hash every Python source under `folder`, and the versions that compile it."""
    h = hashlib.sha256(f"{sys.version} {numba.__version__} {np.__version__}".encode())
    for path in sorted(folder.rglob("*.py")):
        h.update(str(path.relative_to(folder)).encode())
        h.update(path.read_bytes())
    return h.hexdigest()[:16]


def _usable_cache() -> Path | None:
    """Create and return this source's cache folder, or None where nothing can be written."""
    folder = cache_root() / f"numba-{source_hash()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        os.utime(folder)  # "used now"
    except OSError:
        return None
    for other in folder.parent.glob("numba-*"):
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > UNUSED_AFTER_S:
                shutil.rmtree(other, ignore_errors=True)
    return folder


CACHE = None if os.environ.get("NUMBA_DISABLE_JIT") == "1" else _usable_cache()


def jit(function: Callable[..., Any]) -> Any:
    """Compile `function` on first call, without the GIL, and cache the result on disk.

    IEEE semantics but for two liberties: products and sums may be fused (FMA) and sums reordered,
    which vectorises reductions. NaN and infinity are kept. NUMBA_DISABLE_JIT=1 leaves the function
    as plain Python, to step through.
    """
    return _compiled(function, {"reassoc", "contract"})


def jit_in_order(function: Callable[..., Any]) -> Any:
    """As `jit`, with sums in the order in which they are written: two loops with the same formula
    give the same bits."""
    return _compiled(function, {"contract"})


def jit_inner(function: Callable[..., Any]) -> Any:
    """As `jit`, for a function that only compiled code calls: cached with its callers."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(
        function, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"}, **options
    )


def _compiled(function: Callable[..., Any], fastmath: set[str]) -> Any:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    if CACHE is None:
        return numba.njit(function, **options)
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = str(CACHE)  # read by Numba when it decorates; restored at once
    try:
        return numba.njit(function, cache=True, **options)
    finally:
        numba_config.CACHE_DIR = before
