"""NVIDIA's runtime compiler without a GPU: does a source compile, and what do its kernels need?

NVRTC compiles CUDA C++ to machine code for any architecture that it knows; neither a driver nor
CuPy is needed. The options are CuPy's, so what compiles here compiles there. Machine code (cubin)
is asked for and never PTX, because only the assembler, ptxas, refuses instructions that an
architecture lacks and says how many registers a kernel uses and how much of them it spills.

    found = compile(source, "scale.cu", "sm_90", names=("scale<float>",))
    found.resources["scale<float>"].registers
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .nvrtc_library import library

OPTIONS = ("--std=c++17", "--device-as-default-execution-space")  # as CuPy 14 compiles
_KEPT = 20_000  # characters of a log that are worth reading
_NO_HEADERS = (
    "NVRTC alone has no headers, and needs none for threadIdx, __shfl_*_sync, atomicAdd, sqrtf, "
    "printf or assert. Leave the include out, put it between #ifndef __CUDACC_RTC__ and #endif, or "
    "name the folder of the header with the option -I"
)


class CompileError(RuntimeError):
    """The source does not compile; the text is the compiler's own, with file and line."""


@dataclass(frozen=True)
class Resources:
    """What a kernel needs, by ptxas' report. Sizes are in bytes.

    `stack`, `spill_stores` and `spill_loads` are of one thread and include device functions that
    are called and not inlined. `shared` is of a block, without what a launch adds. `constant` is
    None where ptxas does not report it (sm_90 and later).
    """

    registers: int
    shared: int
    constant: int | None
    stack: int
    spill_stores: int
    spill_loads: int


@dataclass(frozen=True)
class Compiled:
    """A compiled source.

    cubin      the machine code
    log        warnings, and ptxas' report
    resources  name expression -> Resources; a kernel that no expression names has its cubin name
    """

    cubin: bytes
    log: str
    resources: Mapping[str, Resources]


def available() -> str | None:
    """Return None if NVRTC can be used, else a sentence that says what is missing."""
    try:
        library()
    except OSError as error:
        return str(error)
    return None


def version() -> tuple[int, int]:
    """Return NVRTC's version, e.g. (13, 5). Raises OSError without NVRTC, as all below do."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


@functools.cache
def architectures() -> tuple[str, ...]:
    """Return what NVRTC can compile for: ("sm_75", "sm_80", …), ascending."""
    count = ctypes.c_int()
    _call("nvrtcGetNumSupportedArchs", ctypes.byref(count))
    numbers = (ctypes.c_int * count.value)()
    _call("nvrtcGetSupportedArchs", numbers)
    return tuple(f"sm_{n}" for n in sorted(numbers))


def knows(arch: str) -> bool:
    """Return whether NVRTC compiles for `arch`: one of `architectures`, or a variant as sm_90a."""
    return re.sub(r"(?<=\d)[af]$", "", arch) in architectures()


def compile(
    source: str,
    name: str = "kernel.cu",
    arch: str = "sm_90",
    options: Sequence[str] = OPTIONS,
    names: Sequence[str] = (),
) -> Compiled:
    """Compile `source` for `arch`; `name` stands for the file in messages.

    `names` are expressions for kernels, e.g. "conv<float, 16>": they instantiate templates. A plain
    `__global__` function compiles unnamed, a static or templated one only if named.
    Raises CompileError, and ValueError for an architecture that NVRTC does not know.
    """
    if not knows(arch):
        number, known = ".".join(map(str, version())), ", ".join(architectures())
        raise ValueError(f"nvrtc: arch: NVRTC {number} compiles for {known}; got {arch!r}")
    passed = [f"--gpu-architecture={arch}", "--ptxas-options=-v", *options]
    with _program(source, name) as program:
        for expression in names:
            _call("nvrtcAddNameExpression", program, _encoded(expression))
        array = (ctypes.c_char_p * len(passed))(*map(_encoded, passed))
        code = int(library().nvrtcCompileProgram(program, len(passed), array))
        log = _log(program)
        if code:
            reason = library().nvrtcGetErrorString(code).decode()
            raise CompileError(_explained(log) or f"NVRTC failed without a word: {reason}")
        lowered = {expression: _lowered(program, expression) for expression in names}
        cubin = _read(program, "CUBIN")
    if not cubin:
        raise CompileError("NVRTC made no machine code; leave out options such as -dlto")
    return Compiled(cubin, log, _resources(log, lowered))


def _encoded(text: str) -> bytes:
    """Return `text` in UTF-8; a null character would end it unseen."""
    if "\0" in text:
        raise ValueError(f"nvrtc: a null character: {text[:80]!r} is no text")
    return text.encode("utf-8", "surrogateescape")  # names of folders may be any bytes


def _call(function: str, *arguments: Any) -> None:
    """Call a function of the library that should succeed."""
    lib = library()
    code = getattr(lib, function)(*arguments)
    if code:
        raise CompileError(f"{function}: {lib.nvrtcGetErrorString(code).decode()}")


@contextmanager
def _program(source: str, name: str) -> Iterator[ctypes.c_void_p]:
    """Create NVRTC's object for one compilation, and destroy it in any case."""
    program = ctypes.c_void_p()
    encoded = _encoded(source), _encoded(name)
    try:
        _call("nvrtcCreateProgram", ctypes.byref(program), *encoded, 0, None, None)
        yield program
    finally:
        if program:
            library().nvrtcDestroyProgram(ctypes.byref(program))


def _read(program: ctypes.c_void_p, what: str) -> bytes:
    """Return the "ProgramLog" or the "CUBIN" of a program."""
    size = ctypes.c_size_t()
    _call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
    text = ctypes.create_string_buffer(max(1, size.value))
    _call(f"nvrtcGet{what}", program, text)
    return text.raw[: size.value]


def _lowered(program: ctypes.c_void_p, expression: str) -> str:
    found = ctypes.c_char_p()
    _call("nvrtcGetLoweredName", program, expression.encode(), ctypes.byref(found))
    return (found.value or b"").decode()


def _log(program: ctypes.c_void_p) -> str:
    """Return the log; null characters stand between the compiler's part and the assembler's."""
    return _read(program, "ProgramLog").replace(b"\0", b"").decode("utf-8", "replace").strip()


def _explained(log: str) -> str:
    """Return the log of a failed compilation, shortened, with what to do about headers."""
    told = "\n".join(line if len(line) < 500 else line[:500] + " …" for line in log.splitlines())
    if len(told) > _KEPT:
        told = f"{told[:_KEPT]}\n… and {len(told) - _KEPT} more characters"
    return f"{told}\n{_NO_HEADERS}" if "could not open source file" in told else told


_ENTRY = re.compile(r"Compiling entry function '([^']+)' for '")
_FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers(.*)")


def _resources(log: str, lowered: Mapping[str, str]) -> dict[str, Resources]:
    """Read ptxas' report: a paragraph for each kernel, then those of functions that it calls."""
    found = {}
    pieces = _ENTRY.split(log)
    for kernel, text in zip(pieces[1::2], pieces[2::2], strict=True):
        used = _USED.search(text)
        if used is None:
            continue
        frames = [tuple(map(int, frame)) for frame in _FRAME.findall(text)]
        stack, stores, loads = map(sum, zip(*frames, strict=True)) if frames else (0, 0, 0)
        shared = re.search(r"(\d+) bytes smem", used[2])
        constant = [int(n) for n in re.findall(r"(\d+) bytes cmem", used[2])]
        found[kernel] = Resources(
            registers=int(used[1]),
            shared=int(shared[1]) if shared else 0,
            constant=sum(constant) if constant else None,
            stack=stack,
            spill_stores=stores,
            spill_loads=loads,
        )
    named = {expression: found[name] for expression, name in lowered.items() if name in found}
    unnamed = {name: r for name, r in found.items() if name not in lowered.values()}
    return named | unnamed
