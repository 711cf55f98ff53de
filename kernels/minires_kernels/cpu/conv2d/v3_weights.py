"""The gradient of the weights in v3: a tile of places × registers of filters.

    dw[place, k] = Σ_{n,p,q} x[window of n, p, q][place] · dy[n, p, q, k]

A place is a tap and a channel; `places` holds its offset from the start of a window.

The tile's sums stay in registers over all pixels of a band. The sum over the batch is cut into
parts by its size, each with sums of its own, which `_collect` adds in order and in float64.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...memory import empty, zeros
from ...spec import Array
from ..machine.jit import jit, jit_inner
from ..machine.simd import lanes
from ..machine.threads import run
from ..machine.tile import (
    Tile,
    fill_tile,
    load_tile,
    looked_up,
    multiply_add,
    spaced,
    store_tile,
    tile_for,
)
from .common import SMALLEST_FLOPS, weight_parts
from .gather import Gather
from .units import ENOUGH_ITEMS, copy_band, units

BAND_BYTES = 3 << 13  # of x under a band: each tile reads all of it, from the first cache


@jit
def _sums(
    lo: int,
    hi: int,
    x: Array,  # flat (N, h, w, c)
    dy: Array,  # flat (N, p, q, k)
    partial: Array,  # flat (parts, blocks, places in whole tiles, block)
    unit: tuple[int, ...],
    gather: tuple[int, ...],
    filters: tuple[int, ...],
    places: Array,
    tile: Tile,
) -> None:
    """Compute items lo … hi - 1; an item is some filter blocks of one part of the batch."""
    n_all, band, height, width, copied, parts, splits = unit
    h, w_all, c, top, left, p_all, q_all, step_r, step_s, pitch = gather
    blocks_per_group, k_group, c_group, groups = filters
    tile_rows, columns = tile
    height_tile, block_width = len(tile_rows), len(columns) * lanes(x)
    blocks = groups * blocks_per_group
    last = places.size - 1
    rows_all = (places.size + height_tile - 1) // height_tile * height_tile
    padded = k_group % block_width != 0  # then dy is copied with zeros between the groups
    k_all = blocks * block_width if padded else groups * k_group
    scratch = np.empty(height * width * c if copied else 1, x.dtype)
    dy_scratch = np.zeros(band * q_all * k_all if padded else 1, x.dtype)
    source = scratch if copied else x
    upstream = dy_scratch if padded else dy
    item = lo
    while item < hi:
        part, split = item // splits, item % splits
        until = min(splits, split + hi - item)  # this part's items, up to here
        item += until - split
        for n in range(part * n_all // parts, (part + 1) * n_all // parts):
            for p0 in range(0, p_all, band):
                rows = min(band, p_all - p0)
                first = n == part * n_all // parts and p0 == 0  # then there are no sums yet
                base, y_base = 0, 0
                if copied:
                    size = (h, w_all, c)
                    copy_band(x, n, size, p0 * step_r + top, left, source, 0, height, width)
                else:
                    base = ((n * h + p0 * step_r + top) * w_all + left) * c
                if padded:
                    pixel = (n * p_all + p0) * q_all
                    _pad_groups(dy, pixel, rows * q_all, k_group, groups, upstream, k_all)
                else:
                    y_base = (n * p_all + p0) * q_all * k_all
                for block in range(split * blocks // splits, until * blocks // splits):
                    group, k = block // blocks_per_group, block % blocks_per_group
                    group_start = group * (blocks_per_group * block_width if padded else k_group)
                    y_start = y_base + group_start + k * block_width
                    start = base + group * c_group
                    for j in range(0, rows_all, height_tile):
                        row = (part * blocks + block) * rows_all + j
                        at = spaced(tile_rows, row * block_width, block_width)
                        if first:
                            sums = fill_tile(x, tile_rows, columns, 0)
                        else:
                            sums = load_tile(partial, at, columns)
                        x_places = looked_up(tile_rows, places, j, last)
                        for p in range(rows):
                            o = y_start + p * q_all * k_all
                            i = start + p * step_r * pitch
                            for _q in range(q_all):
                                sums = multiply_add(sums, source, x_places, i, upstream, columns, o)
                                i += step_s * c
                                o += k_all
                        store_tile(partial, at, columns, sums)


@jit_inner
def _pad_groups(
    dy: Array, first: int, pixels: int, k_group: int, groups: int, to: Array, k_all: int
) -> None:
    """Copy dy's pixels so that each group starts at a multiple of a register."""
    k_padded = k_all // groups
    for i in range(pixels):
        for group in range(groups):
            start = ((first + i) * groups + group) * k_group
            at = i * k_all + group * k_padded
            for k in range(k_group):
                to[at + k] = dy[start + k]


@jit
def _collect(
    lo: int, hi: int, partial: Array, tap_rows: Array, filters: tuple[int, ...], dw: Array
) -> None:
    """dw[k, c, tap] = Σ_parts partial[part, k's block, place of tap and c, k's lane]."""
    blocks_per_group, k_group = filters
    parts, _, _, width = partial.shape
    for k in range(lo, hi):
        group, place = k // k_group, k % k_group
        block = group * blocks_per_group + place // width
        lane = place % width
        out = dw[k]
        for c in range(out.shape[0]):
            for t in range(out.shape[1]):
                total = 0.0
                for part in range(parts):
                    total += partial[part, block, tap_rows[t] + c, lane]
                out[c, t] = total


@lru_cache(maxsize=1024)
def _places(gather: Gather, pitch: int, c: int, c_group: int) -> tuple[Array, Array]:
    """Return the offset of each tap's channels in the source, and each tap's first place."""
    taps = [(r - gather.origin[0]) * pitch + (s - gather.origin[1]) * c for r, s, _ in gather.taps]
    offsets = np.array(taps, np.int64)[:, None] + np.arange(c_group)
    rows = np.empty(len(taps), np.int64)
    rows[[tap for _, _, tap in gather.taps]] = np.arange(len(taps)) * c_group
    return offsets.reshape(-1), rows


def weight_gradient(
    gather: Gather, x: Array, dy: Array, shape: tuple[int, ...], groups: int
) -> Array:
    """Return dw of `shape` (K, C/groups, R, S) from x (N, H, W, C) and dy (N, P, Q, K)."""
    n, h, w, c = x.shape
    k, c_group = shape[:2]
    k_group = k // groups
    tile = tile_for(k_group, x.itemsize)
    width = tile.width(x.itemsize)
    u = units(gather, h, w, c, x.itemsize, nbytes=BAND_BYTES)
    places, tap_rows = _places(gather, u.pitch, c, c_group)
    blocks_per_group = -(-k_group // width)
    blocks = groups * blocks_per_group
    rows = -(-len(places) // tile.height) * tile.height
    flops = 2 * gather.output[0] * gather.output[1] * k * c_group * shape[2] * shape[3] + 1
    few = SMALLEST_FLOPS // flops + 1
    parts = weight_parts(n, blocks * rows * width * x.itemsize, few)
    splits = min(blocks, -(-ENOUGH_ITEMS // parts))
    partial = (empty if n else zeros)((parts, blocks, rows, width), x.dtype)
    run(
        _sums,
        parts * splits,
        x.reshape(-1),
        dy.reshape(-1),
        partial.reshape(-1),
        (n, u.band, u.height, u.width, int(u.copied), parts, splits),
        (h, w, c, *gather.origin, *gather.output, *gather.step, u.pitch),
        (blocks_per_group, k_group, c_group, groups),
        places,
        tile,
        smallest=max(1, splits * parts * few // max(1, n)),
    )
    dw = empty((k, c_group, shape[2] * shape[3]), x.dtype)
    few = (1 << 14) // (c_group * len(gather.taps) * parts) + 1
    run(_collect, k, partial, tap_rows, (blocks_per_group, k_group), dw, smallest=few)
    return dw.reshape(shape)
