"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

from minires_kernels import arrays

from ..engine import unbroadcast
from ..function import Context, Function
from ..tensor import Array, Tensor
from .arithmetic import operands


class MatMul(Function):
    """y = a @ b, batched over leading dimensions, which broadcast;  da = dy bᵀ, db = aᵀ dy."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Any:
        ctx.save(a, b)
        return a @ b

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        a, b = ctx.saved
        am = a[None, :] if a.ndim == 1 else a  # vectors are matrices of one row or column
        bm = b[:, None] if b.ndim == 1 else b
        if a.ndim == 1:
            dy = dy[..., None, :] if b.ndim > 1 else dy[..., None]
        if b.ndim == 1:
            dy = dy[..., None]
        da = db = None
        if ctx.needs[0]:
            da = unbroadcast(dy @ bm.swapaxes(-1, -2), am.shape).reshape(a.shape)
        if ctx.needs[1]:
            db = unbroadcast(am.swapaxes(-1, -2) @ dy, bm.shape).reshape(b.shape)
        return da, db


def matmul(a: Any, b: Any) -> Tensor:
    """Return a @ b: matrices or vectors, batched over leading dimensions."""
    for name, x in (("a", a), ("b", b)):
        if not (isinstance(x, Tensor) or arrays.is_array(x)) or x.ndim == 0:
            raise TypeError(f"matmul: {name} must be a tensor of at least one dimension")
    return MatMul.apply(*operands("matmul", a, b))
