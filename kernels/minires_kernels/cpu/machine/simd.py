"""Vector registers as values: the few instructions that plain loops cannot be made to use well.

A compiler that vectorises a loop keeps the sums of a matrix product in memory: for every multiply-
add it loads a sum, adds, and stores it again, and so stops at a quarter of the processor's speed.
The cure is a *register tile*: a block of sums that lives in registers while the loop runs. That
needs a type for "one register", which Python, NumPy and Numba lack. Here it is, with five
instructions; + - * / work on registers as on numbers, and `a + b * c` becomes one fused
multiply-add.

    lanes(a)          how many elements of a's type one register holds
    load(a, i)        the register a[i : i + lanes(a)]
    store(a, i, v)    a[i : i + lanes(a)] = v
    fill(a, value)    a register of a's type with `value` in every lane
    scalar(a, i)      the number a[i], to be multiplied into every lane

Two more leave out what lies outside of an image, without a branch:

    load_if(a, i, bit)            load(a, i) if bit is not 0, else zeros; a[i] is not read
    store_if(a, i, v, bit, aside) store(a, i, v) if bit is not 0, else store(aside, 0, v)

and two more compare lanes, for the maximum and where it is:

    larger(v, here, best, index)    v and here in each lane in which v is above best, or is its
                                    first NaN; best and index elsewhere
    where_equal(index, here, v)     v in each lane in which index is `here`, 0 elsewhere

`a` is a flat array. Nothing checks an index: a kernel that goes wrong here reads foreign memory,
so every array comes from code that sized it. Below are the instructions as NumPy; they run where
compilation is off (NUMBA_DISABLE_JIT=1), to step through. Compiled code uses `simd_llvm.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...spec import Array
from .jit import numba_config
from .vector_width import VECTOR_BYTES


def lanes(a: Array) -> int:
    """Return how many elements of a's type one register holds."""
    return VECTOR_BYTES // a.itemsize


def load(a: Array, i: int) -> Any:
    """Return the register a[i : i + lanes(a)]."""
    return a[i : i + lanes(a)].copy()


def store(a: Array, i: int, v: Any) -> None:
    """Write a register to a[i : i + lanes(a)]."""
    a[i : i + lanes(a)] = v


def load_if(a: Array, i: int, bit: int) -> Any:
    """Return the register a[i : i + lanes(a)], or zeros where `bit` is 0."""
    return load(a, i) if bit else fill(a, 0)


def store_if(a: Array, i: int, v: Any, bit: int, aside: Array) -> None:
    """Write a register to a[i : i + lanes(a)], or to the beginning of `aside` where `bit` is 0."""
    store(a, i, v) if bit else store(aside, 0, v)


def prefetch(a: Array, i: int) -> None:
    """Ask for the memory at a[i], which is needed soon. Any i is harmless."""


def fill(a: Array, value: Any) -> Any:
    """Return a register of a's type with `value` in every lane."""
    return np.full(lanes(a), value, a.dtype)


def scalar(a: Array, i: int) -> Any:
    """Return the number a[i]."""
    return a[i]


def larger(v: Any, here: int, best: Any, index: Any) -> tuple[Any, Any]:
    """Return (v, here) in lanes where v is the larger or the first NaN, else (best, index)."""
    wins = (best == best) & ~(v <= best)
    return np.where(wins, v, best), np.where(wins, index.dtype.type(here), index)


def where_equal(index: Any, here: int, v: Any) -> Any:
    """Return v in lanes where index is `here`, and 0 elsewhere."""
    return np.where(index == here, v, v.dtype.type(0))


if not numba_config.DISABLE_JIT:
    from . import simd_llvm

    globals().update({name: getattr(simd_llvm, name) for name in simd_llvm.INSTRUCTIONS})
