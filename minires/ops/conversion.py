"""The same values in another memory, or of another dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minires_kernels import arrays

from ..function import Context, Function
from ..tensor import Array, Tensor


class Move(Function):
    """The same values on "cpu" or "cuda";  dx = dy, back where x is."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, device: str) -> Any:
        ctx.save(arrays.device_of(x))
        return arrays.to_device(x, device)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        return arrays.to_device(dy, ctx.saved[0])


class Cast(Function):
    """The same values, rounded to another floating dtype;  dx = dy in the dtype of x."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, dtype: np.dtype[Any]) -> Any:
        ctx.save(x.dtype)
        return x.astype(dtype)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        return dy.astype(ctx.saved[0])


def to(x: Tensor, target: npt.DTypeLike) -> Tensor:
    """Return `x` on "cpu" or "cuda", or in a dtype; itself if nothing changes.

    Gradients flow back through a move, and through a cast from floats to floats.
    """
    if isinstance(target, str) and target in ("cpu", "cuda"):
        return x if target == x.device else Move.apply(x, device=target)
    try:
        return astype(x, target)
    except TypeError as error:
        kind = ValueError if isinstance(target, str) else TypeError
        raise kind(f"to(): expected 'cpu', 'cuda' or a dtype, got {target!r}") from error


def astype(x: Tensor, dtype: npt.DTypeLike) -> Tensor:
    """Return `x` in another dtype of real numbers, itself if it has it already."""
    found = np.dtype(dtype)
    if found.kind not in "fiub":
        raise TypeError(f"astype: expected a dtype of real numbers, got {found}")
    found = found.newbyteorder("=")
    if found == x.dtype:
        return x
    if found.kind == x.dtype.kind == "f":
        return Cast.apply(x, dtype=found)
    return Tensor(x.data.astype(found))  # no gradient passes through integers
