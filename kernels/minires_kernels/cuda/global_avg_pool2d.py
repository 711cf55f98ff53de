"""Global average pooling on a device; the kernels are in global_avg_pool2d.cu.

forward    y[n,c] = mean over h, w of x[n,c,h,w]
backward   dx = dy / (H W)

Versions
    v1  a thread for each result
    v2  a warp for each channel of an image
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..spec import Array, Version, versions
from .machine.device import THREADS, Device, Unit, blocks

WARP = 32
UNIT = Unit(
    "global_avg_pool2d.cu",
    tuple(f"global_avg_{way}_v{n}<T>" for way in ("forward", "backward") for n in (1, 2)),
)


def global_avg_pool2d_forward(device: Device, version: int, x: Array) -> tuple[Any, ...]:
    """Saved: the shape of x."""
    x = device.plain(x)
    planes, pixels = x.shape[0] * x.shape[1], x.shape[2] * x.shape[3]
    y = device.empty((*x.shape[:2], 1, 1), x.dtype)
    grid = (blocks(planes * (WARP if version == 2 else 1), THREADS),)
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
        grid, count = (blocks(dx.size, THREADS),), np.int64(dx.size)
        device.run(UNIT, name, dy.dtype, grid, THREADS, dy, dx, count, pixels)
    else:
        device.run(
            UNIT, name, dy.dtype, (blocks(planes * WARP, THREADS),), THREADS, dy, dx, planes, pixels
        )
    return dx


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    forward, backward = global_avg_pool2d_forward, global_avg_pool2d_backward
    return versions(
        __doc__,
        (partial(forward, device, 1), partial(backward, device, 1)),
        (partial(forward, device, 2), partial(backward, device, 2)),
    )
