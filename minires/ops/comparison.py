"""Comparisons of tensors: masks, through which no gradient flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minires_kernels import arrays

from ..tensor import Tensor
from .arithmetic import values


def compare(relation: Callable[[Any, Any], Any], a: Tensor, b: Any) -> Tensor:
    """Return the booleans relation(a, b), e.g. with `operator.lt`; arrays broadcast."""
    x, y = a.data, values(b)
    if type(x) is not type(y) and arrays.is_array(y):
        arrays.require_same_place("a", x, b=y)
    return Tensor(arrays.as_array(relation(x, y)))
