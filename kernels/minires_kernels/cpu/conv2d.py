"""Convolution on the CPU, in channels-last memory.

shapes     x (N, H, W, C), w (R, S, C/groups, K), y (N, P, Q, K)
forward    y[n,p,q,k] = b[k] + Σ_{r,s,c} x[n, p·stride + r·dilation - padding, …, c] w[r,s,c,k]
backward   dx and dw send each product's dy to its two factors;  db = Σ dy
threads    a thread owns whole images of y and dx; dw is summed per chunk of images, then in order
bytes      x, w and y once; v2 writes and reads each image's columns besides, R·S times its size

Versions
    v1  loops over pixels and taps, filters innermost: contiguous, so the compiler vectorises them
    v2  one image's windows as rows of a matrix (im2col), then the blocked product of matmul.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spec import Array, versions
from ..windows import Windows
from .jit import jit
from .layout import plain, to_nchw, to_nhwc
from .matmul import matmul
from .threads import MAX_CHUNKS, chunks, run

Gradients = tuple[Array | None, Array | None, Array | None]
Geometry = tuple[int, int, int, int, int, int]  # stride, padding, dilation; (height, width) each
SMALLEST_FLOPS = 1 << 19  # of one chunk of images
PARTIAL_BYTES = 1 << 26  # for the partial sums of dw, all chunks together


def _geometry(win: Windows) -> Geometry:
    return (*win.stride, *win.padding, *win.dilation)


def _images(n: int, win: Windows, w: Array, partials: bool = False) -> list[tuple[int, int]]:
    """Cut the batch into chunks for the threads, fewer if each needs a partial sum of dw."""
    per_image = 2 * win.output[0] * win.output[1] * w.size
    most = max(1, min(MAX_CHUNKS, PARTIAL_BYTES // w.nbytes)) if partials else MAX_CHUNKS
    return chunks(n, SMALLEST_FLOPS // per_image + 1, most)


def _filters_last(w: Array) -> Array:
    """(K, C/groups, R, S) → (R, S, C/groups, K)."""
    return plain(w.transpose(2, 3, 1, 0))


def _new_output(x: Array, k: int, win: Windows, b: Array | None) -> Array:
    """Return y (N, P, Q, K), zero or b, for the products to be added to."""
    y = np.zeros((len(x), *win.output, k), x.dtype)
    if b is not None:
        y += b
    return y


def _bias_gradient(dy: Array) -> Array:
    db: Array = dy.sum(axis=(0, 2, 3), dtype=np.float64).astype(dy.dtype)
    return db


# ---- v1: loops ----------------------------------------------------------------------------------
def _first_channels(x: Array, w: Array, groups: int) -> Array:
    """Return for each filter the first channel of its group, (K,)."""
    k, c_group = w.shape[:2]
    return np.asarray(np.arange(k) // (k // groups) * c_group)


@jit
def _forward_v1(
    i: int, lo: int, hi: int, x: Array, w: Array, first: Array, geometry: Geometry, y: Array
) -> None:
    sh, sw, ph, pw, dh, dw = geometry
    _, h_all, w_all, _ = x.shape
    r_all, s_all, c_all, k_all = w.shape
    for n in range(lo, hi):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                y_k = y[n, p, q]
                for r in range(r_all):
                    for s in range(s_all):
                        row, column = p * sh + r * dh - ph, q * sw + s * dw - pw
                        if 0 <= row < h_all and 0 <= column < w_all:
                            x_c = x[n, row, column]
                            for c in range(c_all):
                                w_k = w[r, s, c]
                                for k in range(k_all):
                                    y_k[k] += x_c[first[k] + c] * w_k[k]


@jit
def _backward_data_v1(
    i: int, lo: int, hi: int, dy: Array, w: Array, first: Array, geometry: Geometry, dx: Array
) -> None:
    sh, sw, ph, pw, dh, dw = geometry
    _, h_all, w_all, _ = dx.shape
    r_all, s_all, c_all, k_all = w.shape
    for n in range(lo, hi):
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                dy_k = dy[n, p, q]
                for r in range(r_all):
                    for s in range(s_all):
                        row, column = p * sh + r * dh - ph, q * sw + s * dw - pw
                        if 0 <= row < h_all and 0 <= column < w_all:
                            dx_c = dx[n, row, column]
                            for c in range(c_all):
                                w_k = w[r, s, c]
                                for k in range(k_all):
                                    dx_c[first[k] + c] += dy_k[k] * w_k[k]


@jit
def _backward_weight_v1(
    i: int, lo: int, hi: int, dy: Array, x: Array, first: Array, geometry: Geometry, partial: Array
) -> None:
    sh, sw, ph, pw, dh, dw_ = geometry
    _, h_all, w_all, _ = x.shape
    dw = partial[i]
    r_all, s_all, c_all, k_all = dw.shape
    for n in range(lo, hi):
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                dy_k = dy[n, p, q]
                for r in range(r_all):
                    for s in range(s_all):
                        row, column = p * sh + r * dh - ph, q * sw + s * dw_ - pw
                        if 0 <= row < h_all and 0 <= column < w_all:
                            x_c = x[n, row, column]
                            for c in range(c_all):
                                dw_k = dw[r, s, c]
                                for k in range(k_all):
                                    dw_k[k] += dy_k[k] * x_c[first[k] + c]


def conv2d_forward_v1(
    x: Array, w: Array, b: Array | None, *, win: Windows, groups: int
) -> tuple[Any, ...]:
    """The definition as loops."""
    y = _new_output(x, len(w), win, b)
    first = _first_channels(x, w, groups)
    pieces = _images(len(x), win, w)
    run(_forward_v1, pieces, to_nhwc(x), _filters_last(w), first, _geometry(win), y)
    return to_nchw(y), x, w, b is not None, win, groups


def conv2d_backward_v1(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: tuple[bool, bool, bool] = (True, True, True),
) -> Gradients:
    """dx, dw, db as loops; None where not needed."""
    geometry, first = _geometry(win), _first_channels(x, w, groups)
    dy_last, w_last = to_nhwc(dy), _filters_last(w)
    dx = dw = None
    if needs[0]:
        n, c, h, width = x.shape
        dx_last = np.zeros((n, h, width, c), x.dtype)
        run(_backward_data_v1, _images(n, win, w), dy_last, w_last, first, geometry, dx_last)
        dx = to_nchw(dx_last)
    if needs[1]:
        pieces = _images(len(x), win, w, partials=True)
        partial = np.zeros((len(pieces), *w_last.shape), w.dtype)
        run(_backward_weight_v1, pieces, dy_last, to_nhwc(x), first, geometry, partial)
        dw = plain(_sum(partial).transpose(3, 2, 0, 1))  # (R, S, C/groups, K) → (K, C/groups, R, S)
    return dx, dw, _bias_gradient(dy) if has_b and needs[2] else None


def _sum(partial: Array) -> Array:
    """Add the chunks' partial sums in order, in float64."""
    dw: Array = partial.sum(axis=0, dtype=np.float64).astype(partial.dtype)
    return dw


# ---- v2: im2col and a blocked product -----------------------------------------------------------
@jit
def _im2col(x: Array, c0: int, geometry: Geometry, output: tuple[int, int], taps: Array) -> None:
    """Copy the windows of one image x (H, W, C), from channel c0 on, into taps (P·Q, R, S, C/g)."""
    sh, sw, ph, pw, dh, dw = geometry
    h_all, w_all, _ = x.shape
    _, r_all, s_all, c_all = taps.shape
    for p in range(output[0]):
        for q in range(output[1]):
            window = taps[p * output[1] + q]
            for r in range(r_all):
                for s in range(s_all):
                    row, column = p * sh + r * dh - ph, q * sw + s * dw - pw
                    to = window[r, s]
                    if 0 <= row < h_all and 0 <= column < w_all:
                        x_c = x[row, column, c0:]
                        for c in range(c_all):
                            to[c] = x_c[c]
                    else:
                        to[:] = 0


@jit
def _col2im(taps: Array, c0: int, geometry: Geometry, output: tuple[int, int], dx: Array) -> None:
    """Add taps (P·Q, R, S, C/g) to the pixels of dx (H, W, C) that they were copied from."""
    sh, sw, ph, pw, dh, dw = geometry
    h_all, w_all, _ = dx.shape
    _, r_all, s_all, c_all = taps.shape
    for p in range(output[0]):
        for q in range(output[1]):
            window = taps[p * output[1] + q]
            for r in range(r_all):
                for s in range(s_all):
                    row, column = p * sh + r * dh - ph, q * sw + s * dw - pw
                    if 0 <= row < h_all and 0 <= column < w_all:
                        dx_c, source = dx[row, column, c0:], window[r, s]
                        for c in range(c_all):
                            dx_c[c] += source[c]


# The products work on groups as separate arrays: x, dx as they are, w (groups, R, S, C/g, K/g),
# y and dy (groups, N, P·Q, K/g).
@jit
def _forward_v2(
    i: int,
    lo: int,
    hi: int,
    x: Array,
    w: Array,
    geometry: Geometry,
    output: tuple[int, int],
    y: Array,
) -> None:
    groups, r, s, c, k = w.shape
    taps = np.empty((output[0] * output[1], r, s, c), x.dtype)
    for n in range(lo, hi):
        for g in range(groups):
            _im2col(x[n], g * c, geometry, output, taps)
            matmul(taps.reshape(len(taps), r * s * c), w[g].reshape(r * s * c, k), y[g, n])


@jit
def _backward_data_v2(
    i: int,
    lo: int,
    hi: int,
    dy: Array,
    wt: Array,
    geometry: Geometry,
    output: tuple[int, int],
    dx: Array,
) -> None:
    groups, k, r, s, c = wt.shape
    taps = np.empty((output[0] * output[1], r, s, c), dx.dtype)
    for n in range(lo, hi):
        for g in range(groups):
            taps[:] = 0
            matmul(dy[g, n], wt[g].reshape(k, r * s * c), taps.reshape(len(taps), r * s * c))
            _col2im(taps, g * c, geometry, output, dx[n])


@jit
def _backward_weight_v2(
    i: int,
    lo: int,
    hi: int,
    dy: Array,
    x: Array,
    geometry: Geometry,
    output: tuple[int, int],
    partial: Array,
) -> None:
    dw = partial[i]
    groups, r, s, c, k = dw.shape
    taps = np.empty((output[0] * output[1], r, s, c), x.dtype)
    for n in range(lo, hi):
        for g in range(groups):
            _im2col(x[n], g * c, geometry, output, taps)
            matmul(taps.reshape(len(taps), r * s * c).T, dy[g, n], dw[g].reshape(r * s * c, k))


def _split_groups(y: Array, groups: int) -> Array:
    """(N, K, P, Q) → (groups, N, P·Q, K/groups); no copy for channels-last y in one group."""
    n, k, p, q = y.shape
    rows = to_nhwc(y).reshape(n, p * q, groups, k // groups)
    return plain(rows.transpose(2, 0, 1, 3))


def conv2d_forward_v2(
    x: Array, w: Array, b: Array | None, *, win: Windows, groups: int
) -> tuple[Any, ...]:
    """y = columns @ w, image by image."""
    (p, q), k = win.output, len(w) // groups
    y = np.zeros((groups, len(x), p * q, k), x.dtype)
    if b is not None:
        y += b.reshape(groups, 1, 1, k)
    w_groups = w.reshape(groups, k, *w.shape[1:]).transpose(0, 3, 4, 2, 1)  # (g, R, S, C/g, K/g)
    pieces = _images(len(x), win, w)
    run(_forward_v2, pieces, to_nhwc(x), plain(w_groups), _geometry(win), win.output, y)
    rows = plain(y.transpose(1, 2, 0, 3))  # (N, P·Q, groups, K/groups); no copy for one group
    return to_nchw(rows.reshape(len(x), p, q, len(w))), x, w, b is not None, win, groups


def conv2d_backward_v2(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: tuple[bool, bool, bool] = (True, True, True),
) -> Gradients:
    """dx = the columns dy @ wᵀ put back in place; dw = columnsᵀ @ dy; None where not needed."""
    geometry, dy_groups = _geometry(win), _split_groups(dy, groups)
    w_groups = w.reshape(groups, len(w) // groups, *w.shape[1:])  # (g, K/g, C/g, R, S)
    dx = dw = None
    if needs[0]:
        n, c, h, width = x.shape
        dx_last = np.zeros((n, h, width, c), x.dtype)
        wt = plain(w_groups.transpose(0, 1, 3, 4, 2))  # (g, K/g, R, S, C/g)
        run(_backward_data_v2, _images(n, win, w), dy_groups, wt, geometry, win.output, dx_last)
        dx = to_nchw(dx_last)
    if needs[1]:
        pieces = _images(len(x), win, w, partials=True)
        shape = np.array(w_groups.shape)[[0, 3, 4, 2, 1]]  # (g, R, S, C/g, K/g)
        partial = np.zeros((len(pieces), *shape), w.dtype)
        run(_backward_weight_v2, pieces, dy_groups, to_nhwc(x), geometry, win.output, partial)
        dw = plain(_sum(partial).transpose(0, 4, 3, 1, 2)).reshape(w.shape)
    return dx, dw, _bias_gradient(dy) if has_b and needs[2] else None


def _wide_groups(x: Array, w: Array, b: Array | None, *, win: Windows, groups: int) -> bool:
    """A product of matrices pays if they are not slivers, as they are in depthwise convolution."""
    return groups == 1 or len(w) // groups >= 4


def _wide_groups_backward(
    dy: Array, x: Array, w: Array, has_b: bool, win: Windows, groups: int
) -> bool:
    return groups == 1 or len(w) // groups >= 4


VERSIONS = versions(
    __doc__,
    (conv2d_forward_v1, conv2d_backward_v1),
    (conv2d_forward_v2, conv2d_backward_v2, _wide_groups, _wide_groups_backward),
)
