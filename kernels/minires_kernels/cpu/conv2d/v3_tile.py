"""Convolution v3: direct, with the sums of some pixels × registers of filters kept in registers.

No columns are made: the taps of a window are read where they are. A weight is used for all pixels
of a tile (`machine/tile.py`) each time it is read, and a sum is written once. The loops are those
of a product of matrices whose row i starts wherever pixel i's window starts (`gather.py`), so any
size, stride, dilation and group takes the same path; channels that do not fill a tile are computed
with zeros beside them. Not so depthwise convolution, which has a loop of its own, few pixels with
many weights, which are columns after all, for a product of BLAS, and many 1×1 filters, which are
such a product without columns.

A block of filters meets all pixels of a unit, one tile after another: its weights stay in a cache.
Where they are too many for that, some runs of taps come first, and sums wait in y for the others.
1×1 filters have so few weights that a tile of pixels meets all of them instead: it is read once,
and whole pixels of y are written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ...checks import Windows
from ...memory import empty, zeros
from ...spec import ALL, Array, Needs
from ..machine.layout import aligned, kept, plain, to_nchw, to_nhwc
from ..machine.loops import loop
from ..machine.simd import lanes
from ..machine.threads import run
from ..machine.tile import (
    Tile,
    load_tile,
    looked_up,
    multiply_add,
    spaced,
    store_tile,
    tile_for,
)
from . import depthwise, few_pixels, products
from .common import SMALLEST_FLOPS, Gradients, bias_gradient
from .gather import Gather, backward_gathers, forward_gather
from .units import copy_band, pixel_table, units
from .v3_weights import weight_gradient

MANY_WEIGHTS = 1 << 15  # repay the compilation of another shape of tile, as do 1×1 filters
PART_BYTES = 1 << 18  # of a block's weights, which all pixels of a unit meet before the next part
WEIGHTS = 1 << 12, 1 << 17  # of 1×1 filters, so many that another tile pays, in the second cache


@loop
def _gather(
    lo: int,
    hi: int,
    source: Array,  # flat (N, h, w, c)
    w: Array,  # flat (blocks, taps, c/groups, block)
    b: Array,  # (blocks · block,)
    y: Array,  # flat (N, …, …, k)
    unit: tuple[int, ...],
    gather: tuple[int, ...],
    filters: tuple[int, ...],
    source_pixels: Array,
    y_pixels: Array,
    runs: Array,
    tile: Tile,
) -> None:
    """Compute items lo … hi - 1; an item is some filter blocks, a tile's width each, of a unit."""
    n_all, images, bands, band, height, width, copied, splits, together = unit
    h, width_all, c, top, left, p_all, q_all, step, run_length = gather
    blocks_per_group, k_group, c_group, y_image, y_row, y_start, groups = filters
    tile_rows, columns = tile
    pixels_together, width_k = len(tile_rows), len(columns) * lanes(source)
    runs_together = max(1, PART_BYTES // max(1, run_length * width_k * w.itemsize))
    blocks = groups * blocks_per_group
    image_size = height * width * c
    scratch = np.empty(images * image_size if copied else 1, source.dtype)
    tail = np.empty(pixels_together * width_k, source.dtype)
    x = scratch if copied else source
    present = -1  # the unit in scratch
    for item in range(lo, hi):
        u, split = item // splits, item % splits
        n, p = u // bands * images, u % bands * band
        here = min(images, n_all - n)
        if copied:
            if u != present:
                for i in range(here):
                    at = i * image_size
                    size = (h, width_all, c)
                    copy_band(source, n + i, size, p * step + top, left, x, at, height, width)
            present, base = u, 0
        else:
            base = ((n * h + p * step + top) * width_all + left) * c
        to = n * y_image + p * y_row + y_start
        last = here * min(band, p_all - p) * q_all - 1
        near = pixels_together if together else last + 1  # pixels that meet all filters
        for first in range(0, last + 1, near):
            for block in range(split * blocks // splits, (split + 1) * blocks // splits):
                group, k = block // blocks_per_group, block % blocks_per_group * width_k
                whole = k + width_k <= k_group
                start = load_tile(b, spaced(tile_rows, block * width_k, 0), columns)
                channel = to + group * k_group + k
                near_runs = runs_together if whole else runs.size
                for part in range(0, runs.size, near_runs):
                    for i in range(first, min(last + 1, first + near), pixels_together):
                        rows = looked_up(tile_rows, source_pixels, i, last)
                        pixels = looked_up(tile_rows, y_pixels, i, last)
                        sums = start
                        if part > 0:
                            sums = load_tile(y, spaced(pixels, channel, 1), columns)
                        o = (block * runs.size + part) * run_length * width_k
                        for r in range(part, min(part + near_runs, runs.size)):
                            offset = base + group * c_group + runs[r]
                            for j in range(run_length):
                                sums = multiply_add(sums, x, rows, offset + j, w, columns, o)
                                o += width_k
                        if whole:
                            store_tile(y, spaced(pixels, channel, 1), columns, sums)
                            continue
                        store_tile(tail, spaced(tile_rows, 0, width_k), columns, sums)
                        for t in range(min(pixels_together, last + 1 - i)):
                            for lane in range(k_group - k):
                                y[y_pixels[i + t] + channel + lane] = tail[t * width_k + lane]


@loop
def _pack(lo: int, hi: int, w: Array, taps: Array, strides: tuple[int, ...], packed: Array) -> None:
    """packed[block, tap, c, lane] = w[group, filter, c, tap], zero where there is no filter.

    All taps of a channel in turn: they lie in the same lines of w.
    """
    blocks_per_group, k_group, group_stride, k_stride, c_stride = strides
    _, _, c_all, width = packed.shape
    for block in range(lo, hi):
        group, k = block // blocks_per_group, block % blocks_per_group * width
        count = min(width, k_group - k)
        for c in range(c_all):
            for t in range(taps.size):
                to = packed[block, t, c]
                start = group * group_stride + k * k_stride + c * c_stride + taps[t]
                for lane in range(count):
                    to[lane] = w[start + lane * k_stride]
                for lane in range(count, width):
                    to[lane] = 0


def _packed(w: Array, taps: Array, groups: int, mirrored: bool, width: int) -> Array:
    """Return w as (blocks, taps, source channels, width) of the gather's filters.

    `mirrored` for dx, whose filters are the channels of x and whose source channels are y's.
    """
    k, c, taps_all = len(w) // groups, w.shape[1], w.shape[2] * w.shape[3]
    strides = (k * c * taps_all, c * taps_all, taps_all)  # of group, filter, channel
    if mirrored:
        k, c, strides = c, k, (strides[0], strides[2], strides[1])
    blocks = -(-k // width)
    packed = aligned((groups * blocks, len(taps), c, width), w.dtype)
    few = (1 << 14) // (len(taps) * c * width + 1) + 1
    run(_pack, len(packed), w.reshape(-1), taps, (blocks, k, *strides), packed, smallest=few)
    return packed


@lru_cache(maxsize=1024)
def _tables(gather: Gather, merge: bool, pitch: int, c: int) -> tuple[Array, Array, int]:
    """Return the taps' indices, the runs' offsets in the source, and taps per run."""
    runs = gather.runs(merge)
    offsets = [(r - gather.origin[0]) * pitch + (s - gather.origin[1]) * c for r, s, _ in runs]
    lengths = {length for _, _, length in runs}
    assert len(lengths) == 1  # a gather's taps form a grid
    taps = np.array([t for _, _, t in gather.taps], np.int64)
    return taps, np.array(offsets, np.int64), lengths.pop()


def _run_gather(
    gather: Gather, source: Array, w: Array, b: Array | None, y: Array, groups: int, mirrored: bool
) -> None:
    """Compute every pixel of one gather: source (N, h, w, c) → y (N, …, …, k), channels-last."""
    n, h, width, c = source.shape
    k_group, c_group = y.shape[3] // groups, c // groups
    together = w.shape[2:] == (1, 1) and WEIGHTS[0] <= w.size <= WEIGHTS[1]
    tile = tile_for(k_group, y.itemsize, fewest_loads=together or w.size >= MANY_WEIGHTS)
    u = units(gather, h, width, c, source.itemsize, images=n, weights=w.nbytes)
    taps, runs, length = _tables(gather, groups == 1, u.pitch, c)
    packed = _packed(w, taps, groups, mirrored, tile.width(y.itemsize))
    bias = np.zeros(len(packed) * tile.width(y.itemsize), y.dtype)
    if b is not None:
        bias.reshape(groups, -1)[:, :k_group] = b.reshape(groups, k_group)
    row = y.shape[2] * y.shape[3]
    pixels = (u.images, u.band, gather.output[1])
    splits = u.splits(n, len(packed))
    run(
        _gather,
        u.count(n) * splits,
        source.reshape(-1),
        packed.reshape(-1),
        bias,
        y.reshape(-1),
        (n, u.images, u.bands, u.band, u.height, u.width, int(u.copied), splits,
         int(together)),
        (h, width, c, *gather.origin, *gather.output, gather.step[0], length * c_group),
        (
            len(packed) // groups,
            k_group,
            c_group,
            y.shape[1] * row,
            gather.spread[0] * row,
            gather.start[0] * row + gather.start[1] * y.shape[3],
            groups,
        ),
        pixel_table(pixels, u.height * u.pitch if u.copied else h * u.pitch,
                    (gather.step[0], u.pitch), (gather.step[1], c)),
        pixel_table(pixels, y.shape[1] * row, (gather.spread[0], row),
                    (gather.spread[1], y.shape[3])),
        runs,
        tile,
        smallest=_smallest_items(u.band * u.images * gather.output[1], w, splits),
    )  # fmt: skip


def _smallest_items(pixels: int, w: Array, splits: int) -> int:
    return SMALLEST_FLOPS * splits // (2 * pixels * w.size) + 1


def _is_depthwise(x: Array, w: Array, groups: int) -> bool:
    return groups > 1 and x.shape[1] == len(w) == groups


def _by_blas(x: Array, w: Array, win: Windows, groups: int) -> Any:
    """Return the file whose `forward` and `backward` take this call, None for the gathers."""
    return next((f for f in (few_pixels, products) if f.pays(x, w, win, groups)), None)


def conv2d_forward_v3(
    x: Array, w: Array, b: Array | None, *, win: Windows, groups: int
) -> tuple[Any, ...]:
    """One gather; depthwise has a loop of its own, and see `_by_blas`."""
    source, y = to_nhwc(x), empty((len(x), *win.output, len(w)), x.dtype)
    if _is_depthwise(x, w, groups):
        depthwise.gather(forward_gather(win), source, w, b, y)
    elif by_blas := _by_blas(x, w, win, groups):
        by_blas.forward(source, w, b, win, y)
    elif y.size:
        _run_gather(forward_gather(win), source, plain(w), b, y, groups, mirrored=False)
    return to_nchw(y), kept(x, source), w, b is not None, win, groups


def conv2d_backward_v3(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: Needs = ALL,
) -> Gradients:
    """dx: a gather for each phase of the stride; dw: see `v3_weights.py`, `_by_blas`."""
    source, dx, dw = to_nhwc(dy), None, None
    alone, by_blas = _is_depthwise(x, w, groups), _by_blas(x, w, win, groups)
    if by_blas:
        dx, dw = by_blas.backward(source, to_nhwc(x), w, win, needs)
    if needs[0] and not by_blas:
        n, c, h, width = x.shape
        gathers = backward_gathers(win, (h, width))
        # Pixels between the windows, if any, get no gradient: their phases have no taps.
        new = empty if all(g.taps for g in gathers) else zeros
        dx = new((n, h, width, c), x.dtype)
        for gather in gathers if dx.size else ():
            if not gather.taps:
                continue
            if alone:
                depthwise.gather(gather, source, w, None, dx)
            else:
                _run_gather(gather, source, plain(w), None, dx, groups, mirrored=True)
        dx = to_nchw(dx)
    if needs[1] and not by_blas:
        gather = forward_gather(win)
        dw = (depthwise.weight_gradient(gather, to_nhwc(x), source, w.shape) if alone
              else weight_gradient(gather, to_nhwc(x), source, w.shape, groups))  # fmt: skip
    return dx, dw, bias_gradient(dy) if has_b and needs[2] else None
