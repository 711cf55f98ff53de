"""A device that runs CUDA C++: compiles the .cu files of cuda/, launches kernels.

A `Device` is made of two things only: an array module and a `RawModule` class. With `cupy` and
`cupy.RawModule` it is a GPU; with `numpy` and `minires_emulator.RawModule` the same sources, grids,
tiles and dtypes run on the CPU. Nothing else in this package knows which of the two it is.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...spec import Array

C_TYPES = {"float32": "float", "float64": "double"}
_SOURCES = __package__.removesuffix(".machine")  # where the .cu files are
OPTIONS = ("--std=c++17",)
THREADS = 256  # of a block, where nothing speaks for another number
MAX_GRID_YZ = 65535


@functools.cache
def source(file: str) -> str:
    """Return a .cu file as one text, with the .cuh files that it includes pasted in.

    `#line` directives keep the names and line numbers of compilers' and checkers' reports right.
    """
    return f'#line 1 "{file}"\n' + _pasted(file)


def _pasted(file: str) -> str:
    text = importlib.resources.files(_SOURCES).joinpath(file).read_text("utf-8")
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        included = re.fullmatch(r'#include "(\w+\.cuh)"', line)
        if included:
            name = included[1]
            lines += [f'#line 1 "{name}"', _pasted(name), f'#line {number + 1} "{file}"']
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Unit:
    """A .cu file and the kernels it is compiled for; T in their names stands for the dtype.

    `only` names the one dtype that a unit exists for, where it is not both.
    """

    file: str
    kernels: tuple[str, ...]
    only: str | None = None

    def names(self, dtype: np.dtype[Any]) -> tuple[str, ...]:
        """Return the template expressions for a dtype: "relu_forward_v1<float>", …"""
        return tuple(_instance(kernel, dtype) for kernel in self.kernels)


def _instance(kernel: str, dtype: np.dtype[Any]) -> str:
    return re.sub(r"\bT\b", C_TYPES[str(dtype)], kernel)


class Device:
    """Where kernels run: `xp` makes arrays, `raw_module` compiles sources when first used."""

    def __init__(self, xp: Any, raw_module: Any, has_tf32: bool = True) -> None:
        self.xp, self._raw_module = xp, raw_module
        self.has_tf32 = has_tf32  # tensor cores for it came with compute capability 8.0
        self._modules: dict[tuple[str, str], Any] = {}
        self._kernels: dict[tuple[str, str, str], Any] = {}

    def run(
        self,
        unit: Unit,
        kernel: str,
        dtype: np.dtype[Any],
        grid: tuple[int, ...],
        block: int | tuple[int, ...],
        *arguments: Any,
    ) -> None:
        """Launch `kernel` (one of the unit's names) for `dtype`; an empty grid has nothing to do.

        Python ints are passed as the int32 that kernels take; anything else as it is.
        """
        if 0 in grid:
            return
        if max(grid[1:], default=1) > MAX_GRID_YZ or grid[0] >= 2**31:
            raise ValueError(
                f"{kernel}: a grid of {grid} blocks is more than a GPU takes (2**31 - 1, 65535, "
                "65535); use smaller arrays"
            )
        passed = tuple(np.int32(a) if type(a) is int else a for a in arguments)
        shape = (block,) if isinstance(block, int) else block
        self._kernel(unit, kernel, dtype)(grid, shape, passed)

    def _kernel(self, unit: Unit, kernel: str, dtype: np.dtype[Any]) -> Any:
        key = (unit.file, kernel, dtype.char)
        found = self._kernels.get(key)
        if found is None:
            found = self._kernels[key] = self._module(unit, dtype).get_function(
                _instance(kernel, dtype)
            )
        return found

    def _module(self, unit: Unit, dtype: np.dtype[Any]) -> Any:
        key = (unit.file, dtype.char)
        if key not in self._modules:
            self._modules[key] = self._raw_module(
                code=source(unit.file), options=OPTIONS, name_expressions=unit.names(dtype)
            )
        return self._modules[key]

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an uninitialised C-contiguous array on the device."""
        return self.xp.empty(shape, dtype)  # type: ignore[no-any-return]

    def plain(self, a: Array) -> Array:
        """Return `a` itself if it is C-contiguous, else a copy that is: what kernels read."""
        return a if a.flags.c_contiguous else self.xp.ascontiguousarray(a)


def aligned(*arrays: Any) -> bool:
    """Return whether all begin at a multiple of 16 bytes when kernels see them, for 128-bit loads.

    An array that is not contiguous is copied first, and a new array is aligned.
    """
    return all(not a.flags.c_contiguous or _address(a) % 16 == 0 for a in arrays)


def _address(a: Any) -> int:
    return int(a.ctypes.data if isinstance(a, np.ndarray) else a.data.ptr)


def blocks(n: int, each: int) -> int:
    """Return how many blocks cover `n` elements if a block covers `each`."""
    return -(-n // each)


def structure(*fields: str) -> np.dtype[Any]:
    """Return the dtype of a C struct of ints with these names."""
    return np.dtype([(name, np.int32) for name in fields])
