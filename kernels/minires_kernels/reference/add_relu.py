"""The end of a residual block: add, then ReLU.

forward    y = max(a + b, 0)       equal shapes
backward   dz = dy where y > 0     the gradient of a and of b alike

Versions
    v1  NumPy
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import Arguments, Array, Case, KernelSpec, versions
from .relu import relu_backward_v1, relu_forward_v1


class AddReLUSaved(NamedTuple):
    """What forward leaves for backward."""

    y: Array  # any shape


def add_relu_forward_v1(a: Array, b: Array) -> tuple[Array, Array]:
    """y = max(a + b, 0)."""
    return relu_forward_v1(a + b)


def add_relu_backward_v1(dy: Array, y: Array) -> Array:
    """dz = dy where y > 0, else 0."""
    return relu_backward_v1(dy, y)


def _check_forward(a: Any, b: Any) -> Arguments:
    a, b = checks.floating("a", a), checks.floating("b", b)
    checks.same_dtype("a", a, b=b)
    checks.has_shape("b", b, a.shape, "the shape of a")
    return (a, b), {}


def _check_backward(dy: Any, y: Array) -> None:
    checks.upstream(dy, y, y.shape)


def _cases(rng: np.random.Generator) -> list[Case]:
    shapes: list[tuple[int, ...]] = [(2, 3, 5, 4), (7,), (), (0, 3), (64, 16, 9, 9)]
    return [
        Case(f"shape {s}", tuple(np.asarray(rng.standard_normal(s)) for _ in range(2)))
        for s in shapes
    ]


SPEC = KernelSpec(
    name="add_relu",
    formula="y = max(a + b, 0)",
    inputs={"a": "any shape", "b": "the shape of a"},
    gradients={"dz": ("a", "b")},
    saved=AddReLUSaved,
    new_gradients=False,  # one array is the gradient of both
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda a, b: 2 * a.size,
    bytes=lambda a, b: 3 * a.nbytes,
    tolerance={"float64": 1e-15, "float32": 1e-6},
    branch=lambda saved: saved.y > 0,
)
VERSIONS = versions(__doc__, (add_relu_forward_v1, add_relu_backward_v1))
