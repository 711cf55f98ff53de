"""ReLU: the identity where x > 0, zero elsewhere.

forward    y = max(x, 0)             x, y of any shape
backward   dx = dy where y > 0       0 at the kink; a NaN passes both ways, as in PyTorch

Versions
    v1  NumPy comparisons and selection
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import Arguments, Array, Case, KernelSpec, versions


class ReLUSaved(NamedTuple):
    """What forward leaves for backward."""

    y: Array  # any shape; its sign is all that backward needs


def relu_forward_v1(x: Array) -> tuple[Array, Array]:
    """y = max(x, 0)."""
    y = np.where(x < 0, x.dtype.type(0), x)  # `x < 0` is false for NaN, which therefore stays
    return y, y


def relu_backward_v1(dy: Array, y: Array) -> Array:
    """dx = dy where y > 0, else 0."""
    return np.where(y <= 0, dy.dtype.type(0), dy)


def _check_forward(x: Any) -> Arguments:
    return (checks.floating("x", x),), {}


def _check_backward(dy: Any, y: Array) -> None:
    checks.upstream(dy, y, y.shape)


def _cases(rng: np.random.Generator) -> list[Case]:
    shapes: list[tuple[int, ...]] = [(2, 3, 5, 4), (7,), (), (0, 3), (3, 1), (64, 16, 9, 9)]
    cases = [Case(f"shape {s}", (np.asarray(rng.standard_normal(s)),)) for s in shapes]
    return [*cases, Case("zeros", (np.zeros((3, 4)),), at_kinks=True)]


SPEC = KernelSpec(
    name="relu",
    formula="y = max(x, 0)",
    inputs={"x": "any shape"},
    gradients={"dx": ("x",)},
    saved=ReLUSaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x: x.size,
    bytes=lambda x: 2 * x.nbytes,
    tolerance={"float64": 0.0, "float32": 1e-7},
    branch=lambda saved: saved.y > 0,
)
VERSIONS = versions(__doc__, (relu_forward_v1, relu_backward_v1))
