"""Read the pickles in which the "Python version" of CIFAR comes, without unpickling them.

A pickle is a program. This reads its instructions with `pickletools` and follows those few that a
batch of CIFAR needs; nothing is imported, called or allocated at the file's wish. A file that asks
for anything else is refused.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..tensor import Array
from .cifar_layouts import PIXELS

ALLOWED = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "bytes",  # how pickles of protocol 2 hold bytes since Python 3
}
TEXT = {"SHORT_BINSTRING", "BINSTRING"}  # strings of Python 2, which are bytes
VALUES = {"BININT", "BININT1", "BININT2", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES"}
VALUES |= {"SHORT_BINBYTES", "BINBYTES8", "BINUNICODE8"}
CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
EMPTY: dict[str, type] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
KNOWN = {*TEXT, *VALUES, *CONSTANTS, *EMPTY, "PROTO", "FRAME", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
KNOWN |= {"BINGET", "LONG_BINGET", "MARK", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND"}
KNOWN |= {"APPENDS", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "STOP"}


class _Name(str):
    """What a pickle asks for by its name, as it stands in ALLOWED."""


class _Array:
    """An array that has been asked for, and its values when they have come."""

    values: Array | None = None


def read_batch(raw: bytes, label_key: bytes) -> tuple[Array, Array]:
    """Return the pixels (N, 3072) uint8 and the labels (N,) of a pickled batch.

    Raises ValueError for everything that is no such batch.
    """
    try:
        batch = _follow(raw)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = error if type(error) is ValueError else "damaged"
        raise ValueError(f"no batch of CIFAR in Python's format ({reason})") from None
    if not isinstance(batch, dict):
        raise ValueError("no batch of CIFAR in Python's format (not a dictionary)")
    batch = {k.encode() if isinstance(k, str) else k: v for k, v in batch.items()}
    data, labels = batch.get(b"data"), batch.get(label_key)
    pixels = data.values if isinstance(data, _Array) else None
    if pixels is None or pixels.ndim != 2 or pixels.shape[1] != PIXELS or len(pixels) == 0:
        shape = None if pixels is None else pixels.shape
        raise ValueError(f"data: expected an array (N, {PIXELS}) of bytes, got {shape}")
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise ValueError(f"{label_key.decode()}: expected a list of {len(pixels)} labels")
    if not all(type(label) is int for label in labels):
        raise ValueError(f"{label_key.decode()}: expected integers")
    return pixels, np.array(labels, np.int64)


def _follow(raw: bytes) -> Any:
    """Follow the instructions of a pickle and return what it holds."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    made = 0  # bytes, of texts

    def since_mark() -> list[Any]:
        start = marks.pop()
        found = stack[start:]
        del stack[start:]
        return found

    for name, argument in _instructions(raw):
        if name in VALUES:
            stack.append(argument)
        elif name in TEXT:
            stack.append(argument.encode("latin-1"))
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in ("PROTO", "FRAME"):
            pass
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "MARK":
            marks.append(len(stack))
        elif name in EMPTY:
            stack.append(EMPTY[name]())
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            n = int(name[-1])
            stack[-n:] = [tuple(stack[-n:])]
        elif name in ("APPEND", "APPENDS"):
            items = since_mark() if name == "APPENDS" else [stack.pop()]
            _checked(stack[-1], list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = since_mark() if name == "SETITEMS" else [stack.pop() for _ in range(2)][::-1]
            _store(_checked(stack[-1], dict), items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            stack.append(_allowed(argument if name == "GLOBAL" else _joined(stack)))
        elif name == "REDUCE":
            arguments, asked = stack.pop(), stack.pop()
            found = _call(_checked(asked, _Name), _checked(arguments, tuple))
            stack.append(found)
            made += len(found) if isinstance(found, bytes) else 0
            if made > len(raw):
                raise ValueError("it makes more bytes than it has")
        elif name == "BUILD":
            _fill(stack.pop(), stack[-1])
        elif name == "STOP":
            return stack.pop()
    raise ValueError("it has no end")


def _instructions(raw: bytes) -> Iterator[tuple[str, Any]]:
    """Return each instruction's name and argument, which is read only if the name is known."""
    file = io.BytesIO(raw)
    while code := file.read(1):
        opcode = OPCODES.get(code.decode("latin-1"))
        if opcode is None or opcode.name not in KNOWN:
            told = f"instruction {opcode.name}" if opcode else f"a byte {code!r}"
            raise ValueError(f"{told} is refused")
        if opcode.name == "GLOBAL":  # two lines, of whose text nothing is interpreted
            yield (
                opcode.name,
                b" ".join(file.readline().rstrip(b"\n") for _ in "ab").decode("latin-1"),
            )
        else:
            yield opcode.name, None if opcode.arg is None else opcode.arg.reader(file)


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _store(target: dict[Any, Any], items: list[Any]) -> None:
    """Set keys of a dict, which are text or bytes: to hash tuples of tuples takes for ever."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (str, bytes):
            raise ValueError(f"a key that is a {type(key).__name__}")
        target[key] = value


def _joined(stack: list[Any]) -> str:
    name, module = stack.pop(), stack.pop()
    return f"{_checked(module, str)} {_checked(name, str)}"


def _allowed(asked: str) -> _Name:
    if asked not in ALLOWED:
        raise ValueError(f"it asks for {asked.replace(' ', '.')!r:.60}, which is refused")
    return _Name(ALLOWED[asked])


def _call(asked: _Name, arguments: tuple[Any, ...]) -> Any:
    """Return what an allowed function would give: an array without values, a type, or bytes."""
    if asked == "array":
        return _Array()
    if asked == "dtype":
        kind = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        return _Name(f"dtype {_checked(kind, str)[:40]}")
    if asked == "bytes":
        text, encoding = arguments
        if encoding != "latin1":
            raise ValueError("bytes in another encoding than latin1 are refused")
        return _checked(text, str).encode("latin1")
    raise ValueError(f"a call of {asked} is refused")


def _fill(state: Any, target: Any) -> None:
    """Give an array its values: (version, shape, dtype, Fortran order, bytes)."""
    if type(target) is _Name and target.startswith("dtype "):
        return  # byte order and alignment, which bytes have none of
    values = _checked(target, _Array)
    _, shape, dtype, fortran, raw = _checked(state, tuple)
    if dtype != "dtype u1":
        told = dtype if type(dtype) is _Name else type(dtype).__name__
        raise ValueError(f"an array of {told}, expected bytes (u1)")
    sizes = _checked(shape, tuple)
    if len(sizes) != 2 or not all(type(n) is int and n >= 0 for n in sizes):
        raise ValueError("an array of a shape that is not two integers")
    if sizes[0] * sizes[1] != len(_checked(raw, bytes)):
        raise ValueError(f"an array of shape {sizes} with {len(raw)} bytes")
    order: Any = "F" if fortran else "C"
    values.values = np.frombuffer(raw, np.uint8).reshape(sizes, order=order)
