"""Maximum, average and global average pooling on a device; the kernels are in pooling.cu.

Versions
    v1  a thread for each result; sizes of the window at run time
    v2  the usual windows compiled in; for the global mean, a warp for each channel of an image
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..checks import Windows
from ..spec import Array, Version, versions
from .machine.device import THREADS, Device, Unit, blocks, structure

WINDOW = structure(
    "C", "H", "W", "P", "Q", "R", "S", "sh", "sw", "ph", "pw", "dh", "dw", "count_include_pad"
)
FIXED = ((2, 2, 2), (3, 3, 2))  # R, S and stride of v2: the halving of an image, the stem's pooling
WARP = 32
_KERNELS = ("max_pool_forward", "max_pool_backward", "avg_pool_forward", "avg_pool_backward")
_SIZES = ((0, 0, 0), *FIXED)
UNIT = Unit(
    "pooling.cu",
    (
        *(f"{kernel}<T, {r}, {s}, {stride}>" for kernel in _KERNELS for r, s, stride in _SIZES),
        *(f"global_avg_{way}_v{n}<T>" for way in ("forward", "backward") for n in (1, 2)),
    ),
)


def _sizes(version: int, win: Windows) -> str:
    """Return the template arguments R, S, STRIDE; zeros stand for sizes at run time."""
    return "0, 0, 0" if version == 1 else f"{win.size[0]}, {win.size[1]}, {win.stride[0]}"


def _window(shape: tuple[int, ...], win: Windows, count_include_pad: bool = True) -> Array:
    fields = (*shape[1:], *win.output, *win.size, *win.stride, *win.padding, *win.dilation)
    return np.array((*fields, count_include_pad), WINDOW)


def _compiled(win: Windows) -> bool:
    """Return whether v2 has this window."""
    square = win.stride[0] == win.stride[1] and win.dilation == (1, 1)
    return square and (*win.size, win.stride[0]) in FIXED


def _each(n: int) -> tuple[int]:
    return (blocks(n, THREADS),)


def max_pool2d_forward(device: Device, version: int, x: Array, *, win: Windows) -> tuple[Any, ...]:
    """Saved: the winners' indices (N, C, P, Q) as int64, the shape of x, and the geometry."""
    x = device.plain(x)
    shape = (*x.shape[:2], *win.output)
    y, winner = device.empty(shape, x.dtype), device.empty(shape, np.int64)
    name = f"max_pool_forward<T, {_sizes(version, win)}>"
    arguments = (x, y, winner, np.int64(y.size), _window(x.shape, win))
    device.run(UNIT, name, x.dtype, _each(y.size), THREADS, *arguments)
    return y, winner, x.shape, win


def max_pool2d_backward(
    device: Device, version: int, dy: Array, winner: Array, shape: tuple[int, ...], win: Windows
) -> Array:
    """Each pixel takes in dy of the windows that it won."""
    dy, winner = device.plain(dy), device.plain(winner)
    dx = device.empty(shape, dy.dtype)
    name = f"max_pool_backward<T, {_sizes(version, win)}>"
    arguments = (dy, winner, dx, np.int64(dx.size), _window(shape, win))
    device.run(UNIT, name, dy.dtype, _each(dx.size), THREADS, *arguments)
    return dx


def avg_pool2d_forward(
    device: Device, version: int, x: Array, *, win: Windows, count_include_pad: bool
) -> tuple[Any, ...]:
    """Saved: the shape of x and the geometry."""
    x = device.plain(x)
    y = device.empty((*x.shape[:2], *win.output), x.dtype)
    name = f"avg_pool_forward<T, {_sizes(version, win)}>"
    arguments = (x, y, np.int64(y.size), _window(x.shape, win, count_include_pad))
    device.run(UNIT, name, x.dtype, _each(y.size), THREADS, *arguments)
    return y, x.shape, win, count_include_pad


def avg_pool2d_backward(
    device: Device,
    version: int,
    dy: Array,
    shape: tuple[int, ...],
    win: Windows,
    count_include_pad: bool,
) -> Array:
    """Each pixel takes in its share of dy of the windows that cover it."""
    dy = device.plain(dy)
    dx = device.empty(shape, dy.dtype)
    name = f"avg_pool_backward<T, {_sizes(version, win)}>"
    arguments = (dy, dx, np.int64(dx.size), _window(shape, win, count_include_pad))
    device.run(UNIT, name, dy.dtype, _each(dx.size), THREADS, *arguments)
    return dx


def global_avg_pool2d_forward(device: Device, version: int, x: Array) -> tuple[Any, ...]:
    """Saved: the shape of x."""
    x = device.plain(x)
    planes, pixels = x.shape[0] * x.shape[1], x.shape[2] * x.shape[3]
    y = device.empty((*x.shape[:2], 1, 1), x.dtype)
    grid = _each(planes * (WARP if version == 2 else 1))
    name = f"global_avg_forward_v{version}<T>"
    device.run(UNIT, name, x.dtype, grid, THREADS, x, y, planes, pixels)
    return y, x.shape


def global_avg_pool2d_backward(
    device: Device, version: int, dy: Array, shape: tuple[int, ...]
) -> Array:
    """Share dy equally."""
    dy = device.plain(dy)
    planes, pixels = shape[0] * shape[1], shape[2] * shape[3]
    dx = device.empty(shape, dy.dtype)
    name = f"global_avg_backward_v{version}<T>"
    if version == 1:
        grid, count = _each(dx.size), np.int64(dx.size)
        device.run(UNIT, name, dy.dtype, grid, THREADS, dy, dx, count, pixels)
    else:
        device.run(UNIT, name, dy.dtype, _each(planes * WARP), THREADS, dy, dx, planes, pixels)
    return dx


def max_pool2d_on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(
        __doc__,
        (partial(max_pool2d_forward, device, 1), partial(max_pool2d_backward, device, 1)),
        (
            partial(max_pool2d_forward, device, 2),
            partial(max_pool2d_backward, device, 2),
            lambda x, *, win: _compiled(win),
            lambda dy, winner, shape, win: _compiled(win),
        ),
    )


def avg_pool2d_on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(
        __doc__,
        (partial(avg_pool2d_forward, device, 1), partial(avg_pool2d_backward, device, 1)),
        (
            partial(avg_pool2d_forward, device, 2),
            partial(avg_pool2d_backward, device, 2),
            lambda x, *, win, count_include_pad: _compiled(win),
            lambda dy, shape, win, count_include_pad: _compiled(win),
        ),
    )


def global_avg_pool2d_on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    forward, backward = global_avg_pool2d_forward, global_avg_pool2d_backward
    return versions(
        __doc__,
        (partial(forward, device, 1), partial(backward, device, 1)),
        (partial(forward, device, 2), partial(backward, device, 2)),
    )
