"""The values of a launch: arithmetic on sizes, random numbers, arrays.

    ceil(n/128)          arithmetic with the numbers that come before it; also inf, nan, true, false
    1..2000, 0.0..1.0    drawn at random from the range, ends included; a point makes it real
    float[n*c]           an array of that many elements: normal numbers, or integers 0 and 1
    int[n] in 0..m-1     an array with values from a range
    null                 a null pointer

The text comes from a file that nobody has looked at, so it is evaluated here and not by Python: it
can do nothing but compute, with numbers that cannot fill the memory.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Number = int | float
Numbers = Mapping[str, Number]

ARRAY = re.compile(r"([A-Za-z_][\w ]*?)\s*\[(.*)\](?:\s+in\s+(.+))?")
_SCALARS = {
    "bool": "?", "char": "i1", "signed char": "i1", "unsigned char": "u1", "short": "i2",
    "unsigned short": "u2", "int": "i4", "unsigned": "u4", "unsigned int": "u4",
    "long long": "i8", "unsigned long long": "u8", "float": "f4", "double": "f8",
}  # fmt: skip
_VECTORS = {
    f"{name}{lanes}": (dtype, lanes)
    for name, dtype in (("float", "f4"), ("double", "f8"), ("int", "i4"), ("uint", "u4"))
    for lanes in (2, 3, 4)
}
TYPES = {name: (dtype, 1) for name, dtype in _SCALARS.items()} | _VECTORS
MOST_BYTES = 2**28  # of an array

_LARGEST, _LONGEST = 2**64, 300  # a number; the characters of an expression
_WORDS: Numbers = {"inf": math.inf, "nan": math.nan, "true": 1, "false": 0}
_FUNCTIONS: dict[str, Callable[..., Number]] = {"ceil": math.ceil, "min": min, "max": max}
_OPERATIONS: dict[type[ast.AST], Callable[..., Number]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.USub: operator.neg,
}  # fmt: skip
_ALLOWED = "numbers, names, + - * / // % and ceil(), min(), max()"


def evaluate(text: str, known: Numbers) -> Number:
    """Return the value of an expression; raises ValueError that quotes it and says why."""
    if len(text) > _LONGEST:
        raise ValueError(f"{text[:40]!r}… has more than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's opinion of "1if"
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"{text!r} is no arithmetic; allowed are {_ALLOWED}") from None
    try:
        return _evaluated(tree.body, {**_WORDS, **known})
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r}: {error}") from None


def _evaluated(node: ast.expr, known: Numbers) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            pass
        case ast.Name(id=name):
            if name not in known:
                told = ", ".join(n for n in known if n not in _WORDS) or "none"
                raise ValueError(f"{name!r} has no value here; known before it: {told}")
            value = known[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATIONS:
            value = _OPERATIONS[type(op)](_evaluated(operand, known))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            value = _OPERATIONS[type(op)](_evaluated(left, known), _evaluated(right, known))
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments, keywords=[]) if (
            name in _FUNCTIONS and (name == "ceil") == (len(arguments) == 1)
        ):
            value = _FUNCTIONS[name](*(_evaluated(a, known) for a in arguments))
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not understood; allowed are {_ALLOWED}")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError("a number beyond 2**64 on the way")
    return value


def whole(text: str, known: Numbers) -> int:
    """Return the value of an expression that must be an integer."""
    value = evaluate(text, known)
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{text!r} is {value:g} and no integer; use ceil() or //")
    return int(value)


def sizes(text: str, known: Numbers) -> tuple[int, ...]:
    """Return a grid or block: one to three numbers, with commas between them."""
    pieces = re.split(r",(?![^()]*\))", text)  # no comma within parentheses
    found = tuple(whole(piece, known) for piece in pieces)
    if len(found) > 3 or min(found) < 1:
        raise ValueError(f"{text!r}: expected one to three sizes of at least 1, got {found}")
    return found


def number(text: str, known: Numbers, rng: np.random.Generator, end: int | None) -> Number:
    """Return a number, or one from a range; `end` 0 or 1 takes the low or the high end of it."""
    if ".." not in text:
        value = evaluate(text, known)
        return int(value) if isinstance(value, float) and value.is_integer() else value
    low, high = _range(text, known)
    if end is not None:
        return (low, high)[end]
    if isinstance(low, float):
        return float(rng.uniform(low, high))
    if not -(2**63) <= low <= high < 2**63:
        raise ValueError(f"the range {text!r} is not one of 64-bit integers")
    return int(rng.integers(low, int(high), endpoint=True))


def _range(text: str, known: Numbers) -> tuple[Number, Number]:
    """Return the ends of "0..n-1" as integers, of "0.0..1.0" as floats."""
    low, _, high = text.partition("..")
    real = "." in low or "." in high
    ends = [evaluate(e, known) if real else whole(e, known) for e in (low, high)]
    if not ends[0] <= ends[1]:
        raise ValueError(f"the range {text!r} is empty: {ends[0]:g} > {ends[1]:g}")
    return (float(ends[0]), float(ends[1])) if real else (ends[0], ends[1])


def argument(name: str, text: str, parameter: Any, known: Numbers, rng: np.random.Generator) -> Any:
    """Return what a kernel gets for a parameter: an array, None, or a number of its type."""
    if parameter.is_pointer:
        if text == "null":
            return None
        found = ARRAY.fullmatch(text)
        if found is None:
            raise ValueError(f"{name} is a pointer; write for example {name}=float[n]")
        return _array(text, found, known, rng)
    if name not in known:
        raise ValueError(f"{name} is no pointer; write for example {name}=n")
    if parameter.kind == "V":
        raise ValueError(f"{name} is a struct, which no launch can give: run the kernel in Python, "
                         "within minires_emulator.check()")  # fmt: skip
    return _scalar(f"{name}={known[name]}", known[name], parameter.dtype)


def _scalar(what: str, value: Number, dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max or value != int(value):
            raise ValueError(f"{what} is no {dtype}")
    with np.errstate(over="ignore"):
        return dtype.type(value)


def _array(
    text: str, found: re.Match[str], known: Numbers, rng: np.random.Generator
) -> npt.NDArray[Any]:
    name = " ".join(found[1].split())
    if name not in TYPES:
        raise ValueError(f"the type {name!r} is not known; known are {', '.join(TYPES)}")
    dtype, lanes = np.dtype(TYPES[name][0]), TYPES[name][1]
    n = whole(found[2], known) * lanes
    if not 0 <= n * dtype.itemsize <= MOST_BYTES:
        raise ValueError(f"{text!r} has {n} elements; expected 0 to {MOST_BYTES} bytes")
    between = _range(found[3], known) if found[3] else None
    if dtype.kind == "f":
        drawn = rng.uniform(*between, n) if between else rng.standard_normal(n)
        return np.asarray(drawn).astype(dtype)
    low, high = between or (0, 1)
    made = np.dtype("i1") if dtype.kind == "b" else dtype
    for end in (low, high):
        _scalar(f"{end} in {text}", end, made)
    return rng.integers(int(low), int(high), n, dtype=made, endpoint=True).astype(dtype)
