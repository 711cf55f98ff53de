"""From NumPy arrays and scalars to what a kernel takes, by CuPy's rule, and checked.

CuPy passes a Python int as int64 and a Python float as float64, whatever the kernel declares: a
parameter `int n` then reads half of the bytes, `float a` garbage. Here that is an error.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_NAMES = {"b": "bool", "i": "int", "u": "uint", "f": "float"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel, as its C++ type says.

    kind        of the value, or of what is pointed to: "b" bool, "i" signed and "u" unsigned
                integer, "f" floating, "V" a struct, "v" void, "P" a pointer
    itemsize    its bytes; 16 for float4
    component   for a vector type such as float4, the dtype of its elements ("f4"); else ""
    """

    kind: str
    itemsize: int
    is_pointer: bool
    is_const: bool
    alignment: int = 1
    component: str = ""

    @property
    def dtype(self) -> np.dtype[Any]:
        """What to pass: the dtype of the array or scalar; for float4* that of its elements."""
        if self.component and self.is_pointer:
            return np.dtype(self.component)
        if self.kind in _NAMES:
            return np.dtype(f"{self.kind}{self.itemsize}")
        return np.dtype((np.void, self.itemsize))

    def __str__(self) -> str:
        name = f"a struct of {self.itemsize} bytes"
        if self.kind == "v":
            name = "void"
        elif self.kind == "P":
            name = "a pointer"
        elif self.kind in _NAMES:
            name = self.dtype.name
        elif self.component:
            component = np.dtype(self.component)
            name = f"{component.name} × {self.itemsize // component.itemsize}"
        return f"{'const ' * self.is_const}{name}{'*' * self.is_pointer}"


class _Native(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_int),
        ("align", ctypes.c_int),
        ("component_size", ctypes.c_int),
        ("kind", ctypes.c_char),
        ("component_kind", ctypes.c_char),
        ("is_pointer", ctypes.c_bool),
        ("is_const", ctypes.c_bool),
    ]


def parameters(library: ctypes.CDLL, number: int) -> tuple[Parameter, ...]:
    """Ask a compiled module for the parameters of its kernel `number`."""
    describe = getattr(library, f"emulator_parameters_{number}")
    describe.restype = ctypes.POINTER(_Native)
    count = ctypes.c_int()
    natives = describe(ctypes.byref(count))
    return tuple(_parameter(p) for p in natives[: count.value])


def _parameter(p: _Native) -> Parameter:
    component = f"{p.component_kind.decode()}{p.component_size}" if p.component_size else ""
    return Parameter(p.kind.decode(), p.size, p.is_pointer, p.is_const, p.align, component)


def check(kernel: str, index: int, parameter: Parameter, value: Any) -> None:
    """Raise TypeError or ValueError if `value` cannot be passed for `parameter`."""
    where = f"{kernel}: argument {index}"
    if parameter.is_pointer:
        _check_pointer(where, parameter, value)
    else:
        _check_value(where, parameter, value)


def pack(parameter: Parameter, value: Any, address: int) -> Any:
    """Return a ctypes object that holds the argument's bytes; `address` is a pointer's."""
    if parameter.is_pointer:
        return ctypes.c_void_p(address)
    data = np.asarray(value).tobytes()
    # The compiler may load a vector at once: so it has to lie as its type demands.
    space = (ctypes.c_char * (len(data) + parameter.alignment))()
    offset = -ctypes.addressof(space) % parameter.alignment
    argument = (ctypes.c_char * len(data)).from_buffer(space, offset)
    argument.raw = data
    return argument


def _check_pointer(where: str, parameter: Parameter, value: Any) -> None:
    if value is None:  # CuPy passes a null pointer
        return
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{where}: the kernel takes {parameter}, got {type(value).__name__}; pass an array"
        )
    if not _may_point_to(parameter, value.dtype):
        raise TypeError(
            f"{where}: the kernel takes {parameter}, got an array of {value.dtype}; "
            f"cast it, or change the kernel"
        )
    if not value.flags.c_contiguous:
        raise ValueError(
            f"{where}: the array is not C-contiguous (shape {value.shape}, strides "
            f"{value.strides}); a kernel sees only its memory: pass np.ascontiguousarray(...)"
        )
    if not value.flags.writeable and not parameter.is_const:
        raise ValueError(
            f"{where}: the array is read-only, but the kernel may write to it; "
            "declare the parameter const, or pass a copy"
        )
    if value.nbytes and value.ctypes.data % parameter.alignment != 0:
        raise ValueError(
            f"{where}: the array's memory is not aligned to {parameter.alignment} bytes, "
            f"as {parameter} must be; pass a copy"
        )
    if parameter.component and value.nbytes % parameter.itemsize != 0:
        raise ValueError(
            f"{where}: the array has {value.nbytes} bytes, not a multiple of the "
            f"{parameter.itemsize} of {parameter}"
        )


def _may_point_to(parameter: Parameter, dtype: np.dtype[Any]) -> bool:
    if dtype.hasobject or not dtype.isnative or parameter.kind == "P":
        return False
    if parameter.kind == "v":
        return dtype.kind in "biufcV"
    if dtype.kind == "V":
        return parameter.kind == "V" and dtype.itemsize == parameter.itemsize
    if parameter.kind == "V":
        return dtype == parameter.dtype if parameter.component else False
    if parameter.kind in "iu" and parameter.itemsize == 1:  # char may be either
        return dtype.kind in "iu" and dtype.itemsize == 1
    return dtype == parameter.dtype


def _check_value(where: str, parameter: Parameter, value: Any) -> None:
    kind, itemsize, came = _value_type(where, parameter, value)
    fits = itemsize == parameter.itemsize and (
        kind == parameter.kind or (kind in "iu" and parameter.kind in "iu")
    )
    if fits:
        return
    advice = ""
    if parameter.kind in _NAMES:
        name = parameter.dtype.name
        advice = f"; pass np.{'bool_' if name == 'bool' else name}({value})" if kind != "V" else ""
    elif parameter.kind == "V":
        advice = "; pass a 0-d structured array of that size"
    raise TypeError(f"{where}: the kernel takes {parameter}, got {came}{advice}")


def _value_type(where: str, parameter: Parameter, value: Any) -> tuple[str, int, str]:
    """Return kind, bytes and name of what CuPy would pass for a value."""
    if isinstance(value, bool):
        return "b", 1, "a Python bool"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise OverflowError(
                f"{where}: {value} does not fit into int64, as which CuPy passes it"
            )
        return "i", 8, "a Python int, which CuPy passes as int64"
    if isinstance(value, float) and not isinstance(value, np.floating):
        return "f", 8, "a Python float, which CuPy passes as float64"
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        if not value.dtype.isnative or value.dtype.hasobject:
            raise TypeError(f"{where}: a value of dtype {value.dtype} cannot be passed to a kernel")
        return value.dtype.kind, value.dtype.itemsize, value.dtype.name
    came = type(value).__name__
    if isinstance(value, np.ndarray):
        came = f"an array of shape {value.shape}"
    raise TypeError(f"{where}: the kernel takes {parameter}, got {came}")


Array = npt.NDArray[Any]
