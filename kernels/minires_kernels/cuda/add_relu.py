"""The end of a residual block on a device: add, then ReLU; the kernels are in add_relu.cu.

forward    y = max(a + b, 0)       reads a and b, writes y
backward   dz = dy where y > 0     the kernels of relu.cu

Versions
    v1  a thread for each element
    v2  a thread for four neighbours, 128 bits at a time where all arrays begin at 16 bytes
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..spec import Array, Version, versions
from .machine.device import THREADS, Device, Unit
from .relu import flat_grid, relu_backward, width

UNIT = Unit("add_relu.cu", ("add_relu_forward_v1<T>", "add_relu_forward_v2<T>"))


def add_relu_forward(device: Device, version: int, a: Array, b: Array) -> tuple[Array, Array]:
    """Return y, and y again to be saved."""
    a, b = device.plain(a), device.plain(b)
    y = device.empty(a.shape, a.dtype)
    each = width(version, a, b, y)
    name = "add_relu_forward_v2<T>" if each == 4 else "add_relu_forward_v1<T>"
    device.run(UNIT, name, a.dtype, flat_grid(a.size, each), THREADS, a, b, y, np.int64(a.size))
    return y, y


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(
        __doc__,
        (partial(add_relu_forward, device, 1), partial(relu_backward, device, 1)),
        (partial(add_relu_forward, device, 2), partial(relu_backward, device, 2)),
    )
