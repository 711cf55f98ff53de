"""Convolution of few pixels with many weights: columns (im2col) and BLAS.

Where images have shrunk to a few pixels, the weights are most of the memory that a convolution
reads and writes: 9 MB for 512 × 512 × 3 × 3, beside 64 KB for eight images of 2×2. The loops of v3
and v4 bring weights into an order of their own and gradients back from it, which then takes longer
than the products. Here w (K, C·R·S) and dw take part in a product as they lie in memory:

    y = columns wᵀ        dw = dyᵀ columns        dx = columns' pixels, summed over dy w

with columns (N·P·Q, C·R·S). A thread takes some channels of x: their columns stay in its cache, and
each weight is read or written once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...checks import Windows
from ...memory import empty, zeros
from ...spec import Array, Needs
from ..machine.layout import plain, to_nchw
from ..machine.threads import parts, run
from .common import SMALLEST_FLOPS

FLAT = 8  # times N·P·Q is at most a side of w: with more pixels, products outweigh the weights
FLATTER = 16  # the same where Winograd would need fewer products
FEWEST_WEIGHTS = 1 << 15  # with fewer, NumPy's calls outweigh both
MOST_PIECES = 4  # of the channels: with more, products become slivers


def pays(x: Array, w: Array, win: Windows, groups: int, flat: int = FLAT) -> bool:
    """Whether w, K rows of C·R·S, outweighs its products with N·P·Q rows: see FLAT."""
    pixels = len(x) * win.output[0] * win.output[1]
    enough = groups == 1 and w.size >= FEWEST_WEIGHTS
    return enough and 0 < flat * pixels <= math.sqrt(w.size)


def _taps(padded: Array, win: Windows) -> Iterator[tuple[int, int, Array]]:
    """Yield r, s and the view (N, P, Q, c) of the pixels of `padded` that this tap meets."""
    (p, q), (sh, sw), (dh, dw) = win.output, win.stride, win.dilation
    for r, s in np.ndindex(*win.size):
        top, left = r * dh, s * dw
        yield r, s, padded[:, top : top + sh * p : sh, left : left + sw * q : sw]


def _within_zeros(x: Array, win: Windows) -> tuple[Array, Array]:
    """Return zeros (N, H', W', C) that all windows fit in, and the view of them where x lies."""
    n, h, w, c = x.shape
    padded = zeros((n, *win.padded(h, w), c), x.dtype)
    top, left = win.padding
    return padded, padded[:, top : top + h, left : left + w]


def _columns(x: Array, win: Windows) -> Array:
    """Return the windows of x (N, H, W, c) as the rows of a matrix (N·P·Q, c·R·S)."""
    padded, inside = _within_zeros(x, win)
    inside[:] = x
    n, c = len(x), x.shape[3]
    columns = empty((n, *win.output, c, *win.size), x.dtype)
    for r, s, pixels in _taps(padded, win):
        columns[..., r, s] = pixels
    return columns.reshape(n * win.output[0] * win.output[1], -1)


def _pixel_sums(columns: Array, win: Windows, dx: Array) -> None:
    """Write to dx (N, H, W, c) the sum of what columns (N·P·Q, c·R·S) have for each pixel."""
    padded, inside = _within_zeros(dx, win)
    windows = columns.reshape(len(dx), *win.output, dx.shape[3], *win.size)
    for r, s, pixels in _taps(padded, win):
        pixels += windows[..., r, s]
    dx[:] = inside


def _forward(lo: int, hi: int, x: Array, w: Array, win: Windows, partial: Array) -> None:
    """partial[i] (K, N·P·Q) = the sum over piece i of the channels, for lo ≤ i < hi."""
    for i in range(lo, hi):
        channels, places = _piece(i, len(partial), x.shape[3], win)
        np.matmul(w[:, places], _columns(x[..., channels], win).T, out=partial[i])


def _backward(lo: int, hi: int, dy: Array, x: Array, w: Array, win: Windows, pieces: int,
              dx: Array | None, dw: Array | None) -> None:  # fmt: skip
    """Pieces lo … hi - 1 of the channels of dx (N, H, W, C) and dw (K, C·R·S), if they are wanted.

    dy (N·P·Q, K)
    """
    for i in range(lo, hi):
        channels, places = _piece(i, pieces, x.shape[3], win)
        if dx is not None:
            columns = empty((len(dy), places.stop - places.start), dy.dtype)
            _pixel_sums(np.matmul(dy, w[:, places], out=columns), win, dx[..., channels])
        if dw is not None:
            np.matmul(dy.T, _columns(x[..., channels], win), out=dw[:, places])


def _piece(i: int, pieces: int, c: int, win: Windows) -> tuple[slice, slice]:
    """Return piece i of the channels, and its part of a row of weights."""
    taps, lo, hi = win.size[0] * win.size[1], i * c // pieces, (i + 1) * c // pieces
    return slice(lo, hi), slice(lo * taps, hi * taps)


def _pieces(pixels: int, w: Array) -> int:
    channel = 2 * pixels * w[:, 0].size  # flops
    return parts(w.shape[1], 4 * SMALLEST_FLOPS // channel + 1, MOST_PIECES)


def forward(x: Array, w: Array, b: Array | None, win: Windows, y: Array) -> None:
    """y (N, P, Q, K) = b + Σ over pieces of the channels: columns wᵀ; x (N, H, W, C)."""
    k, pixels = len(w), y[..., 0].size
    partial = empty((_pieces(pixels, w), k, pixels), x.dtype)
    run(_forward, len(partial), x, plain(w).reshape(k, -1), win, partial)
    y.reshape(-1, k)[:] = partial.sum(axis=0).T
    if b is not None:
        y += b


def backward(
    dy: Array, x: Array, w: Array, win: Windows, needs: Needs
) -> tuple[Array | None, Array | None]:
    """Return dx and dw from dy (N, P, Q, K) and x (N, H, W, C)."""
    k = len(w)
    dx = empty(x.shape, x.dtype) if needs[0] else None
    dw = empty((k, w[0].size), w.dtype) if needs[1] else None
    pieces = _pieces(dy[..., 0].size, w)
    run(_backward, pieces, dy.reshape(-1, k), x, plain(w).reshape(k, -1), win, pieces, dx, dw)
    return None if dx is None else to_nchw(dx), None if dw is None else dw.reshape(w.shape)
