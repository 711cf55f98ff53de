"""The linear layer on the CPU.

forward    y = x wᵀ + b            x (M, I), w (O, I), b (O,), y (M, O)
backward   dx = dy w,  dw = dyᵀ x,  db = Σ_m dy
threads    a thread owns rows of y, of dx, or of dw

Versions
    v1  the blocked product of matmul.py
    v2  the BLAS library that NumPy brings, one thread per piece (see blas.py)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spec import Array, versions
from .jit import jit
from .layout import plain
from .matmul import matmul
from .threads import chunks, run

Gradients = tuple[Array | None, Array | None, Array | None]
SMALLEST_FLOPS = 1 << 19  # of one chunk


@jit
def _rows(i: int, lo: int, hi: int, a: Array, b: Array, y: Array) -> None:
    """Compute y[lo:hi] += a[lo:hi] @ b."""
    matmul(a[lo:hi], b, y[lo:hi])


def _product(a: Array, b: Array, y: Array) -> Array:
    """y += a @ b, rows of y spread over the threads."""
    per_row = 2 * b.size + 1
    run(_rows, chunks(len(y), SMALLEST_FLOPS // per_row + 1), a, b, y)
    return y


def linear_forward_v1(x: Array, w: Array, b: Array | None) -> tuple[Any, ...]:
    """y starts as b and takes in x @ wᵀ."""
    y = np.zeros((len(x), len(w)), x.dtype)
    if b is not None:
        y += b
    return _product(plain(x), plain(w.T), y), x, w, b is not None


def linear_backward_v1(
    dy: Array, x: Array, w: Array, has_b: bool, needs: tuple[bool, bool, bool] = (True,) * 3
) -> Gradients:
    """dx, dw, db; None where not needed."""
    dy, x = plain(dy), plain(x)
    dx = _product(dy, plain(w), np.zeros_like(x)) if needs[0] else None
    dw = _product(dy.T, x, np.zeros(w.shape, w.dtype)) if needs[1] else None
    return dx, dw, _bias_gradient(dy) if has_b and needs[2] else None


def _bias_gradient(dy: Array) -> Array:
    db: Array = dy.sum(axis=0, dtype=np.float64).astype(dy.dtype)
    return db


def _blas_rows(i: int, lo: int, hi: int, a: Array, b: Array, y: Array) -> None:
    """Compute y[lo:hi] = a[lo:hi] @ b; NumPy lets other threads run meanwhile."""
    np.matmul(a[lo:hi], b, out=y[lo:hi])


def _blas_product(a: Array, b: Array) -> Array:
    """a @ b, rows spread over the threads in pieces that depend on the sizes alone."""
    y = np.empty((a.shape[0], b.shape[1]), a.dtype)
    run(_blas_rows, chunks(len(y), 16 * SMALLEST_FLOPS // (2 * b.size + 1) + 1), a, b, y)
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
