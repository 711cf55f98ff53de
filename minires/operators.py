"""What a Tensor can do, bound to the class: its operators and methods are the functions of ops/.

`tensor.py` knows no operation, and every operation knows Tensor, so the two are joined here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minires_kernels import arrays

from . import copies, ops
from .functional import relu
from .grad_mode import is_grad_enabled
from .tensor import Array, Tensor

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


class _Ufuncs:
    """`__array_ufunc__`: NumPy asks the class, CuPy an instance: None leaves all to Tensor."""

    def __get__(self, tensor: Tensor | None, _owner: type) -> Any:
        return _ufunc if tensor is None else None


UFUNCS: dict[Any, Callable[..., Tensor]] = {  # the tensor's own: np.exp(x) is x.exp()
    np.add: ops.add,
    np.subtract: ops.sub,
    np.multiply: ops.mul,
    np.true_divide: ops.div,
    np.matmul: ops.matmul,
    np.power: ops.power,
    np.bitwise_and: ops.logical_and,
    np.bitwise_or: ops.logical_or,
    np.bitwise_xor: ops.logical_xor,
    np.exp: ops.exp,
    np.log: ops.log,
    np.sqrt: ops.sqrt,
    np.tanh: ops.tanh,
    np.absolute: ops.abs,
    np.negative: ops.neg,
}
for _name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
    UFUNCS[getattr(np, _name)] = ops.comparison(getattr(np, _name))


def _ufunc(_self: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """What NumPy calls for `array + x`, np.exp(x), and `array += x` (with the option `out`)."""
    if method == "__call__" and not options and ufunc in UFUNCS:
        return UFUNCS[ufunc](*inputs)
    name = ufunc.__name__
    return getattr(ufunc, method)(*_arrays(name, inputs), **_arrays(name, options))


def _numpys(_self: Tensor, function: Any, _types: Any, args: Any, options: Any) -> Any:
    """What NumPy calls for np.stack([x, y]) and its other functions: they take the arrays."""
    if function in (np.shape, np.ndim, np.size):
        return function(args[0].data, *args[1:], **options)
    name = function.__name__
    return function(*_arrays(name, args), **_arrays(name, options))


def _arrays(name: str, value: Any) -> Any:
    """Return `value` with the arrays of the tensors in it."""
    if isinstance(value, list | tuple):
        return type(value)([_arrays(name, v) for v in value])
    if isinstance(value, dict):
        return {key: _arrays(name, v) for key, v in value.items()}
    if not isinstance(value, Tensor):
        return value
    if value.requires_grad:
        raise RuntimeError(
            f"numpy.{name} knows no gradients, and this tensor requires one; use minires' own "
            "operations (`a = a + x` where `a` is an array), or x.detach()"
        )
    return value.numpy()


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


def _write_items(self: Tensor, index: Any, value: Any) -> None:
    """x[index] = value, where `x += 1` would be allowed; see `_augmented`."""
    wanted = self.requires_grad or getattr(value, "requires_grad", False)
    if not self.is_leaf or (wanted and is_grad_enabled()):
        raise TypeError(
            "a tensor's items cannot be assigned while the graph needs the old values, or the "
            "history of the new; use minires.where(mask, new, old); to update a parameter use "
            "`with no_grad():` or update_()"
        )
    ops.setitem(self, index, value)


def _refuse_deletion(self: Tensor, index: Any) -> None:
    raise TypeError("a tensor's items cannot be deleted; choose those to keep, e.g. x[x > 0]")


def _format(self: Tensor, how: str) -> str:
    """Return a number as Python formats it: f"{loss:.3f}"."""
    if not how:
        return str(self)
    if self.size != 1:
        raise TypeError(f"the format {how!r} is for one number, this tensor has shape {self.shape}")
    return format(self.item(), how)


HINTS = {  # PyTorch's names for what is done in another way here
    "clone": "x * 1 has a history, minires.tensor(x.data) has none",
    "numel": "x.size is the number of elements",
    "dim": "x.ndim is the number of dimensions",
    "clamp": "x.clip(min, max)",
    "tolist": "x.data.tolist()",
    "half": "x.astype(np.float16)",
    "long": "x.astype(np.int64)",
    "int": "x.astype(np.int32)",
    "bool": "x.astype(bool)",
    "t": "x.T",
    "mm": "x @ y",
    "bmm": "x @ y",
    "dot": "x @ y",
    "pow": "x ** p",
    "softmax": "minires.functional.softmax(x)",
    "log_softmax": "minires.functional.log_softmax(x)",
    "is_cuda": 'x.device == "cuda"',
    "grad_fn": "x.node",
}


def _missing(self: Tensor, name: str) -> Any:
    """Raise AttributeError, for a name of PyTorch with what to write instead."""
    if hasattr(type(self), name):  # a property that raised AttributeError: let it say why
        return object.__getattribute__(self, name)
    hint = HINTS.get(name, "")
    if name.endswith("_") and not name.startswith("_"):
        hint = "a leaf is written by `with no_grad(): x -= …` (or += *= /=), or x.update_(…)"
    hint = f"; {hint}" if hint else ""
    raise AttributeError(
        f"{type(self).__name__} has no attribute {name!r}{hint}", name=name, obj=self
    )


def _text(self: Tensor) -> str:
    shown = arrays.to_host(self.data)
    values = np.array2string(shown, precision=4, threshold=20, edgeitems=2, prefix=" " * 7)
    how = f", op={self.node.name}" if self.node is not None and not self.is_leaf else ""
    grad = ", requires_grad=True" if self.requires_grad and self.is_leaf else ""
    place = ", device=cuda" if arrays.on_gpu(self.data) else ""
    return f"tensor({values}, shape={self.shape}, dtype={self.dtype}{place}{how}{grad})"


def _length(self: Tensor) -> int:
    if self.ndim == 0:
        raise TypeError("len() of a tensor without dimensions")
    return len(self.data)


def _truth(self: Tensor) -> bool:
    if self.size != 1:
        raise ValueError("the truth of a tensor with several elements is ambiguous")
    return bool(self.item())


def _array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Array:
    return np.array(self.numpy(), dtype=dtype, copy=copy)


METHODS: dict[str, Any] = {
    "__repr__": _text,
    "__len__": _length,
    "__iter__": lambda self: (self[i] for i in range(len(self))),
    "__bool__": _truth,
    "__array__": _array,
    "__array_ufunc__": _Ufuncs(),
    "__array_function__": _numpys,
    "__getattr__": _missing,
    "__getstate__": copies.state_of,
    "__setstate__": copies.set_state,
    "__copy__": copies.shallow,
    "__format__": _format,
    "__setitem__": _write_items,
    "__delitem__": _refuse_deletion,
    "__float__": lambda self: float(self.item()),
    "__int__": lambda self: int(self.item()),
    "__index__": _index,
    "__pos__": lambda self: self,
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
