"""Winograd convolution with many channels: each stage over the whole batch.

A thread takes a block of filters at a time: it transforms their weights, which then stay in its
cache, and multiplies them with all tiles. dU is transformed back while it is there, so neither U
nor dU is ever in memory as a whole, and dw needs no partial sums.
"""

from __future__ import annotations

import numpy as np

from ...memory import empty
from ...spec import Array
from ..machine.layout import aligned, plain
from ..machine.loops import loop
from ..machine.simd import lanes
from ..machine.threads import run
from .winograd_products import FILTERS, TILE, WIDTH, block_at, multiply, multiply_transposed
from .winograd_stages import Sizes, buffer, gradients, inputs, outputs, upstreams
from .winograd_weights import transform_block, untransform_block, weight_sizes, whole_blocks


@loop
def _all_inputs(
    lo: int, hi: int, x: Array, z: Sizes, batch: tuple[int, ...], v: Array, forward: bool
) -> None:
    """Transform blocks of TILE tiles of x (or, not `forward`, of dy) into v (36, …)."""
    total, tiles, padded, step = batch
    patch = np.empty(36 * padded, x.dtype)
    first = lo * TILE
    count = min(hi * TILE, total) - first
    if forward:
        inputs(x, first, count, z, v, step, first, tiles, patch)
    else:
        upstreams(x, first, count, z, v, step, first, tiles, patch)


@loop
def _all_products(lo: int, hi: int, a: Array, w: Array, sizes: tuple[int, ...],
                  batch: tuple[int, ...], y: Array) -> None:  # fmt: skip
    """For filter blocks lo … hi - 1: y = Σ_channels a · U; U of a block stays in the cache."""
    tiles, a_step, y_step = batch
    padded = sizes[2]
    u = buffer(36 * padded * FILTERS, a)
    taps = np.empty(9 * FILTERS, a.dtype)
    for block in range(lo, hi):
        transform_block(w, block, sizes, u, 0, padded * FILTERS, taps)
        for f in range(36):
            to = f * y_step + block_at(block * FILTERS, tiles)
            multiply(a, f * a_step, u, f * padded * FILTERS, y, to, tiles, tiles, padded)


@loop
def _all_weight_products(
    lo: int, hi: int, v: Array, m: Array, batch: tuple[int, ...], dw: Array
) -> None:
    """For filter blocks lo … hi - 1: dw from dU = Σ_tiles v · m, which stays in the cache."""
    total, tiles, c_all, k_all, padded, v_step, m_step = batch
    step = padded * FILTERS
    du, taps = buffer(36 * step, v), np.empty(9 * FILTERS, v.dtype)
    for block in range(lo, hi):
        for f in range(36):
            o = f * m_step + block_at(block * FILTERS, tiles)
            multiply_transposed(v, f * v_step, m, o, du, f * step, total, tiles, padded, False)
        untransform_block(du, 0, step, block, k_all, c_all, dw, taps)


@loop
def _all_outputs(
    lo: int, hi: int, m: Array, b: Array, z: Sizes, batch: tuple[int, ...], y: Array
) -> None:
    """Transform blocks of TILE tiles of m into y."""
    total, tiles, step = batch
    patch = np.empty(17 * lanes(y), y.dtype)
    first = lo * TILE
    outputs(m, step, first, tiles, b, y, first, min(hi * TILE, total) - first, z, patch)


@loop
def _all_gradients(lo: int, hi: int, v: Array, z: Sizes, batch: tuple[int, ...], dx: Array) -> None:
    """Transform the tiles of images lo … hi - 1 of v, added to dx (zeroed here)."""
    tiles, step = batch
    h, w, c, _, _, _, _, _, rows, columns = z
    patch = np.empty(37 * lanes(dx), dx.dtype)
    dx[lo * h * w * c : hi * h * w * c] = 0
    first = lo * rows * columns
    count = (hi - lo) * rows * columns
    gradients(v, step, first, tiles, dx, first, count, z, patch)


class Stages:
    """Buffers and calls of the staged way, for one convolution."""

    def __init__(self, n: int, z: Sizes) -> None:
        self.z, self.n = z, n
        self.total = n * z[8] * z[9]
        self.tiles = -(-self.total // TILE) * TILE
        self.c, self.k = whole_blocks(z[2]), whole_blocks(z[3])
        self.c_step, self.k_step = (p * self.tiles + WIDTH for p in (self.c, self.k))

    def transform(self, x: Array, forward: bool) -> Array:
        """Return V of x (N, H, W, C) or, not `forward`, dM of dy (N, P, Q, K)."""
        padded, step = (self.c, self.c_step) if forward else (self.k, self.k_step)
        v = aligned((36 * step,), x.dtype)
        if self.tiles != self.total:
            v.fill(0)  # the tiles beyond the last take part in the products
        batch = (self.total, self.tiles, padded, step)
        run(_all_inputs, self.tiles // TILE, x.reshape(-1), self.z, batch, v, forward)
        return v

    def products(self, v: Array, w: Array, forward: bool) -> Array:
        """Return M = V · U, or (not `forward`) dV = dM · Uᵀ."""
        y_step, a_step = (self.k_step, self.c_step) if forward else (self.c_step, self.k_step)
        y = aligned((36 * y_step,), v.dtype)
        sizes = weight_sizes(w.shape, mirrored=not forward)
        args = (v, plain(w).reshape(-1), sizes, (self.tiles, a_step, y_step), y)
        run(_all_products, whole_blocks(sizes[0]) // FILTERS, *args)
        return y

    def weight_products(self, v: Array, m: Array) -> Array:
        """Return dw from dU = Vᵀ · dM."""
        c, k = self.z[2:4]
        dw = empty((k, c, 3, 3), v.dtype)
        batch = (self.total, self.tiles, c, k, self.c, self.c_step, self.k_step)
        run(_all_weight_products, -(-k // FILTERS), v, m, batch, dw.reshape(-1))
        return dw

    def output(self, m: Array, b: Array, y: Array) -> None:
        """Write y (N, P, Q, K) from M and the bias."""
        batch = (self.total, self.tiles, self.k_step)
        run(_all_outputs, self.tiles // TILE, m, b, self.z, batch, y.reshape(-1))

    def gradient(self, v: Array, dx: Array) -> None:
        """Write dx (N, H, W, C) from dV."""
        run(_all_gradients, self.n, v, self.z, (self.tiles, self.c_step), dx.reshape(-1))
