"""Global average pooling: the mean of each channel, before a ResNet's last linear layer.

forward    y[n,c] = mean over h, w of x[n,c,h,w]     x (N, C, H, W), y (N, C, 1, 1)
backward   dx = dy / (H W)

Versions
    v1  NumPy mean
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import Arguments, Array, Case, KernelSpec, versions


class GlobalAvgPool2dSaved(NamedTuple):
    """What forward leaves for backward."""

    shape: tuple[int, ...]  # of x: N, C, H, W


def global_avg_pool2d_forward_v1(x: Array) -> tuple[Any, ...]:
    """y[n,c] = 1/(H W) Σ_{h,w} x[n,c,h,w]."""
    return x.mean(axis=(2, 3), keepdims=True), x.shape  # (N, C, 1, 1)


def global_avg_pool2d_backward_v1(dy: Array, shape: tuple[int, ...]) -> Array:
    """dx[n,c,h,w] = dy[n,c] / (H W)."""
    share = dy / dy.dtype.type(shape[2] * shape[3])  # (N, C, 1, 1)
    return np.broadcast_to(share, shape).copy()  # (N, C, H, W)


def _check_forward(x: Any) -> Arguments:
    x = checks.floating("x", x, "(N, C, H, W)")
    checks.no_zero_size("x", x, "N C H W")
    return (x,), {}


def _check_backward(dy: Any, shape: tuple[int, ...]) -> None:
    dy = checks.floating("dy", dy)
    checks.has_shape("dy", dy, (*shape[:2], 1, 1), "the shape of y")


def _cases(rng: np.random.Generator) -> list[Case]:
    shapes = [(2, 3, 5, 4), (1, 1, 1, 1), (0, 3, 2, 2), (40, 17, 8, 8)]
    return [Case(f"shape {s}", (rng.standard_normal(s),)) for s in shapes]


SPEC = KernelSpec(
    name="global_avg_pool2d",
    formula="y[n,c] = mean over h, w of x[n,c,h,w]",
    inputs={"x": "(N, C, H, W)"},
    gradients={"dx": ("x",)},
    saved=GlobalAvgPool2dSaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x: x.size,
    bytes=lambda x: x.nbytes,
)
VERSIONS = versions(__doc__, (global_avg_pool2d_forward_v1, global_avg_pool2d_backward_v1))
