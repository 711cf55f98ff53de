"""Convolution on a device; the kernels are in conv2d_v1.cu to conv2d_v4.cu.

forward    y = w ⋆ x + b            x (N, C, H, W), w (K, C / groups, R, S), y (N, K, P, Q)
backward   dx, dw, db               dx by the kernel that computes y, see conv2d_tile.cuh

Versions
    v1  the definition, a thread for each result
    v2  a matrix product that is never stored, tiles of 16 × 16 in shared memory
    v3  tiles in registers, double buffered, by number of channels; dw split over the pixels
    v4  v3 on tensor cores in TF32, about 1e-3 off: float32, only if allow_tf32 asks for it
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..checks import Windows
from ..spec import ALL, Array, Needs, Version, versions
from .linear import column_sums
from .machine.device import MAX_GRID_YZ, THREADS, Device, Unit, aligned, blocks, structure
from .machine.options import tf32_allowed

Gradients = tuple[Array | None, Array | None, Array | None]
CONV = structure(
    "N", "C", "H", "W", "K", "R", "S", "P", "Q", "sh", "sw", "ph", "pw", "dh", "dw", "groups"
)
IMAGES = structure(
    "N", "rows", "depth", "rows_padded", "depth_padded", "in_C", "in_H", "in_W", "out_C", "out_H",
    "out_W", "R", "S", "sh", "sw", "ph", "pw", "dh", "dw", "gradient", "has_b", "vector",
)  # fmt: skip
DIRECT = Unit(
    "conv2d_v1.cu",
    ("conv2d_forward_v1<T>", "conv2d_dx_v1<T>", "conv2d_dw_v1<T>", "conv2d_db<T>"),
)
SHARED = Unit("conv2d_v2.cu", ("conv2d_forward_v2<T>", "conv2d_dx_v2<T>", "conv2d_dw_v2<T>"))

# Tiles by version and most channels written: template arguments, rows, columns, depth, threads.
# Few channels want flat tiles, so that few rows are padding.
Tile = tuple[str, int, int, int, int]
IMAGE_TILES: dict[int, dict[int, Tile]] = {
    3: {
        16: ("16, 128, 8, 8, 4", 16, 128, 8, 64),
        32: ("32, 128, 8, 8, 4", 32, 128, 8, 128),
        64: ("64, 64, 8, 8, 4", 64, 64, 8, 128),
    },
    4: {
        16: ("16, 128, 4", 16, 128, 16, 128),
        32: ("32, 128, 4", 32, 128, 16, 128),
        64: ("64, 64, 2", 64, 64, 16, 128),
    },
}
SMALL_TILE: dict[int, Tile] = {  # where larger ones would leave multiprocessors without a block
    3: ("32, 64, 8, 4, 4", 32, 64, 8, 128),
    4: ("32, 64, 4", 32, 64, 16, 128),
}
WEIGHT_TILES: dict[int, dict[int, Tile]] = {
    3: {
        16: ("16, 64, 16, 4, 4", 16, 64, 16, 64),
        32: ("32, 64, 16, 4, 4", 32, 64, 16, 128),
        64: ("64, 64, 16, 8, 4", 64, 64, 16, 128),
    },
    4: {
        16: ("16, 64, 4", 16, 64, 16, 128),
        32: ("32, 64, 4", 32, 64, 16, 128),
        64: ("64, 64, 2", 64, 64, 16, 128),
    },
}
MANY_BLOCKS = 264  # two for each of the 132 multiprocessors of an H100 or H200
FEW_PRODUCTS = 16  # K C of a group: below it a tile is nearly empty, and v1's kernels are used


def _unit(version: int) -> Unit:
    images = (*IMAGE_TILES[version].values(), SMALL_TILE[version])
    dtype = "T, " if version == 3 else ""
    return Unit(
        f"conv2d_v{version}.cu",
        (
            f"pack_weights<{'T' if version == 3 else 'float'}>",
            *(f"conv2d_images_v{version}<{dtype}{tile[0]}>" for tile in images),
            *(
                f"conv2d_weights_v{version}<{dtype}{tile[0]}>"
                for tile in WEIGHT_TILES[version].values()
            ),
        ),
        only=None if version == 3 else "float32",
    )


TILED = {3: _unit(3), 4: _unit(4)}


def _name(version: int, kernel: str, arguments: str) -> str:
    return f"{kernel}_v{version}<{'T, ' if version == 3 else ''}{arguments}>"


def _conv(x: tuple[int, ...], k: int, win: Windows, groups: int) -> Array:
    geometry = (*win.size, *win.output, *win.stride, *win.padding, *win.dilation)
    return np.array((*x, k, *geometry, groups), CONV)


def _by_channels(tiles: dict[int, Tile], channels: int) -> Tile:
    return next((tile for most, tile in tiles.items() if channels <= most), tiles[64])


# ---- y and dx ------------------------------------------------------------------------------------


def _images(
    device: Device,
    version: int,
    source: Array,
    w: Array,
    b: Array | None,
    shape: tuple[int, ...],
    win: Windows,
    groups: int,
    gradient: bool,
) -> Array:
    """Return y (`gradient` false) or dx, of `shape`, from `source`: x or dy."""
    result = device.empty(shape, source.dtype)
    bias = source if b is None else b  # a place holder where there is none
    x_shape = shape if gradient else source.shape
    conv = _conv(x_shape, len(w), win, groups)
    filters, channels = len(w) // groups, w.shape[1]
    rows, depth = (channels, filters) if gradient else (filters, channels)
    grid: tuple[int, ...]
    block: tuple[int, ...]
    if version == 1 or (version >= 3 and rows * depth < FEW_PRODUCTS):
        unit, grid, block = DIRECT, (blocks(result.size, THREADS),), (THREADS,)
        name = "conv2d_dx_v1<T>" if gradient else "conv2d_forward_v1<T>"
    elif version == 2:
        columns = shape[0] * shape[2] * shape[3]
        unit, grid, block = SHARED, (blocks(columns, 16), blocks(rows, 16), groups), (16, 16)
        name = "conv2d_dx_v2<T>" if gradient else "conv2d_forward_v2<T>"
    else:
        _tiled_images(device, version, source, w, b, result, win, groups, gradient)
        return result
    rest = (conv,) if gradient else (int(b is not None), conv)
    arrays = (source, w, result) if gradient else (source, w, bias, result)
    device.run(unit, name, source.dtype, grid, block, *arrays, *rest)
    return result


def _tiled_images(
    device: Device,
    version: int,
    source: Array,
    w: Array,
    b: Array | None,
    result: Array,
    win: Windows,
    groups: int,
    gradient: bool,
) -> None:
    dtype, unit = source.dtype, TILED[version]
    filters, channels = len(w) // groups, w.shape[1]
    rows, depth = (channels, filters) if gradient else (filters, channels)
    phases = win.stride if gradient else (1, 1)  # see Axis in conv2d_tile.cuh
    height, width = (blocks(n, s) for n, s in zip(result.shape[2:], phases, strict=True))
    pixels, slices = len(result) * height * width, groups * phases[0] * phases[1]
    tile = _by_channels(IMAGE_TILES[version], rows)
    if tile[1] > 16 and blocks(pixels, tile[2]) * blocks(rows, tile[1]) * slices < MANY_BLOCKS:
        tile = SMALL_TILE[version]
    arguments, bm, bn, bk, threads = tile
    padded = blocks(rows, bm) * bm, blocks(depth, bk) * bk
    taps = win.size[0] * win.size[1]
    packed = device.empty((groups, taps, padded[1], padded[0]), dtype)
    plane = result.shape[2] * result.shape[3]
    vector = phases == (1, 1) and plane % 4 == 0 and aligned(result)
    images = np.array(
        (
            len(result), rows, depth, *padded, *source.shape[1:], *result.shape[1:],
            *win.size, *win.stride, *win.padding, *win.dilation, gradient, b is not None, vector,
        ),
        IMAGES,
    )  # fmt: skip
    pack = f"pack_weights<{'T' if version == 3 else 'float'}>"
    count = np.int64(packed.size)
    grid: tuple[int, ...] = (blocks(packed.size, THREADS),)
    device.run(unit, pack, dtype, grid, THREADS, w, packed, count, taps, images)
    grid = (blocks(pixels, bn), blocks(rows, bm), slices)
    arrays = (source, packed, source if b is None else b, result)
    name = _name(version, "conv2d_images", arguments)
    device.run(unit, name, dtype, grid, threads, *arrays, images)


# ---- dw and db -----------------------------------------------------------------------------------


def _weight_gradient(
    device: Device, version: int, dy: Array, x: Array, w: Array, win: Windows, groups: int
) -> Array:
    conv = _conv(x.shape, len(w), win, groups)
    rows, columns = len(w) // groups, w.size // len(w)  # of a group; columns are (c, r, s)
    grid: tuple[int, ...]
    block: tuple[int, ...]
    if version <= 2:
        dw = device.empty(w.shape, dy.dtype)
        if version == 1:
            unit, grid, block = DIRECT, (blocks(w.size, THREADS),), (THREADS,)
        else:
            unit, grid, block = SHARED, (blocks(columns, 16), blocks(rows, 16), groups), (16, 16)
        device.run(unit, f"conv2d_dw_v{version}<T>", dy.dtype, grid, block, dy, x, dw, conv)
        return dw
    arguments, bm, bn, bk, threads = _by_channels(WEIGHT_TILES[version], rows)
    pixels = len(x) * win.output[0] * win.output[1]
    tiles = blocks(columns, bn) * blocks(rows, bm) * groups
    # Enough parts for two waves of blocks, and at least 16 steps in each.
    parts = max(1, min(2 * MANY_BLOCKS // tiles, pixels // (16 * bk)))
    each = blocks(pixels, parts * bk) * bk
    partial_sums = device.empty((parts, w.size), dy.dtype)
    grid = (blocks(columns, bn), blocks(rows, bm), groups * parts)
    name = _name(version, "conv2d_weights", arguments)
    device.run(TILED[version], name, dy.dtype, grid, threads, dy, x, partial_sums, each, conv)
    sums = partial_sums if parts == 1 else column_sums(device, 2, partial_sums)
    return sums.reshape(w.shape)


def _bias_gradient(device: Device, dy: Array) -> Array:
    n, k, p, q = dy.shape
    db = device.empty((k,), dy.dtype)
    device.run(DIRECT, "conv2d_db<T>", dy.dtype, (k,), THREADS, dy, db, n, k, p * q)
    return db


# ---- the kernel ----------------------------------------------------------------------------------


def conv2d_forward(
    device: Device,
    version: int,
    x: Array,
    w: Array,
    b: Array | None,
    *,
    win: Windows,
    groups: int,
) -> tuple[Any, ...]:
    """Saved: x, w, whether there was a b, and the geometry."""
    x, w = device.plain(x), device.plain(w)
    b = None if b is None else device.plain(b)
    shape = (len(x), len(w), *win.output)
    y = _images(device, version, x, w, b, shape, win, groups, gradient=False)
    return y, x, w, b is not None, win, groups


def conv2d_backward(
    device: Device,
    version: int,
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dw, db; None where not needed."""
    dy, x, w = device.plain(dy), device.plain(x), device.plain(w)
    return (
        _images(device, version, dy, w, None, x.shape, win, groups, gradient=True)
        if needs[0]
        else None,
        _weight_gradient(device, version, dy, x, w, win, groups) if needs[1] else None,
        _bias_gradient(device, dy) if has_b and needs[2] else None,
    )


def _in_a_grid(x: Array, w: Array, *_others: Any, win: Windows, groups: int) -> bool:
    """Tiles count pixels in 32 bits, and have a layer of blocks for each group and phase."""
    n, _, h, column = x.shape
    pixels = n * max(h * column, win.output[0] * win.output[1])
    slices = groups * win.stride[0] * win.stride[1]
    return pixels < 2**31 - 2**12 and slices <= MAX_GRID_YZ and len(w) <= 16 * MAX_GRID_YZ


def _backward_in_a_grid(
    dy: Array, x: Array, w: Array, has_b: bool, win: Windows, groups: int
) -> bool:
    return _in_a_grid(x, w, win=win, groups=groups)


def _single(x: Array, *others: Any, **options: Any) -> bool:
    return x.dtype == np.float32 and _in_a_grid(x, *others, **options)


def _backward_single(dy: Array, *saved: Any) -> bool:
    return dy.dtype == np.float32 and _backward_in_a_grid(dy, *saved)


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""

    def pair(version: int) -> tuple[Any, ...]:
        return partial(conv2d_forward, device, version), partial(conv2d_backward, device, version)

    return versions(
        __doc__,
        pair(1),
        (*pair(2), _in_a_grid, _backward_in_a_grid),
        (*pair(3), _in_a_grid, _backward_in_a_grid),
        (*pair(4), _single, _backward_single, 300.0, lambda: device.has_tf32 and tf32_allowed()),
    )
