"""The sum of two arrays on a device; the kernels are in add.cu.

forward    y = a + b              a += b if a is `owned` and contiguous

Versions
    v1  a thread for each element; the array module's own sum for other dtypes
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..reference.add import add_forward_v1
from ..spec import Array, Version, versions
from .machine.device import C_TYPES, THREADS, Device, Unit, blocks

UNIT = Unit("add.cu", ("add<T>", "add_into<T>"))


def add_forward(device: Device, a: Array, b: Array, *, owned: bool) -> tuple[Array]:
    """y = a + b."""
    if a.dtype.name not in C_TYPES:
        return add_forward_v1(a, b, owned=owned)
    grid, n = (blocks(a.size, THREADS),), np.int64(a.size)
    b = device.plain(b)
    if owned and a.flags.c_contiguous:
        device.run(UNIT, "add_into<T>", a.dtype, grid, THREADS, a, b, n)
        return (a,)
    y = device.empty(a.shape, a.dtype)
    device.run(UNIT, "add<T>", a.dtype, grid, THREADS, device.plain(a), b, y, n)
    return (y,)


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(__doc__, (partial(add_forward, device),))
