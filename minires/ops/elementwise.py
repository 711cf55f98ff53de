"""Functions of each element: exp, log, sqrt, tanh, sigmoid, clip, where."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Context, Function
from ..tensor import Array, Tensor
from .arithmetic import operands, require_float, values


class Exp(Function):
    """y = exp(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """Exponential."""
        y = np.exp(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = y dy."""
        (y,) = ctx.saved
        return np.asarray(dy * y)


class Log(Function):
    """y = ln(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """Natural logarithm."""
        ctx.save(x)
        return np.log(x)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy / x."""
        (x,) = ctx.saved
        return np.asarray(dy / x)


class Sqrt(Function):
    """y = sqrt(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """Square root."""
        y = np.sqrt(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy / (2 y), infinite at 0."""
        (y,) = ctx.saved
        return np.asarray(dy / (2 * y))


class Tanh(Function):
    """y = tanh(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """Hyperbolic tangent."""
        y = np.tanh(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = (1 - y²) dy."""
        (y,) = ctx.saved
        return np.asarray(dy * (1 - y * y))


class Sigmoid(Function):
    """y = 1 / (1 + exp(-x)), without overflow for large |x|."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """Logistic function; exp only ever sees -|x|."""
        e = np.exp(-np.abs(x))
        y = np.where(x >= 0, 1 / (1 + e), e / (1 + e))
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = y (1 - y) dy."""
        (y,) = ctx.saved
        return np.asarray(dy * (y * (1 - y)))


class Clip(Function):
    """y = min(max(x, low), high)."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, low: float | None, high: float | None) -> Array:
        """Limit to [low, high]."""
        inside = np.ones(x.shape, bool)
        if low is not None:
            inside &= x >= low
        if high is not None:
            inside &= x <= high
        ctx.save(inside)
        ctx.branch(inside)
        return np.clip(x, low, high)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy inside the limits (which count as inside), 0 outside."""
        (inside,) = ctx.saved
        return np.where(inside, dy, dy.dtype.type(0))


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
    """Limit each element to [min, max]; either may be None."""
    if min is None and max is None:
        raise ValueError("clip: give min, max or both")
    return Clip.apply(x, low=min, high=max)


class Where(Function):
    """y = a where the mask is true, b elsewhere."""

    @staticmethod
    def forward(ctx: Context, mask: Array, a: Any, b: Any) -> Array:
        """Select with broadcasting."""
        ctx.save(mask)
        return np.asarray(np.where(mask, a, b))

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = dy where the mask is true, db = dy elsewhere."""
        (mask,) = ctx.saved
        zero = dy.dtype.type(0)
        return None, np.where(mask, dy, zero), np.where(mask, zero, dy)


def where(mask: Any, a: Any, b: Any) -> Tensor:
    """Return `a` where `mask` (booleans) is true, else `b`; all three broadcast."""
    m = np.asarray(values(mask))
    if m.dtype != bool:
        raise TypeError(f"where: expected a boolean mask, got {m.dtype}; compare first, e.g. x > 0")
    a, b = operands("where", a, b)
    like = values(a) if hasattr(values(a), "dtype") else values(b)
    dtype = getattr(like, "dtype", np.dtype(np.float32))
    # np.where would take a Python number as float64
    a, b = (np.asarray(v, dtype) if isinstance(v, int | float) else v for v in (a, b))
    return Where.apply(m, a, b)
