"""`RawModule` and `RawKernel`: CuPy's, with NumPy arrays in place of device arrays."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import arguments, modes, native, toolchain
from .arguments import Array, Parameter
from .build import Module, build
from .errors import KernelFault
from .memory import Copies
from .reports import Reader
from .source import read

MAX_THREADS, MAX_Z = 1024, 64
MAX_GRID = (2**31 - 1, 65535, 65535)
MAX_STATIC_SHARED, MAX_SHARED = 48 << 10, 227 << 10  # bytes
CHECK_LIMIT_S = 60.0


class RawModule:
    """The kernels of one CUDA C++ file, compiled for the CPU when first needed, once per mode.

    `name_expressions` lists templates ("conv<float, 16>") and kernels that are not `extern "C"`.
    """

    def __init__(
        self,
        code: str | None = None,
        *,
        options: Sequence[str] = (),
        name_expressions: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(code, str):
            raise TypeError(f"RawModule: code must be a string, got {type(code).__name__}")
        if "\0" in code:
            raise ValueError("RawModule: the code holds a null byte")
        if isinstance(name_expressions, str):
            raise TypeError(
                "RawModule: name_expressions must be a sequence of strings, got a string"
            )
        self.code = code
        self.options = tuple(toolchain.translate(options))
        self.names = [_checked_name(n) for n in name_expressions or ()]
        self._builds: dict[str, Module] = {}
        source = read(code, gnu=True)
        self._extern_c, self._others = source.kernels, source.others

    def get_function(self, name: str) -> RawKernel:
        """Return a kernel by its `extern "C"` name or one of the `name_expressions`."""
        if name not in (*self.names, *self._extern_c):
            # It may be a macro that makes a kernel of this name.
            word = re.fullmatch(r"[A-Za-z_]\w*", name) and re.search(rf"\b{name}\b", self.code)
            if not word or name in self._others:
                known = ", ".join([*self._extern_c, *self.names]) or "none"
                raise ValueError(
                    f"there is no kernel {name!r}; known are: {known}. A template, or a kernel "
                    'without extern "C", has to be listed in name_expressions'
                )
            self.names.append(name)
            self._builds.clear()
        return RawKernel(self, name)

    def build(self, mode: str) -> Module:
        """Compile for a mode, if that has not been done; raises CompileError or NoCompiler."""
        if mode not in self._builds:
            source = read(self.code, gnu=not toolchain.find().is_clang)
            names = list(dict.fromkeys([*source.kernels, *self.names]))
            if not names:
                raise ValueError("the code has no kernel; list templates in name_expressions")
            self._builds[mode] = build(source, names, mode, self.options)
        return self._builds[mode]

    def any_build(self) -> Module:
        """Return a build in whichever mode there is one."""
        for built in self._builds.values():
            return built
        return self.build(modes.mode_of(modes.current()))


class RawKernel:
    """A kernel. Called as CuPy's: `kernel((blocks,), (threads,), (x, y, np.int32(n)))`."""

    def __init__(self, module: RawModule, name: str) -> None:
        self.module, self.name = module, name
        self._parameters: tuple[Parameter, ...] | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The kernel's parameters, from its C++ type; compiles the module if that was not done."""
        if self._parameters is None:
            built = self.module.any_build()
            self._parameters = arguments.parameters(built.library, built.number[self.name])
        return self._parameters

    @property
    def attributes(self) -> dict[str, int]:
        """`shared_size_bytes`: static shared memory of the kernel and what it calls."""
        built = self.module.any_build()
        return {"shared_size_bytes": built.shared_bytes(built.number[self.name])}

    def __call__(
        self, grid: Sequence[int], block: Sequence[int], args: Sequence[Any], *, shared_mem: int = 0
    ) -> None:
        """Run the kernel to its end. TypeError and ValueError for a wrong call, KernelFault."""
        active = modes.current()
        built = self.module.build(modes.mode_of(active))
        number = built.number[self.name]
        grid3, block3 = _dimensions(self.name, "grid", grid), _dimensions(self.name, "block", block)
        _check_limits(self.name, grid3, block3, built.shared_bytes(number), shared_mem)
        args = self._checked(args)
        copies = None if active is None else self._copies(args)
        call = native.Call(
            built,
            number,
            self._packed(args, copies),
            grid3,
            block3,
            int(shared_mem),
            limit_seconds=_limit(active),
        )
        if active is not None:
            assert copies is not None
            active.launches.append((self.name, grid3, block3))
            call.order, call.buffers = active.order, copies.buffers
            call.flags = native.CHECK | native.PROFILE * active.profiling
        outcome = native.launch(call)
        if active is not None:
            active.float_atomics += outcome.float_atomics
        if outcome.status == native.FAULT:
            reader = Reader(self.name, built, grid3, block3, int(shared_mem), copies)
            raise KernelFault(reader.read(outcome.reports))
        if active is not None:  # not before: an endless loop leaves millions of records
            active.add(outcome.records, built.line_of)
        if copies is not None:
            copies.write_back()

    def _checked(self, args: Sequence[Any]) -> tuple[Any, ...]:
        if not isinstance(args, (tuple, list)):
            raise TypeError(f"{self.name}: args must be a tuple, got {type(args).__name__}")
        args, wanted = tuple(args), self.parameters
        if len(args) != len(wanted):
            signature = ", ".join(map(str, wanted))
            raise TypeError(
                f"{self.name}: the kernel takes {len(wanted)} arguments ({signature}), "
                f"got {len(args)}"
            )
        for i, (parameter, value) in enumerate(zip(wanted, args)):
            arguments.check(self.name, i, parameter, value)
        return args

    def _copies(self, args: tuple[Any, ...]) -> Copies:
        arrays: dict[int, Array] = {}
        writable = set()
        for i, (p, value) in enumerate(zip(self.parameters, args)):
            if p.is_pointer and value is not None:
                arrays[i] = np.asarray(value)
                if not p.is_const:
                    writable.add(i)
        return Copies(arrays, writable)

    def _packed(self, args: tuple[Any, ...], copies: Copies | None) -> list[Any]:
        packed = []
        for i, (p, value) in enumerate(zip(self.parameters, args)):
            address = 0
            if p.is_pointer and value is not None:
                address = value.ctypes.data if copies is None else copies.addresses[i]
            packed.append(arguments.pack(p, value, address))
        return packed


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not name.strip() or re.search(r"[\0\n\r\\#\"';{}]", name):
        raise ValueError(f"RawModule: {name!r} is not the name of a kernel or of an instantiation")
    return name


def _limit(active: object) -> float:
    """Return the seconds that a launch may take; 0 for no limit."""
    package: Any = sys.modules[__package__]  # where users set it
    limit, source = package.limit_seconds, "limit_seconds"
    if limit is None:
        limit, source = os.environ.get("MINIRES_EMULATOR_LIMIT"), "MINIRES_EMULATOR_LIMIT"
    if limit is None:
        return 0.0 if active is None else CHECK_LIMIT_S
    try:
        seconds = float(limit)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise ValueError(f"{source}: the limit must be seconds, 0 for none, got {limit!r}")
    return seconds


def _dimensions(kernel: str, what: str, given: Sequence[int]) -> tuple[int, int, int]:
    """Return grid or block as three ints of at least 1."""
    try:
        sizes = [int(n.__index__()) for n in given]
    except (TypeError, AttributeError):
        raise TypeError(
            f"{kernel}: {what} must be a tuple of 1 to 3 integers, got {given!r}"
        ) from None
    if not 1 <= len(sizes) <= 3:
        raise ValueError(f"{kernel}: {what} must have 1 to 3 numbers, got {tuple(sizes)}")
    if min(sizes) < 1:
        raise ValueError(f"{kernel}: {what} {tuple(sizes)} must be at least 1 in every dimension")
    x, y, z = [*sizes, 1, 1][:3]
    return x, y, z


def _check_limits(
    kernel: str, grid: modes.Triple, block: modes.Triple, static_shared: int, shared_mem: int
) -> None:
    """Raise ValueError for a launch that a GPU would refuse."""
    threads = block[0] * block[1] * block[2]
    if threads > MAX_THREADS or block[2] > MAX_Z:
        raise ValueError(
            f"{kernel}: block {block} has {threads} threads; a block may have {MAX_THREADS}, and "
            f"{MAX_Z} in z"
        )
    if any(n > most for n, most in zip(grid, MAX_GRID)):
        raise ValueError(f"{kernel}: grid {grid} is larger than a GPU's limit {MAX_GRID}")
    if isinstance(shared_mem, bool) or not hasattr(shared_mem, "__index__") or shared_mem < 0:
        raise ValueError(f"{kernel}: shared_mem must be a number of bytes, got {shared_mem!r}")
    if static_shared > MAX_STATIC_SHARED:
        raise ValueError(
            f"{kernel}: {static_shared} bytes of static shared memory, {MAX_STATIC_SHARED} are "
            "allowed; take dynamic shared memory (extern __shared__)"
        )
    if static_shared + shared_mem > MAX_SHARED:
        raise ValueError(
            f"{kernel}: {static_shared} bytes of static and {shared_mem} of dynamic shared memory, "
            f"a block may have {MAX_SHARED}"
        )
