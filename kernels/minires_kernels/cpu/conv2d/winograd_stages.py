"""The stages of Winograd convolution over many tiles: transforms in, products, transforms out.

Between the transforms, a value of tile t, channel c and element f (of 36) lies at

    f · step + (c // W) · T · W + t · W + c % W           W = 16 channels per block, T tiles

so that a product's tile reads and writes contiguous memory. Channels beyond C are zero. `step` is
a line more than a power of two tends to be: 36 stores to addresses that share a cache set would
evict each other.

A tile that reaches over the border, or channels that do not fill a block, go through a `patch`.
Tiles count through the batch: t = (n · rows + i) · columns + j.
"""

from __future__ import annotations

import numpy as np

from ...spec import Array
from ..machine.jit import jit_inner
from ..machine.simd import lanes, load, prefetch, store
from .winograd import gradient_tile, input_tile, output_tile, upstream_tile
from .winograd_products import WIDTH, block_at

Sizes = tuple[int, ...]  # h, w, c, k, top, left (padding), p, q, rows and columns of tiles


@jit_inner
def buffer(size: int, like: Array) -> Array:
    """Return zeros of like's type that start at a line of the cache."""
    zeros = np.zeros(size + WIDTH, like.dtype)
    first = -zeros.ctypes.data // like.itemsize % WIDTH
    return zeros[first : first + size]


@jit_inner
def prefetch_rows(x: Array, o: int, rows: int, row: int, length: int) -> None:
    """Ask for `length` elements of each of some rows, which a tile soon reads or writes.

    The processor foresees a walk along memory, but not one over the rows of tile after tile.
    """
    for i in range(rows):
        for j in range(0, length, lanes(x)):
            prefetch(x, o + i * row + j)


@jit_inner
def inputs(x: Array, first: int, count: int, z: Sizes, v: Array, step: int, at: int,
           tiles: int, patch: Array) -> None:  # fmt: skip
    """Transform tiles first … first + count - 1 of x into v, as its tiles at … at + count - 1.

    patch: 36 pixels of as many channels as v has.
    """
    h, w, c_all, _, top, left, _, _, rows, columns = z
    per_register = lanes(x)
    padded = (c_all + WIDTH - 1) // WIDTH * WIDTH
    for t in range(count):
        n, rest = (first + t) // (rows * columns), (first + t) % (rows * columns)
        r, s = 4 * (rest // columns) - top, 4 * (rest % columns) - left
        to = (at + t) * WIDTH
        ahead = ((n * h + r) * w + s + 10) * c_all  # past the next tile
        prefetch_rows(x, ahead, 6, w * c_all, 4 * c_all)
        if r >= 0 and s >= 0 and r + 6 <= h and s + 6 <= w and c_all == padded:
            o = ((n * h + r) * w + s) * c_all
            for c in range(0, c_all, per_register):
                i = to + block_at(c, tiles)
                input_tile(x, o + c, w * c_all, c_all, v, i, step)
        else:
            copy_patch(x, n, (h, w, c_all), r, s, 6, patch, padded)
            for c in range(0, padded, per_register):
                i = to + block_at(c, tiles)
                input_tile(patch, c, 6 * padded, padded, v, i, step)


@jit_inner
def copy_patch(x: Array, n: int, size: tuple[int, int, int], top: int, left: int, edge: int,
               patch: Array, padded: int) -> None:  # fmt: skip
    """Copy edge × edge pixels of image n to patch, (pixels, padded channels), zeros outside."""
    h, w, c_all = size
    first, last = max(0, -left), max(0, -left, min(edge, w - left))  # columns inside the image
    for i in range(edge):
        begin, end = (first, last) if 0 <= top + i < h else (0, 0)
        row = i * edge * padded
        patch[row : row + begin * padded] = 0
        patch[row + end * padded : row + edge * padded] = 0
        o = ((n * h + top + i) * w + left + begin) * c_all
        if c_all == padded:
            for j in range(0, (end - begin) * padded, lanes(x)):
                store(patch, row + begin * padded + j, load(x, o + j))
            continue
        for to in range(row + begin * padded, row + end * padded, padded):
            for c in range(padded):
                patch[to + c] = x[o + c] if c < c_all else 0
            o += c_all


@jit_inner
def outputs(m: Array, step: int, at: int, tiles: int, b: Array, y: Array,
            first: int, count: int, z: Sizes, patch: Array) -> None:  # fmt: skip
    """Transform m's tiles at … into tiles first … first + count - 1 of y."""
    _, _, _, k_all, _, _, p_all, q_all, rows, columns = z
    per_register = lanes(y)
    for t in range(count):
        n, rest = (first + t) // (rows * columns), (first + t) % (rows * columns)
        p, q = 4 * (rest // columns), 4 * (rest % columns)
        o = ((n * p_all + p) * q_all + q) * k_all
        inside = p + 4 <= p_all and q + 4 <= q_all
        prefetch_rows(y, o + 8 * k_all, 4, q_all * k_all, 4 * k_all)  # past the next tile
        for k in range(0, k_all, per_register):
            i = (at + t) * WIDTH + block_at(k, tiles)
            bias = load(b, k)
            if inside and k + per_register <= k_all:
                output_tile(m, i, step, bias, y, o + k, q_all * k_all, k_all)
                continue
            output_tile(m, i, step, bias, patch, 0, 4 * per_register, per_register)
            some = min(per_register, k_all - k)
            for r in range(min(4, p_all - p)):
                for s in range(min(4, q_all - q)):
                    start = o + (r * q_all + s) * k_all + k
                    source = (r * 4 + s) * per_register
                    if some == per_register:
                        store(y, start, load(patch, source))
                        continue
                    for lane in range(some):
                        y[start + lane] = patch[source + lane]


@jit_inner
def upstreams(dy: Array, first: int, count: int, z: Sizes, m: Array, step: int, at: int,
              tiles: int, patch: Array) -> None:  # fmt: skip
    """Transform tiles first … of dy into m: the transpose of `outputs`. patch: 16 pixels."""
    _, _, _, k_all, _, _, p_all, q_all, rows, columns = z
    per_register = lanes(dy)
    padded = (k_all + WIDTH - 1) // WIDTH * WIDTH
    for t in range(count):
        n, rest = (first + t) // (rows * columns), (first + t) % (rows * columns)
        p, q = 4 * (rest // columns), 4 * (rest % columns)
        to = (at + t) * WIDTH
        ahead = ((n * p_all + p) * q_all + q + 8) * k_all  # past the next tile
        prefetch_rows(dy, ahead, 4, q_all * k_all, 4 * k_all)
        if p + 4 <= p_all and q + 4 <= q_all and k_all == padded:
            o = ((n * p_all + p) * q_all + q) * k_all
            for k in range(0, k_all, per_register):
                i = to + block_at(k, tiles)
                upstream_tile(dy, o + k, q_all * k_all, k_all, m, i, step)
        else:
            copy_patch(dy, n, (p_all, q_all, k_all), p, q, 4, patch, padded)
            for k in range(0, padded, per_register):
                i = to + block_at(k, tiles)
                upstream_tile(patch, k, 4 * padded, padded, m, i, step)


@jit_inner
def gradients(v: Array, step: int, at: int, tiles: int, dx: Array,
              first: int, count: int, z: Sizes, patch: Array) -> None:  # fmt: skip
    """Add v's tiles at … to tiles first … of dx: the transpose of `inputs`."""
    h, w, c_all, _, top, left, _, _, rows, columns = z
    per_register = lanes(dx)
    for t in range(count):
        n, rest = (first + t) // (rows * columns), (first + t) % (rows * columns)
        r, s = 4 * (rest // columns) - top, 4 * (rest % columns) - left
        o = ((n * h + r) * w + s) * c_all
        inside = r >= 0 and s >= 0 and r + 6 <= h and s + 6 <= w
        for c in range(0, c_all, per_register):
            i = (at + t) * WIDTH + block_at(c, tiles)
            if inside and c + per_register <= c_all:
                gradient_tile(v, i, step, dx, o + c, w * c_all, c_all)
                continue
            patch[: 36 * per_register] = 0
            gradient_tile(v, i, step, patch, 0, 6 * per_register, per_register)
            some = min(per_register, c_all - c)
            for i6 in range(max(0, -r), min(6, h - r)):
                for j6 in range(max(0, -s), min(6, w - s)):
                    start = o + (i6 * w + j6) * c_all + c
                    source = (i6 * 6 + j6) * per_register
                    if some == per_register:
                        store(dx, start, load(dx, start) + load(patch, source))
                        continue
                    for lane in range(some):
                        dx[start + lane] += patch[source + lane]


@jit_inner
def add_gradients(v: Array, step: int, tiles: int, first: int, count: int, z: Sizes, image: Array,
                  dx: Array, patch: Array) -> None:  # fmt: skip
    """Add v's tiles 0 … to tiles first … of dx, whose values another gradient has left there.

    An image's own gradient is summed in `image`, and added when it is whole: this order of sums is
    that of two gradients added after each was computed.
    """
    per_image, t = z[8] * z[9], first
    while t < first + count:
        n = t // per_image
        end = min((n + 1) * per_image, first + count)
        if t == n * per_image:
            image[:] = 0
        gradients(v, step, t - first, tiles, image, t - n * per_image, end - t, z, patch)
        if end == (n + 1) * per_image:
            to = dx[n * image.size : (n + 1) * image.size]
            for j in range(image.size):
                to[j] += image[j]
        t = end
