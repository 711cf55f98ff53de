"""Activations beside relu: functions of each element, and softmax along a dimension."""

from __future__ import annotations

from typing import Any, Literal

from minires_kernels import checks
from minires_kernels.arrays import module_of

from .. import ops
from ..function import Context, Function
from ..tensor import Array, Tensor
from .kernels import Gated, require_tensor

Approximate = Literal["none", "tanh"]


class LeakyReLU(Function):
    """y = x where x > 0, else a x;  dx = dy there, else a dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, slope: float) -> Any:
        positive = x > 0
        ctx.save(positive, slope)
        ctx.branch(positive)
        return module_of(x).where(positive, x, slope * x)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        positive, slope = ctx.saved
        return module_of(dy).where(positive, dy, slope * dy)


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x; the gradient at 0 is the slope. Maas et al. 2013."""
    ops.require_float(require_tensor("x", x), "leaky_relu")
    slope = checks.real("negative_slope", negative_slope, minimum=-float("inf"))
    return LeakyReLU.apply(x, slope=slope)


def gelu(x: Tensor, approximate: Approximate = "none") -> Tensor:
    """x Φ(x), Φ being the normal distribution function. Hendrycks and Gimpel 2016 (1606.08415).

    With approximate="tanh" x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, which differs by < 0.0005.
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate: expected 'none' or 'tanh', got {approximate!r}")
    return Gated.apply(require_tensor("x", x), gate="normal" if approximate == "none" else "tanh")


def silu(x: Tensor) -> Tensor:
    """x / (1 + exp(-x)), also called swish. Elfwing et al. 2017 (1702.03118)."""
    return Gated.apply(require_tensor("x", x), gate="logistic")


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """x - log(sum(exp(x))) along `dim`, without overflow."""
    ops.require_float(require_tensor("x", x), "log_softmax")
    shifted = x - x.detach().max(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`, without overflow."""
    ops.require_float(require_tensor("x", x), "softmax")
    return log_softmax(x, dim).exp()
