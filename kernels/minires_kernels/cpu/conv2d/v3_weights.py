"""The gradient of the weights in v3: a tile of places × registers of filters.

    dw[place, k] = Σ_{n,p,q} x[window of n, p, q][place] · dy[n, p, q, k]

A place is a tap and a channel. The tile's sums stay in registers over a unit of work: so many
pixels that what one tile reads of them, a line of x and a register or two of dy each, stays in the
first cache. With many channels these lie far apart, and often share a set of the cache. So then, or
where windows reach over the border, or channels do not fill a tile, a unit is copied: x into planes
of a line of channels each, dy into rows of a tile's width.

The sum over the batch is cut into parts by its size, each with sums of its own, which `_collect`
adds in order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ...memory import empty, zeros
from ...spec import Array
from ..machine.jit import jit_inner
from ..machine.layout import aligned
from ..machine.loops import loop
from ..machine.simd import lanes, load, store
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
from .units import ENOUGH_ITEMS, LINE, pixel_table, scratch

FIRST_CACHE = 3 << 13  # bytes of x and dy that a tile reads, of 32 KB or more
MOST_SUMS = 1 << 21  # bytes of sums that a unit adds to, before x is copied again for the others
NEAR = 64  # bytes from pixel to pixel: more, and lines of a unit share sets of the first cache


@loop
def _sums(
    lo: int,
    hi: int,
    x: Array,  # flat (N, h, w, c)
    dy: Array,  # flat (N, p, q, k)
    partial: Array,  # flat (parts, blocks, places in whole tiles, block)
    batch: tuple[int, ...],
    unit: tuple[Any, ...],
    gather: tuple[int, ...],
    filters: tuple[int, ...],
    places: Array,  # (groups, places)
    pixels: Array,
    tile: Tile,
) -> None:
    """Compute items lo … hi - 1; an item is some filter blocks of one part of the batch."""
    n_all, parts, splits, most = batch
    together, band, height, width, line, skips, x_copied, dy_copied = unit
    h, w_all, c, top, left, p_all, q_all, step_r = gather
    blocks_per_group, k_group, groups = filters
    tile_rows, columns = tile
    tile_height, block_width = len(tile_rows), len(columns) * lanes(x)
    blocks, last = groups * blocks_per_group, places.shape[1] - 1
    rows_all = (last + tile_height) // tile_height * tile_height
    plane = together * height * width * line
    source, upstream = x, dy
    if x_copied:
        source = scratch((c + line - 1) // line * plane, x)
    if dy_copied:
        upstream = scratch(together * band * q_all * block_width, dy)
    dy_step = block_width if dy_copied else groups * k_group
    item = lo
    while item < hi:
        part, split = item // splits, item % splits
        until = min(splits, split + most, split + hi - item)  # this part's items that share x
        item += until - split
        begin, end = part * n_all // parts, (part + 1) * n_all // parts
        for n in range(begin, end, together):
            images = min(together, end - n)
            for p0 in range(0, p_all, band):
                base = ((n * h + p0 * step_r + top) * w_all + left) * c
                if x_copied:
                    base, size = 0, (h, w_all, c)
                    for i in range(images):
                        at, row = i * height * width * line, p0 * step_r + top
                        _copy_planes(
                            x, n + i, size, row, left, source, at, plane, line, height, width, skips
                        )
                pixel, count = (n * p_all + p0) * q_all, images * min(band, p_all - p0) * q_all
                for block in range(split * blocks // splits, until * blocks // splits):
                    group, k = block // blocks_per_group, block % blocks_per_group * block_width
                    start = (pixel * groups + group) * k_group + k
                    if dy_copied:
                        some = min(block_width, k_group - k)
                        _copy_filters(
                            dy, start, count, groups * k_group, some, upstream, block_width
                        )
                        start = 0
                    for j in range(0, rows_all, tile_height):
                        row = (part * blocks + block) * rows_all + j
                        at_sums = spaced(tile_rows, row * block_width, block_width)
                        if n == begin and p0 == 0:
                            sums = fill_tile(x, tile_rows, columns, 0)
                        else:
                            sums = load_tile(partial, at_sums, columns)
                        rows = looked_up(tile_rows, places[group], j, last)
                        o = start
                        for t in range(count):
                            i = base + pixels[t]
                            sums = multiply_add(sums, source, rows, i, upstream, columns, o)
                            o += dy_step
                        store_tile(partial, at_sums, columns, sums)


@jit_inner
def _copy_planes(x: Array, image: int, size: tuple[int, ...], top: int, left: int, to: Array,
                 at: int, plane: int, line: int, height: int, width: int,
                 skips: tuple[int, int]) -> None:  # fmt: skip
    """Copy rows top … and columns left …, every skips'th, of an image, zeros outside.

    Channel c of pixel i goes to c // line · plane + at + i · line + c % line. Pixels are read along
    memory, all channels of each: the caches fetch what comes next by themselves.
    """
    h_all, w_all, c_all = size
    skip_r, skip = skips
    first = max(0, (skip - 1 - left) // skip)  # columns inside the image
    last = max(0, min(width, (w_all - left + skip - 1) // skip))
    first = min(first, last)
    planes = (c_all + line - 1) // line * plane
    for i in range(height):
        row = at + i * width * line
        inside = 0 <= top + i * skip_r < h_all
        begin, end = (first, last) if inside else (0, 0)
        for start in range(row, row + planes, plane):
            to[start : start + begin * line] = 0
            to[start + end * line : start + width * line] = 0
        o = ((image * h_all + top + i * skip_r) * w_all + left + begin * skip) * c_all
        if line == c_all and skip == 1:
            _copy(x, o, to, row + begin * line, (end - begin) * line)
            continue
        for pixel in range(row + begin * line, row + end * line, line):
            start = pixel
            for block in range(0, c_all, line):
                if c_all - block >= LINE:
                    for j in range(0, LINE, lanes(x)):
                        store(to, start + j, load(x, o + block + j))
                else:
                    _copy(x, o + block, to, start, min(line, c_all - block))
                start += plane
            o += skip * c_all


@jit_inner
def _copy_filters(
    dy: Array, o: int, count: int, step: int, some: int, to: Array, width: int
) -> None:
    """Copy `some` filters of `count` pixels, `step` apart, to rows of `width`, zeros beyond."""
    for i in range(0, count * width, width):
        if some == width:
            for j in range(0, width, lanes(dy)):
                store(to, i + j, load(dy, o + j))
        else:
            to[i + some : i + width] = 0
            _copy(dy, o, to, i, some)
        o += step


@jit_inner
def _copy(a: Array, o: int, to: Array, i: int, count: int) -> None:
    """to[i : i + count] = a[o : o + count]."""
    source, destination = a[o : o + count], to[i : i + count]
    for j in range(count):
        destination[j] = source[j]


@loop
def _collect(
    lo: int, hi: int, partial: Array, tap_rows: Array, filters: tuple[int, ...], dw: Array
) -> None:
    """dw[k, c, tap] = Σ_parts partial[part, k's block, place of tap and c, k's lane], by blocks.

    First the other parts are added to part 0, along memory. Then LINE channels at a time, which
    stay in the first cache, are written filter by filter, as they lie in dw.
    """
    blocks_per_group, k_group = filters
    parts, blocks, rows, width = partial.shape
    flat = partial.reshape(-1)
    for block in range(lo, hi):
        at = block * rows * width
        for o in range(at, at + rows * width if parts > 1 else at, lanes(dw)):
            v = load(flat, o)
            for part in range(1, parts):
                v = v + load(flat, o + part * blocks * rows * width)
            store(flat, o, v)
        group, k = block // blocks_per_group, block % blocks_per_group * width
        first, some = group * k_group + k, min(width, k_group - k)
        for start in range(0, dw.shape[1], LINE):
            for lane in range(some):
                for c in range(start, min(start + LINE, dw.shape[1])):
                    for t in range(dw.shape[2]):
                        dw[first + lane, c, t] = partial[0, block, tap_rows[t] + c, lane]


def _units(gather: Gather, n: int, pixel_bytes: int) -> tuple[int, int]:
    """Return images and output rows of a unit, of which a tile reads `pixel_bytes` a pixel."""
    p, q = gather.output
    pixels = FIRST_CACHE // pixel_bytes
    bands = max(1, min(p, round(p * q / pixels)))
    band = -(-p // bands)
    return max(1, min(n, pixels // (p * q))) if band == p else 1, band


@lru_cache(maxsize=1024)
def _places(
    gather: Gather, line: int, plane: int, pitch: int, shape: tuple[int, int]
) -> tuple[Array, Array]:
    """Return the offsets of each group's places, (groups, taps · channels), in planes or in x.

    And each tap's first place. `shape`: groups and channels of each.
    """
    channels = np.arange(shape[0] * shape[1]).reshape(shape[0], 1, shape[1])
    rows, columns = (np.array([tap[i] - gather.origin[i] for tap in gather.taps]) for i in (0, 1))
    taps = (rows * pitch + columns * line).reshape(1, -1, 1)
    offsets = channels // line * plane + channels % line + taps
    first = np.empty(len(gather.taps), np.int64)
    first[[tap for _, _, tap in gather.taps]] = np.arange(len(gather.taps)) * shape[1]
    return offsets.reshape(shape[0], -1).astype(np.int64), first


def weight_gradient(
    gather: Gather, x: Array, dy: Array, shape: tuple[int, ...], groups: int
) -> Array:
    """Return dw of `shape` (K, C/groups, R, S) from x (N, H, W, C) and dy (N, P, Q, K)."""
    n, h, w, c = x.shape
    k, c_group = shape[:2]
    k_group, (p, q), size = k // groups, gather.output, x.itemsize
    tile = tile_for(k_group, size)
    block = tile.width(size)
    blocks_per_group = -(-k_group // block)
    blocks = groups * blocks_per_group
    rows = -(-c_group * shape[2] * shape[3] // tile.height) * tile.height
    few = SMALLEST_FLOPS // (2 * p * q * k * c_group * shape[2] * shape[3] + 1) + 1
    enough = n * blocks // ENOUGH_ITEMS  # images of a part: the blocks of filters are items, too
    parts = weight_parts(n, blocks * rows * block * size, max(few, enough))
    splits = min(blocks, -(-ENOUGH_ITEMS // parts))
    most = max(1, MOST_SUMS * splits // (blocks * rows * block * size))
    line = c if c * size <= NEAR else LINE
    images, band = _units(gather, -(-n // parts), (LINE + block) * size)
    (top, left), (step_r, step_s), (reach_r, reach_s) = gather.origin, gather.step, gather.reach
    inside = min(top, left) >= 0 and top + (p - 1) * step_r + reach_r < h
    inside = inside and left + (q - 1) * step_s + reach_s < w
    x_copied = line != c or not inside
    # A window of one row or column skips what lies between: the copy leaves it out.
    skips = (1 if reach_r or not x_copied else step_r, 1 if reach_s or not x_copied else step_s)
    steps = step_r // skips[0], step_s // skips[1]  # from pixel to pixel in what is read
    height, width = (band - 1) * steps[0] + reach_r + 1, (q - 1) * steps[1] + reach_s + 1
    dy_copied = k_group % block != 0 or k * size > NEAR
    pitch, image = (width * line, height * width * line) if x_copied else (w * c, h * w * c)
    places, tap_rows = _places(gather, line, images * image, pitch, (groups, c_group))
    partial = (aligned if n else zeros)((parts, blocks, rows, block), x.dtype)
    run(
        _sums,
        parts * splits,
        x.reshape(-1),
        dy.reshape(-1),
        partial.reshape(-1),
        (n, parts, splits, most),
        (images, band, height, width, line, skips, int(x_copied), int(dy_copied)),
        (h, w, c, top, left, p, q, step_r),
        (blocks_per_group, k_group, groups),
        places,
        pixel_table((images, band, q), image, (steps[0], pitch), (steps[1], line)),
        tile,
        smallest=max(1, splits * parts * few // max(1, n)),
    )  # fmt: skip
    dw = empty((k, c_group, shape[2] * shape[3]), x.dtype)
    few = (1 << 14) // (c_group * len(gather.taps) * parts * block) + 1
    run(_collect, blocks, partial, tap_rows, (blocks_per_group, k_group), dw, smallest=few)
    return dw.reshape(shape)
