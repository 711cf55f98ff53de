"""The weights of Winograd convolution, there (U = G w Gᵀ) and back (dw = Gᵀ dU G)."""

from __future__ import annotations

import numpy as np

from ...memory import empty
from ...spec import Array
from ..machine.jit import jit, jit_inner
from ..machine.layout import plain
from ..machine.simd import lanes, load, store
from ..machine.threads import run
from ..machine.vector_width import VECTOR_BYTES
from .winograd import weight_gradient_tile, weight_tile

LANES = VECTOR_BYTES // 4  # of float32
WIDTH = max(LANES, 8)  # channels per block, see winograd_stages.py


def whole_blocks(channels: int) -> int:
    """Round up to whole blocks of channels."""
    return -(-channels // WIDTH) * WIDTH


@jit_inner
def transform_block(w: Array, block: int, sizes: tuple[int, ...], u: Array, at: int, step: int,
                    taps: Array) -> None:  # fmt: skip
    """u[f · step + at + c · lanes :] = (G w Gᵀ)[f] of one register of filters, for each channel c.

    sizes: filters, channels, channels in u, and the distance in w of filters and of channels.
    Filters and channels beyond the last are zero.
    """
    k_all, c_all, padded, k_stride, c_stride = sizes
    per_register = lanes(w)
    k = block * per_register
    inside = min(per_register, k_all - k)
    taps[: 9 * per_register] = 0
    for c in range(padded):
        if c == c_all:
            taps[: 9 * per_register] = 0
        if c < c_all:
            for lane in range(inside):
                o = (k + lane) * k_stride + c * c_stride
                for tap in range(9):
                    taps[tap * per_register + lane] = w[o + tap]
        weight_tile(taps, 0, per_register, u, at + c * per_register, step)


@jit
def _transform_weights(
    lo: int, hi: int, w: Array, sizes: tuple[int, ...], step: int, u: Array
) -> None:
    """Transform filter blocks lo … hi - 1 into u (36, blocks, channels, lanes)."""
    taps = np.zeros(9 * lanes(w), w.dtype)
    for block in range(lo, hi):
        transform_block(w, block, sizes, u, block * sizes[2] * lanes(w), step, taps)


def weight_sizes(w: Array, mirrored: bool) -> tuple[int, ...]:
    """Return `transform_block`'s sizes; `mirrored`: the filters are the channels of x."""
    k, c = w.shape[:2]
    return (c, k, whole_blocks(k), 9, 9 * c) if mirrored else (k, c, whole_blocks(c), 9 * c, 9)


def transformed(w: Array, mirrored: bool) -> Array:
    """Return U (36, filter blocks, channels, lanes)."""
    sizes = weight_sizes(w, mirrored)
    blocks, channels = whole_blocks(sizes[0]) // LANES, sizes[2]
    u = empty((36, blocks, channels, LANES), w.dtype)
    few = (1 << 12) // (channels * LANES) + 1
    args = (plain(w).reshape(-1), sizes, blocks * channels * LANES, u.reshape(-1))
    run(_transform_weights, blocks, *args, smallest=few)
    return u


@jit_inner
def untransform_block(du: Array, at: int, step: int, part_step: int, parts: int, block: int,
                      k_all: int, c_all: int, dw: Array, taps: Array, total: Array,
                      ) -> None:  # fmt: skip
    """dw[k, c] = Gᵀ (Σ_parts dU) G of one register of filters; dU lies as in `transform_block`.

    taps, total: room for 9 and 36 registers.
    """
    per_register = lanes(du)
    inside = min(per_register, k_all - block * per_register)
    for c in range(c_all):
        for f in range(36):
            o = f * step + at + c * per_register
            v = load(du, o)
            for part in range(1, parts):
                v = v + load(du, o + part * part_step)
            store(total, f * per_register, v)
        weight_gradient_tile(total, 0, per_register, taps, 0, per_register)
        for lane in range(inside):
            o = ((block * per_register + lane) * c_all + c) * 9
            for tap in range(9):
                dw[o + tap] = taps[tap * per_register + lane]


@jit
def _untransform_weights(lo: int, hi: int, du: Array, sizes: tuple[int, ...], dw: Array) -> None:
    """dw from dU (parts, 36, blocks, channels, lanes) for filter blocks lo … hi - 1."""
    parts, blocks, padded, k_all, c_all = sizes
    per_register = lanes(du)
    step = blocks * padded * per_register
    taps, total = np.empty(9 * per_register, du.dtype), np.empty(36 * per_register, du.dtype)
    for block in range(lo, hi):
        at = block * padded * per_register
        untransform_block(du, at, step, 36 * step, parts, block, k_all, c_all, dw, taps, total)


def untransformed(du: Array, shape: tuple[int, ...]) -> Array:
    """Return dw from dU (parts, 36, filter blocks, channels, lanes)."""
    k, c = shape[:2]
    dw = empty(shape, du.dtype)
    sizes = (len(du), du.shape[2], du.shape[3], k, c)
    few = (1 << 12) // (c * LANES * len(du)) + 1
    run(_untransform_weights, -(-k // LANES), du.reshape(-1), sizes, dw.reshape(-1), smallest=few)
    return dw
