"""The runtime's C interface: the structures of cpp/runtime.h, and `launch`, one at a time."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Sequence
from ctypes import (
    POINTER,
    c_char,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_uint32,
    c_uint64,
    c_void_p,
)
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import build as _build
from .build import Module

CHECK, PROFILE, MAIN_THREAD = 1, 2, 4
FINISHED, FAULT, INTERRUPTED, NO_MEMORY = range(4)
MAX_RECORDS = 1 << 22  # of a profile: 100 MB


class Buffer(ctypes.Structure):
    """One array in check mode."""

    _fields_ = [("begin", c_uint64), ("bytes", c_uint64), ("writable", c_int32), ("grain", c_int32)]


class Object(ctypes.Structure):
    """One static shared array."""

    _fields_ = [("offset", c_uint64), ("bytes", c_uint64), ("used", c_int64)]


class _Launch(ctypes.Structure):
    _fields_ = [
        ("kernel", c_void_p),
        ("arguments", c_void_p),
        ("touch_shared", c_void_p),
        ("buffers", POINTER(Buffer)),
        ("objects", POINTER(Object)),
        ("n_buffers", c_uint32),
        ("n_objects", c_uint32),
        ("grid", c_uint32 * 3),
        ("block", c_uint32 * 3),
        ("dynamic_shared", c_uint64),
        ("limit_seconds", c_double),
        ("order", c_uint32),
        ("flags", c_uint32),
        ("max_records", c_uint64),
    ]


class Side(ctypes.Structure):
    """One thread of a report; `thread` < 0: there is none."""

    _fields_ = [
        ("block", c_uint64),
        ("site", c_uint64),
        ("file", c_char_p),
        ("line", c_int32),
        ("thread", c_int32),
        ("action", c_int32),
        ("padding", c_int32),
    ]


class NativeReport(ctypes.Structure):
    """A report as the runtime writes it."""

    _fields_ = [
        ("kind", c_int32),
        ("space", c_int32),
        ("size", c_int32),
        ("argument", c_int32),
        ("offset", c_int64),
        ("address", c_uint64),
        ("first", Side),
        ("second", Side),
        ("detail", c_char * 160),
    ]


class _Outcome(ctypes.Structure):
    _fields_ = [
        ("status", c_int32),
        ("n_reports", c_int32),
        ("reports", POINTER(NativeReport)),
        ("float_atomics", c_uint64),
        ("printed", c_void_p),
        ("printed_bytes", c_uint64),
        ("records", c_void_p),
        ("n_records", c_uint64),
    ]


RECORD = np.dtype(
    [
        ("site", "u8"),
        ("address", "u8"),
        ("thread", "i4"),
        ("size", "i2"),
        ("shared", "i1"),
        ("write", "i1"),
    ]
)


@dataclass
class Call:
    """What a launch needs: all of it checked before."""

    module: Module
    kernel: int
    arguments: list[Any]  # ctypes objects, one per parameter
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_mem: int
    order: int = 0
    flags: int = 0
    limit_seconds: float = 0.0
    buffers: Sequence[Buffer] = field(default_factory=tuple)


@dataclass
class Outcome:
    """What came of it."""

    status: int
    reports: list[NativeReport]
    float_atomics: int
    printed: str
    records: npt.NDArray[Any]


_lock = threading.RLock()
_runtimes: list[ctypes.CDLL] = []  # one, but where two compilers are in use


def _after_fork() -> None:
    """A thread of the parent may have held a lock, or been in a kernel, at the fork."""
    global _lock
    _lock = threading.RLock()
    _build.after_fork()
    for library in _runtimes:
        library.emulator_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _typed(library: ctypes.CDLL) -> ctypes.CDLL:
    """Return the runtime with the types of its functions."""
    if library not in _runtimes:
        library.emulator_launch.argtypes = [POINTER(_Launch), POINTER(_Outcome)]
        library.emulator_launch.restype = None
        library.emulator_release.argtypes = []
        library.emulator_release.restype = None
        library.emulator_after_fork.argtypes = []
        library.emulator_after_fork.restype = None
        library.emulator_demangle.argtypes = [c_char_p]
        library.emulator_demangle.restype = c_char_p
        _runtimes.append(library)
    return library


def demangle(module: Module, name: str) -> str:
    """Return a C++ symbol as it is written in the source."""
    with _lock:
        return str(_typed(module.runtime).emulator_demangle(name.encode()).decode())


def launch(call: Call) -> Outcome:
    """Run a kernel; no other runs at the same time. Other Python threads go on."""
    module = call.module
    library = _typed(module.runtime)
    addresses = [ctypes.addressof(a) for a in call.arguments]
    arguments = (c_void_p * max(1, len(addresses)))(*addresses)
    buffers = (Buffer * max(1, len(call.buffers)))(*call.buffers)
    objects = (Object * max(1, len(module.arrays)))()
    for i, (offset, size, _) in enumerate(module.arrays):
        objects[i] = Object(offset, size, i in module.uses[call.kernel])
    what = _Launch(
        kernel=_address(module.library, f"emulator_call_{call.kernel}"),
        arguments=ctypes.addressof(arguments),
        touch_shared=_address(module.library, "emulator_touch_shared"),
        buffers=buffers,
        objects=objects,
        n_buffers=len(call.buffers),
        n_objects=len(module.arrays),
        grid=call.grid,
        block=call.block,
        dynamic_shared=call.shared_mem,
        limit_seconds=call.limit_seconds,
        order=call.order,
        flags=call.flags | MAIN_THREAD * (threading.current_thread() is threading.main_thread()),
        max_records=MAX_RECORDS,
    )
    native = _Outcome()
    with _lock:
        library.emulator_launch(what, native)
        try:
            outcome = _copy(native)
        finally:
            library.emulator_release()
    if outcome.printed and sys.stdout is not None:
        sys.stdout.write(outcome.printed)
    if outcome.status == INTERRUPTED:
        for _ in range(2):  # Python's own handler may raise it here
            pass
        raise KeyboardInterrupt
    if outcome.status == NO_MEMORY:
        raise MemoryError(
            "no memory for the stacks of 1024 threads, or for check mode's shadow memory; or no "
            "timer for the limit (`ulimit -i` allows none)"
        )
    return outcome


def _address(library: ctypes.CDLL, name: str) -> int | None:
    return ctypes.cast(getattr(library, name), c_void_p).value


def _copy(native: _Outcome) -> Outcome:
    """Take over what the runtime will free."""
    reports = [NativeReport.from_buffer_copy(r) for r in native.reports[: native.n_reports]]
    return Outcome(
        native.status,
        reports,
        native.float_atomics,
        ctypes.string_at(native.printed, native.printed_bytes).decode(errors="replace"),
        _array(native.records, native.n_records, RECORD),
    )


def _array(address: int | None, n: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if not address or not n:
        return np.empty(0, dtype)
    return np.frombuffer(ctypes.string_at(address, n * dtype.itemsize), dtype)
