"""The kinds of numbers that weight files hold, and arrays of their bytes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..tensor import Array

# Names as NumPy and PyTorch have them. NumPy lacks bfloat16, which is read as float32, exactly.
SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
}  # fmt: skip
LARGEST = 1 << 63  # no size, stride or position in a file reaches it
MOST_DIMENSIONS = 32


def decoded(data: bytes | memoryview, kind: str, order: Literal["<", ">"] = "<") -> Array:
    """Return the bytes of one array as a new flat array of this process's byte order.

    order: "<" if the bytes of a number begin with the lowest, else ">".
    """
    if kind == "bfloat16":  # the upper half of a float32
        return widened(np.frombuffer(data, f"{order}u2"))
    if kind == "bool":  # one byte that is not 0
        flags: Array = np.frombuffer(data, np.uint8) != 0
        return flags
    dtype = np.dtype(kind)
    return np.frombuffer(data, dtype.newbyteorder(order)).astype(dtype)


def widened(halves: Array) -> Array:
    """Return bfloat16 numbers, given as the integers of their bits, as float32."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def narrowed(values: Array) -> Array:
    """Return float32 numbers as the bits of the nearest bfloat16, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), (bits >> 16) | 0x40, rounded).astype(np.uint16)


def most_bytes(file_size: int) -> int:
    """Return how many bytes of arrays a file may give: 16 times its own, and 64 MiB."""
    return 16 * file_size + (64 << 20)


def size_of(shape: tuple[Any, ...], who: str = "") -> int:
    """Return the number of elements of a shape that a file states. ValueError for what is none."""
    start = f"{who}: " if who else ""
    if len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"{start}{len(shape)} dimensions; at most {MOST_DIMENSIONS} are read")
    count = 1
    for n in shape:
        if type(n) is not int or not 0 <= n < LARGEST:
            raise ValueError(f"{start}a size is {text(n)}, not an integer from 0 to 2^63")
        count *= n
    if max(shape, default=0) * 8 >= LARGEST or count * 8 >= LARGEST:
        raise ValueError(f"{start}the shape {text(shape)} has more elements than there can be")
    return count


def text(value: Any) -> str:
    """Return a short text of a value from a file, whatever it is."""
    if type(value) is tuple and len(value) <= MOST_DIMENSIONS:
        inner = ["a tuple" if type(v) is tuple else text(v) for v in value]  # no way down
        return "(" + ", ".join(inner) + ("," if len(inner) == 1 else "") + ")"
    if type(value) is int and abs(value) >= LARGEST:
        return "an integer beyond 2^63"
    if type(value) in (int, float, bool, type(None)):
        return repr(value)
    if isinstance(value, str | bytes):
        return repr(value) if len(value) <= 80 else f"{value[:77]!r}…"
    return f"a {type(value).__name__}"
