"""Convolution v4: Winograd F(4×4, 3×3) for 3×3 filters of stride 1, in float32.

`winograd.py` has the formula, `winograd_stages.py` the loops. Here they are put together, in one of
two ways. With few channels a thread takes a group of tiles through all stages while they are in
its cache (`_forward_group`, `_backward_group`). With many, the transformed weights are the larger
part: then each stage runs over all tiles, and a thread takes a register of filters at a time, whose
transformed weights stay in its cache (`_Stages`); dw then needs no partial sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...spec import Array
from ...windows import Windows
from ..jit import jit, jit_inner
from ..layout import plain, to_nchw, to_nhwc
from ...memory import empty
from ..simd import lanes, load, store
from ..threads import run
from ..tile import TILE
from ..vector_width import VECTOR_BYTES
from .common import Gradients, bias_gradient, weight_parts
from .winograd import weight_gradient_tile, weight_tile
from .winograd_stages import (
    Sizes,
    block_at,
    block_width,
    gradients,
    inputs,
    multiply,
    multiply_transposed,
    outputs,
    upstreams,
)

LANES = VECTOR_BYTES // 4  # of float32
WIDTH = max(LANES, TILE)  # channels per block, see winograd_stages.py
GROUP_BYTES = 1 << 19  # of transformed tiles, in and out, in a thread's cache
STAGED_BYTES = 1 << 21  # of transformed weights: with more, stages run over the whole batch


def _padded(channels: int) -> int:
    return -(-channels // WIDTH) * WIDTH


def _sizes(x: Array, w: Array, win: Windows) -> Sizes:
    _, c, h, width = x.shape
    (p, q), (top, left) = win.output, win.padding
    return (h, width, c, len(w), top, left, p, q, -(-p // 4), -(-q // 4))


def _weight_bytes(x: Array, w: Array) -> int:
    return 36 * 4 * _padded(x.shape[1]) * _padded(len(w))


def _group(total: int, c: int, k: int) -> int:
    """Return how many tiles a thread takes at a time: a multiple of TILE."""
    fit = GROUP_BYTES // (36 * 4 * (_padded(c) + _padded(k)))
    return max(TILE, min(fit, total + TILE - 1) // TILE * TILE)


# ---- weights --------------------------------------------------------------------------------------
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


def _weight_sizes(w: Array, mirrored: bool) -> tuple[int, ...]:
    """Return `transform_block`'s sizes; `mirrored`: the filters are the channels of x."""
    k, c = w.shape[:2]
    return (c, k, _padded(k), 9, 9 * c) if mirrored else (k, c, _padded(c), 9 * c, 9)


def _transformed(w: Array, mirrored: bool) -> Array:
    """Return U (36, filter blocks, channels, lanes)."""
    sizes = _weight_sizes(w, mirrored)
    blocks, padded = _padded(sizes[0]) // LANES, sizes[2]
    u = empty((36, blocks, padded, LANES), w.dtype)
    few = (1 << 12) // (padded * LANES) + 1
    args = (plain(w).reshape(-1), sizes, blocks * padded * LANES, u.reshape(-1))
    run(_transform_weights, blocks, *args, smallest=few)
    return u


@jit_inner
def untransform_block(du: Array, at: int, step: int, part_step: int, parts: int, block: int,
                      k_all: int, c_all: int, dw: Array, taps: Array, total: Array) -> None:  # fmt: skip
    """dw[k, c] = Gᵀ (Σ_parts dU) G of one register of filters, dU at `at` as u in `transform_block`.

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


def _untransformed(du: Array, shape: tuple[int, ...]) -> Array:
    """Return dw from dU (parts, 36, filter blocks, channels, lanes)."""
    k, c = shape[:2]
    dw = empty(shape, du.dtype)
    sizes = (len(du), du.shape[2], du.shape[3], k, c)
    few = (1 << 12) // (c * LANES * len(du)) + 1
    run(_untransform_weights, -(-k // LANES), du.reshape(-1), sizes, dw.reshape(-1), smallest=few)
    return dw


# ---- few channels: a group of tiles through all stages --------------------------------------------
@jit
def _forward_group(
    lo: int, hi: int, x: Array, u: Array, b: Array, z: Sizes, group: tuple[int, ...], y: Array
) -> None:
    """Groups lo … hi - 1 of tiles: y from x (N, H, W, C) and U; all flat."""
    total, tiles, c_padded, k_padded = group
    per_register, width = lanes(x), block_width(x)
    v_step, m_step = c_padded * tiles + per_register, k_padded * tiles + per_register
    v, m = np.zeros(36 * v_step, x.dtype), np.empty(36 * m_step, x.dtype)
    patch = np.empty(36 * max(c_padded, per_register), x.dtype)
    for g in range(lo, hi):
        first = g * tiles
        count = min(tiles, total - first)
        rounded = (count + TILE - 1) // TILE * TILE
        inputs(x, first, count, z, v, v_step, 0, tiles, patch)
        for f in range(36):
            for k in range(0, k_padded, per_register):
                to = f * m_step + block_at(k, tiles, width)
                o = (f * k_padded + k) * c_padded
                multiply(v, f * v_step, u, o, m, to, rounded, tiles, c_padded)
        outputs(m, m_step, 0, tiles, b, y, first, count, z, patch)


@jit
def _backward_group(
    lo: int, hi: int, x: Array, ut: Array, dy: Array, z: Sizes, group: tuple[int, ...],
    needs: tuple[bool, bool], dx: Array, du: Array,
) -> None:  # fmt: skip
    """Parts lo … hi - 1 of the batch: dx (zeroed here), and dU[part]; all flat."""
    n_all, parts, tiles, c_padded, k_padded = group
    h, w_all, c_all, _, _, _, _, _, rows, columns = z
    per_register, width = lanes(dy), block_width(dy)
    v_step, m_step = c_padded * tiles + per_register, k_padded * tiles + per_register
    v, m = np.zeros(36 * v_step, dy.dtype), np.zeros(36 * m_step, dy.dtype)
    patch = np.empty(36 * max(c_padded, k_padded), dy.dtype)
    image = h * w_all * c_all
    for part in range(lo, hi):
        n, end = part * n_all // parts, (part + 1) * n_all // parts
        zeroed = n  # images before this one
        first, last = n * rows * columns, end * rows * columns
        for t in range(first, last, tiles):
            count = min(tiles, last - t)
            upstreams(dy, t, count, z, m, m_step, 0, tiles, patch)
            if needs[1]:
                inputs(x, t, count, z, v, v_step, 0, tiles, patch)
                for f in range(36):
                    for k in range(0, k_padded, per_register):
                        o = f * m_step + block_at(k, tiles, width)
                        to = ((part * 36 + f) * k_padded + k) * c_padded
                        multiply_transposed(
                            v, f * v_step, m, o, du, to, count, tiles, c_padded, t > first
                        )
            if needs[0]:
                rounded = (count + TILE - 1) // TILE * TILE
                for f in range(36):
                    for c in range(0, c_padded, per_register):
                        to = f * v_step + block_at(c, tiles, width)
                        o = (f * c_padded + c) * k_padded
                        multiply(m, f * m_step, ut, o, v, to, rounded, tiles, k_padded)
                touched = (t + count + rows * columns - 1) // (rows * columns)
                dx[zeroed * image : touched * image] = 0
                zeroed = touched
                gradients(v, v_step, 0, tiles, dx, t, count, z, patch)


# ---- many channels: each stage over the whole batch -----------------------------------------------
@jit
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


@jit
def _all_products(lo: int, hi: int, a: Array, w: Array, sizes: tuple[int, ...],
                  batch: tuple[int, ...], y: Array) -> None:  # fmt: skip
    """For filter blocks lo … hi - 1: y = Σ_channels a · U; U of a block stays in the cache."""
    tiles, a_step, y_step = batch
    padded = sizes[2]
    per_register, width = lanes(a), block_width(a)
    u = np.empty(36 * padded * per_register, a.dtype)
    taps = np.empty(9 * per_register, a.dtype)
    for block in range(lo, hi):
        transform_block(w, block, sizes, u, 0, padded * per_register, taps)
        for f in range(36):
            to = f * y_step + block_at(block * per_register, tiles, width)
            multiply(a, f * a_step, u, f * padded * per_register, y, to, tiles, tiles, padded)


@jit
def _all_weight_products(
    lo: int, hi: int, v: Array, m: Array, batch: tuple[int, ...], dw: Array
) -> None:
    """For filter blocks lo … hi - 1: dw from dU = Σ_tiles v · m, which stays in the cache."""
    total, tiles, c_all, k_all, padded, v_step, m_step = batch
    per_register, width = lanes(v), block_width(v)
    step = padded * per_register
    du, taps = np.empty(36 * step, v.dtype), np.empty(9 * per_register, v.dtype)
    sums = np.empty(36 * per_register, v.dtype)
    for block in range(lo, hi):
        for f in range(36):
            o = f * m_step + block_at(block * per_register, tiles, width)
            multiply_transposed(v, f * v_step, m, o, du, f * step, total, tiles, padded, False)
        untransform_block(du, 0, step, 0, 1, block, k_all, c_all, dw, taps, sums)


@jit
def _all_outputs(
    lo: int, hi: int, m: Array, b: Array, z: Sizes, batch: tuple[int, ...], y: Array
) -> None:
    """Transform blocks of TILE tiles of m into y."""
    total, tiles, step = batch
    patch = np.empty(16 * lanes(y), y.dtype)
    first = lo * TILE
    outputs(m, step, first, tiles, b, y, first, min(hi * TILE, total) - first, z, patch)


@jit
def _all_gradients(
    lo: int, hi: int, v: Array, z: Sizes, batch: tuple[int, ...], dx: Array
) -> None:
    """Transform the tiles of images lo … hi - 1 of v, added to dx (zeroed here)."""
    tiles, step = batch
    h, w, c, _, _, _, _, _, rows, columns = z
    patch = np.empty(36 * lanes(dx), dx.dtype)
    dx[lo * h * w * c : hi * h * w * c] = 0
    first = lo * rows * columns
    count = (hi - lo) * rows * columns
    gradients(v, step, first, tiles, dx, first, count, z, patch)


class _Stages:
    """Buffers and calls of the staged way, for one convolution."""

    def __init__(self, n: int, z: Sizes) -> None:
        self.z, self.n = z, n
        self.total = n * z[8] * z[9]
        self.tiles = -(-self.total // TILE) * TILE
        self.c, self.k = _padded(z[2]), _padded(z[3])
        self.c_step, self.k_step = (p * self.tiles + LANES for p in (self.c, self.k))

    def transform(self, x: Array, forward: bool) -> Array:
        padded, step = (self.c, self.c_step) if forward else (self.k, self.k_step)
        v = empty((36 * step,), x.dtype)
        if self.tiles != self.total:
            v.fill(0)  # the tiles beyond the last take part in the products
        batch = (self.total, self.tiles, padded, step)
        run(_all_inputs, self.tiles // TILE, x.reshape(-1), self.z, batch, v, forward)
        return v

    def products(self, v: Array, w: Array, forward: bool) -> Array:
        """Return M = V · U, or (not `forward`) dV = dM · Uᵀ."""
        y_step, a_step = (self.k_step, self.c_step) if forward else (self.c_step, self.k_step)
        y = empty((36 * y_step,), v.dtype)
        sizes = _weight_sizes(w, mirrored=not forward)
        args = (v, plain(w).reshape(-1), sizes, (self.tiles, a_step, y_step), y)
        run(_all_products, _padded(sizes[0]) // LANES, *args)
        return y

    def weight_products(self, v: Array, m: Array) -> Array:
        """Return dw from dU = Vᵀ · dM."""
        c, k = self.z[2:4]
        dw = empty((k, c, 3, 3), v.dtype)
        batch = (self.total, self.tiles, c, k, self.c, self.c_step, self.k_step)
        run(_all_weight_products, -(-k // LANES), v, m, batch, dw.reshape(-1))
        return dw

    def output(self, m: Array, b: Array, y: Array) -> None:
        batch = (self.total, self.tiles, self.k_step)
        run(_all_outputs, self.tiles // TILE, m, b, self.z, batch, y.reshape(-1))

    def gradient(self, v: Array, dx: Array) -> None:
        run(_all_gradients, self.n, v, self.z, (self.tiles, self.c_step), dx.reshape(-1))


# ---- the kernel -----------------------------------------------------------------------------------
def conv2d_forward_v4(
    x: Array, w: Array, b: Array | None, *, win: Windows, groups: int
) -> tuple[Any, ...]:
    """y = Aᵀ [U ⊙ V] A per tile."""
    z, n, k = _sizes(x, w, win), len(x), len(w)
    y = empty((n, *win.output, k), x.dtype)
    bias = np.zeros(_padded(k), x.dtype)
    if b is not None:
        bias[:k] = b
    if _weight_bytes(x, w) > STAGED_BYTES:
        stages = _Stages(n, z)
        v = stages.transform(to_nhwc(x), forward=True)
        stages.output(stages.products(v, w, forward=True), bias, y)
    else:
        u = _transformed(w, mirrored=False)
        total = n * z[8] * z[9]
        tiles = _group(total, x.shape[1], k)
        group = (total, tiles, _padded(x.shape[1]), _padded(k))
        args = (to_nhwc(x).reshape(-1), u.reshape(-1), bias, z, group, y.reshape(-1))
        run(_forward_group, -(-total // tiles), *args)
    return to_nchw(y), x, w, b is not None, win, groups


def conv2d_backward_v4(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: tuple[bool, bool, bool] = (True, True, True),
) -> Gradients:
    """The transposed formula: dM = A dy Aᵀ serves both dx and dw."""
    dx = dw = None
    if needs[0] or needs[1]:
        staged = _weight_bytes(x, w) > STAGED_BYTES
        dx, dw = (_backward_staged if staged else _backward_grouped)(dy, x, w, win, needs)
    return dx, dw, bias_gradient(dy) if has_b and needs[2] else None


def _backward_grouped(
    dy: Array, x: Array, w: Array, win: Windows, needs: tuple[bool, ...]
) -> tuple[Array | None, Array | None]:
    z, n = _sizes(x, w, win), len(x)
    h, width, c, k = z[:4]
    nothing = np.empty(0, x.dtype)
    dx = empty((n, h, width, c), x.dtype) if needs[0] else nothing
    parts = weight_parts(n, _weight_bytes(x, w))
    blocks = _padded(k) // LANES
    du = empty((parts, 36, blocks, _padded(c), LANES), x.dtype) if needs[1] else nothing
    ut = _transformed(w, mirrored=True) if needs[0] else nothing
    tiles = _group(-(-n // parts) * z[8] * z[9], c, k)
    run(
        _backward_group,
        parts,
        to_nhwc(x).reshape(-1),
        ut.reshape(-1),
        to_nhwc(dy).reshape(-1),
        z,
        (n, parts, tiles, _padded(c), _padded(k)),
        needs[:2],
        dx.reshape(-1),
        du.reshape(-1),
    )
    return (
        to_nchw(dx) if needs[0] else None,
        _untransformed(du, w.shape) if needs[1] else None,
    )


def _backward_staged(
    dy: Array, x: Array, w: Array, win: Windows, needs: tuple[bool, ...]
) -> tuple[Array | None, Array | None]:
    stages = _Stages(len(x), _sizes(x, w, win))
    dx = dw = None
    m = stages.transform(to_nhwc(dy), forward=False)
    if needs[1]:
        v = stages.transform(to_nhwc(x), forward=True)
        dw = stages.weight_products(v, m)
        del v
    if needs[0]:
        n, c, h, width = x.shape
        dx = empty((n, h, width, c), x.dtype)
        stages.gradient(stages.products(m, w, forward=False), dx)
        dx = to_nchw(dx)
    return dx, dw


def pays(x: Array, w: Array, b: Array | None, *, win: Windows, groups: int) -> bool:
    """Whether Winograd can and should be used: see the top of this file, and the conditions."""
    p, q = win.output
    tiles = -(-p // 4) * -(-q // 4)
    return (
        x.dtype == np.float32
        and w.shape[2:] == (3, 3)
        and win.stride == win.dilation == (1, 1)
        and groups == 1
        and min(w.shape[:2]) >= 8  # with fewer channels the transforms cost more than they save
        and 2 * 36 * tiles <= 9 * p * q  # half of the products or fewer are left
        and len(x) > 0
    )


def pays_backward(
    dy: Array, x: Array, w: Array, has_b: bool, win: Windows, groups: int
) -> bool:
    """As `pays`."""
    return pays(x, w, None, win=win, groups=groups)
