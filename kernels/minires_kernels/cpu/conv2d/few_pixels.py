"""Convolution of few pixels with many weights: columns (im2col) and products in register tiles.

Where images have shrunk to a few pixels, the weights are most of the memory that a convolution
reads and writes: 9 MB for 512 × 512 × 3 × 3, beside 64 KB for eight images of 2×2. The loops of v3
and v4 bring weights into an order of their own and gradients back from it, which then takes longer
than the products. Here w (K, J = C·R·S) and dw take part in a product as they lie in memory, and
each weight is read or written once:

    y = w columns        dw = dy columnsᵀ        dx = columns' pixels, summed over wᵀ dy

with columns (J, pixels = N·P·Q), y and dy (K, pixels). Rows of the result go to threads. BLAS is
slower here: it copies w to have it in an order of its own.
"""

from __future__ import annotations

import math

import numpy as np

from ...checks import Windows
from ...memory import empty
from ...spec import Array, Needs
from ..machine.layout import plain, to_nchw
from ..machine.loops import loop
from ..machine.threads import run
from ..machine.tile import (
    Positions,
    fill_tile,
    load_tile,
    looked_up,
    multiply_add,
    spaced,
    store_tile,
    tile_for,
)
from .common import SMALLEST_FLOPS

FLAT = 8  # times N·P·Q is at most a side of w: with more pixels, products outweigh the weights
FLATTER = 16  # the same where Winograd would need fewer products
FEWEST_WEIGHTS = 1 << 15  # with fewer, the calls outweigh both
ALONG_W = 1024  # terms of y summed at a time, along rows of w; then the sum so far takes them in
SMALLEST_COPIES = 1 << 13  # elements of columns: below that a thread costs more than it saves
ACROSS_W = 32  # terms of dx at a time, each in another row of w: as many streams of memory

Geometry = tuple[int, ...]


def pays(x: Array, w: Array, win: Windows, groups: int, flat: int = FLAT) -> bool:
    """Whether w, K rows of C·R·S, outweighs its products with N·P·Q rows: see FLAT."""
    pixels = len(x) * win.output[0] * win.output[1]
    enough = groups == 1 and w.size >= FEWEST_WEIGHTS
    return enough and 0 < flat * pixels <= math.sqrt(w.size)


@loop
def _columns(lo: int, hi: int, x: Array, g: Geometry, steps: tuple[int, int], out: Array) -> None:
    """out[j · steps[0] + m · steps[1]] = x (N, H, W, C; flat) where tap j of window m meets it, or
    0 beyond the image, for channels lo … hi - 1."""
    h, w, c_all, r_all, s_all, p, q, sh, sw, top, left, dh, dw = g
    j_step, m_step = steps
    for m in range(len(x) // (h * w * c_all) * p * q):
        n, i, j = m // (p * q), m // q % p * sh - top, m % q * sw - left
        for r in range(r_all):
            for s in range(s_all):
                row, column = i + r * dh, j + s * dw
                to, step = m * m_step + (r * s_all + s) * j_step, r_all * s_all * j_step
                if 0 <= row < h and 0 <= column < w:
                    at = ((n * h + row) * w + column) * c_all
                    for c in range(lo, hi):
                        out[to + c * step] = x[at + c]
                else:
                    for c in range(lo, hi):
                        out[to + c * step] = 0


@loop
def _pixel_sums(lo: int, hi: int, columns: Array, g: Geometry, width: int, dx: Array) -> None:
    """Images lo … hi - 1 of dx (N, H, W, C; flat): what columns (J, width; flat) have for each
    pixel, summed."""
    h, w, c_all, r_all, s_all, p, q, sh, sw, top, left, dh, dw = g
    taps = r_all * s_all
    dx[lo * h * w * c_all : hi * h * w * c_all] = 0
    for m in range(lo * p * q, hi * p * q):
        n, i, j = m // (p * q), m // q % p * sh - top, m % q * sw - left
        for r in range(r_all):
            for s in range(s_all):
                row, column = i + r * dh, j + s * dw
                if 0 <= row < h and 0 <= column < w:
                    to, at = ((n * h + row) * w + column) * c_all, (r * s_all + s) * width + m
                    for c in range(c_all):
                        dx[to + c] += columns[at + c * taps * width]


@loop
def _product(
    lo: int, hi: int, a: Array, b: Array, sizes: tuple[int, ...], places: tuple[Array, Array],
    rows: Positions, columns: Positions, y: Array,
) -> None:  # fmt: skip
    """y[i] = Σ_t a[i, t] b[t] for blocks lo … hi - 1 of rows i; all flat.

    sizes: terms, how many of them at a time, the step from a[i, t] to a[i, t + 1], the width of b
    and y, the columns of a tile; places: where rows of a and y begin. The last block and the last
    columns overlap those before them, whose sums come out the same.
    """
    terms, together, a_step, width, wide = sizes
    last = len(places[0]) - 1
    for first in range(0, terms, together):
        end = min(first + together, terms)
        for block in range(lo, hi):
            at = looked_up(rows, places[0], block * len(rows), last)
            for start in range(0, width, wide):
                m = min(start, width - wide)
                to = looked_up(rows, places[1], block * len(rows), last)
                here = spaced(columns, m, 1)
                sums = fill_tile(y, rows, columns, 0) if first == 0 else load_tile(y, to, here)
                for t in range(first, end):
                    sums = multiply_add(sums, a, at, t * a_step, b, columns, t * width + m)
                store_tile(y, to, here, sums)


def _multiply(
    a: Array, row_step: int, term_step: int, terms: int, together: int, b: Array, y: Array
) -> None:
    """y (rows, width) = Σ_t a[row · row_step + t · term_step] · b[t] (terms, width)."""
    n, width = y.shape
    tile = tile_for(width, y.itemsize)
    wide = tile.width(y.itemsize)
    places = (np.arange(n) * row_step, np.arange(n) * width)
    run(
        _product, -(-n // tile.height), a.reshape(-1), b.reshape(-1),
        (terms, together, term_step, width, wide), places, tile.rows, tile.columns, y.reshape(-1),
        smallest=SMALLEST_FLOPS // (2 * tile.height * terms * width) + 1,
    )  # fmt: skip


def _width(pixels: int, itemsize: int) -> int:
    """Return how many columns to have: whole tiles."""
    wide = tile_for(pixels, itemsize).width(itemsize)
    return -(-pixels // wide) * wide


def _geometry(x: Array, win: Windows) -> Geometry:
    return (*x.shape[1:], *win.size, *win.output, *win.stride, *win.padding, *win.dilation)


def _fill(columns: Array, x: Array, win: Windows, steps: tuple[int, int]) -> None:
    few = SMALLEST_COPIES * x.shape[3] // columns.size + 1
    run(
        _columns, x.shape[3], x.reshape(-1), _geometry(x, win), steps, columns.reshape(-1),
        smallest=few,
    )  # fmt: skip


def forward(x: Array, w: Array, b: Array | None, win: Windows, y: Array) -> None:
    """y (N, P, Q, K) = b + w columns; x (N, H, W, C)."""
    k, pixels, terms = len(w), y[..., 0].size, w[0].size
    width = _width(pixels, x.itemsize)
    columns, sums = empty((terms, width), x.dtype), empty((k, width), x.dtype)
    columns[:, pixels:] = 0
    _fill(columns, x, win, (width, 1))
    _multiply(plain(w), terms, 1, terms, ALONG_W, columns, sums)
    y.reshape(-1, k)[:] = sums[:, :pixels].T
    if b is not None:
        y += b


def backward(
    dy: Array, x: Array, w: Array, win: Windows, needs: Needs
) -> tuple[Array | None, Array | None]:
    """Return dx and dw from dy (N, P, Q, K) and x (N, H, W, C)."""
    k, pixels, terms = len(w), dy[..., 0].size, w[0].size
    geometry, dx, dw = _geometry(x, win), None, None
    if needs[0]:
        width = _width(pixels, dy.itemsize)
        upstream, columns = np.zeros((k, width), dy.dtype), empty((terms, width), dy.dtype)
        upstream[:, :pixels] = dy.reshape(pixels, k).T
        _multiply(plain(w), 1, terms, k, ACROSS_W, upstream, columns)
        dx = empty(x.shape, dy.dtype)
        run(_pixel_sums, len(x), columns.reshape(-1), geometry, width, dx.reshape(-1))
        dx = to_nchw(dx)
    if needs[1]:
        width = max(terms, tile_for(terms, w.itemsize).width(w.itemsize))
        columns, dw = empty((pixels, width), x.dtype), empty((k, width), w.dtype)
        columns[:, terms:] = 0
        _fill(columns, x, win, (1, width))
        _multiply(plain(dy), 1, k, pixels, pixels, columns, dw)
        dw = plain(dw[:, :terms]).reshape(w.shape)
    return dx, dw
