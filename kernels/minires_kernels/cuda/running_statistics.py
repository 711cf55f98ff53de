"""Running statistics on a device, in place; the kernel is in running_statistics.cu.

Versions
    v1  a thread for each channel; the array module's operators for other dtypes and memory orders
"""

from __future__ import annotations

from functools import partial

from ..reference.running_statistics import running_statistics_forward_v1
from ..spec import Array, Version, versions
from .machine.device import C_TYPES, THREADS, Device, Unit, blocks

UNIT = Unit("running_statistics.cu", ("running_statistics<T>",))


def running_statistics_forward(
    device: Device,
    running_mean: Array,
    running_var: Array,
    mean: Array,
    var: Array,
    *,
    count: int,
    momentum: float,
) -> tuple[()]:
    """Move both."""
    dtype, channels = running_mean.dtype, running_mean.size
    contiguous = running_mean.flags.c_contiguous and running_var.flags.c_contiguous
    if dtype.name not in C_TYPES or not contiguous:
        arrays = (running_mean, running_var, mean, var)
        return running_statistics_forward_v1(*arrays, count=count, momentum=momentum)
    scalars = (dtype.type(count / (count - 1)), dtype.type(momentum), channels)
    arrays = (running_mean, running_var, device.plain(mean), device.plain(var))
    grid = (blocks(channels, THREADS),)
    device.run(UNIT, "running_statistics<T>", dtype, grid, THREADS, *arrays, *scalars)
    return ()


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(__doc__, (partial(running_statistics_forward, device),))
