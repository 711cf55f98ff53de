"""GELU and SiLU on a device; the kernels are in gated.cu.

forward    y = x g(x)              reads x, writes y
backward   dx = (g + x g') dy      reads dy and x, writes dx

Versions
    v1  a thread for each element
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..reference.gated import GATES
from ..spec import Array, Version, versions
from .machine.device import THREADS, Device, Unit, blocks

UNIT = Unit(
    "gated.cu",
    tuple(f"gated_{way}<T, {i}>" for way in ("forward", "backward") for i in range(len(GATES))),
)


def gated_forward(device: Device, x: Array, *, gate: str) -> tuple[Any, ...]:
    """Return y; saved are x and the gate."""
    x = device.plain(x)
    y = device.empty(x.shape, x.dtype)
    name, grid = f"gated_forward<T, {GATES.index(gate)}>", (blocks(x.size, THREADS),)
    device.run(UNIT, name, x.dtype, grid, THREADS, x, y, np.int64(x.size))
    return y, x, gate


def gated_backward(device: Device, dy: Array, x: Array, gate: str) -> Array:
    """Return (g + x g') dy."""
    dy, x = device.plain(dy), device.plain(x)
    dx = device.empty(x.shape, x.dtype)
    name, grid = f"gated_backward<T, {GATES.index(gate)}>", (blocks(x.size, THREADS),)
    device.run(UNIT, name, x.dtype, grid, THREADS, dy, x, dx, np.int64(x.size))
    return dx


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(__doc__, (partial(gated_forward, device), partial(gated_backward, device)))
