"""ReLU on a device; the kernels are in relu.cu.

forward    y = max(x, 0)           reads x, writes y
backward   dx = dy where y > 0     reads dy and y, writes dx

Versions
    v1  a thread for each element
    v2  a thread for four neighbours, 128 bits at a time where all arrays begin at 16 bytes
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..spec import Array, Version, versions
from .machine.device import THREADS, Device, Unit, aligned, blocks

UNIT = Unit(
    "relu.cu",
    ("relu_forward_v1<T>", "relu_backward_v1<T>", "relu_forward_v2<T>", "relu_backward_v2<T>"),
)


def width(version: int, *arrays: Array) -> int:
    """Return which kernel runs, and so how many elements a thread owns: 1 (v1) or 4 (v2)."""
    return 4 if version == 2 and aligned(*arrays) else 1


def flat_grid(n: int, per_thread: int) -> tuple[int]:
    """Return the grid for `n` elements."""
    return (blocks(n, THREADS * per_thread),)


def relu_forward(device: Device, version: int, x: Array) -> tuple[Array, Array]:
    """Return y, and y again to be saved."""
    x = device.plain(x)
    y = device.empty(x.shape, x.dtype)
    each = width(version, x, y)
    name = "relu_forward_v2<T>" if each == 4 else "relu_forward_v1<T>"
    device.run(UNIT, name, x.dtype, flat_grid(x.size, each), THREADS, x, y, np.int64(x.size))
    return y, y


def relu_backward(device: Device, version: int, dy: Array, y: Array) -> Array:
    """Return dy where y > 0, else 0."""
    dy, y = device.plain(dy), device.plain(y)
    dx = device.empty(y.shape, y.dtype)
    each = width(version, dy, y, dx)
    name = "relu_backward_v2<T>" if each == 4 else "relu_backward_v1<T>"
    device.run(UNIT, name, y.dtype, flat_grid(y.size, each), THREADS, dy, y, dx, np.int64(y.size))
    return dx


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(
        __doc__,
        (partial(relu_forward, device, 1), partial(relu_backward, device, 1)),
        (partial(relu_forward, device, 2), partial(relu_backward, device, 2)),
    )
