"""The four operations of arithmetic, with broadcasting.

Where inputs are broadcast, a backward may return a gradient of the output's shape: the engine sums
it down. Floating dtypes are never mixed, nor are memories: float32 with float64 raises, and so does
a NumPy array with one on a GPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels import arrays, checks

from ..function import Context, Function
from ..tensor import NUMBERS, Array, Tensor


class Add(Function):
    """y = a + b;  da = db = dy."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        return a + b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        return dy, dy


class Sub(Function):
    """y = a - b;  da = dy, db = -dy."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        return a - b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        return dy, -dy if ctx.needs[1] else None


class Mul(Function):
    """y = a b;  da = b dy, db = a dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        a, b = ctx.saved
        return dy * b if ctx.needs[0] else None, dy * a if ctx.needs[1] else None


class Div(Function):
    """y = a / b;  da = dy / b, db = -y dy / b."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        y = a / b
        ctx.save(b, y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        b, y = ctx.saved
        da = dy / b
        return da, -da * y if ctx.needs[1] else None


def add(a: Any, b: Any) -> Tensor:
    """Return a + b, with broadcasting."""
    return Add.apply(*operands("add", a, b))


def sub(a: Any, b: Any) -> Tensor:
    """Return a - b, with broadcasting."""
    return Sub.apply(*operands("sub", a, b))


def mul(a: Any, b: Any) -> Tensor:
    """Return a * b, with broadcasting."""
    return Mul.apply(*operands("mul", a, b))


def div(a: Any, b: Any) -> Tensor:
    """Return a / b, with broadcasting; of integers it is float32."""
    return Div.apply(*operands("div", a, b, floating=True))


def operands(name: str, a: Any, b: Any, floating: bool = False) -> tuple[Any, Any]:
    """Make two operands one dtype without a silent change of precision.

    Numbers take the dtype of the other operand, and so do integers and booleans beside floats.
    Beside a Python float, or where the result is to be `floating`, they become float32. Raises
    TypeError for two floating dtypes, and for arrays in two memories.
    """
    x, y = values(a), values(b)
    if (
        type(x) is type(y) is np.ndarray
        and x.dtype == y.dtype
        and (x.dtype.kind == "f" or not floating)
    ):
        return a, b
    a, b = plain(name, a), plain(name, b)
    x, y = values(a), values(b)
    found = [v for v in (x, y) if not isinstance(v, int | float)]
    if len(found) == 2:
        arrays.require_same_device(f"the first operand of {name}", x, **{"the second": y})
    dtypes = {v.dtype for v in found if v.dtype.kind == "f"}
    if len(dtypes) > 1:
        raise TypeError(
            f"{name}: {x.dtype} with {y.dtype}; cast one of them, e.g. with .astype(np.{x.dtype})"
        )
    if not (dtypes or floating or isinstance(x, float) or isinstance(y, float)):
        return a, b  # integers and booleans alone
    dtype = dtypes.pop() if dtypes else np.dtype(np.float32)
    return _cast(a, dtype), _cast(b, dtype)


def values(x: Any) -> Any:
    """Return the array of a Tensor, or `x` itself."""
    return x.data if isinstance(x, Tensor) else x


def plain(name: str, x: Any) -> Any:
    """Return a NumPy scalar as a number, which does not impose its float64, others as they are.

    Raises TypeError, in the words of the operation `name`, for what is no real number or array.
    """
    if isinstance(x, np.generic) and x.dtype.kind in "fiub":
        return float(x) if x.dtype.kind == "f" else x.item()
    if isinstance(x, np.ndarray):
        return x if type(x) is np.ndarray and x.dtype in NUMBERS else checks.numbers(name, x)
    if isinstance(x, Tensor | int | float) or arrays.on_gpu(x):
        return x
    raise TypeError(f"{name}: expected a Tensor, an array or a number, got {type(x).__name__}")


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return `x` in `dtype`; a number stays a number, and a floating array has it already."""
    if isinstance(x, int | float) or x.dtype == dtype:
        return x
    return Tensor(x.data.astype(dtype)) if isinstance(x, Tensor) else x.astype(dtype)
