"""`jit`: Numba compilation, with what it makes kept on disk (`disk_cache.py`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numba
from numba.core import config as _config

from .disk_cache import DiskCache, cache_folder
from .whole import Inner, Whole

numba_config: Any = _config  # its settings are made at run time, so a type checker sees none

# What the compiler may do with operations: fuse products and sums (FMA), and reorder sums.
ANY_ORDER, IN_ORDER, EXACT = {"reassoc", "contract"}, {"contract"}, set[str]()
CACHE = None if os.environ.get("NUMBA_DISABLE_JIT") == "1" else cache_folder()


def jit(function: Callable[..., Any]) -> Any:
    """Compile `function` on first call, without the GIL, and cache the result on disk.

    IEEE semantics but for two liberties: products and sums may be fused (FMA) and sums reordered,
    which vectorises reductions. NaN and infinity are kept. NUMBA_DISABLE_JIT=1 leaves the function
    as plain Python, to step through.
    """
    return compiled(function, ANY_ORDER)


def jit_in_order(function: Callable[..., Any]) -> Any:
    """As `jit`, with sums in the order in which they are written: two loops with the same formula
    give the same bits."""
    return compiled(function, IN_ORDER)


def jit_exact(function: Callable[..., Any]) -> Any:
    """As `jit`, with each operation rounded by itself: a loop gives the bits that NumPy gives."""
    return compiled(function, EXACT)


def jit_inner(function: Callable[..., Any], fastmath: set[str] = ANY_ORDER) -> Any:
    """As `jit`, for a function that only compiled code calls: cached with its callers."""
    return _njit(function, Inner, fastmath, no_cpython_wrapper=True)


def jit_inner_in_order(function: Callable[..., Any]) -> Any:
    """As `jit_inner`, with sums in the order in which they are written."""
    return jit_inner(function, IN_ORDER)


def jit_inlined(function: Callable[..., Any]) -> Any:
    """As `jit_in_order`, for a function of numbers that Numba is to paste into its callers.

    LLVM inlines by size, and does not vectorise a loop with a call that it left standing.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    return numba.njit(function, inline="always", **options)


def compiled(
    function: Callable[..., Any], fastmath: set[str], kept_as: Callable[..., Any] | None = None
) -> Any:
    """Return `function` with its results on disk, under the name and source of `kept_as`."""
    result = _njit(function, Whole, fastmath)
    if CACHE is not None and not numba_config.DISABLE_JIT:
        result._cache = DiskCache(kept_as or function, CACHE)  # as numba.njit(cache=True) does
    return result


def _njit(function: Callable[..., Any], compiler: Any, fastmath: set[str], **others: bool) -> Any:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    options |= {"no_cfunc_wrapper": True, **others}  # which C would call: nobody does
    return numba.njit(function, pipeline_class=compiler, **options)
