"""The linear layer.

forward    y = x wᵀ + b         x (M, I), w (O, I), b (O,) or None, y (M, O)
backward   dx = dy w,  dw = dyᵀ x,  db = Σ_m dy

Versions
    v1  NumPy matrix products
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import ALL, Arguments, Array, Case, KernelSpec, Needs, versions
from .product import product

Gradients = tuple[Array | None, Array | None, Array | None]


class LinearSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # (M, I)
    w: Array  # (O, I)
    has_b: bool  # whether there was a b


def linear_forward_v1(x: Array, w: Array, b: Array | None) -> tuple[Any, ...]:
    """y[m,o] = Σ_i x[m,i] w[o,i] + b[o]."""
    y = product(x, w.T)  # (M, I) @ (I, O) = (M, O)
    return y if b is None else y + b, x, w, b is not None


def linear_backward_v1(dy: Array, x: Array, w: Array, has_b: bool, needs: Needs = ALL) -> Gradients:
    """dx, dw, db; None where not needed."""
    return (
        product(dy, w) if needs[0] else None,  # dx[m,i] = Σ_o dy[m,o] w[o,i]: (M, O) @ (O, I)
        product(dy.T, x) if needs[1] else None,  # dw[o,i] = Σ_m dy[m,o] x[m,i]: (O, M) @ (M, I)
        dy.sum(axis=0) if has_b and needs[2] else None,  # db[o] = Σ_m dy[m,o]: (O,)
    )


def _check_forward(x: Any, w: Any, b: Any = None) -> Arguments:
    x, w = checks.floating("x", x, "(M, I)"), checks.floating("w", w, "(O, I)")
    b = None if b is None else checks.floating("b", b, "(O,)")
    checks.same_dtype("x", x, w=w, b=b)
    if 0 in w.shape:
        raise ValueError(f"w: expected sizes (O, I) of at least 1, got {w.shape}")
    if x.shape[1] != w.shape[1]:
        raise ValueError(f"x has {x.shape[1]} features, w of shape {w.shape} takes {w.shape[1]}")
    if b is not None:
        checks.has_shape("b", b, w.shape[:1], "one per row of w")
    return (x, w, b), {}


def _check_backward(dy: Any, x: Array, w: Array, has_b: bool) -> None:
    checks.upstream(dy, x, (len(x), len(w)))


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, m: int, i: int, o: int, bias: bool = True) -> Case:
        b = rng.standard_normal(o) if bias else None
        return Case(label, (rng.standard_normal((m, i)), rng.standard_normal((o, i)), b))

    return [
        case("odd sizes", 7, 5, 3),
        case("no bias", 4, 6, 2, bias=False),
        case("one by one", 1, 1, 1),
        case("empty batch", 0, 4, 3),
        case("beyond a tile", 33, 70, 37),
    ]


SPEC = KernelSpec(
    name="linear",
    formula="y = x w^T + b",
    inputs={"x": "(M, I)", "w": "(O, I)", "b": "(O,) or None"},
    gradients={"dx": ("x",), "dw": ("w",), "db": ("b",)},
    saved=LinearSaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x, w, b=None: 2 * x.shape[0] * w.size,
    bytes=lambda x, w, b=None: x.nbytes + w.nbytes + len(x) * len(w) * x.itemsize,
)
VERSIONS = versions(__doc__, (linear_forward_v1, linear_backward_v1))
