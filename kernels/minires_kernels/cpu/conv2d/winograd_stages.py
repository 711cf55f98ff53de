"""The stages of Winograd convolution over many tiles: the transforms before and after products.

Between them, a value of tile t, channel c and element f (of 36) lies at

    f · step + (c // W) · T · W + t · W + c % W           W = 16 channels per block, T tiles

so that a product's tile reads and writes contiguous memory. Channels beyond C are zero. `step` is
a line more than a power of two tends to be: 36 stores to addresses that share a cache set would
evict each other.

Channels that do not fill a block go through a `patch`.
Tiles count through the batch: t = (n · rows + i) · columns + j.
"""

from __future__ import annotations

import numpy as np

from ...spec import Array
from ..machine.jit import jit_inner
from ..machine.simd import lanes, load, prefetch
from .winograd import gradient_tile, input_tile, inside, output_tile, upstream_tile
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
        for j in range(0, length, WIDTH):
            prefetch(x, o + i * row + j)


@jit_inner
def place(t: int, z: Sizes) -> tuple[int, int, int]:
    """Return image, row and column of tile t."""
    rows, columns = z[8:]
    return t // (rows * columns), t // columns % rows, t % columns


@jit_inner
def following(n: int, i: int, j: int, z: Sizes) -> tuple[int, int, int]:
    """Return the place after another, without a division."""
    j += 1
    if j == z[9]:
        i, j = i + 1, 0
    return (n + 1, 0, j) if i == z[8] else (n, i, j)


@jit_inner
def inputs(x: Array, first: int, count: int, z: Sizes, v: Array, step: int, at: int,
           tiles: int, patch: Array) -> None:  # fmt: skip
    """Transform tiles first … first + count - 1 of x into v, as its tiles at … at + count - 1.

    patch: 36 pixels of as many channels as v has.
    """
    h, w, c_all, _, top, left = z[:6]
    one = lanes(x)  # register
    padded = (c_all + WIDTH - 1) // WIDTH * WIDTH
    n, i, j = place(first, z)
    for to in range(at * WIDTH, (at + count) * WIDTH, WIDTH):
        r, s = 4 * i - top, 4 * j - left
        o, bits = ((n * h + r) * w + s) * c_all, inside(r, s, h, w)
        prefetch_rows(x, o + 10 * c_all, 6, w * c_all, 4 * c_all)  # past the next tile
        if c_all != padded:
            copy_patch(x, n, (h, w, c_all), r, s, 6, patch, padded)
            for c in range(0, padded, one):
                input_tile(patch, c, 6 * padded, padded, bits, v, to + block_at(c, tiles), step)
        else:
            for c in range(0, c_all, one):
                input_tile(x, o + c, w * c_all, c_all, bits, v, to + block_at(c, tiles), step)
        n, i, j = following(n, i, j, z)


@jit_inner
def copy_patch(x: Array, n: int, size: tuple[int, int, int], top: int, left: int, edge: int,
               patch: Array, padded: int) -> None:  # fmt: skip
    """Copy what image n has of edge × edge pixels to patch, (pixels, padded channels)."""
    h, w, c_all = size
    for i in range(max(0, -top), min(edge, h - top)):
        for j in range(max(0, -left), min(edge, w - left)):
            o, to = ((n * h + top + i) * w + left + j) * c_all, (i * edge + j) * padded
            for c in range(padded):
                patch[to + c] = x[o + c] if c < c_all else 0


@jit_inner
def outputs(m: Array, step: int, at: int, tiles: int, b: Array, y: Array,
            first: int, count: int, z: Sizes, patch: Array) -> None:  # fmt: skip
    """Transform m's tiles at … into tiles first … first + count - 1 of y. patch: 17 registers."""
    k_all, p_all, q_all = z[3], z[6], z[7]
    one = lanes(y)  # register
    n, i, j = place(first, z)
    for t in range(at, at + count):
        p, q = 4 * i, 4 * j
        o, bits = ((n * p_all + p) * q_all + q) * k_all, inside(p, q, p_all, q_all)
        prefetch_rows(y, o + 8 * k_all, 4, q_all * k_all, 4 * k_all)  # past the next tile
        for k in range(0, k_all, one):
            e = t * WIDTH + block_at(k, tiles)
            bias = load(b, k)
            if k + one > k_all:
                output_tile(m, e, step, bias, patch, one, 4 * one, one, bits, patch)
                for r in range(min(4, p_all - p)):
                    for s in range(min(4, q_all - q)):
                        start = o + (r * q_all + s) * k_all + k
                        source = (r * 4 + s + 1) * one
                        for lane in range(k_all - k):
                            y[start + lane] = patch[source + lane]
            else:
                output_tile(m, e, step, bias, y, o + k, q_all * k_all, k_all, bits, patch)
        n, i, j = following(n, i, j, z)


@jit_inner
def upstreams(dy: Array, first: int, count: int, z: Sizes, m: Array, step: int, at: int,
              tiles: int, patch: Array) -> None:  # fmt: skip
    """Transform tiles first … of dy into m: the transpose of `outputs`. patch: 16 pixels."""
    k_all, p_all, q_all = z[3], z[6], z[7]
    one = lanes(dy)  # register
    padded = (k_all + WIDTH - 1) // WIDTH * WIDTH
    n, i, j = place(first, z)
    for to in range(at * WIDTH, (at + count) * WIDTH, WIDTH):
        p, q = 4 * i, 4 * j
        o, bits = ((n * p_all + p) * q_all + q) * k_all, inside(p, q, p_all, q_all)
        prefetch_rows(dy, o + 8 * k_all, 4, q_all * k_all, 4 * k_all)  # past the next tile
        if k_all != padded:
            copy_patch(dy, n, (p_all, q_all, k_all), p, q, 4, patch, padded)
            for k in range(0, padded, one):
                upstream_tile(patch, k, 4 * padded, padded, bits, m, to + block_at(k, tiles), step)
        else:
            for k in range(0, k_all, one):
                e = to + block_at(k, tiles)
                upstream_tile(dy, o + k, q_all * k_all, k_all, bits, m, e, step)
        n, i, j = following(n, i, j, z)


@jit_inner
def gradients(v: Array, step: int, at: int, tiles: int, dx: Array,
              first: int, count: int, z: Sizes, patch: Array) -> None:  # fmt: skip
    """Add v's tiles at … to tiles first … of dx: the transpose of `inputs`. patch: 37 registers."""
    h, w, c_all, _, top, left = z[:6]
    one = lanes(dx)  # register
    n, i, j = place(first, z)
    for t in range(at, at + count):
        r, s = 4 * i - top, 4 * j - left
        o, bits = ((n * h + r) * w + s) * c_all, inside(r, s, h, w)
        for c in range(0, c_all, one):
            e = t * WIDTH + block_at(c, tiles)
            if c + one > c_all:
                patch[: 37 * one] = 0
                gradient_tile(v, e, step, patch, one, 6 * one, one, bits, patch)
                for i6 in range(max(0, -r), min(6, h - r)):
                    for j6 in range(max(0, -s), min(6, w - s)):
                        start = o + (i6 * w + j6) * c_all + c
                        source = (i6 * 6 + j6 + 1) * one
                        for lane in range(c_all - c):
                            dx[start + lane] += patch[source + lane]
            else:
                gradient_tile(v, e, step, dx, o + c, w * c_all, c_all, bits, patch)
        n, i, j = following(n, i, j, z)


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
