"""Maximum pooling.

forward    y = the largest x in each window; of equal ones the first in row-major order
backward   dx = dy at the winner of each window, added up where windows overlap
shapes     x (N, C, H, W), y (N, C, P, Q); the winners' indices count pixels of x row by row, H·W
padding    never wins; a NaN always does (the first one)

Versions
    v1  one comparison of slices per tap
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import on_gpu, require_same_device
from ..checks import Windows, pooling_windows
from ..spec import Arguments, Array, Case, KernelSpec, versions


class MaxPool2dSaved(NamedTuple):
    """What forward leaves for backward."""

    winner: Array  # (N, C, P, Q) integers: row · W + column of the pixel of x
    shape: tuple[int, ...]  # of x: N, C, H, W
    win: Windows  # the geometry


def max_pool2d_forward_v1(x: Array, *, win: Windows) -> tuple[Any, ...]:
    """y[n,c,p,q] = max over r, s of x[n, c, p·stride + r·dilation - padding, …], tap by tap."""
    n, c, h, w = x.shape
    p, q = win.output  # best and winner are (N, C, P, Q)
    best = np.full((n, c, p, q), -np.inf, x.dtype)
    winner = np.full((n, c, p, q), -1, np.intp)
    for r, s in np.ndindex(*win.size):
        rows = np.arange(p) * win.stride[0] + r * win.dilation[0] - win.padding[0]
        columns = np.arange(q) * win.stride[1] + s * win.dilation[1] - win.padding[1]
        # rows (P,) and columns (Q,) of the pixels under this tap
        inside = ((rows >= 0) & (rows < h))[:, None] & ((columns >= 0) & (columns < w))  # (P, Q)
        index = np.clip(rows, 0, h - 1)[:, None] * w + np.clip(columns, 0, w - 1)  # (P, Q)
        value = x.reshape(n, c, h * w)[:, :, index]  # (N, C, P, Q)
        better = (value > best) | (winner < 0) | (np.isnan(value) & ~np.isnan(best))
        better &= inside
        best, winner = np.where(better, value, best), np.where(better, index, winner)
    return best, winner, x.shape, win


def max_pool2d_backward_v1(dy: Array, winner: Array, shape: tuple[int, ...], win: Windows) -> Array:
    """dx[n, c, winner[n,c,p,q]] += dy[n,c,p,q]: a pixel may win several windows."""
    n, c, h, w = shape
    dx = np.zeros((n * c, h * w), dy.dtype)  # (N·C, H·W)
    images = np.arange(n * c)[:, None]  # (N·C, 1)
    p, q = dy.shape[2:]
    np.add.at(dx, (images, winner.reshape(n * c, p * q)), dy.reshape(n * c, p * q))  # (N·C, P·Q)
    return dx.reshape(shape)  # (N, C, H, W)


def _check_forward(
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: Any = False,
) -> Arguments:
    x = checks.floating("x", x, "(N, C, H, W)")
    checks.no_zero_size("x", x, "N C H W")
    win = pooling_windows(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    return (x,), {"win": win}


def _check_backward(dy: Any, winner: Array, shape: tuple[int, ...], win: Windows) -> None:
    dy = checks.floating("dy", dy)
    checks.has_shape("dy", dy, (*shape[:2], *win.output), "the shape of y")
    checks.has_shape("winner", winner, dy.shape, "the shape of y")
    require_same_device("dy", dy, winner=winner)
    if on_gpu(winner):
        return  # the answer would have to be waited for: the kernels leave out a wrong index
    pixels = shape[2] * shape[3]
    if winner.size and not (winner.min() >= 0 and winner.max() < pixels):
        raise ValueError(f"saved indices: expected 0 to {pixels - 1} for images of {shape[2:]}")


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, *shape: int, **options: Any) -> Case:
        return Case(label, (rng.standard_normal(shape),), options)

    rounded = np.round(rng.standard_normal((2, 3, 6, 6)))
    ties = Case("ties", (rounded,), {"kernel_size": 3, "stride": 1}, at_kinks=True)
    return [
        case("overlapping (stem)", 1, 19, 5, 6, kernel_size=3, stride=2, padding=1),
        case("2×2", 2, 3, 6, 4, kernel_size=2),
        case("remainder left out", 1, 2, 7, 5, kernel_size=2),
        case("ceil mode", 2, 2, 7, 6, kernel_size=2, ceil_mode=True),
        case("ceil mode, padding", 2, 2, 6, 6, kernel_size=3, stride=2, padding=1, ceil_mode=True),
        case("asymmetric, dilated", 2, 2, 9, 8, kernel_size=(2, 3), stride=(3, 1), dilation=(2, 1)),
        case("stride beyond the kernel", 1, 2, 8, 8, kernel_size=2, stride=3),
        case("empty batch", 0, 2, 4, 4, kernel_size=2),
        ties,
    ]


def _comparisons(x: Array, **options: Any) -> int:
    win: Windows = _check_forward(x, **options)[1]["win"]
    return int(x.shape[0] * x.shape[1] * np.prod(win.output) * np.prod(win.size))


def _bytes(x: Array, **options: Any) -> int:
    win: Windows = _check_forward(x, **options)[1]["win"]
    outputs = x.shape[0] * x.shape[1] * win.output[0] * win.output[1]
    return int(x.nbytes + outputs * (x.itemsize + np.dtype(np.intp).itemsize))


SPEC = KernelSpec(
    name="max_pool2d",
    formula="y[n,c,p,q] = max of x over the window at (p, q)",
    inputs={"x": "(N, C, H, W)"},
    gradients={"dx": ("x",)},
    saved=MaxPool2dSaved,
    saved_values=("winner",),
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=_comparisons,
    bytes=_bytes,
    tolerance={"float64": 1e-15, "float32": 1e-6},
    branch=lambda saved: saved.winner,
)


VERSIONS = versions(__doc__, (max_pool2d_forward_v1, max_pool2d_backward_v1))
