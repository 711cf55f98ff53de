"""Functions of each element: -x, exp, log, sqrt, abs, tanh, sigmoid, clip, where."""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels.arrays import as_array, module_of, require_same_device

from ..function import Context, Function
from ..tensor import Array, Tensor
from .arithmetic import operands, plain, values


def require_float(x: Any, name: str) -> None:
    """Raise TypeError unless `x` is a tensor (or an array) of floating numbers."""
    if not hasattr(x, "dtype"):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}; minires.tensor(...)")
    if x.dtype.kind != "f":
        raise TypeError(
            f"{name}: expected a floating tensor, got {x.dtype}; use .astype(np.float32)"
        )


class Neg(Function):
    """y = -x;  dx = -dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        return -x

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        return -dy


class Exp(Function):
    """y = exp(x);  dx = y dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        y = module_of(x).exp(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (y,) = ctx.saved
        return dy * y


class Log(Function):
    """y = ln(x);  dx = dy / x."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        ctx.save(x)
        return module_of(x).log(x)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (x,) = ctx.saved
        return dy / x


class Sqrt(Function):
    """y = √x;  dx = dy / (2 y), infinite at 0."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        y = module_of(x).sqrt(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (y,) = ctx.saved
        return dy / (2 * y)


class Abs(Function):
    """y = |x|;  dx = sign(x) dy, 0 at the kink."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        sign = module_of(x).sign(x)
        ctx.save(sign)
        ctx.branch(sign)
        return module_of(x).abs(x)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (sign,) = ctx.saved
        return dy * sign


class Tanh(Function):
    """y = tanh(x);  dx = (1 - y²) dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        y = module_of(x).tanh(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (y,) = ctx.saved
        return dy * (1 - y * y)


class Sigmoid(Function):
    """y = 1 / (1 + exp(-x)), without overflow for large |x|;  dx = y (1 - y) dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        xp = module_of(x)
        e = xp.exp(-xp.abs(x))  # exp only ever sees -|x|
        y = xp.where(x >= 0, 1 / (1 + e), e / (1 + e))
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (y,) = ctx.saved
        return dy * (y * (1 - y))


class Clip(Function):
    """y = min(max(x, low), high);  dx = dy inside the limits (which count as inside), 0 outside."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, low: float | None, high: float | None) -> Any:
        xp = module_of(x)
        inside = xp.ones(x.shape, bool)
        if low is not None:
            inside &= x >= low
        if high is not None:
            inside &= x <= high
        ctx.save(inside)
        ctx.branch(inside)
        return xp.clip(x, low, high)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (inside,) = ctx.saved
        return module_of(dy).where(inside, dy, dy.dtype.type(0))


def neg(x: Tensor) -> Tensor:
    """Return -x."""
    return Neg.apply(x)


def abs(x: Tensor) -> Tensor:
    """Return the absolute value of each element; the gradient at 0 is 0."""
    if x.dtype == bool:
        raise TypeError("abs: expected numbers, got booleans")
    return Abs.apply(x)


def exp(x: Tensor) -> Tensor:
    """Return e to the power of each element."""
    require_float(x, "exp")
    return Exp.apply(x)


def log(x: Tensor) -> Tensor:
    """Return the natural logarithm of each element."""
    require_float(x, "log")
    return Log.apply(x)


def sqrt(x: Tensor) -> Tensor:
    """Return the square root of each element."""
    require_float(x, "sqrt")
    return Sqrt.apply(x)


def tanh(x: Tensor) -> Tensor:
    """Return the hyperbolic tangent of each element."""
    require_float(x, "tanh")
    return Tanh.apply(x)


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x)) of each element."""
    require_float(x, "sigmoid")
    return Sigmoid.apply(x)


def clip(x: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """Limit each element to [min, max], two numbers; either may be None.

    Between limits that are floats, integers become float32.
    """
    if min is None and max is None:
        raise ValueError("clip: give min, max or both")
    low, high = (None if limit is None else plain("clip", limit) for limit in (min, max))
    for limit in (low, high):
        if not isinstance(limit, int | float | None):
            raise TypeError(f"clip: expected numbers as limits, got {type(limit).__name__}")
    if x.dtype.kind != "f" and isinstance(low, float) | isinstance(high, float):
        x = Tensor(x.data.astype(np.float32))
    return Clip.apply(x, low=low, high=high)


class Where(Function):
    """y = a where the mask is true, b elsewhere;  da = dy there, db = dy elsewhere."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, mask: Array, a: Any, b: Any) -> Any:
        ctx.save(mask)
        return module_of(mask).where(mask, a, b)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (mask,) = ctx.saved
        zero, where = dy.dtype.type(0), module_of(mask).where
        da = where(mask, dy, zero) if ctx.needs[1] else None
        return None, da, where(mask, zero, dy) if ctx.needs[2] else None


def where(mask: Any, a: Any, b: Any) -> Tensor:
    """Return `a` where `mask` (booleans) is true, else `b`; all three broadcast."""
    m = as_array(values(mask))
    if m.dtype != bool:
        raise TypeError(f"where: expected a boolean mask, got {m.dtype}; compare first, e.g. x > 0")
    a, b = operands("where", a, b)
    xs = [v for v in (values(a), values(b)) if hasattr(v, "dtype")]
    for x in xs:
        require_same_device("the mask", m, **{"a value of where": x})
    dtype = xs[0].dtype if xs else np.dtype(np.float32)
    # `where` would take a Python number as float64
    xp = module_of(m)
    a, b = (xp.asarray(v, dtype) if isinstance(v, int | float) else v for v in (a, b))
    return Where.apply(m, a, b)
