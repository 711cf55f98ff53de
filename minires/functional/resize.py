"""Images of another size: the nearest pixel, or a mixture of the nearest four."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from minires_kernels import checks, current_backend
from minires_kernels.arrays import module_of, to_device_of

from .. import ops
from ..function import Context, Function
from ..tensor import Array, Tensor
from .kernels import Size, require_tensor


class Line(NamedTuple):
    """Where the pixels of one axis come from: y[i] = (1 - t[i]) x[lo[i]] + t[i] x[hi[i]]."""

    lo: Array  # (H',) integers
    hi: Array  # (H',) integers
    t: Array | None  # (H',) in [0, 1), None for all 0

    def taken(self, x: Array, axis: int) -> Any:
        """Return y."""
        lo, hi, t = (None if a is None else to_device_of(a, x) for a in self)
        xp = module_of(x)
        y = xp.take(x, lo, axis=axis)
        if t is None:
            return y
        t = t.astype(x.dtype).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        return y * (1 - t) + xp.take(x, hi, axis=axis) * t

    def matrix(self, size: int, like: Array) -> Array:
        """Return A (H', H) with y = A x along this axis, of the dtype and place of `like`."""
        a = np.zeros((len(self.lo), size), like.dtype)
        i = np.arange(len(self.lo))
        a[i, self.lo] = 1 if self.t is None else 1 - self.t
        if self.t is not None:
            a[i, self.hi] += self.t.astype(like.dtype)  # hi may be lo, at the end
        return to_device_of(a, like)  # type: ignore[no-any-return]


def _in_loops(x: Any) -> bool:
    """Whether compiled loops take x: NumPy's arrays, of a type that the cpu backend has."""
    return type(x) is np.ndarray and x.dtype.char in "fd" and current_backend() == "cpu"


class Resize(Function):
    """y = A x Bᵀ for each image, A and B with one or two neighbours a row;  dx = Aᵀ dy B."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, rows: Line, columns: Line) -> Any:
        ctx.save(x.shape[2:], rows, columns)
        if _in_loops(x):
            from . import resize_loops

            return resize_loops.resized(x, rows, columns)
        return columns.taken(rows.taken(x, 2), 3)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        (h, w), rows, columns = ctx.saved
        if _in_loops(dy):
            from . import resize_loops

            return resize_loops.gradient(dy, h, w, rows, columns)
        return rows.matrix(h, dy).T @ (dy @ columns.matrix(w, dy))


def interpolate(
    x: Tensor,
    size: Size | None = None,
    scale_factor: float | tuple[float, float] | None = None,
    mode: Literal["nearest", "bilinear"] = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Resize images (N, C, H, W) to `size`, or to ⌊H · scale_factor⌋ × ⌊W · scale_factor⌋.

    Pixel i of y lies at s = (i + 1/2) H / H' - 1/2 of x ("half-pixel"), or for bilinear with
    align_corners=True at s = i (H - 1) / (H' - 1). "bilinear" mixes the two neighbours of s along
    each axis, held at the border; "nearest" takes pixel ⌊i H / H'⌋. As PyTorch's; with a
    scale_factor 1 / scale_factor takes the place of H / H', unless no size changes.
    """
    ops.require_float(require_tensor("x", x), "interpolate")
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"interpolate: expected shape (N, C, H, W) without zeros, got {x.shape}")
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"mode: expected 'nearest' or 'bilinear', got {mode!r}")
    if mode == "nearest" and align_corners is not None:
        raise ValueError("align_corners is for mode='bilinear'; leave it out")
    corners = align_corners is not None and checks.flag("align_corners", align_corners)
    output, ratios = _output((x.shape[2], x.shape[3]), size, scale_factor)
    if x.shape[0] * x.shape[1] * output[0] * output[1] > checks.MAX_ELEMENTS:
        raise ValueError(f"interpolate: {x.shape} at {output} pixels each is too large")
    rows, columns = (
        _line(n, m, ratio, mode, corners)
        for n, m, ratio in zip(x.shape[2:], output, ratios, strict=True)
    )
    return Resize.apply(x, rows=rows, columns=columns)


def _output(shape: tuple[int, int], size: Any, scale_factor: Any) -> tuple[Any, list[float]]:
    """Return (H', W'), and how far apart their pixels lie in x along each axis."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor")
    if size is not None:
        output = checks.pair("size", size, 1)
        return output, [n / m for n, m in zip(shape, output, strict=True)]
    factors = scale_factor if isinstance(scale_factor, tuple | list) else (scale_factor,) * 2
    if len(factors) != 2:
        raise ValueError(f"scale_factor: expected one number or two, got {scale_factor!r}")
    factors = [checks.real("scale_factor", f) for f in factors]
    output = (int(shape[0] * factors[0]), int(shape[1] * factors[1]))
    if min(output) < 1:
        raise ValueError(f"scale_factor {scale_factor} leaves {output} of {shape} pixels")
    if output == shape:
        return output, [1.0, 1.0]  # PyTorch leaves such images as they are
    return output, [1 / f for f in factors]


def _line(n: int, m: int, ratio: float, mode: str, corners: bool) -> Line:
    """Return where m pixels come from among n, `ratio` = n / m apart."""
    i = np.arange(m)
    if mode == "nearest":  # PyTorch computes the place in float32, but for these two
        places = i.astype(np.float32) * ratio if m not in (n, 2 * n) else i // (m // n)
        lo = np.minimum(places.astype(np.intp), n - 1)
        return Line(lo, lo, None)
    if corners:
        s = i * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        s = np.maximum((i + 0.5) * ratio - 0.5, 0)
    lo = np.minimum(s.astype(np.intp), n - 1)
    return Line(lo, np.minimum(lo + 1, n - 1), np.minimum(s - lo, 1.0))
