"""Group normalisation: each sample by itself, over a group of channels and all pixels.

forward    y = weight · x̂ + bias,   x̂ = (x - mean) · inverse,   inverse = 1 / √(var + eps)
           mean and (biased) var are those of the M values of a sample's group
backward   dx = inverse · (d - mean(d) - x̂ · mean(d x̂)),  d = weight · dy, means over the group
           dweight = Σ dy x̂,  dbias = Σ dy, over samples and pixels
shapes     x (N, C) or (N, C, H, W); weight, bias (C,) or None; mean, inverse (N, groups)
source     Wu and He 2018 (1803.08494), eq. 1 and 7. One group of rows (N, C) is layer
           normalisation: Ba, Kiros and Hinton 2016 (1607.06450), eq. 4

Versions
    v1  NumPy, two passes for the statistics
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import ALL, Arguments, Array, Case, KernelSpec, Needs, versions

Gradients = tuple[Array | None, Array | None, Array | None]


class GroupNormSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # (N, C) or (N, C, H, W)
    weight: Array | None  # (C,)
    mean: Array  # (N, groups)
    inverse: Array  # (N, groups)


def _channels(a: Array, ndim: int) -> Array:
    """Shape (C,) so that it broadcasts along axis 1 of an array of `ndim` dimensions."""
    return a.reshape(1, -1, *(1,) * (ndim - 2))  # (1, C) or (1, C, 1, 1)


def _grouped(a: Array, groups: int) -> Array:
    return a.reshape(len(a), groups, a[:1].size // groups if a.size else 0)  # (N, groups, M)


def group_norm_forward_v1(
    x: Array, weight: Array | None, bias: Array | None, *, groups: int, eps: float
) -> tuple[Any, ...]:
    """Mean and variance of each group of each sample, normalise, scale and shift."""
    xg = _grouped(x, groups)  # (N, groups, M)
    mean = xg.mean(axis=2) if x.size else np.zeros((0, groups), x.dtype)  # (N, groups)
    centred = xg - mean[..., None]  # (N, groups, M)
    var = np.square(centred).mean(axis=2) if x.size else mean  # (N, groups)
    inverse = 1 / np.sqrt(var + x.dtype.type(eps))
    y = (centred * inverse[..., None]).reshape(x.shape)  # x̂
    if weight is not None:
        y = y * _channels(weight, x.ndim)
    if bias is not None:
        y = y + _channels(bias, x.ndim)
    return y, x, weight, mean, inverse


def group_norm_backward_v1(
    dy: Array, x: Array, weight: Array | None, mean: Array, inverse: Array, needs: Needs = ALL
) -> Gradients:
    """dx, dweight, dbias; None where not needed."""
    groups, axes = mean.shape[1], (0, *range(2, x.ndim))
    x_hat = (_grouped(x, groups) - mean[..., None]) * inverse[..., None]  # (N, groups, M)
    dweight = (dy * x_hat.reshape(x.shape)).sum(axis=axes) if needs[1] else None  # (C,)
    dx = None
    if needs[0]:
        d = _grouped(dy if weight is None else dy * _channels(weight, x.ndim), groups)
        m = max(1, d.shape[2])
        along = (d * x_hat).sum(axis=2, keepdims=True) / m  # (N, groups, 1)
        dx = (d - d.sum(axis=2, keepdims=True) / m - x_hat * along) * inverse[..., None]
        dx = dx.reshape(x.shape)
    return dx, dweight, dy.sum(axis=axes) if needs[2] else None


def _check_forward(
    x: Any, weight: Any = None, bias: Any = None, *, groups: Any, eps: Any = 1e-5
) -> Arguments:
    x = checks.floating("x", x)
    if x.ndim not in (2, 4):
        raise ValueError(f"x: expected shape (N, C) or (N, C, H, W), got {x.shape}")
    checks.no_zero_size("x", x, "N C H W"[: 2 * x.ndim - 1])
    groups = checks.integer("groups", groups, 1)
    if x.shape[1] % groups:
        raise ValueError(f"groups = {groups} must divide C = {x.shape[1]} of shape {x.shape}")
    given = {"weight": weight, "bias": bias}
    for name, a in given.items():
        if a is not None:
            given[name] = checks.floating(name, a, "(C,)")
            checks.has_shape(name, given[name], x.shape[1:2], "one per channel of x")
    checks.same_dtype("x", x, **given)
    options = {"groups": groups, "eps": checks.real("eps", eps)}
    return (x, given["weight"], given["bias"]), options


def _check_backward(dy: Any, x: Array, weight: Any, mean: Array, inverse: Array) -> None:
    checks.upstream(dy, x, x.shape)
    if mean.ndim != 2 or x.shape[1] % max(1, mean.shape[1]):
        raise ValueError(f"mean: expected shape (N, groups) of x {x.shape}, got {mean.shape}")
    if weight is not None:
        checks.has_shape("weight", weight, x.shape[1:2], "one per channel of x")
    for name, a in {"mean": mean, "inverse": inverse}.items():
        checks.has_shape(name, a, (len(x), mean.shape[1]), "one per sample and group")


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, *shape: int, groups: int, affine: bool = True) -> Case:
        x = 3 * rng.standard_normal(shape) + 2 * rng.standard_normal(
            (shape[0], *[1] * (len(shape) - 1))
        )
        weight, bias = rng.standard_normal((2, shape[1])) if affine else (None, None)
        return Case(label, (x, weight, bias), {"groups": groups, "eps": 1e-5})

    return [
        case("images, 2 groups", 3, 4, 5, 3, groups=2),
        case("images, one group", 2, 6, 3, 3, groups=1),
        case("images, a group each", 2, 5, 3, 4, groups=5),
        case("rows (layer norm)", 6, 7, groups=1),
        case("rows, groups", 5, 24, groups=3),
        case("not affine", 4, 6, 2, 2, groups=3, affine=False),
        case("empty batch", 0, 4, 2, 2, groups=2),
        case("one sample", 1, 3, 1, 2, groups=1),
        case("many samples", 70, 12, 5, 3, groups=4),
        case("wide rows", 3, 300, groups=1),
    ]


SPEC = KernelSpec(
    name="group_norm",
    formula="y = weight (x - mean) / sqrt(var + eps) + bias, of each group of each sample",
    inputs={"x": "(N, C[, H, W])", "weight": "(C,)", "bias": "(C,)"},
    gradients={"dx": ("x",), "dweight": ("weight",), "dbias": ("bias",)},
    saved=GroupNormSaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x, *_, **__: 8 * x.size,
    bytes=lambda x, *_, **__: 2 * x.nbytes,  # a sample stays in the cache between the passes
)
VERSIONS = versions(__doc__, (group_norm_forward_v1, group_norm_backward_v1))
