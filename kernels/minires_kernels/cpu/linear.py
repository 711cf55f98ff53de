"""The linear layer on the CPU.

forward    y = x wᵀ + b            x (M, I), w (O, I), b (O,), y (M, O)
backward   dx = dy w,  dw = dyᵀ x,  db = Σ_m dy
threads    a thread owns rows of y, of dx, or of dw

Versions
    v1  the blocked product of matmul.py
    v2  the BLAS library that NumPy brings, one thread for each piece of the rows (see blas.py)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spec import Array, versions
from .jit import jit
from .layout import plain
from .matmul import matmul
from ..memory import empty, zeros
from .threads import parts, run

Gradients = tuple[Array | None, Array | None, Array | None]
SMALLEST_FLOPS = 1 << 19  # of one chunk


@jit
def _blocked(lo: int, hi: int, a: Array, b: Array, y: Array, cuts: int) -> None:
    """y += a @ b for pieces lo … hi - 1 of the rows, of which there are `cuts`."""
    for i in range(lo, hi):
        top, bottom = i * len(y) // cuts, (i + 1) * len(y) // cuts
        matmul(a[top:bottom], b, y[top:bottom])


def _product(a: Array, b: Array, y: Array) -> Array:
    """y += a @ b, rows of y spread over the threads in pieces that depend on the sizes alone."""
    cuts = parts(len(y), SMALLEST_FLOPS // (2 * b.size + 1) + 1)
    run(_blocked, cuts, a, b, y, cuts)
    return y


def linear_forward_v1(x: Array, w: Array, b: Array | None) -> tuple[Any, ...]:
    """y starts as b and takes in x @ wᵀ."""
    y = zeros((len(x), len(w)), x.dtype)
    if b is not None:
        y += b
    return _product(plain(x), plain(w.T), y), x, w, b is not None


def linear_backward_v1(
    dy: Array, x: Array, w: Array, has_b: bool, needs: tuple[bool, bool, bool] = (True,) * 3
) -> Gradients:
    """dx, dw, db; None where not needed."""
    dy, x = plain(dy), plain(x)
    dx = _product(dy, plain(w), zeros(x.shape, x.dtype)) if needs[0] else None
    dw = _product(dy.T, x, zeros(w.shape, w.dtype)) if needs[1] else None
    return dx, dw, _bias_gradient(dy) if has_b and needs[2] else None


def _bias_gradient(dy: Array) -> Array:
    db: Array = dy.sum(axis=0, dtype=np.float64).astype(dy.dtype)
    return db


def _blas(lo: int, hi: int, a: Array, b: Array, y: Array, cuts: int) -> None:
    """As `_blocked`, y = a @ b; NumPy lets other threads run meanwhile."""
    for i in range(lo, hi):
        top, bottom = i * len(y) // cuts, (i + 1) * len(y) // cuts
        np.matmul(a[top:bottom], b, out=y[top:bottom])


def _blas_product(a: Array, b: Array) -> Array:
    """a @ b, in pieces as in `_product`: BLAS may sum in another order for other sizes."""
    if a.shape[0] * b.size < 16 * SMALLEST_FLOPS:
        return np.asarray(a @ b)
    y = empty((a.shape[0], b.shape[1]), a.dtype)
    cuts = parts(len(y), 16 * SMALLEST_FLOPS // (2 * b.size + 1) + 1)
    run(_blas, cuts, a, b, y, cuts)
    return y


def linear_forward_v2(x: Array, w: Array, b: Array | None) -> tuple[Any, ...]:
    """y = x @ wᵀ, b added in place."""
    y = _blas_product(x, w.T)
    if b is not None:
        y += b
    return y, x, w, b is not None


def linear_backward_v2(
    dy: Array, x: Array, w: Array, has_b: bool, needs: tuple[bool, bool, bool] = (True,) * 3
) -> Gradients:
    """dx, dw, db; None where not needed."""
    return (
        _blas_product(dy, w) if needs[0] else None,
        _blas_product(dy.T, x) if needs[1] else None,
        _bias_gradient(dy) if has_b and needs[2] else None,
    )


VERSIONS = versions(
    __doc__, (linear_forward_v1, linear_backward_v1), (linear_forward_v2, linear_backward_v2)
)
