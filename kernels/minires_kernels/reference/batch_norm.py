"""Batch normalisation over each channel, in training and in evaluation.

forward    y = weight · x̂ + bias,   x̂ = (x - mean) / √(var + eps)
training   mean and (biased) var are those of the M values of each channel of x
evaluation mean and var are given, constants of the backward pass
backward   training:   dx = weight/σ · (dy - mean(dy) - x̂ · mean(dy x̂))
           evaluation: dx = weight/σ · dy
           dweight = Σ dy x̂,  dbias = Σ dy,  σ = √(var + eps)
shapes     x (N, C) or (N, C, H, W); weight, bias, mean, var (C,) or None; M = N or N·H·W
source     Ioffe and Szegedy 2015 (1502.03167), Algorithm 1

Versions
    v1  NumPy, two passes for the statistics
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import on_gpu
from ..spec import ALL, Arguments, Array, Case, KernelSpec, Needs, versions

Gradients = tuple[Array | None, Array | None, Array | None]


class BatchNormSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # (N, C) or (N, C, H, W)
    weight: Array | None  # (C,)
    mean: Array  # (C,), the one used
    var: Array  # (C,), the one used
    eps: float
    training: bool  # whether mean and var are of x


def _channels(a: Array, ndim: int) -> Array:
    """Shape (C,) so that it broadcasts along axis 1 of an array of `ndim` dimensions."""
    return a.reshape(1, -1, *(1,) * (ndim - 2))  # (1, C) or (1, C, 1, 1)


def batch_norm_forward_v1(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """Algorithm 1: mini-batch mean and variance, normalise, scale and shift."""
    training = mean is None or var is None
    axes = (0, *range(2, x.ndim))  # all but the channels: M values each
    if mean is None or var is None:
        mean = x.mean(axis=axes)  # μ = 1/M Σ x, (C,)
        var = np.square(x - _channels(mean, x.ndim)).mean(axis=axes)  # σ² = 1/M Σ (x - μ)², (C,)
    # x̂ = (x - μ) / √(σ² + ε), the shape of x
    y = (x - _channels(mean, x.ndim)) / np.sqrt(_channels(var, x.ndim) + x.dtype.type(eps))
    if weight is not None:
        y = y * _channels(weight, x.ndim)  # y = γ x̂ + β
    if bias is not None:
        y = y + _channels(bias, x.ndim)
    return y, x, weight, mean, var, eps, training


def batch_norm_backward_v1(
    dy: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dweight, dbias; None where not needed."""
    axes = (0, *range(2, x.ndim))
    sigma = np.sqrt(_channels(var, x.ndim) + x.dtype.type(eps))  # (1, C[, 1, 1])
    x_hat = (x - _channels(mean, x.ndim)) / sigma  # the shape of x
    dweight, dbias = (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)  # Σ dy x̂ and Σ dy, (C,)
    dx = None
    if needs[0]:
        dx = dy
        if training:  # mean and var depend on x, which takes two components out of dy
            m = x.size // x.shape[1]  # M; dy - 1/M Σ dy - x̂ 1/M Σ dy x̂
            dx = dy - _channels(dbias / m, x.ndim) - x_hat * _channels(dweight / m, x.ndim)
        dx = dx / sigma if weight is None else dx * (_channels(weight, x.ndim) / sigma)
    return dx, dweight if needs[1] else None, dbias if needs[2] else None


def _check_forward(
    x: Any, weight: Any = None, bias: Any = None, mean: Any = None, var: Any = None, *,
    eps: Any = 1e-5,
) -> Arguments:  # fmt: skip
    x = checks.floating("x", x)
    if x.ndim not in (2, 4):
        raise ValueError(f"x: expected shape (N, C) or (N, C, H, W), got {x.shape}")
    checks.no_zero_size("x", x, "N C H W"[: 2 * x.ndim - 1])
    given = check_per_channel(x, x.shape, "x", weight, bias, mean, var)
    return (x, *given), {"eps": checks.real("eps", eps)}


def check_per_channel(
    x: Array, shape: tuple[int, ...], what: str, weight: Any, bias: Any, mean: Any, var: Any
) -> tuple[Array | None, ...]:
    """Return the arrays (C,) as they are used to normalise `what`, of this shape and x's dtype."""
    given = {"weight": weight, "bias": bias, "mean": mean, "var": var}
    for name, a in given.items():
        if a is not None:
            given[name] = checks.floating(name, a, "(C,)")
            checks.has_shape(name, given[name], shape[1:2], f"one per channel of {what}")
    checks.same_dtype("x", x, **given)
    if (mean is None) != (var is None):
        raise ValueError("give both mean and var (evaluation) or neither (training)")
    if mean is None and math.prod(shape) // shape[1] < 2:
        raise ValueError(
            f"training needs at least 2 values per channel to have a variance, {what} is {shape}; "
            "use a larger batch or evaluation mode"
        )
    # On a device the answer would have to be waited for: a negative variance there gives NaN.
    if var is not None and not on_gpu(var) and (given["var"] < 0).any():
        raise ValueError("var: a variance is negative")
    return tuple(given.values())


def _check_backward(
    dy: Any, x: Array, weight: Any, mean: Array, var: Array, eps: float, training: bool
) -> None:
    checks.upstream(dy, x, x.shape)
    for name, a in {"weight": weight, "mean": mean, "var": var}.items():
        if a is not None:
            checks.has_shape(name, a, x.shape[1:2], "one per channel of x")


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, *shape: int, affine: bool = True, given: bool = False) -> Case:
        c = shape[1]
        x = 3 * rng.standard_normal(shape) + 2 * rng.standard_normal(
            (1, c) + (1,) * (len(shape) - 2)
        )
        weight, bias = (rng.standard_normal((2, c))) if affine else (None, None)
        mean, var = (rng.standard_normal(c), rng.uniform(0.5, 2, c)) if given else (None, None)
        return Case(label, (x, weight, bias, mean, var))

    return [
        case("training, images", 3, 4, 5, 3),
        case("training, rows", 6, 5),
        case("training, not affine", 4, 3, 2, 2, affine=False),
        case("evaluation, images", 3, 4, 5, 3, given=True),
        case("evaluation, rows", 6, 5, given=True),
        case("evaluation, not affine", 4, 3, given=True, affine=False),
        case("evaluation, empty batch", 0, 3, 2, 2, given=True),
        case("one channel, three values", 3, 1),
        case("several chunks", 40, 17, 9, 7),
    ]


SPEC = KernelSpec(
    name="batch_norm",
    formula="y = weight (x - mean) / sqrt(var + eps) + bias",
    inputs={"x": "(N, C[, H, W])", "weight": "(C,)", "bias": "(C,)", "mean": "(C,)", "var": "(C,)"},
    gradients={"dx": ("x",), "dweight": ("weight",), "dbias": ("bias",)},
    saved=BatchNormSaved,
    values=("var",),
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x, *_, **__: 8 * x.size,
    bytes=lambda x, *_, **__: 3 * x.nbytes,  # x twice (statistics, then y), y once
)
VERSIONS = versions(__doc__, (batch_norm_forward_v1, batch_norm_backward_v1))
