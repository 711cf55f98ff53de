"""Plain values, which are all that goes between a check and what a learner wrote.

None, numbers, text, lists, tuples, dictionaries and arrays of these cross as copies of exactly
these types, packed as what JSON can hold; a function crosses as a name by which the other side can
call it. So no object of a learner's own class ever meets a check.
"""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

MOST_BYTES = 2**23  # of one array
MOST_VALUES = 10**6  # in lists, tuples and dictionaries
MOST_BITS = 4096  # of one whole number
MOST_AXES = 16
Named = Callable[[Callable[..., Any]], str]  # the name by which a function can be called
Called = Callable[[str, str], Callable[..., Any]]  # what calls it, from that name and its own


class NotPlain(TypeError):
    """A value that cannot cross; the message says what it is."""


def pack(value: Any, named: Named) -> Any:
    """Return a value as what JSON can hold; NotPlain if it is no plain value, or a huge one."""
    try:
        return _pack(value, named, itertools.count())
    except RecursionError:
        raise NotPlain("lists that contain themselves, or are nested very deeply") from None


def copy(value: Any, wrapped: Callable[[Any], Callable[..., Any]] = lambda f: f) -> Any:
    """Return a copy of exactly plain types; `wrapped` returns what stands for a function."""
    functions: list[Callable[..., Any]] = []

    def named(f: Callable[..., Any]) -> str:
        functions.append(f)
        return str(len(functions) - 1)

    return unpack(pack(value, named), lambda name, _: wrapped(functions[int(name)]))


def _pack(value: Any, named: Named, count: itertools.count[int]) -> Any:
    if next(count) >= MOST_VALUES:
        raise NotPlain(f"more than {MOST_VALUES:,} values")
    kind = type(value)  # not isinstance, to which an object may lie
    if value is None or kind is bool:
        return value
    if issubclass(kind, np.ndarray):
        return _pack_array(value, named, count)
    if issubclass(kind, np.generic) and not issubclass(kind, float | str | complex):
        value = value.item() if not issubclass(kind, np.longdouble) else float(value)
        kind = type(value)
        if kind is bool:
            return value
    if kind in (Fraction, Decimal):
        return float(value)
    if issubclass(kind, int):
        whole = int.__int__(value)
        if whole.bit_length() > MOST_BITS:
            raise NotPlain(f"a whole number of {whole.bit_length():,} bits")
        return whole if whole.bit_length() < 63 else {"int": hex(whole)}
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, complex):
        exact = complex.__complex__(value)
        return {"complex": [exact.real, exact.imag]}
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, list):
        return [_pack(v, named, count) for v in list.__iter__(value)]
    if issubclass(kind, range):
        return [_pack(v, named, count) for v in value]
    if issubclass(kind, tuple):
        return {"tuple": [_pack(v, named, count) for v in tuple.__iter__(value)]}
    if issubclass(kind, dict):
        pairs = list(dict.items(value))
        return {"dict": [[_pack(k, named, count), _pack(v, named, count)] for k, v in pairs]}
    if callable(value) and not _is_value(kind):
        name = getattr(value, "__name__", kind.__name__)
        return {"function": [named(value), name if type(name) is str else kind.__name__]}
    raise NotPlain(_odd(kind))


def _is_value(kind: type) -> bool:
    return hasattr(kind, "__array__") or hasattr(kind, "__next__")


def _odd(kind: type) -> str:
    name = kind.__name__
    if hasattr(kind, "__array__") or name == "Tensor":
        what = "its numbers as an array are asked for, such as its .data"
    elif hasattr(kind, "__next__"):
        what = "which gives values one by one: put them into a list"
    elif name == "coroutine":
        what = "write `def`, without async"
    elif name in ("set", "frozenset", "dict_keys", "dict_values", "dict_items"):
        what = "put its values into a list"
    else:
        what = "numbers, text, lists, tuples, dictionaries and arrays are understood"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}: {what}"


def _pack_array(value: Any, named: Named, count: itertools.count[int]) -> Any:
    array = np.asarray(value)
    if array.dtype.kind in "OU":
        return _pack(array.tolist(), named, count)
    if array.dtype.kind not in "biufc":
        raise NotPlain(f"an array of {array.dtype.name}")
    if array.nbytes > MOST_BYTES:
        raise NotPlain(f"an array of shape {array.shape}, which is more than 8 MiB")
    if array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):  # long double
        array = array.astype(complex if array.dtype.kind == "c" else float)
    array = array.astype(array.dtype.newbyteorder("<"))
    text = base64.b64encode(array.tobytes()).decode("ascii")
    return {"array": [array.dtype.str, list(array.shape), text]}


def unpack(data: Any, called: Called) -> Any:
    """Return the value of what pack returned. ValueError for anything else."""
    if data is None or type(data) in (bool, int, float, str):
        return data
    if type(data) is list:
        return [unpack(v, called) for v in data]
    if type(data) is dict and len(data) == 1:
        ((kind, content),) = data.items()
        try:
            return _unpack(kind, content, called)
        except (TypeError, KeyError, OverflowError) as error:
            raise ValueError(f"not a packed {kind}: {error}") from None
    raise ValueError("not a packed value")


def _unpack(kind: str, content: Any, called: Called) -> Any:
    if kind == "tuple" and type(content) is list:
        return tuple(unpack(v, called) for v in content)
    if kind == "dict":
        return {unpack(k, called): unpack(v, called) for k, v in content}
    if kind == "array":
        return _unpack_array(*content)
    if kind == "int" and len(content) < MOST_BITS:
        return int(content, 16)
    if kind == "complex":
        return complex(*map(float, content))
    if kind == "function":
        name, its = content
        if type(name) is str and type(its) is str:
            return called(name, its)
    raise ValueError(f"not a packed {kind}")


def _unpack_array(dtype: str, shape: list[int], text: str) -> Any:
    if dtype not in _DTYPES or len(shape) > MOST_AXES or any(type(n) is not int for n in shape):
        raise ValueError("not a packed array")
    content = base64.b64decode(text, validate=True)
    if min(shape, default=1) < 0 or math.prod(shape) * _DTYPES[dtype].itemsize != len(content):
        raise ValueError("not a packed array: its size")
    array = np.frombuffer(content, _DTYPES[dtype]).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="))  # a copy, which may be written


_DTYPES = {
    np.dtype(c).newbyteorder("<").str: np.dtype(c).newbyteorder("<") for c in "?bBhHiIlLqQefdFD"
}
