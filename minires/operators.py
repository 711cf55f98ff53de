"""What a Tensor can do, bound to the class: its operators and methods are the functions of ops/.

`tensor.py` knows no operation, and every operation knows Tensor, so the two are joined here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import ops
from .functional import relu
from .grad_mode import is_grad_enabled
from .tensor import Tensor

BINARY = {  # x + y, y + x, x += y
    "add": ops.add,
    "sub": ops.sub,
    "mul": ops.mul,
    "truediv": ops.div,
    "matmul": ops.matmul,
    "pow": ops.power,
    "and": ops.logical_and,
    "or": ops.logical_or,
    "xor": ops.logical_xor,
}
SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "matmul": "@", "pow": "**"}


def _swapped(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    return lambda self, other: function(other, self)


def _augmented(symbol: str, function: Callable[[Any, Any], Tensor]) -> Any:
    """Return what carries out `x += y` and the like.

    A leaf is written in place, as in PyTorch: under no_grad(), or where no gradient is wanted.
    Anything with a history gets a new value instead, which the name then refers to.
    """

    def write(self: Tensor, other: Any) -> Tensor:
        recording = is_grad_enabled()
        if recording and not (self.is_leaf and self.requires_grad):
            y = function(self, other)
            return self.update_(y.data) if self.is_leaf and not y.requires_grad else y
        if recording or not self.is_leaf:
            what = "a leaf that requires a gradient" if self.is_leaf else "a tensor with a history"
            raise RuntimeError(
                f"`{symbol}` would overwrite {what}, which the graph needs; for a new tensor write "
                f"`x = x {symbol[:-1]} …`; to update a parameter use `with no_grad():` or update_()"
            )
        return self.update_(function(self, other).data)

    return write


for _name, _function in BINARY.items():
    setattr(Tensor, f"__{_name}__", _function)
    setattr(Tensor, f"__r{_name}__", _swapped(_function))
    _symbol = SYMBOLS.get(_name, {"and": "&", "or": "|", "xor": "^"}.get(_name, ""))
    setattr(Tensor, f"__i{_name}__", _augmented(f"{_symbol}=", _function))

for _relation in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
    setattr(Tensor, f"__{_relation.__name__}__", ops.comparison(_relation))


def _several(function: Callable[[Tensor, Any], Tensor]) -> Any:
    """Let sizes be given one by one or as a tuple: x.reshape(2, 3), x.reshape((2, 3))."""

    def method(self: Tensor, *sizes: Any) -> Tensor:
        return function(self, sizes[0] if len(sizes) == 1 else sizes)

    method.__doc__ = function.__doc__
    return method


def _index(self: Tensor) -> int:
    if self.dtype.kind not in "iu":
        raise TypeError(f"an index must be an integer, this tensor is {self.dtype}")
    return int(self.item())


def _refuse_items(self: Tensor, index: Any, value: Any) -> None:
    raise TypeError(
        "a tensor's items cannot be assigned, because the graph may need the old values; "
        "use minires.where(mask, new, old), or write into .data of a tensor without history"
    )


METHODS: dict[str, Any] = {
    "__setitem__": _refuse_items,
    "__float__": lambda self: float(self.item()),
    "__int__": lambda self: int(self.item()),
    "__index__": _index,
    "__neg__": ops.neg,
    "__abs__": ops.abs,
    "__invert__": ops.logical_not,
    "__getitem__": ops.getitem,
    "abs": ops.abs,
    "exp": ops.exp,
    "log": ops.log,
    "sqrt": ops.sqrt,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "relu": relu,
    "clip": ops.clip,
    "sum": ops.sum,
    "mean": ops.mean,
    "var": ops.var,
    "max": ops.max,
    "min": ops.min,
    "argmax": ops.argmax,
    "argmin": ops.argmin,
    "reshape": _several(ops.reshape),
    "view": _several(ops.reshape),
    "permute": _several(ops.permute),
    "flatten": ops.flatten,
    "squeeze": ops.squeeze,
    "unsqueeze": ops.unsqueeze,
    "transpose": ops.transpose,
    "T": property(ops.transposed),
    "to": ops.to,
    "astype": ops.astype,
    "cuda": lambda self: ops.to(self, "cuda"),
    "cpu": lambda self: ops.to(self, "cpu"),
    "float": lambda self: ops.astype(self, np.float32),
    "double": lambda self: ops.astype(self, np.float64),
}
for _name, _function in METHODS.items():
    setattr(Tensor, _name, _function)
