"""Batch normalisation, then ReLU; or the end of a residual block: both, with an addition between.

forward    y = max(batch_norm(x) + residual, 0)      residual 0 if None
backward   g = dy where y > 0;  dresidual = g;  dx, dweight, dbias as batch_norm's, of g
shapes     x (N, C) or (N, C, H, W); residual and y like x; weight, bias, mean, var (C,) or None
source     He et al. 2015 (1512.03385), Figure 2, with Ioffe and Szegedy 2015 (1502.03167)

Versions
    v1  the kernels it consists of, one after another
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import ALL, Arguments, Array, Case, KernelSpec, Needs, versions
from . import batch_norm
from .batch_norm import batch_norm_backward_v1, batch_norm_forward_v1
from .relu import relu_backward_v1, relu_forward_v1

Gradients = tuple[Array | None, Array | None, Array | None, Array | None]


class BatchNormReLUSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # (N, C) or (N, C, H, W)
    weight: Array | None  # (C,)
    bias: Array | None  # (C,)
    mean: Array  # (C,), the one used
    var: Array  # (C,), the one used
    eps: float
    training: bool  # whether mean and var are of x
    y: Array  # the shape of x
    added: bool  # whether there was a residual


def batch_norm_relu_forward_v1(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """z = batch_norm(x); y = max(z + residual, 0). All have the shape of x."""
    z, _, _, mean, var, _, training = batch_norm_forward_v1(x, weight, bias, mean, var, eps=eps)
    y, _ = relu_forward_v1(z if residual is None else z + residual)
    return y, x, weight, bias, mean, var, eps, training, y, residual is not None


def batch_norm_relu_backward_v1(
    dy: Array,
    x: Array,
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
    """dx, dweight, dbias, dresidual; None where not needed."""
    g = relu_backward_v1(dy, y)  # the gradient of z, and of the residual
    gradients = batch_norm_backward_v1(g, x, weight, mean, var, eps, training, needs)
    return (*gradients, g if added and needs[5] else None)


def _check_forward(
    x: Any, weight: Any = None, bias: Any = None, mean: Any = None, var: Any = None,
    residual: Any = None, *, eps: Any = 1e-5,
) -> Arguments:  # fmt: skip
    (x, *others), options = batch_norm.SPEC.check_forward(x, weight, bias, mean, var, eps=eps)
    if residual is not None:
        residual = checks.floating("residual", residual)
        checks.same_dtype("x", x, residual=residual)
        checks.has_shape("residual", residual, x.shape, "the shape of x")
    return (x, *others, residual), options


def _check_backward(
    dy: Any, x: Array, weight: Any, bias: Any, mean: Array, var: Array, eps: float, training: bool,
    y: Array, added: bool,
) -> None:  # fmt: skip
    batch_norm.SPEC.check_backward(dy, x, weight, mean, var, eps, training)
    checks.has_shape("y", y, x.shape, "the shape of x")
    if bias is not None:
        checks.has_shape("bias", bias, x.shape[1:2], "one per channel of x")


def _cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for case in batch_norm.SPEC.cases(rng):
        x = case.arrays[0]
        assert x is not None
        residual = rng.standard_normal(x.shape)
        cases.append(Case(f"{case.label}, residual", (*case.arrays, residual)))
        cases.append(Case(case.label, (*case.arrays, None)))
    return cases


SPEC = KernelSpec(
    name="batch_norm_relu",
    formula="y = max(weight (x - mean) / sqrt(var + eps) + bias + residual, 0)",
    inputs={**batch_norm.SPEC.inputs, "residual": "the shape of x, or None"},
    gradients={**batch_norm.SPEC.gradients, "dresidual": ("residual",)},
    saved=BatchNormReLUSaved,
    values=("var",),
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x, *_, **__: 10 * x.size,
    bytes=lambda x, *others, **__: (3 + (len(others) > 4 and others[4] is not None)) * x.nbytes,
    branch=lambda saved: saved.y > 0,
)
VERSIONS = versions(__doc__, (batch_norm_relu_forward_v1, batch_norm_relu_backward_v1))
