"""Average pooling on a device; the kernels are in avg_pool2d.cu.

forward    y = the sum of each window / its area
backward   each pixel takes in its share of dy of the windows that cover it

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

UNIT = Unit("avg_pool2d.cu", kernel_names("avg_pool_forward", "avg_pool_backward"))


def avg_pool2d_forward(
    device: Device, version: int, x: Array, *, win: Windows, count_include_pad: bool
) -> tuple[Any, ...]:
    """Saved: the shape of x and the geometry."""
    x = device.plain(x)
    y = device.empty((*x.shape[:2], *win.output), x.dtype)
    name = f"avg_pool_forward<T, {sizes(version, win)}>"
    arguments = (x, y, np.int64(y.size), structure_of(x.shape, win, count_include_pad))
    device.run(UNIT, name, x.dtype, (blocks(y.size, THREADS),), THREADS, *arguments)
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
    name = f"avg_pool_backward<T, {sizes(version, win)}>"
    arguments = (dy, dx, np.int64(dx.size), structure_of(shape, win, count_include_pad))
    device.run(UNIT, name, dy.dtype, (blocks(dx.size, THREADS),), THREADS, *arguments)
    return dx


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(
        __doc__,
        (partial(avg_pool2d_forward, device, 1), partial(avg_pool2d_backward, device, 1)),
        (
            partial(avg_pool2d_forward, device, 2),
            partial(avg_pool2d_backward, device, 2),
            lambda x, *, win, count_include_pad: compiled(win),
            lambda dy, shape, win, count_include_pad: compiled(win),
        ),
    )
