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

from ..memory import empty, zeros
from ..spec import ALL, Array, Needs, versions
from .machine import blas
from .machine.layout import plain
from .machine.loops import loop
from .machine.matmul import matmul
from .machine.threads import parts, run

Gradients = tuple[Array | None, Array | None, Array | None]
SMALLEST_FLOPS = 1 << 19  # below that a thread costs more than it saves
SMALL_PRODUCT = 1 << 22  # multiply-adds: below that a helper takes the GIL more than it helps


@loop
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


def linear_backward_v1(dy: Array, x: Array, w: Array, has_b: bool, needs: Needs = ALL) -> Gradients:
    """dx, dw, db; None where not needed."""
    dy, x = plain(dy), plain(x)
    dx = _product(dy, plain(w), zeros(x.shape, x.dtype)) if needs[0] else None
    dw = _product(dy.T, x, zeros(w.shape, w.dtype)) if needs[1] else None
    return dx, dw, _bias_gradient(dy) if has_b and needs[2] else None


def _bias_gradient(dy: Array) -> Array:
    db: Array = dy.sum(axis=0, dtype=np.float64).astype(dy.dtype)
    return db


def _blas_products(*pairs: tuple[Array, Array]) -> list[Array]:
    """Return a @ b of each pair, the rows of all of them spread over the threads.

    The pieces depend on the sizes alone: BLAS may sum in another order for other sizes.
    """
    if all(len(a) * b.size < SMALL_PRODUCT for a, b in pairs):
        return [np.asarray(a @ b) for a, b in pairs]
    pieces: list[blas.Product] = []
    results = []
    for a, b in pairs:
        y = empty((len(a), b.shape[1]), a.dtype)
        cuts = parts(len(y), 16 * SMALLEST_FLOPS // (2 * b.size + 1) + 1)
        for i in range(cuts):
            rows = slice(i * len(y) // cuts, (i + 1) * len(y) // cuts)
            pieces.append((a[rows], b, y[rows]))
        results.append(y)
    run(blas.multiply, len(pieces), pieces)
    return results


def linear_forward_v2(x: Array, w: Array, b: Array | None) -> tuple[Any, ...]:
    """y = x @ wᵀ, b added in place."""
    (y,) = _blas_products((x, w.T))
    if b is not None:
        y += b
    return y, x, w, b is not None


def linear_backward_v2(dy: Array, x: Array, w: Array, has_b: bool, needs: Needs = ALL) -> Gradients:
    """dx, dw, db; None where not needed."""
    pairs = [pair for pair, needed in (((dy, w), needs[0]), ((dy.T, x), needs[1])) if needed]
    products = iter(_blas_products(*pairs))
    return (
        next(products) if needs[0] else None,
        next(products) if needs[1] else None,
        _bias_gradient(dy) if has_b and needs[2] else None,
    )


VERSIONS = versions(
    __doc__, (linear_forward_v1, linear_backward_v1), (linear_forward_v2, linear_backward_v2)
)
