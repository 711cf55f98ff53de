"""Average pooling.

forward    y = the sum of x over each window / its area
backward   dx = dy / area for every pixel of the window, added up where windows overlap
shapes     x (N, C, H, W), y (N, C, P, Q)
area       counts the padding (but not what ceil_mode adds beyond it), or only pixels of x if
           count_include_pad is false; as in PyTorch

Versions
    v1  one slice of the padded image per tap
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..checks import Windows, pooling_windows
from ..spec import Arguments, Array, Case, KernelSpec, versions


class AvgPool2dSaved(NamedTuple):
    """What forward leaves for backward."""

    shape: tuple[int, ...]  # of x: N, C, H, W
    win: Windows  # the geometry
    count_include_pad: bool


def area(win: Windows, image: tuple[int, int], count_include_pad: bool) -> Array:
    """Return the number of pixels (P, Q) by which each window's sum is divided."""
    sides = []  # heights of the windows (P,), then widths (Q,)
    for axis in (0, 1):
        start = np.arange(win.output[axis]) * win.stride[axis] - win.padding[axis]  # p·stride - pad
        end = np.minimum(start + win.size[axis], image[axis] + win.padding[axis])
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, image[axis])
        sides.append(end - start)
    return np.multiply.outer(sides[0], sides[1])  # (P, Q)


def _taps(win: Windows) -> list[tuple[slice, slice]]:
    """Rows p·stride + r and columns q·stride + s of the padded image, for each tap (r, s)."""
    return [
        (
            slice(r, r + (win.output[0] - 1) * win.stride[0] + 1, win.stride[0]),
            slice(s, s + (win.output[1] - 1) * win.stride[1] + 1, win.stride[1]),
        )
        for r, s in np.ndindex(*win.size)
    ]


def avg_pool2d_forward_v1(x: Array, *, win: Windows, count_include_pad: bool) -> tuple[Any, ...]:
    """y[n,c,p,q] = Σ_{r,s} xp[n, c, p·stride + r, q·stride + s] / area[p,q]."""
    n, c, h, w = x.shape
    xp = np.zeros((n, c, *win.padded(h, w)), x.dtype)  # (N, C, H', W')
    xp[:, :, win.padding[0] : win.padding[0] + h, win.padding[1] : win.padding[1] + w] = x
    y = np.zeros((n, c, *win.output), x.dtype)  # (N, C, P, Q)
    for rows, columns in _taps(win):  # Σ over r, s
        y += xp[:, :, rows, columns]  # (N, C, P, Q)
    y /= area(win, (h, w), count_include_pad).astype(x.dtype)
    return y, x.shape, win, count_include_pad


def avg_pool2d_backward_v1(
    dy: Array, shape: tuple[int, ...], win: Windows, count_include_pad: bool
) -> Array:
    """dxp[n, c, p·stride + r, q·stride + s] += dy[n,c,p,q] / area[p,q]."""
    n, c, h, w = shape
    share = dy / area(win, (h, w), count_include_pad).astype(dy.dtype)  # (N, C, P, Q)
    dxp = np.zeros((n, c, *win.padded(h, w)), dy.dtype)  # (N, C, H', W')
    for rows, columns in _taps(win):
        dxp[:, :, rows, columns] += share
    top, left = win.padding
    return dxp[:, :, top : top + h, left : left + w].copy()  # (N, C, H, W)


def _check_forward(
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: Any = False,
    count_include_pad: Any = True,
) -> Arguments:
    x = checks.floating("x", x, "(N, C, H, W)")
    checks.no_zero_size("x", x, "N C H W")
    win = pooling_windows(x.shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    return (x,), {
        "win": win,
        "count_include_pad": checks.flag("count_include_pad", count_include_pad),
    }


def _check_backward(dy: Any, shape: tuple[int, ...], win: Windows, count_include_pad: bool) -> None:
    dy = checks.floating("dy", dy)
    checks.has_shape("dy", dy, (*shape[:2], *win.output), "the shape of y")


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, *shape: int, **options: Any) -> Case:
        return Case(label, (rng.standard_normal(shape),), options)

    return [
        case("overlapping, padding", 1, 19, 5, 6, kernel_size=3, stride=2, padding=1),
        case("2×2", 2, 3, 6, 4, kernel_size=2),
        case("padding not counted", 2, 3, 7, 8, kernel_size=3, stride=2, padding=1,
             count_include_pad=False),
        case("remainder left out", 1, 2, 7, 5, kernel_size=2),
        case("ceil mode", 2, 2, 7, 6, kernel_size=2, ceil_mode=True),
        case("ceil mode, padding", 2, 2, 6, 6, kernel_size=3, stride=2, padding=1, ceil_mode=True),
        case("asymmetric", 2, 2, 9, 8, kernel_size=(2, 3), stride=(3, 1)),
        case("empty batch", 0, 2, 4, 4, kernel_size=2),
    ]  # fmt: skip


def _sums(x: Array, **options: Any) -> int:
    win: Windows = _check_forward(x, **options)[1]["win"]
    return int(x.shape[0] * x.shape[1] * np.prod(win.output) * np.prod(win.size))


def _bytes(x: Array, **options: Any) -> int:
    win: Windows = _check_forward(x, **options)[1]["win"]
    return int(x.nbytes + x.shape[0] * x.shape[1] * np.prod(win.output) * x.itemsize)


SPEC = KernelSpec(
    name="avg_pool2d",
    formula="y[n,c,p,q] = sum of x over the window at (p, q) / its area",
    inputs={"x": "(N, C, H, W)"},
    gradients={"dx": ("x",)},
    saved=AvgPool2dSaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=_sums,
    bytes=_bytes,
)


VERSIONS = versions(__doc__, (avg_pool2d_forward_v1, avg_pool2d_backward_v1))
