"""NumPy arguments for a launch, by the kernel's signature; and a launch where none is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .launch import RESERVED, Array, Drawn, Launch, Number, Struct, parse

_SCALARS = {
    "bool": "?",
    "char": "i1",
    "signed char": "i1",
    "unsigned char": "u1",
    "short": "i2",
    "unsigned short": "u2",
    "int": "i4",
    "unsigned": "u4",
    "unsigned int": "u4",
    "long long": "i8",
    "unsigned long long": "u8",
    "float": "f4",
    "double": "f8",
}
_VECTORS = {
    f"{name}{lanes}": (dtype, lanes)
    for name, dtype in (("float", "f4"), ("double", "f8"), ("int", "i4"), ("uint", "u4"))
    for lanes in (2, 3, 4)
}
TYPES = {name: (dtype, 1) for name, dtype in _SCALARS.items()} | _VECTORS
_MOST_BYTES = 2**28  # of all arrays of a launch


def make(
    drawn: Drawn, parameters: Sequence[Any], names: Sequence[str], rng: np.random.Generator
) -> tuple[Any, ...]:
    """Return the arguments of a launch: arrays, NumPy scalars and 0-d structured arrays.

    Numbers get the type that the signature asks for; raises ValueError if they do not fit.
    """
    size = sum(
        a.count * np.dtype(_type(a.type)[0]).itemsize * _type(a.type)[1]
        for a in drawn.arguments.values()
        if isinstance(a, Array)
    )
    if size > _MOST_BYTES:
        raise ValueError(
            f"the arrays take {size} bytes together; expected at most {_MOST_BYTES}: fewer "
            "elements find the same faults"
        )
    made: list[Any] = []
    for name, parameter in zip(names, parameters, strict=True):
        value = drawn.arguments[name]
        if parameter.is_pointer != (value is None or isinstance(value, Array)):
            kind = "a pointer" if parameter.is_pointer else "no pointer"
            example = "float[n]" if parameter.is_pointer else "n"
            raise ValueError(f"{name} is {kind}; write for example {name}={example}")
        if isinstance(value, Array):
            made.append(_filled(value, rng))
        elif value is None:
            made.append(None)
        elif isinstance(value, Struct):
            made.append(_structure(value))
        elif parameter.kind == "V":
            raise ValueError(f"{name} is a struct; write for example {name}={{int 3, float 0.5}}")
        else:
            made.append(_scalar(name, value, parameter.dtype))
    return tuple(made)


def _type(name: str) -> tuple[str, int]:
    if name not in TYPES:
        raise ValueError(f"the type {name!r} is not known; known are {', '.join(TYPES)}")
    return TYPES[name]


def _scalar(name: str, value: Number, dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if value != value // 1 or not limits.min <= value <= limits.max:
            raise ValueError(f"{name}={value} is no {dtype}")
    with np.errstate(over="ignore"):
        return dtype.type(value)


def _filled(array: Array, rng: np.random.Generator) -> npt.NDArray[Any]:
    text, lanes = _type(array.type)
    dtype, n = np.dtype(text), array.count * lanes
    if dtype.kind == "f":
        if array.between is None:
            return rng.standard_normal(n).astype(dtype)
        return rng.uniform(*array.between, n).astype(dtype)
    low, high = array.between or (0, 1)
    _scalar(array.type, low, np.dtype("i1") if dtype.kind == "b" else dtype)
    _scalar(array.type, high, np.dtype("i1") if dtype.kind == "b" else dtype)
    if dtype.kind == "b":
        return rng.integers(int(low), int(high), n, endpoint=True).astype(dtype)
    return rng.integers(int(low), int(high), n, dtype=dtype, endpoint=True)


def _structure(struct: Struct) -> npt.NDArray[Any]:
    fields, values = [], []
    for k, (name, value) in enumerate(struct.fields):
        text, lanes = _type(name)
        if lanes > 1:
            raise ValueError(f"a struct with a {name} cannot be written; write its numbers singly")
        fields.append((f"field{k}", text))
        values.append(_scalar(f"{name} of a struct", value, np.dtype(text)))
    return np.array(tuple(values), np.dtype(fields, align=True))


def guess(
    kernel: str, parameters: Sequence[Any], names: Sequence[str], n: str, block: int
) -> Launch:
    """Return the launch to try if none is written: arrays of n elements, every integer n.

    `n` is a number, or a range to be shown. Raises ValueError if there is no telling.
    """
    clash = [name for name in names if name in RESERVED]
    if clash:
        raise ValueError(f"a launch cannot speak of a parameter {clash[0]!r}; rename it")
    integers = [
        name
        for name, p in zip(names, parameters, strict=True)
        if not p.is_pointer and p.kind in "iu" and p.itemsize >= 4
    ]
    size = "n" if "n" in integers or "n" not in names else "size"
    values = {"grid": f"ceil({size}/{block})", "block": str(block), size: n}
    for name, p in zip(names, parameters, strict=True):
        if p.is_pointer:
            values[name] = f"{_pointed(name, p)}[{size}]"
        elif name != size:
            values[name] = _value(name, p, size)
    pointers = [name for name, p in zip(names, parameters, strict=True) if p.is_pointer]
    ordered = {k: values[k] for k in ("grid", "block", *pointers, size, *names)}
    text = " ".join([kernel, *(f"{k}={v}" for k, v in ordered.items())])
    return parse(text, "guessed launch")


def _pointed(name: str, parameter: Any) -> str:
    """Return the C type that a pointer points to."""
    if parameter.kind != "v":
        lanes = max(1, parameter.itemsize // parameter.dtype.itemsize)
        for c_type, (dtype, n) in TYPES.items():
            if np.dtype(dtype) == parameter.dtype and n == lanes:
                return c_type
    raise ValueError(f"{name} is {parameter}, for which no array can be guessed")


def _value(name: str, parameter: Any, size: str) -> str:
    if parameter.kind == "f":
        return "0.0..1.0"
    if parameter.kind == "V":
        raise ValueError(f"{name} is a struct, which cannot be guessed")
    return size if parameter.itemsize >= 4 else "0..1"


def line(launch: Launch) -> str:
    """Return a launch as the comment that would give it."""
    values = " ".join(f"{k}={v}" for k, v in launch.values.items())
    return f"// lint: launch {launch.kernel} {values}"


def non_finite(arrays: Mapping[str, Any]) -> dict[str, int]:
    """Return how many values of each array are not finite, for those that have any."""
    counts = {
        name: int(np.count_nonzero(~np.isfinite(a)))
        for name, a in arrays.items()
        if a.dtype.kind == "f"
    }
    return {name: count for name, count in counts.items() if count}
