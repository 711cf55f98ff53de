"""Powers: a tensor to the power of a number, and a number to the power of a tensor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minires_kernels import arrays

from ..function import Context, Function
from ..tensor import Array, Tensor
from .arithmetic import plain


class Power(Function):
    """y = x^p for a number p;  dx = p x^(p-1) dy, and 0 for p = 0 (also at x = 0)."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, exponent: float) -> Any:
        ctx.save(x, exponent)
        return x**exponent

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        x, p = ctx.saved
        if p == 0:
            return arrays.module_of(x).zeros_like(x)
        return dy * (p * x ** (p - 1))


class PowerOf(Function):
    """y = b^x for a number b > 0;  dx = ln(b) y dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, base: float) -> Any:
        y = arrays.module_of(x).power(x.dtype.type(base), x)
        ctx.save(y, base)
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        y, base = ctx.saved
        return dy * (math.log(base) * y)


def power(x: Any, exponent: Any) -> Tensor:
    """Return x ** exponent, one of which is a number; an integer tensor keeps its dtype if it can.

    A number as base must be above 0. Raises TypeError for two tensors, ValueError for the base.
    """
    if isinstance(x, Tensor):
        p = plain("power", exponent)
        if not isinstance(p, int | float):
            raise TypeError(
                f"power: expected a number as exponent, got {type(p).__name__}; for tensors use "
                "(b * a.log()).exp()"
            )
        whole = isinstance(p, int) and p >= 0
        return Power.apply(x if whole or x.dtype.kind == "f" else _float(x), exponent=p)
    if not isinstance(base := plain("power", x), int | float):
        raise TypeError(f"power: expected a number as base, got {type(x).__name__}")
    if not base > 0:
        raise ValueError(f"power: the base of a tensor's power must be above 0, got {base}")
    return PowerOf.apply(
        exponent if exponent.dtype.kind == "f" else _float(exponent), base=float(base)
    )


def _float(x: Tensor) -> Tensor:
    return Tensor(x.data.astype(np.float32))
