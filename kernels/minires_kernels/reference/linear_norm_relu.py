"""A layer of a multilayer perceptron: linear, batch norm, ReLU, perhaps after an addition.

forward    a = x wᵀ;  y = max(batch_norm(a) + residual, 0)      residual 0 if None
backward   da, dweight, dbias, dresidual as batch_norm_relu's;  dx, dw as linear's, of da
shapes     x (M, I), w (O, I); a, residual and y (M, O); the rest (O,)

Versions
    v1  the kernels it consists of, one after another
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import ALL, Arguments, Array, Case, KernelSpec, Needs, versions
from . import batch_norm_relu, linear
from .batch_norm import check_per_channel
from .batch_norm_relu import batch_norm_relu_backward_v1, batch_norm_relu_forward_v1

Gradients = tuple[Array | None, Array | None, Array | None, Array | None, Array | None]


class LinearNormReLUSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # (M, I)
    w: Array  # (O, I)
    a: Array  # (M, O), the product
    weight: Array | None  # (O,)
    bias: Array | None  # (O,)
    mean: Array  # (O,), the one used
    var: Array  # (O,), the one used
    eps: float
    training: bool  # whether mean and var are of a
    y: Array  # (M, O)
    added: bool  # whether there was a residual


def linear_norm_relu_forward_v1(
    x: Array,
    w: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """a (M, O), then y of the same shape."""
    a, *_ = linear.linear_forward_v1(x, w, None)
    y, *saved = batch_norm_relu_forward_v1(a, weight, bias, mean, var, residual, eps=eps)
    return y, x, w, *saved


def linear_norm_relu_backward_v1(
    dy: Array,
    x: Array,
    w: Array,
    a: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    y: Array,
    added: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dw, dweight, dbias, dresidual; None where not needed."""
    saved = (a, weight, bias, mean, var, eps, training, y, added)
    da, *others = batch_norm_relu_backward_v1(dy, *saved, (needs[0] or needs[1], *needs[2:]))
    dx = dw = None
    if da is not None:
        dx, dw, _ = linear.linear_backward_v1(da, x, w, False, needs)
    dweight, dbias, dresidual = others
    return dx, dw, dweight, dbias, dresidual


def _check_forward(
    x: Any, w: Any, weight: Any = None, bias: Any = None, mean: Any = None, var: Any = None,
    residual: Any = None, *, eps: Any = 1e-5,
) -> Arguments:  # fmt: skip
    (x, w, _), _ = linear.SPEC.check_forward(x, w)
    shape = (len(x), len(w))
    given = check_per_channel(x, shape, "the product", weight, bias, mean, var)
    if residual is not None:
        residual = checks.floating("residual", residual)
        checks.same_dtype("x", x, residual=residual)
        checks.has_shape("residual", residual, shape, "the shape of the product")
    return (x, w, *given, residual), {"eps": checks.real("eps", eps)}


def _check_backward(
    dy: Any, x: Array, w: Array, a: Array, weight: Any, bias: Any, mean: Array, var: Array,
    eps: float, training: bool, y: Array, added: bool,
) -> None:  # fmt: skip
    linear.SPEC.check_backward(dy, x, w, False)
    batch_norm_relu.SPEC.check_backward(dy, a, weight, bias, mean, var, eps, training, y, added)


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, m: int, i: int, o: int, added: bool = False, given: bool = False,
             affine: bool = True) -> Case:  # fmt: skip
        x, w = rng.standard_normal((m, i)), rng.standard_normal((o, i))
        weight, bias = rng.standard_normal((2, o)) if affine else (None, None)
        mean, var = (rng.standard_normal(o), rng.uniform(0.5, 2, o)) if given else (None, None)
        residual = rng.standard_normal((m, o)) if added else None
        return Case(label, (x, w, weight, bias, mean, var, residual))

    return [
        case("residual", 6, 4, 4, added=True),
        case("a layer", 7, 5, 3),
        case("not affine", 4, 6, 2, affine=False),
        case("evaluation, residual", 5, 3, 4, added=True, given=True),
        case("evaluation, empty batch", 0, 4, 3, given=True),
        case("beyond a tile", 33, 70, 37),
    ]


def _bytes(x: Array, w: Array, *others: Any, eps: Any = None) -> int:
    """X and w once, a once there and once back, y, and the residual."""
    passes = 3 + (len(others) > 4 and others[4] is not None)
    return int(x.nbytes + w.nbytes + passes * len(x) * len(w) * x.itemsize)


SPEC = KernelSpec(
    name="linear_norm_relu",
    formula="y = max(weight (a - mean) / sqrt(var + eps) + bias + residual, 0), a = x w^T",
    inputs={
        "x": "(M, I)",
        "w": "(O, I)",
        "weight": "(O,)",
        "bias": "(O,)",
        "mean": "(O,)",
        "var": "(O,)",
        "residual": "(M, O), or None",
    },
    gradients={
        "dx": ("x",),
        "dw": ("w",),
        "dweight": ("weight",),
        "dbias": ("bias",),
        "dresidual": ("residual",),
    },
    saved=LinearNormReLUSaved,
    values=("var",),
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x, w, *others, eps=None: 2 * len(x) * w.size + 10 * len(x) * len(w),
    bytes=_bytes,
    branch=lambda saved: saved.y > 0,
)
VERSIONS = versions(__doc__, (linear_norm_relu_forward_v1, linear_norm_relu_backward_v1))
