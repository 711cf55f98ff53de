"""Arithmetic on sizes: evaluates text such as "ceil(n / 128) * c" that comes from a user's file.

Only numbers, names and + - * / // % ceil() min() max() are understood, so no text can do anything
but compute; and no number may grow beyond LARGEST, so none can fill the memory. Numbers are exact
fractions: n / 128 is no rounded float, and ceil of it is right for every n.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction

LARGEST = 2**64  # of numerators and denominators
LONGEST = 300  # characters of an expression
_ALLOWED = "numbers, names, + - * / // % and ceil(), min(), max()"
_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction | int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def evaluate(text: str, sizes: Mapping[str, Fraction]) -> Fraction:
    """Return the value of an expression; raises ValueError that quotes it and says why."""
    if len(text) > LONGEST:
        raise ValueError(f"{text[:40]!r}… has more than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's opinion of "1if"
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"{text!r} is no arithmetic; allowed are {_ALLOWED}") from None
    try:
        return _value(tree.body, sizes)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None


def whole(text: str, sizes: Mapping[str, Fraction]) -> int:
    """Return the value of an expression that must be an integer."""
    value = evaluate(text, sizes)
    if value.denominator != 1:
        raise ValueError(f"{text!r} is {float(value):g} and no integer; use ceil() or //")
    return int(value)


def _value(node: ast.expr, sizes: Mapping[str, Fraction]) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _limited(Fraction(str(number)) if math.isfinite(number) else LARGEST + 1)
        case ast.Name(id=name):
            if name not in sizes:
                known = ", ".join(sizes) or "none"
                raise ValueError(f"{name!r} has no value here; known before it: {known}")
            return sizes[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, sizes)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, sizes)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _limited(_OPERATIONS[type(op)](_value(left, sizes), _value(right, sizes)))
        case ast.Call(func=ast.Name(id="ceil"), args=[argument], keywords=[]):
            return Fraction(math.ceil(_value(argument, sizes)))
        case ast.Call(func=ast.Name(id="min" | "max" as name), args=arguments, keywords=[]):
            if arguments:
                return (min if name == "min" else max)(_value(a, sizes) for a in arguments)
    raise ValueError(f"{ast.unparse(node)!r} is not understood; allowed are {_ALLOWED}")


def _limited(value: Fraction | int) -> Fraction:
    exact = Fraction(value)
    if max(abs(exact.numerator), exact.denominator) > LARGEST:
        raise ValueError("a number beyond 2**64 on the way")
    return exact
