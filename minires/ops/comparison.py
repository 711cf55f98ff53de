"""Comparisons of tensors, and logic on the masks they give, through which no gradient flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minires_kernels import arrays

from ..tensor import Tensor
from .arithmetic import values


def comparison(relation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    """Return the function of two tensors that gives relation(a, b) of their elements."""

    def compare(a: Any, b: Any) -> Tensor:
        x, y = values(a), values(b)
        if type(x) is not type(y) and arrays.is_array(x) and arrays.is_array(y):
            arrays.require_same_device("a", x, b=y)
        return Tensor(arrays.as_array(relation(x, y)))

    compare.__doc__ = f"Return the booleans {relation.__name__}(a, b); arrays broadcast."
    return compare


def _logic(symbol: str, relation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    compare = comparison(relation)

    def combine(a: Any, b: Any) -> Tensor:
        for x in (values(a), values(b)):
            came = getattr(x, "dtype", type(x).__name__)
            if came != "bool":
                raise TypeError(f"`{symbol}` joins boolean masks, e.g. (x > 0) {symbol} (x < 1); "
                                f"here is {came}")  # fmt: skip
        return compare(a, b)

    return combine


logical_and = _logic("&", lambda a, b: a & b)
logical_or = _logic("|", lambda a, b: a | b)
logical_xor = _logic("^", lambda a, b: a ^ b)


def logical_not(x: Tensor) -> Tensor:
    """Return the opposite of a boolean mask."""
    if x.dtype != bool:
        raise TypeError(f"`~` is for boolean masks, this tensor is {x.dtype}")
    return Tensor(~x.data)
