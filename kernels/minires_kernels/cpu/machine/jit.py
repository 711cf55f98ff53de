"""`jit`: Numba compilation, with what it makes kept on disk (`disk_cache.py`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numba
from numba.core import config as _config

from .disk_cache import DiskCache, cache_folder

numba_config: Any = _config  # its settings are made at run time, so a type checker sees none

CACHE = None if os.environ.get("NUMBA_DISABLE_JIT") == "1" else cache_folder()


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


def jit_exact(function: Callable[..., Any]) -> Any:
    """As `jit`, with each operation rounded by itself: a loop gives the bits that NumPy gives."""
    return _compiled(function, set())


def jit_inner(function: Callable[..., Any]) -> Any:
    """As `jit`, for a function that only compiled code calls: cached with its callers."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(
        function, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"}, **options
    )


def jit_inlined(function: Callable[..., Any]) -> Any:
    """As `jit_in_order`, for a function of numbers that Numba is to paste into its callers.

    LLVM inlines by size, and does not vectorise a loop with a call that it left standing.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    return numba.njit(function, inline="always", **options)


def _compiled(function: Callable[..., Any], fastmath: set[str]) -> Any:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    compiled = numba.njit(function, **options)
    if CACHE is not None and not numba_config.DISABLE_JIT:
        compiled._cache = DiskCache(function, CACHE)  # as numba.njit(cache=True) puts its own there
    return compiled
