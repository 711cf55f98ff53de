"""Convolution v1: the definition as loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import Windows
from ...memory import zeros
from ...spec import ALL, Array, Needs
from ..machine.layout import plain, to_nchw, to_nhwc
from ..machine.loops import loop
from ..machine.threads import run
from .common import (
    Geometry,
    Gradients,
    bias_gradient,
    filters_last,
    geometry,
    new_output,
    smallest_images,
    sum_parts,
    weight_parts,
)


def _first_channels(x: Array, w: Array, groups: int) -> Array:
    """Return for each filter the first channel of its group, (K,)."""
    k, c_group = w.shape[:2]
    return np.asarray(np.arange(k) // (k // groups) * c_group)


@loop
def _forward_v1(
    lo: int, hi: int, x: Array, w: Array, first: Array, geometry: Geometry, y: Array
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


@loop
def _backward_data_v1(
    lo: int, hi: int, dy: Array, w: Array, first: Array, geometry: Geometry, dx: Array
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


@loop
def _backward_weight_v1(
    lo: int, hi: int, dy: Array, x: Array, first: Array, geometry: Geometry, partial: Array
) -> None:
    sh, sw, ph, pw, dh, dw_ = geometry
    _, h_all, w_all, _ = x.shape
    count, r_all, s_all, c_all, k_all = partial.shape
    for part in range(lo, hi):
        dw = partial[part]
        for n in range(part * len(dy) // count, (part + 1) * len(dy) // count):
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
    y = new_output(x, len(w), win, b)
    first = _first_channels(x, w, groups)
    args = (to_nhwc(x), filters_last(w), first, geometry(win), y)
    run(_forward_v1, len(x), *args, smallest=smallest_images(win, w))
    return to_nchw(y), x, w, b is not None, win, groups


def conv2d_backward_v1(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dw, db as loops; None where not needed."""
    sizes, first = geometry(win), _first_channels(x, w, groups)
    dy_last, w_last = to_nhwc(dy), filters_last(w)
    dx = dw = None
    if needs[0]:
        n, c, h, width = x.shape
        dx_last = zeros((n, h, width, c), x.dtype)
        args = (dy_last, w_last, first, sizes, dx_last)
        run(_backward_data_v1, n, *args, smallest=smallest_images(win, w))
        dx = to_nchw(dx_last)
    if needs[1]:
        count = weight_parts(len(x), w.nbytes, smallest_images(win, w))
        partial = zeros((count, *w_last.shape), w.dtype)
        run(_backward_weight_v1, count, dy_last, to_nhwc(x), first, sizes, partial)
        dw = plain(
            sum_parts(partial).transpose(3, 2, 0, 1)
        )  # (R, S, C/groups, K) → (K, C/groups, R, S)
    return dx, dw, bias_gradient(dy) if has_b and needs[2] else None
