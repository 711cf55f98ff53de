"""Moving tensors between NumPy's memory and a GPU's."""

from __future__ import annotations

from typing import Any

from minires_kernels import arrays

from ..engine import Context, Function
from ..tensor import Array, Tensor


class Move(Function):
    """The same values in another memory."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, device: str) -> Any:
        """Copy to "cpu" or "cuda"."""
        ctx.save(arrays.place_of(x))
        return arrays.to_place(x, device)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = dy, back where x is."""
        return arrays.to_place(dy, ctx.saved[0])


def to(x: Tensor, device: str) -> Tensor:
    """Return `x` on "cpu" or "cuda", itself if it is there already."""
    return x if device == x.device else Move.apply(x, device=device)
