"""Functions of each element: exp, log, sqrt, tanh, sigmoid, clip, where."""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels.arrays import as_array, module_of, require_same_place

from ..engine import Context, Function
from ..tensor import Array, Tensor
from .arithmetic import operands, require_float, values


class Exp(Function):
    """y = exp(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        """Exponential."""
        y = module_of(x).exp(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = y dy."""
        (y,) = ctx.saved
        return dy * y


class Log(Function):
    """y = ln(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        """Natural logarithm."""
        ctx.save(x)
        return module_of(x).log(x)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = dy / x."""
        (x,) = ctx.saved
        return dy / x


class Sqrt(Function):
    """y = sqrt(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        """Square root."""
        y = module_of(x).sqrt(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = dy / (2 y), infinite at 0."""
        (y,) = ctx.saved
        return dy / (2 * y)


class Tanh(Function):
    """y = tanh(x)."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        """Hyperbolic tangent."""
        y = module_of(x).tanh(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = (1 - y²) dy."""
        (y,) = ctx.saved
        return dy * (1 - y * y)


class Sigmoid(Function):
    """y = 1 / (1 + exp(-x)), without overflow for large |x|."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Any:
        """Logistic function; exp only ever sees -|x|."""
        xp = module_of(x)
        e = xp.exp(-xp.abs(x))
        y = xp.where(x >= 0, 1 / (1 + e), e / (1 + e))
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = y (1 - y) dy."""
        (y,) = ctx.saved
        return dy * (y * (1 - y))


class Clip(Function):
    """y = min(max(x, low), high)."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, low: float | None, high: float | None) -> Any:
        """Limit to [low, high]."""
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
        """dx = dy inside the limits (which count as inside), 0 outside."""
        (inside,) = ctx.saved
        return module_of(dy).where(inside, dy, dy.dtype.type(0))


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
    def forward(ctx: Context, mask: Array, a: Any, b: Any) -> Any:
        """Select with broadcasting."""
        ctx.save(mask)
        return module_of(mask).where(mask, a, b)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = dy where the mask is true, db = dy elsewhere."""
        (mask,) = ctx.saved
        zero, where = dy.dtype.type(0), module_of(mask).where
        return None, where(mask, dy, zero), where(mask, zero, dy)


def where(mask: Any, a: Any, b: Any) -> Tensor:
    """Return `a` where `mask` (booleans) is true, else `b`; all three broadcast."""
    m = as_array(values(mask))
    if m.dtype != bool:
        raise TypeError(f"where: expected a boolean mask, got {m.dtype}; compare first, e.g. x > 0")
    a, b = operands("where", a, b)
    xs = [v for v in (values(a), values(b)) if hasattr(v, "dtype")]
    for x in xs:
        require_same_place("the mask", m, **{"a value of where": x})
    dtype = xs[0].dtype if xs else np.dtype(np.float32)
    # `where` would take a Python number as float64
    xp = module_of(m)
    a, b = (xp.asarray(v, dtype) if isinstance(v, int | float) else v for v in (a, b))
    return Where.apply(m, a, b)
