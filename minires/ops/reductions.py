"""Reductions over dimensions: sum, mean, var, max, min, and where the last two are."""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels.arrays import as_array, module_of

from ..function import Context, Function
from ..tensor import Array, Dims, Tensor
from .elementwise import require_float
from .shapes import dim_of, dims_of, reshape


class Sum(Function):
    """y = sum of x over some dimensions;  dx = dy, repeated along them."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, dims: tuple[int, ...], keepdim: bool) -> Any:
        ctx.save(x.shape, dims)
        return x.sum(axis=dims, keepdims=keepdim) if dims else x.copy()

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        shape, dims = ctx.saved
        kept = tuple(1 if i in dims else n for i, n in enumerate(shape))
        return module_of(dy).broadcast_to(dy.reshape(kept), shape).copy()


class Extreme(Function):
    """y = maximum or minimum of x over `dim`, the first of equals;  dx = dy there, 0 elsewhere."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, dim: int, keepdim: bool, largest: bool) -> Any:
        xp = module_of(x)
        winner = xp.expand_dims(x.argmax(axis=dim) if largest else x.argmin(axis=dim), dim)
        ctx.save(x.shape, dim, winner)
        ctx.branch(winner)
        y = xp.take_along_axis(x, winner, dim)
        return y if keepdim else y.squeeze(dim)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        shape, dim, winner = ctx.saved
        xp = module_of(dy)
        dx = xp.zeros(shape, dy.dtype)
        xp.put_along_axis(dx, winner, dy.reshape(winner.shape), dim)
        return dx


def sum(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Sum over `dim` (an int, a tuple, or None for all)."""
    return Sum.apply(x, dims=dims_of(x, dim), keepdim=keepdim)


def mean(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Average over `dim` (an int, a tuple, or None for all)."""
    require_float(x, "mean")
    count = int(np.prod([x.shape[d] for d in dims_of(x, dim)], dtype=np.int64))
    if count == 0:
        raise ValueError(f"mean of no elements: shape {x.shape}, dim {dim}")
    return sum(x, dim, keepdim) / count


def var(x: Tensor, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """Variance over `dim`: the sum of squared deviations divided by n - correction."""
    require_float(x, "var")
    require_float(x, "var")
    count = int(np.prod([x.shape[d] for d in dims_of(x, dim)], dtype=np.int64))
    if count <= correction:
        raise ValueError(f"var of {count} elements with correction {correction}: need more")
    centred = x - mean(x, dim, keepdim=True)
    return sum(centred * centred, dim, keepdim) / (count - correction)


def max(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Maximum over one dimension, or over all with None. The gradient goes to the first winner."""
    return _extreme("max", x, dim, keepdim)


def min(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Minimum over one dimension, or over all with None. The gradient goes to the first winner."""
    return _extreme("min", x, dim, keepdim)


def _extreme(name: str, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if x.size == 0:
        raise ValueError(f"{name} of no elements: shape {x.shape}")
    if dim is None:
        y = Extreme.apply(reshape(x, -1), dim=0, keepdim=False, largest=name == "max")
        return reshape(y, (1,) * x.ndim) if keepdim else y
    return Extreme.apply(x, dim=dim_of(x, dim), keepdim=keepdim, largest=name == "max")


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return where the maximum is, the first of equals: integers, without a gradient."""
    return _place(x, "argmax", dim, keepdim)


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return where the minimum is, the first of equals: integers, without a gradient."""
    return _place(x, "argmin", dim, keepdim)


def _place(x: Tensor, name: str, dim: int | None, keepdim: bool) -> Tensor:
    if x.size == 0:
        raise ValueError(f"{name} of no elements: shape {x.shape}")
    if dim is None:
        place = as_array(getattr(x.data.reshape(-1), name)())
        return Tensor(place.reshape((1,) * x.ndim) if keepdim else place)
    axis = dim_of(x, dim)
    place = as_array(getattr(x.data, name)(axis=axis))
    return Tensor(module_of(place).expand_dims(place, axis) if keepdim else place)
