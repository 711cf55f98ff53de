"""Loops over ranges that threads share, handed out by compiled code.

A thread that asks the interpreter for its next range waits for the GIL, and has the loop's dozen
arguments taken apart again: 100 µs per loop, of which a training step has 200. So the thread that
calls packs the arguments into memory that all threads watch, beside the address of the loop's
machine code. From there each of them takes one range after another, by an atomic subtraction.

`@loop` compiles `f(lo, hi, *arguments)`, which returns nothing, for `threads.run`.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from ...spec import Array
from .jit import ANY_ORDER, EXACT, IN_ORDER, compiled, jit, jit_inner
from .spin import cgutils, intrinsic, read, subtract, watch

# A job is an array of words. Those that several threads write have a line of the cache each.
LEFT, UNFINISHED, NEWS = 0, 16, 32  # ranges not taken; not finished; see `serve`
CODE, N, CUTS, FAILED, GIVE_WAY, ARGUMENTS = 48, 49, 50, 51, 52, 56
ROOM = 512  # words of arguments

WORD, CALL = ir.IntType(64), ir.FunctionType(ir.IntType(32), [])


def new_job() -> Array:
    """Return the memory of one job at a time."""
    job = np.zeros(ARGUMENTS + ROOM, np.int64)
    job[GIVE_WAY] = _address_of_give_way()
    return job


def _address_of_give_way() -> int:
    """Return where the system's function is that lets other threads have this core."""
    name = "SwitchToThread" if sys.platform == "win32" else "sched_yield"
    library = ctypes.CDLL("kernel32" if sys.platform == "win32" else None)
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


@intrinsic
def _take(typing_context: Any, job: Any) -> Any:
    """Subtract 1 from job[0] as one step; return what was there."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = context.make_array(job)(context, builder, args[0]).data
        return builder.atomic_rmw("sub", pointer, ir.Constant(WORD, 1), "acq_rel")

    return types.int64(job), code


@intrinsic
def _put(typing_context: Any, job: Any, value: Any) -> Any:
    """Store value in job[0], after everything that was stored before."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = context.make_array(job)(context, builder, args[0]).data
        builder.store_atomic(args[1], pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(job, types.int64), code


@intrinsic
def _borrowed(typing_context: Any, arguments: Any) -> Any:
    """Return the arguments, their arrays without a reference count.

    The caller keeps them alive. A loop that takes views of rows counts them up and down, as one
    step each, and two threads that do so with one number take three times as long as one.
    """

    def borrow(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        if isinstance(kind, types.BaseTuple):
            members: Any = kind
            items = cgutils.unpack_tuple(builder, value)
            items = [borrow(context, builder, k, v) for k, v in zip(members, items, strict=True)]
            return context.make_tuple(builder, kind, items)
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder, value)
            array.meminfo = cgutils.get_null_value(array.meminfo.type)
            return array._getvalue()
        return value

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return borrow(context, builder, arguments, args[0])

    return arguments(arguments), code


@intrinsic
def _pack(typing_context: Any, loop: Any, arguments: Any, job: Any) -> Any:
    """Store the arguments in the job; return the address of code(lo, hi, job) that calls
    loop(lo, hi, *arguments) with them, and returns 0 unless an error was raised."""
    callee = loop.get_call_type(typing_context, (types.intp, types.intp, *arguments.types), {})

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        packed, memory = args[1].type, context.make_array(job)(context, builder, args[2]).data
        if context.get_abi_sizeof(packed) > 8 * ROOM:
            raise ValueError(f"{loop.dispatcher.py_func.__name__}: too many arguments")
        compiled = loop.dispatcher.overloads[callee.args]
        context.active_code_library.add_linking_library(compiled.library)
        part = ir.Function(builder.module, _part_type(memory), builder.function.name + ".part")
        part.linkage = "internal"
        body = ir.IRBuilder(part.append_basic_block())
        lo, hi, of_job = part.args

        def place(b: Any, at: Any) -> Any:
            return b.bitcast(cgutils.gep_inbounds(b, at, ARGUMENTS), packed.as_pointer())

        builder.store(args[1], place(builder, memory))
        values = cgutils.unpack_tuple(body, body.load(place(body, of_job)))
        function = context.declare_function(builder.module, compiled.fndesc)
        status, _ = context.call_conv.call_function(
            body, function, callee.return_type, callee.args, [lo, hi, *values]
        )
        body.ret(status.code)
        return builder.ptrtoint(part, WORD)

    return types.int64(loop, arguments, job), code


def _part_type(memory: Any) -> Any:
    return ir.FunctionType(ir.IntType(32), [WORD, WORD, memory.type])


@intrinsic
def _call(typing_context: Any, address: Any, lo: Any, hi: Any, job: Any) -> Any:
    """Call the code whose address `_pack` returned."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        memory = context.make_array(job)(context, builder, args[3]).data
        function = builder.inttoptr(args[0], _part_type(memory).as_pointer())
        return builder.zext(builder.call(function, [args[1], args[2], memory]), WORD)

    return types.int64(types.int64, types.int64, types.int64, job), code


@intrinsic
def _give_way(typing_context: Any, address: Any) -> Any:
    """Call the system's function at this address."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.call(builder.inttoptr(args[0], CALL.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), code


@jit_inner
def _work(job: Array) -> None:
    """Take ranges and run them until none is left."""
    left = _take(job[LEFT:])
    while left > 0:
        n, cuts = job[N], job[CUTS]
        i = cuts - left
        if _call(job[CODE], i * n // cuts, (i + 1) * n // cuts, job) != 0:
            job[FAILED] = 1
        subtract(job[UNFINISHED:], 1)
        left = _take(job[LEFT:])


@jit_inner
def _share(n: int, cuts: int, turns: int, job: Array) -> bool:
    """Offer the job to all who watch, take part, and wait until the last range is finished:
    awake for so many turns, then giving way to other threads. Return whether all went well."""
    job[N], job[CUTS], job[FAILED] = n, cuts, 0
    _put(job[UNFINISHED:], cuts)
    _put(job[LEFT:], cuts)
    _work(job)
    if not watch(job[UNFINISHED:], 0, True, turns):
        while read(job[UNFINISHED:]) > 0:
            _give_way(job[GIVE_WAY])
    return bool(job[FAILED] == 0)


@jit
def serve(unfinished: Array, done: int, job: Array, seen: int, turns: int, pause: int) -> None:
    """Subtract `done` from unfinished[0]; then take part in the job that is offered, and in every
    other within so many turns after the last. Return when there is none, or, after a pause, when
    NEWS is no longer `seen`: there is something that only the interpreter can run."""
    subtract(unfinished, done)
    left = turns
    while True:
        if read(job[LEFT:]) > 0:
            _work(job)
            left = turns
        if read(job[NEWS:]) != seen:
            watch(job[NEWS:], seen, True, pause)  # which does not happen: the time passes
            return
        if left <= 0:
            return
        left -= 1


def _loop(function: Callable[..., Any], fastmath: set[str]) -> Any:
    """Return the compiled loop, for compiled callers, with `launch` for `threads.run`."""
    inner: Any = jit_inner(function, fastmath)
    if inner is function:  # NUMBA_DISABLE_JIT=1
        return function

    def launch(n: int, cuts: int, turns: int, job: Array, arguments: tuple[Any, ...]) -> bool:
        arguments = _borrowed(arguments)
        if cuts == 1:
            inner(0, n, *arguments)
            return True
        job[CODE] = _pack(inner, arguments, job)
        return _share(n, cuts, turns, job)  # type: ignore[no-any-return]

    inner.launch = compiled(launch, EXACT, kept_as=function)
    return inner


def loop(function: Callable[..., Any]) -> Any:
    """As `jit.jit`, for f(lo, hi, *arguments) that threads share; the result is cached with it."""
    return _loop(function, ANY_ORDER)


def loop_in_order(function: Callable[..., Any]) -> Any:
    """As `loop`, with sums in the order in which they are written: see `jit.jit_in_order`."""
    return _loop(function, IN_ORDER)


def loop_exact(function: Callable[..., Any]) -> Any:
    """As `loop`, with each operation rounded by itself: see `jit.jit_exact`."""
    return _loop(function, EXACT)
