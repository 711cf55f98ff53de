"""Convolution in plain NumPy, as one writes it first: im2col and one matrix product.

The images are spread over as many threads as the kernels use, so that the comparison is of code and
not of cores; NumPy lets other threads run during copies and products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .timing import spread

Array = Any


def im2col(x: Array, r: int, s: int, stride: int, padding: int) -> Array:
    """Return the windows of x (N, C, H, W) as rows: (N·P·Q, C·R·S)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    taps = sliding_window_view(x, (r, s), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, p, q = taps.shape[:4]
    return taps.transpose(0, 2, 3, 1, 4, 5).reshape(n * p * q, c * r * s)


def forward(x: Array, w: Array, stride: int, padding: int) -> Array:
    """Return y (N, K, P, Q)."""
    k, _, r, s = w.shape
    p, q = ((size + 2 * padding - tap) // stride + 1 for size, tap in zip(x.shape[2:], (r, s)))
    y = np.empty((len(x), p, q, k), x.dtype)

    def images(lo: int, hi: int) -> None:
        columns = im2col(x[lo:hi], r, s, stride, padding)
        y[lo:hi] = (columns @ w.reshape(k, -1).T).reshape(hi - lo, p, q, k)

    spread(images, len(x))
    return y.transpose(0, 3, 1, 2)


def backward(dy: Array, x: Array, w: Array, stride: int, padding: int) -> tuple[Array, Array]:
    """Return dx and dw."""
    return backward_data(dy, x, w, stride, padding), backward_weight(dy, x, w, stride, padding)


def backward_data(dy: Array, x: Array, w: Array, stride: int, padding: int) -> Array:
    """Return dx: the columns dy @ w, each tap added to the pixels that it came from."""
    n, c, h, width = x.shape
    k, _, r, s = w.shape
    p, q = dy.shape[2:]
    dx = np.zeros((n, h + 2 * padding, width + 2 * padding, c), x.dtype)
    taps = w.transpose(0, 2, 3, 1).reshape(k, r * s * c)

    def images(lo: int, hi: int) -> None:
        rows = dy[lo:hi].transpose(0, 2, 3, 1).reshape(-1, k)
        columns = (rows @ taps).reshape(hi - lo, p, q, r, s, c)
        for a, b in np.ndindex(r, s):
            pixels = slice(a, a + stride * p, stride), slice(b, b + stride * q, stride)
            dx[lo:hi, *pixels] += columns[:, :, :, a, b]

    spread(images, n)
    inner = slice(padding, padding + h), slice(padding, padding + width)
    return dx[:, *inner].transpose(0, 3, 1, 2)


def backward_weight(dy: Array, x: Array, w: Array, stride: int, padding: int) -> Array:
    """Return dw = dyᵀ @ columns, summed over the threads."""
    k, _, r, s = w.shape
    partial = []

    def images(lo: int, hi: int) -> None:
        columns = im2col(x[lo:hi], r, s, stride, padding)
        rows = dy[lo:hi].transpose(0, 2, 3, 1).reshape(-1, k)
        partial.append(rows.T @ columns)

    spread(images, len(x))
    return sum(partial).reshape(w.shape)
