"""Convolution v2: im2col and a blocked product."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import Windows
from ...memory import zeros
from ...spec import ALL, Array, Needs
from ..machine.jit import jit
from ..machine.layout import plain, to_nchw, to_nhwc
from ..machine.loops import loop
from ..machine.matmul import matmul
from ..machine.threads import run
from .common import (
    Geometry,
    Gradients,
    bias_gradient,
    geometry,
    smallest_images,
    sum_parts,
    weight_parts,
)


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
@loop
def _forward_v2(
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


@loop
def _backward_data_v2(
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


@loop
def _backward_weight_v2(
    lo: int,
    hi: int,
    dy: Array,
    x: Array,
    geometry: Geometry,
    output: tuple[int, int],
    partial: Array,
) -> None:
    count, groups, r, s, c, k = partial.shape
    taps = np.empty((output[0] * output[1], r, s, c), x.dtype)
    for part in range(lo, hi):
        dw = partial[part]
        for n in range(part * len(x) // count, (part + 1) * len(x) // count):
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
    y = zeros((groups, len(x), p * q, k), x.dtype)
    if b is not None:
        y += b.reshape(groups, 1, 1, k)
    w_groups = w.reshape(groups, k, *w.shape[1:]).transpose(0, 3, 4, 2, 1)  # (g, R, S, C/g, K/g)
    args = (to_nhwc(x), plain(w_groups), geometry(win), win.output, y)
    run(_forward_v2, len(x), *args, smallest=smallest_images(win, w))
    rows = plain(y.transpose(1, 2, 0, 3))  # (N, P·Q, groups, K/groups); no copy for one group
    return to_nchw(rows.reshape(len(x), p, q, len(w))), x, w, b is not None, win, groups


def conv2d_backward_v2(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: Needs = ALL,
) -> Gradients:
    """dx = the columns dy @ wᵀ put back in place; dw = columnsᵀ @ dy; None where not needed."""
    sizes, dy_groups = geometry(win), _split_groups(dy, groups)
    w_groups = w.reshape(groups, len(w) // groups, *w.shape[1:])  # (g, K/g, C/g, R, S)
    dx = dw = None
    if needs[0]:
        n, c, h, width = x.shape
        dx_last = zeros((n, h, width, c), x.dtype)
        wt = plain(w_groups.transpose(0, 1, 3, 4, 2))  # (g, K/g, R, S, C/g)
        args = (dy_groups, wt, sizes, win.output, dx_last)
        run(_backward_data_v2, n, *args, smallest=smallest_images(win, w))
        dx = to_nchw(dx_last)
    if needs[1]:
        count = weight_parts(len(x), w.nbytes, smallest_images(win, w))
        shape = np.array(w_groups.shape)[[0, 3, 4, 2, 1]]  # (g, R, S, C/g, K/g)
        partial = zeros((count, *shape), w.dtype)
        run(_backward_weight_v2, count, dy_groups, to_nhwc(x), sizes, win.output, partial)
        dw = plain(sum_parts(partial).transpose(0, 4, 3, 1, 2)).reshape(w.shape)
    return dx, dw, bias_gradient(dy) if has_b and needs[2] else None


def wide_groups(x: Array, w: Array, b: Array | None, *, win: Windows, groups: int) -> bool:
    """A product of matrices pays if they are not slivers, as they are in depthwise convolution."""
    return groups == 1 or len(w) // groups >= 4


def wide_groups_backward(
    dy: Array, x: Array, w: Array, has_b: bool, win: Windows, groups: int
) -> bool:
    """As `wide_groups`."""
    return groups == 1 or len(w) // groups >= 4
