"""Convolution as networks use it: cross-correlation of images with filters.

forward    y[n,k,p,q] = b[k] + Σ_{c,r,s} x[n, c, p·stride + r·dilation - padding, …] w[k,c,r,s]
backward   dx scatters dy back through w;  dw correlates x with dy;  db = Σ_{n,p,q} dy
shapes     x (N, C, H, W), w (K, C/groups, R, S), b (K,) or None, y (N, K, P, Q)
groups     channel group g of x (C/groups of them) meets filter group g of w (K/groups)
sizes      P = ⌊(H + 2 padding - dilation (R - 1) - 1) / stride⌋ + 1, and Q likewise from W and S
source     Dumoulin and Visin 2016 (1603.07285), section 2; what networks call convolution is here
           without the mirrored filter

Versions
    v1  loops over filters, output pixels and taps, one product at a time (over the batch at once)
    v2  one matrix product per tap: the strided slice of the padded image times w[:, :, r, s]
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..checks import MAX_ELEMENTS, Windows, windows
from ..spec import ALL, Arguments, Array, Case, KernelSpec, Needs, versions
from .product import product

Gradients = tuple[Array | None, Array | None, Array | None]


class Conv2dSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # (N, C, H, W)
    w: Array  # (K, C / groups, R, S)
    has_b: bool  # whether there was a b
    win: Windows  # the geometry
    groups: int


def padded(x: Array, win: Windows) -> Array:
    """Return x (N, C, H, W) within zeros, large enough for every window: (N, C, H', W')."""
    n, c, h, w = x.shape
    xp = np.zeros((n, c, *win.padded(h, w)), x.dtype)  # (N, C, H', W')
    top, left = win.padding
    xp[:, :, top : top + h, left : left + w] = x
    return xp


def _pixels(win: Windows) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield (p, q, r, s, row, column): the pixel of the padded image under a tap of a window."""
    for p, q in np.ndindex(*win.output):  # pixels of y
        for r, s in np.ndindex(*win.size):  # taps of w
            row = p * win.stride[0] + r * win.dilation[0]  # row = p·stride + r·dilation
            yield p, q, r, s, row, q * win.stride[1] + s * win.dilation[1]


def conv2d_forward_v1(
    x: Array, w: Array, b: Array | None, *, win: Windows, groups: int
) -> tuple[Any, ...]:
    """The definition, term by term: y[n,k,p,q] = b[k] + Σ_{r,s,c} xp[n,c,row,column] w[k,c,r,s]."""
    xp = padded(x, win)  # (N, C, H', W')
    k_total, c_group = w.shape[:2]
    y = np.zeros((len(x), k_total, *win.output), x.dtype)  # (N, K, P, Q)
    for k in range(k_total):
        first = k // (k_total // groups) * c_group  # first channel of this filter's group
        for p, q, r, s, row, column in _pixels(win):  # Σ over r, s
            for c in range(c_group):  # Σ over c
                y[:, k, p, q] += xp[:, first + c, row, column] * w[k, c, r, s]  # (N,)
        if b is not None:
            y[:, k] += b[k]
    return y, x, w, b is not None, win, groups


def conv2d_backward_v1(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: Needs = ALL,
) -> Gradients:
    """Each product x w of forward sends dy to its factors: dx += dy w, and dw += dy x."""
    xp = padded(x, win)  # (N, C, H', W')
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)  # (N, C, H', W'), (K, C/groups, R, S)
    k_total, c_group = w.shape[:2]
    for k in range(k_total):
        first = k // (k_total // groups) * c_group
        for p, q, r, s, row, column in _pixels(win):
            for c in range(c_group):
                # dx[n,c,row,column] = Σ_{k; p,q,r,s that meet there} dy[n,k,p,q] w[k,c,r,s]
                dxp[:, first + c, row, column] += dy[:, k, p, q] * w[k, c, r, s]  # (N,)
                # dw[k,c,r,s] = Σ_{n,p,q} dy[n,k,p,q] xp[n,c,row,column]
                dw[k, c, r, s] += dy[:, k, p, q] @ xp[:, first + c, row, column]  # (N,) @ (N,)
    return _wanted(_unpadded(dxp, x, win), dw, dy, has_b, needs)


def _unpadded(dxp: Array, x: Array, win: Windows) -> Array:
    (top, left), (h, w) = win.padding, x.shape[2:]
    return dxp[:, :, top : top + h, left : left + w].copy()  # (N, C, H', W') → (N, C, H, W)


def _wanted(dx: Array, dw: Array, dy: Array, has_b: bool, needs: Any) -> Gradients:
    db = dy.sum(axis=(0, 2, 3)) if has_b and needs[2] else None  # db[k] = Σ_{n,p,q} dy[n,k,p,q]
    return dx if needs[0] else None, dw if needs[1] else None, db


def _taps(win: Windows) -> Iterator[tuple[int, int, slice, slice]]:
    """Yield (r, s, rows, columns): the slice of the padded image under one tap of all windows."""
    for r, s in np.ndindex(*win.size):
        top, left = r * win.dilation[0], s * win.dilation[1]
        bottom = top + (win.output[0] - 1) * win.stride[0] + 1
        right = left + (win.output[1] - 1) * win.stride[1] + 1
        yield r, s, slice(top, bottom, win.stride[0]), slice(left, right, win.stride[1])


def _grouped(x: Array, groups: int) -> Array:
    """Copy (N, C, P, Q) to (groups, C/groups, N·P·Q): a matrix per group, pixels as columns."""
    n, c, p, q = x.shape
    x = x.reshape(n, groups, c // groups, p, q)  # (N, groups, C/groups, P, Q)
    x = x.transpose(1, 2, 0, 3, 4)  # (groups, C/groups, N, P, Q)
    return x.reshape(groups, c // groups, n * p * q)  # (groups, C/groups, N·P·Q)


def _ungrouped(y: Array, n: int, p: int, q: int) -> Array:
    """Undo `_grouped`: (groups, K/groups, N·P·Q) → (N, K, P, Q)."""
    g, k, _ = y.shape
    y = y.reshape(g * k, n, p, q)  # (K, N, P, Q)
    return y.transpose(1, 0, 2, 3)  # (N, K, P, Q)


def conv2d_forward_v2(
    x: Array, w: Array, b: Array | None, *, win: Windows, groups: int
) -> tuple[Any, ...]:
    """y = Σ over taps of w_tap @ x_tap, matrices (K/groups, C/groups) and (C/groups, N·P·Q)."""
    xp = padded(x, win)  # (N, C, H', W')
    n, (p, q) = len(x), win.output
    wg = w.reshape(groups, -1, *w.shape[1:])  # (groups, K/groups, C/groups, R, S)
    y = np.zeros((groups, wg.shape[1], n * p * q), x.dtype)  # (groups, K/groups, N·P·Q)
    for r, s, rows, columns in _taps(win):
        x_tap = _grouped(xp[:, :, rows, columns], groups)  # (groups, C/groups, N·P·Q)
        y += product(wg[..., r, s], x_tap)  # y[k,npq] += Σ_c w[k,c,r,s] x_tap[c,npq], in each group
    y = np.ascontiguousarray(_ungrouped(y, n, p, q))  # (N, K, P, Q)
    if b is not None:
        y += b[:, None, None]  # (K, 1, 1)
    return y, x, w, b is not None, win, groups


def conv2d_backward_v2(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: Needs = ALL,
) -> Gradients:
    """Per tap: dx_tap += w_tapᵀ @ dy, and dw_tap = dy @ x_tapᵀ."""
    xp = padded(x, win)  # (N, C, H', W')
    n, (p, q) = len(x), win.output
    wg = w.reshape(groups, -1, *w.shape[1:])  # (groups, K/groups, C/groups, R, S)
    dyg = _grouped(dy, groups)  # (groups, K/groups, N·P·Q)
    dxp, dw = np.zeros_like(xp), np.zeros_like(wg)  # as xp, as wg
    for r, s, rows, columns in _taps(win):
        if needs[0]:
            # dx_tap[c,npq] = Σ_k w[k,c,r,s] dy[k,npq]
            dx_tap = product(wg[..., r, s].transpose(0, 2, 1), dyg)  # (groups, C/groups, N·P·Q)
            dxp[:, :, rows, columns] += _ungrouped(dx_tap, n, p, q)  # (N, C, P, Q)
        if needs[1]:
            # dw[k,c,r,s] = Σ_npq dy[k,npq] x_tap[c,npq]
            x_tap = _grouped(xp[:, :, rows, columns], groups)  # (groups, C/groups, N·P·Q)
            dw[..., r, s] = product(dyg, x_tap.transpose(0, 2, 1))  # (groups, K/groups, C/groups)
    return _wanted(_unpadded(dxp, x, win), dw.reshape(w.shape), dy, has_b, needs)


def _check_forward(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Arguments:
    x = checks.floating("x", x, "(N, C, H, W)")
    w = checks.floating("w", w, "(K, C / groups, R, S)")
    b = None if b is None else checks.floating("b", b, "(K,)")
    checks.same_dtype("x", x, w=w, b=b)
    checks.no_zero_size("x", x, "N C H W")
    if 0 in w.shape:
        raise ValueError(f"w: expected sizes (K, C / groups, R, S) of at least 1, got {w.shape}")
    groups = checks.integer("groups", groups, 1)
    c, k = x.shape[1], w.shape[0]
    if c % groups or k % groups:
        raise ValueError(f"groups = {groups} must divide C = {c} of x and K = {k} of w")
    if w.shape[1] != c // groups:
        raise ValueError(
            f"w: expected shape (K, {c // groups}, R, S), as x has C = {c} and groups = {groups}; "
            f"got {w.shape}"
        )
    if b is not None:
        checks.has_shape("b", b, (k,), "one per filter of w")
    win = windows(x.shape[2:], w.shape[2:], stride, padding, dilation)
    pixels = math.prod(win.padded(*x.shape[2:]))
    if len(x) * max(c * pixels, k * math.prod(win.output)) > MAX_ELEMENTS:
        raise ValueError(
            f"a batch of {len(x)} with {c} channels padded to {pixels} pixels and an output of "
            f"{k} × {win.output} each is too large; use smaller batches"
        )
    return (x, w, b), {"win": win, "groups": groups}


def _check_backward(dy: Any, x: Array, w: Array, has_b: bool, win: Windows, groups: int) -> None:
    checks.has_shape("w", w, (len(w), x.shape[1] // groups, *win.size), "as in forward")
    checks.upstream(dy, x, (len(x), len(w), *win.output))


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, x: Any, w: Any, bias: bool = True, **options: Any) -> Case:
        b = rng.standard_normal(w[0]) if bias else None
        return Case(label, (rng.standard_normal(x), rng.standard_normal(w), b), options)

    return [
        case("3×3, same size", (2, 3, 5, 6), (4, 3, 3, 3), padding=1),
        case("3×3, stride 2, remainder", (2, 2, 6, 7), (3, 2, 3, 3), stride=2, padding=1),
        case("3×3, no bias", (1, 2, 5, 5), (2, 2, 3, 3), bias=False),
        case("1×1", (2, 5, 4, 3), (3, 5, 1, 1)),
        case("1×1, stride 2", (2, 4, 5, 5), (6, 4, 1, 1), bias=False, stride=2),
        case("7×7, stride 2 (stem)", (1, 3, 11, 12), (2, 3, 7, 7), stride=2, padding=3),
        case("asymmetric everything", (2, 2, 7, 6), (3, 2, 2, 4), stride=(2, 1), padding=(0, 2),
             dilation=(3, 1)),
        case("dilated", (1, 2, 7, 7), (2, 2, 3, 3), padding=2, dilation=2),
        case("groups", (2, 4, 5, 5), (6, 2, 3, 3), padding=1, groups=2),
        case("depthwise", (2, 5, 5, 4), (5, 1, 3, 3), padding=1, groups=5),
        case("depthwise, 2 filters a channel", (2, 3, 5, 5), (6, 1, 3, 3), stride=2, groups=3),
        case("stride beyond the kernel", (2, 2, 7, 7), (2, 2, 2, 2), stride=3),
        case("empty batch", (0, 2, 5, 5), (3, 2, 3, 3), padding=1),
        case("3×3, whole tiles of Winograd", (2, 16, 8, 8), (16, 16, 3, 3), padding=1),
        case("3×3, edge tiles, odd channels", (3, 11, 7, 9), (19, 11, 3, 3), padding=1),
        case("3×3, no padding, edge tiles", (2, 8, 9, 8), (9, 8, 3, 3)),
        case("3×3, wide padding", (1, 9, 6, 5), (8, 9, 3, 3), padding=(3, 2)),
        case("depthwise, many channels", (2, 35, 9, 6), (35, 1, 3, 3), padding=1, stride=2,
             groups=35),
        case("wide groups", (1, 36, 6, 5), (40, 9, 3, 3), padding=1, groups=4),
        case("channels beyond a tile", (2, 19, 6, 5), (21, 19, 3, 3), padding=1),
    ]  # fmt: skip


def _flops(x: Array, w: Array, b: Array | None = None, **options: Any) -> int:
    _, checked = _check_forward(x, w, b, **options)
    p, q = checked["win"].output
    return int(2 * len(x) * p * q * w.size)


def _bytes(x: Array, w: Array, b: Array | None = None, **options: Any) -> int:
    _, checked = _check_forward(x, w, b, **options)
    p, q = checked["win"].output
    return int(x.nbytes + w.nbytes + len(x) * len(w) * p * q * x.itemsize)


SPEC = KernelSpec(
    name="conv2d",
    formula="y[n,k,p,q] = b[k] + sum over c,r,s of x[n,c,p*stride+r*dilation-padding,…] w[k,c,r,s]",
    inputs={"x": "(N, C, H, W)", "w": "(K, C / groups, R, S)", "b": "(K,) or None"},
    gradients={"dx": ("x",), "dw": ("w",), "db": ("b",)},
    saved=Conv2dSaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=_flops,
    bytes=_bytes,
)
VERSIONS = versions(
    __doc__, (conv2d_forward_v1, conv2d_backward_v1), (conv2d_forward_v2, conv2d_backward_v2)
)
