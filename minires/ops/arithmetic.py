"""Arithmetic with broadcasting, and matrix products.

Where inputs are broadcast, a backward may return a gradient of the output's shape: the engine sums
it down. Floating dtypes are never mixed, nor are memories: float32 with float64 raises, and so does
a NumPy array with one on a GPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels import arrays

from ..engine import Context, Function
from ..tensor import Array, Tensor


def values(x: Any) -> Any:
    """Return the array of a Tensor, or `x` itself."""
    return x.data if isinstance(x, Tensor) else x


def operands(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Make two operands one dtype without a silent change of precision.

    Numbers take the dtype of the other operand, and so do integer and boolean arrays. Raises
    TypeError for two floating dtypes, and for arrays in two memories.
    """
    a, b = _number(a), _number(b)
    x, y = values(a), values(b)
    da, db = getattr(x, "dtype", None), getattr(y, "dtype", None)
    if da is None or db is None:
        return a, b
    if type(x) is not type(y):
        arrays.require_same_place(f"the first operand of {name}", x, **{"the second": y})
    if da == db:
        return a, b
    if da.kind == "f" and db.kind == "f":
        raise TypeError(f"{name}: {da} with {db}; cast one of them, e.g. with .astype(np.{da})")
    if da.kind == "f" and not isinstance(b, Tensor | None):
        return a, b.astype(da)
    if da.kind == "f":
        return a, Tensor(y.astype(da))
    if db.kind == "f":
        return Tensor(x.astype(db)), b
    return a, b


def _number(x: Any) -> Any:
    if isinstance(x, np.generic):
        return x.item()  # a NumPy scalar would impose its float64
    if isinstance(x, Tensor | np.ndarray | int | float) or arrays.is_device(x):
        return x
    raise TypeError(f"expected a Tensor, an array or a number, got {type(x).__name__}")


def require_float(x: Tensor, name: str) -> None:
    """Raise TypeError unless `x` holds floating numbers."""
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: expected a floating tensor, got {x.dtype}")


class Add(Function):
    """y = a + b; both inputs receive dy unchanged."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        """Add with broadcasting."""
        return a + b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = db = dy."""
        return dy, dy


class Sub(Function):
    """y = a - b."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        """Subtract with broadcasting."""
        return a - b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = dy, db = -dy."""
        return dy, -dy if ctx.needs[1] else None


class Mul(Function):
    """y = a b."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        """Multiply with broadcasting."""
        ctx.save(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = b dy, db = a dy."""
        a, b = ctx.saved
        return dy * b if ctx.needs[0] else None, dy * a if ctx.needs[1] else None


class Div(Function):
    """y = a / b."""

    @staticmethod
    def forward(ctx: Context, a: Any, b: Any) -> Any:
        """Divide with broadcasting."""
        y = a / b
        ctx.save(b, y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = dy / b, db = -y dy / b."""
        b, y = ctx.saved
        da = dy / b
        return da, -da * y if ctx.needs[1] else None


class Neg(Function):
    """y = -x."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """Change the sign."""
        return -x

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = -dy."""
        return -dy


class Power(Function):
    """y = x^p for a number p."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, exponent: float) -> Any:
        """Raise to a constant power."""
        ctx.save(x, exponent)
        return x**exponent

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = p x^(p-1) dy, and 0 for p = 0 (also at x = 0)."""
        x, p = ctx.saved
        if p == 0:
            return arrays.module_of(x).zeros_like(x)
        return dy * (p * x ** (p - 1))


class MatMul(Function):
    """y = a @ b, batched over leading dimensions, which broadcast."""

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Any:
        """Multiply matrices, as np.matmul."""
        ctx.save(a, b)
        return a @ b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = dy bᵀ, db = aᵀ dy; vectors are matrices of one row or column."""
        a, b = ctx.saved
        am = a[None, :] if a.ndim == 1 else a
        bm = b[:, None] if b.ndim == 1 else b
        if a.ndim == 1:
            dy = dy[..., None, :] if b.ndim > 1 else dy[..., None]
        if b.ndim == 1:
            dy = dy[..., None]
        da = _sum_batch(dy @ bm.swapaxes(-1, -2), am.shape).reshape(a.shape)
        db = _sum_batch(am.swapaxes(-1, -2) @ dy, bm.shape).reshape(b.shape)
        return da, db


def _sum_batch(dx: Array, shape: tuple[int, ...]) -> Array:
    """Sum over batch dimensions that the other factor had and this one lacks (or has as 1)."""
    added = tuple(range(dx.ndim - len(shape)))
    dx = dx.sum(axis=added) if added else dx
    stretched = tuple(i for i, n in enumerate(shape[:-2]) if n == 1 and dx.shape[i] != 1)
    return dx.sum(axis=stretched, keepdims=True) if stretched else dx


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
    """Return a / b, with broadcasting."""
    return Div.apply(*operands("div", a, b))


def neg(x: Tensor) -> Tensor:
    """Return -x."""
    return Neg.apply(x)


def power(x: Tensor, exponent: float) -> Tensor:
    """Return x ** exponent for a number as exponent."""
    if isinstance(exponent, Tensor) or arrays.is_array(exponent):
        raise TypeError("power: the exponent must be a number; for tensors use (b * a.log()).exp()")
    return Power.apply(x, exponent=_number(exponent))


def matmul(a: Any, b: Any) -> Tensor:
    """Return a @ b: matrices or vectors, batched over leading dimensions."""
    for name, x in (("a", a), ("b", b)):
        if not (isinstance(x, Tensor) or arrays.is_array(x)) or x.ndim == 0:
            raise TypeError(f"matmul: {name} must be a tensor of at least one dimension")
    return MatMul.apply(*operands("matmul", a, b))
