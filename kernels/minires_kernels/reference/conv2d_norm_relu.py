"""A layer of a residual network: convolution, batch norm, ReLU; or the last one, with the addition.

forward    c = conv2d(x, w);  y = max(batch_norm(c) + residual, 0)      residual 0 if None
backward   dc, dweight, dbias, dresidual as batch_norm_relu's;  dx, dw as conv2d's, of dc
shapes     x (N, C, H, W), w (K, C/groups, R, S); c, residual and y (N, K, P, Q); the rest (K,)
source     He et al. 2015 (1512.03385), Figure 2, with Ioffe and Szegedy 2015 (1502.03167)

Versions
    v1  the kernels it consists of, one after another
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..checks import Windows
from ..spec import ALL, Arguments, Array, Case, KernelSpec, Needs, versions
from . import batch_norm_relu, conv2d
from .batch_norm import check_per_channel
from .batch_norm_relu import batch_norm_relu_backward_v1, batch_norm_relu_forward_v1
from .conv2d import conv2d_backward_v2, conv2d_forward_v2

Gradients = tuple[Array | None, Array | None, Array | None, Array | None, Array | None]


class Conv2dNormReLUSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # (N, C, H, W)
    w: Array  # (K, C / groups, R, S)
    win: Windows  # the geometry
    groups: int
    c: Array  # (N, K, P, Q), the convolution
    weight: Array | None  # (K,)
    bias: Array | None  # (K,)
    mean: Array  # (K,), the one used
    var: Array  # (K,), the one used
    eps: float
    training: bool  # whether mean and var are of c
    y: Array  # (N, K, P, Q)
    added: bool  # whether there was a residual


def conv2d_norm_relu_forward_v1(
    x: Array,
    w: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    win: Windows,
    groups: int,
    eps: float,
) -> tuple[Any, ...]:
    """c (N, K, P, Q), then y of the same shape."""
    c, *_ = conv2d_forward_v2(x, w, None, win=win, groups=groups)
    y, *saved = batch_norm_relu_forward_v1(c, weight, bias, mean, var, residual, eps=eps)
    return y, x, w, win, groups, *saved


def conv2d_norm_relu_backward_v1(
    dy: Array,
    x: Array,
    w: Array,
    win: Windows,
    groups: int,
    c: Array,
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
    further = needs[0] or needs[1]
    saved = (c, weight, bias, mean, var, eps, training, y, added)
    dc, *others = batch_norm_relu_backward_v1(dy, *saved, (further, *needs[2:]))
    dx = dw = None
    if dc is not None:
        dx, dw, _ = conv2d_backward_v2(dc, x, w, False, win, groups, needs)
    dweight, dbias, dresidual = others
    return dx, dw, dweight, dbias, dresidual


def _check_forward(
    x: Any, w: Any, weight: Any = None, bias: Any = None, mean: Any = None, var: Any = None,
    residual: Any = None, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: Any = 1, eps: Any = 1e-5,
) -> Arguments:  # fmt: skip
    sizes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    (x, w, _), options = conv2d.SPEC.check_forward(x, w, **sizes)
    shape = (len(x), len(w), *options["win"].output)
    given = check_per_channel(x, shape, "the convolution", weight, bias, mean, var)
    if residual is not None:
        residual = checks.floating("residual", residual)
        checks.same_dtype("x", x, residual=residual)
        checks.has_shape("residual", residual, shape, "the shape of the convolution")
    return (x, w, *given, residual), options | {"eps": checks.real("eps", eps)}


def _check_backward(
    dy: Any, x: Array, w: Array, win: Windows, groups: int, c: Array, weight: Any, bias: Any,
    mean: Array, var: Array, eps: float, training: bool, y: Array, added: bool,
) -> None:  # fmt: skip
    saved = (c, weight, bias, mean, var, eps, training, y, added)
    conv2d.SPEC.check_backward(dy, x, w, False, win, groups)
    batch_norm_relu.SPEC.check_backward(dy, *saved)


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...] | None = None,
             given: bool = False, affine: bool = True, **options: Any) -> Case:  # fmt: skip
        k = w[0]
        weight, bias = rng.standard_normal((2, k)) if affine else (None, None)
        mean, var = (rng.standard_normal(k), rng.uniform(0.5, 2, k)) if given else (None, None)
        residual = None if y is None else rng.standard_normal(y)
        arrays = (rng.standard_normal(x), rng.standard_normal(w), weight, bias, mean, var, residual)
        return Case(label, arrays, options)

    same: dict[str, Any] = {"padding": 1}
    return [
        case("residual", (2, 4, 5, 3), (4, 4, 3, 3), (2, 4, 5, 3), **same),
        case("a layer", (2, 3, 5, 4), (4, 3, 3, 3), **same),
        case("stride 2, not affine", (3, 2, 5, 5), (3, 2, 1, 1), affine=False, stride=2),
        case("evaluation, residual", (2, 3, 4, 3), (3, 3, 3, 3), (2, 3, 4, 3), given=True, **same),
        case("groups", (2, 4, 4, 4), (6, 2, 3, 3), groups=2),
        case("evaluation, empty batch", (0, 2, 4, 4), (3, 2, 3, 3), given=True),
        case("whole tiles, residual", (2, 8, 8, 8), (16, 8, 3, 3), (2, 16, 8, 8), **same),
        case("whole tiles of Winograd", (3, 16, 8, 8), (16, 16, 3, 3), **same),
        case("edge tiles, odd channels", (2, 9, 7, 6), (11, 9, 3, 3), (2, 11, 7, 6), **same),
    ]


def _flops(x: Array, w: Array, *others: Any, eps: Any = None, **options: Any) -> int:
    _, checked = conv2d.SPEC.check_forward(x, w, **options)
    p, q = checked["win"].output
    return int(conv2d.SPEC.flops(x, w, **options) + 10 * len(x) * len(w) * p * q)


def _bytes(x: Array, w: Array, *others: Any, eps: Any = None, **options: Any) -> int:
    """X and w once, c once there and once back, y, and the residual."""
    _, checked = conv2d.SPEC.check_forward(x, w, **options)
    passes = 3 + (len(others) > 4 and others[4] is not None)
    y = len(x) * len(w) * checked["win"].output[0] * checked["win"].output[1] * x.itemsize
    return int(x.nbytes + w.nbytes + passes * y)


SPEC = KernelSpec(
    name="conv2d_norm_relu",
    formula="y = max(weight (c - mean) / sqrt(var + eps) + bias + residual, 0), c = conv2d(x, w)",
    inputs={
        "x": "(N, C, H, W)",
        "w": "(K, C / groups, R, S)",
        "weight": "(K,)",
        "bias": "(K,)",
        "mean": "(K,)",
        "var": "(K,)",
        "residual": "(N, K, P, Q), or None",
    },
    gradients={
        "dx": ("x",),
        "dw": ("w",),
        "dweight": ("weight",),
        "dbias": ("bias",),
        "dresidual": ("residual",),
    },
    saved=Conv2dNormReLUSaved,
    values=("var",),
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=_flops,
    bytes=_bytes,
    branch=lambda saved: saved.y > 0,
)
VERSIONS = versions(__doc__, (conv2d_norm_relu_forward_v1, conv2d_norm_relu_backward_v1))
