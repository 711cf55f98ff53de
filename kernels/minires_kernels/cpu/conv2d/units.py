"""How v3 cuts a gather into units of work whose source stays in the cache.

A unit is a band of output rows of one image, or several whole images if these are small. Where
windows reach over the border, the unit's part of the source is copied into a scratch buffer with
zeros around it: the loops then need no case distinction. Otherwise they read the source itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...spec import Array
from ..machine.jit import jit_inner
from .gather import Gather

UNIT_BYTES = 1 << 18  # of source per unit, up to three times: a usual second-level cache has four
FEW_PIXELS = 256  # images with fewer share a unit, so that few tiles are cut short by its end
MAX_IMAGES = 8
ENOUGH_ITEMS = 16  # for the threads; with fewer units, filters are split as well
LINE = 16  # numbers in a line of the cache, or more
Source = tuple[int, ...]


class Units(NamedTuple):
    """The units of a gather, N × (H, W, C) source images."""

    images: int  # per unit
    bands: int  # per image
    band: int  # output rows of a unit
    height: int  # source rows under a band
    width: int  # source columns under a row
    copied: bool  # into scratch, or read in place
    pitch: int  # elements from one source row to the next

    def count(self, n: int) -> int:
        """Return the number of units of n images."""
        return -(-n // self.images) * self.bands

    def splits(self, n: int, blocks: int) -> int:
        """Return into how many items each unit's filter blocks are split."""
        count = self.count(n)
        return 1 if count >= ENOUGH_ITEMS // 2 else min(blocks, -(-ENOUGH_ITEMS // count))


@lru_cache(maxsize=1024)
def units(
    gather: Gather,
    h: int,
    w: int,
    c: int,
    itemsize: int,
    images: int = 1,
    weights: int = 0,
) -> Units:
    """Cut a gather from (h, w, c) images; at most `images` of them per unit.

    All weights, so many bytes, are read for each unit: where they are many, units are larger.
    """
    (p, q), (step_r, step_s) = gather.output, gather.step
    width = (q - 1) * step_s + gather.reach[1] + 1
    height = (p - 1) * step_r + gather.reach[0] + 1
    top, left = gather.origin
    inside = top >= 0 and left >= 0 and top + height <= h and left + width <= w
    copied = not inside
    pitch = (width if copied else w) * c
    unit_bytes = min(max(UNIT_BYTES, weights // 4), 3 * UNIT_BYTES)
    rows = unit_bytes // (pitch * itemsize)  # of source
    band = min(p, max(1, (rows - gather.reach[0] - 1) // step_r + 1))
    together = 1
    if band == p and p * q < FEW_PIXELS:
        together = max(1, min(images, MAX_IMAGES, rows // height))
    return Units(
        together,
        -(-p // band),
        band,
        (band - 1) * step_r + gather.reach[0] + 1,
        width,
        copied,
        pitch,
    )


@lru_cache(maxsize=64)  # tables of up to 1 MB
def pixel_table(
    count: tuple[int, int, int], image: int, row: tuple[int, int], column: tuple[int, int]
) -> Array:
    """Return the offsets of (images, rows, columns) pixels: i·image + p·row + q·column elements."""
    images, p, q = np.ogrid[: count[0], : count[1], : count[2]]
    offsets = images * image + p * (row[0] * row[1]) + q * (column[0] * column[1])
    return np.asarray(offsets.reshape(-1), np.int64)


@jit_inner
def scratch(size: int, like: Array) -> Array:
    """Return memory of like's type that starts at a line of the cache, as a register then does."""
    a = np.empty(size + LINE, like.dtype)
    first = -a.ctypes.data // like.itemsize % LINE
    return a[first : first + size]


@jit_inner
def copy_band(source: Array, image: int, size: Source, top: int, left: int, to: Array,
              at: int, height: int, width: int) -> None:  # fmt: skip
    """Copy rows top … top + height - 1 and as many columns of one image to `to`, zeros outside.

    source is flat, images of size (h, w, c); `to` is flat, written from `at` on.
    """
    h_all, w_all, c_all = size
    first, last = max(0, -left), max(0, min(width, w_all - left))  # columns inside the image
    first = min(first, last)
    for h in range(height):
        row = top + h
        start = at + h * width * c_all
        if row < 0 or row >= h_all:
            to[start : start + width * c_all] = 0
            continue
        to[start : start + first * c_all] = 0
        to[start + last * c_all : start + width * c_all] = 0
        begin = ((image * h_all + row) * w_all + left + first) * c_all
        destination = to[start + first * c_all : start + last * c_all]
        origin = source[begin : begin + destination.size]
        for j in range(destination.size):
            destination[j] = origin[j]
