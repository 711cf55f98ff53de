"""Waiting without sleeping: a thread that sleeps takes 20 to 1000 µs to run again.

Between two kernels of a training step pass some 50 µs. A helper thread that goes to sleep after
each of them is woken late, or on a core that is busy, and half of the machine stands idle
meanwhile. So a thread that expects to be needed soon watches a number in memory for a while,
without the GIL, before it sleeps.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending as _extending
from numba import types
from numba.core import cgutils as _cgutils

from ...spec import Array
from .jit import jit, numba_config

cgutils: Any = _cgutils


def intrinsic(function: Callable[..., Any]) -> Any:
    """numba.extending.intrinsic, with a type."""
    return _extending.intrinsic(function)


_X86 = platform.machine() in ("x86_64", "AMD64")


@intrinsic
def read(typing_context: Any, a: Any) -> Any:
    """Read a[0] from memory again, after telling the processor that this is a waiting loop."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if _X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        pointer = context.make_array(a)(context, builder, args[0]).data
        return builder.load_atomic(pointer, "acquire", 8)

    return a.dtype(a), code


@intrinsic
def subtract(typing_context: Any, a: Any, value: Any) -> Any:
    """Subtract from a[0] as one step, which other threads see whole."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = context.make_array(a)(context, builder, args[0]).data
        builder.atomic_rmw("sub", pointer, args[1], "acq_rel")
        return context.get_dummy_value()

    return types.void(a, a.dtype), code


@jit
def watch(number: Array, value: int, wanted: bool, turns: int) -> bool:
    """Watch number[0] until (number[0] == value) is `wanted`, for so many turns."""
    for _ in range(turns):  # noqa: SIM110  (compiled)
        if (read(number) == value) == wanted:
            return True
    return False


@jit
def _finish(unfinished: Array, done: int, turns: int) -> bool:
    subtract(unfinished, done)
    return bool(watch(unfinished, 0, True, turns))


@lru_cache(maxsize=1)
def _turns_per_microsecond() -> float:
    number, many = np.zeros(1, np.int64), 2000
    watch(number, 1, True, 1)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        watch(number, 1, True, many)
        best = min(best, time.perf_counter() - start)
    return many / max(best * 1e6, 1e-3)


def turns(microseconds: float) -> int:
    """Return how many turns `watch` makes in this time."""
    return int(microseconds * _turns_per_microsecond())


def finish(unfinished: Array, done: int, microseconds: float) -> bool:
    """Subtract `done` from unfinished[0], and wait until it is 0; False if it is not by then."""
    if numba_config.DISABLE_JIT:
        subtract_in_python(unfinished, done)
        return bool(unfinished[0] == 0)
    return bool(_finish(unfinished, done, turns(microseconds)))


def subtract_in_python(unfinished: Array, done: int) -> None:
    """As `subtract`, where nothing is compiled."""
    with _one_at_a_time:
        unfinished[0] -= done


_one_at_a_time = threading.Lock()
