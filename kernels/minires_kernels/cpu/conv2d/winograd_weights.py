"""The weights of Winograd convolution, there (U = G w Gᵀ) and back (dw = Gᵀ dU G)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...memory import empty
from ...spec import Array
from ..machine.jit import jit_inner
from ..machine.layout import aligned, plain
from ..machine.loops import loop
from ..machine.simd import lanes, load, store
from ..machine.threads import run
from .winograd import weight_gradient_tile, weight_tile
from .winograd_products import FILTERS, WIDTH


def whole_blocks(channels: int) -> int:
    """Round up to whole blocks of channels."""
    return -(-channels // WIDTH) * WIDTH


@jit_inner
def transform_block(w: Array, block: int, sizes: tuple[int, ...], u: Array, at: int, step: int,
                    taps: Array) -> None:  # fmt: skip
    """u[f · step + at + c · FILTERS :] = (G w Gᵀ)[f] of one block of filters, for each channel c.

    sizes: filters, channels, channels in u, and the distance in w of filters and of channels.
    Filters and channels beyond the last are zero.
    """
    k_all, c_all, padded, k_stride, c_stride = sizes
    k = block * FILTERS
    inside = min(FILTERS, k_all - k)
    taps[: 9 * FILTERS] = 0
    for c in range(padded):
        if c == c_all:
            taps[: 9 * FILTERS] = 0
        if c < c_all:
            for lane in range(inside):
                o = (k + lane) * k_stride + c * c_stride
                for tap in range(9):
                    taps[tap * FILTERS + lane] = w[o + tap]
        for column in range(0, FILTERS, lanes(w)):
            weight_tile(taps, column, FILTERS, u, at + c * FILTERS + column, step)


@loop
def _transform_weights(
    lo: int, hi: int, w: Array, sizes: tuple[int, ...], step: int, u: Array
) -> None:
    """Transform filter blocks lo … hi - 1 into u (36, blocks, channels, lanes)."""
    taps = np.zeros(9 * FILTERS, w.dtype)
    for block in range(lo, hi):
        transform_block(w, block, sizes, u, block * sizes[2] * FILTERS, step, taps)


@lru_cache(1024)
def weight_sizes(shape: tuple[int, ...], mirrored: bool) -> tuple[int, ...]:
    """Return `transform_block`'s sizes; `mirrored`: the filters are the channels of x."""
    k, c = shape[:2]
    return (c, k, whole_blocks(k), 9, 9 * c) if mirrored else (k, c, whole_blocks(c), 9 * c, 9)


def transformed(w: Array, mirrored: bool) -> Array:
    """Return U (36, filter blocks, channels, FILTERS)."""
    sizes = weight_sizes(w.shape, mirrored)
    blocks, channels = whole_blocks(sizes[0]) // FILTERS, sizes[2]
    u = aligned((36, blocks, channels, FILTERS), w.dtype)
    few = (1 << 10) // (channels * FILTERS) + 1
    args = (plain(w).reshape(-1), sizes, blocks * channels * FILTERS, u.reshape(-1))
    run(_transform_weights, blocks, *args, smallest=few)
    return u


@jit_inner
def untransform_block(du: Array, at: int, step: int, block: int, k_all: int, c_all: int, dw: Array,
                      taps: Array) -> None:  # fmt: skip
    """dw[k, c] = Gᵀ dU G of one block of filters; dU lies as in `transform_block`.

    taps: room for 9 blocks.
    """
    inside = min(FILTERS, k_all - block * FILTERS)
    for c in range(c_all):
        for column in range(0, FILTERS, lanes(du)):
            weight_gradient_tile(du, at + c * FILTERS + column, step, taps, column, FILTERS)
        for lane in range(inside):
            o = ((block * FILTERS + lane) * c_all + c) * 9
            for tap in range(9):
                dw[o + tap] = taps[tap * FILTERS + lane]


@loop
def _untransform_weights(lo: int, hi: int, du: Array, sizes: tuple[int, ...], dw: Array) -> None:
    """dw from dU (parts, 36, blocks, channels, FILTERS) for filter blocks lo … hi - 1.

    First the other parts are added to part 0, along memory.
    """
    parts, blocks, padded, k_all, c_all = sizes
    block_size = padded * FILTERS
    step = blocks * block_size
    taps = np.empty(9 * FILTERS, du.dtype)
    for block in range(lo, hi):
        at = block * block_size
        for o in range(at, 36 * step, step):
            for j in range(o, o + block_size, lanes(du)):
                v = load(du, j)
                for part in range(1, parts):
                    v = v + load(du, j + part * 36 * step)
                store(du, j, v)
        untransform_block(du, at, step, block, k_all, c_all, dw, taps)


def untransformed(du: Array, shape: tuple[int, ...]) -> Array:
    """Return dw from dU (parts, 36, filter blocks, channels, FILTERS)."""
    k, c = shape[:2]
    dw = empty(shape, du.dtype)
    sizes = (len(du), du.shape[2], du.shape[3], k, c)
    few = (1 << 10) // (c * FILTERS * len(du)) + 1
    run(_untransform_weights, -(-k // FILTERS), du.reshape(-1), sizes, dw.reshape(-1), smallest=few)
    return dw
