"""Maximum pooling on a device; the kernels are in max_pool2d.cu.

forward    y = the largest x in each window, and where it was
backward   each pixel takes in dy of the windows that it won

Versions
    v1  a thread for each result; sizes of the window at run time
    v2  the usual windows compiled in: 2×2 and 3×3 of stride 2
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..checks import Windows
from ..spec import Array, Version, versions
from .machine.device import THREADS, Device, Unit, blocks
from .machine.windows import compiled, kernel_names, sizes, structure_of

UNIT = Unit("max_pool2d.cu", kernel_names("max_pool_forward", "max_pool_backward"))


def max_pool2d_forward(device: Device, version: int, x: Array, *, win: Windows) -> tuple[Any, ...]:
    """Saved: the winners' indices (N, C, P, Q) as int64, the shape of x, and the geometry."""
    x = device.plain(x)
    shape = (*x.shape[:2], *win.output)
    y, winner = device.empty(shape, x.dtype), device.empty(shape, np.int64)
    name = f"max_pool_forward<T, {sizes(version, win)}>"
    arguments = (x, y, winner, np.int64(y.size), structure_of(x.shape, win))
    device.run(UNIT, name, x.dtype, (blocks(y.size, THREADS),), THREADS, *arguments)
    return y, winner, x.shape, win


def max_pool2d_backward(
    device: Device, version: int, dy: Array, winner: Array, shape: tuple[int, ...], win: Windows
) -> Array:
    """Each pixel takes in dy of the windows that it won."""
    dy, winner = device.plain(dy), device.plain(winner.astype(np.int64, copy=False))
    dx = device.empty(shape, dy.dtype)
    name = f"max_pool_backward<T, {sizes(version, win)}>"
    arguments = (dy, winner, dx, np.int64(dx.size), structure_of(shape, win))
    device.run(UNIT, name, dy.dtype, (blocks(dx.size, THREADS),), THREADS, *arguments)
    return dx


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(
        __doc__,
        (partial(max_pool2d_forward, device, 1), partial(max_pool2d_backward, device, 1)),
        (
            partial(max_pool2d_forward, device, 2),
            partial(max_pool2d_backward, device, 2),
            lambda x, *, win: compiled(win),
            lambda dy, winner, shape, win: compiled(win),
        ),
    )
