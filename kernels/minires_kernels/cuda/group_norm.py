"""Group normalisation on a device; the kernels are in group_norm.cu.

forward    y = weight · (x - mean) · inverse + bias, of each group of each sample
backward   dx by a block for each group, dweight and dbias by a block for each channel

Versions
    v1  a block for each group of a sample, sums by warp shuffles
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..spec import ALL, Array, Needs, Version, versions
from .machine.device import THREADS, Device, Unit, structure

UNIT = Unit(
    "group_norm.cu",
    ("group_norm_forward<T>", "group_norm_dx<T>", "group_norm_parameters<T>"),
)
GROUPS = structure("N", "C", "HW", "each", "has_weight", "has_bias")
Gradients = tuple[Array | None, Array | None, Array | None]


def _sizes(x: Array, groups: int, weight: Array | None, bias: Array | None = None) -> Array:
    n, c = x.shape[:2]
    pixels = x.size // max(1, n * c)
    return np.array((n, c, pixels, c // groups, weight is not None, bias is not None), GROUPS)


def group_norm_forward(
    device: Device,
    x: Array,
    weight: Array | None,
    bias: Array | None,
    *,
    groups: int,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, weight, and mean and inverse (N, groups)."""
    plain = device.plain(x)
    y = device.empty(x.shape, x.dtype)
    mean, inverse = (device.empty((len(x), groups), x.dtype) for _ in range(2))
    given = [plain if a is None else device.plain(a) for a in (weight, bias)]  # or a place holder
    rest = y, mean, inverse, x.dtype.type(eps), _sizes(x, groups, weight, bias)
    name, grid = "group_norm_forward<T>", (len(x) * groups,)
    device.run(UNIT, name, x.dtype, grid, THREADS, plain, *given, *rest)
    return y, plain, weight, mean, inverse


def group_norm_backward(
    device: Device,
    dy: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    inverse: Array,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dweight, dbias; None where not needed."""
    dy, x, mean, inverse = map(device.plain, (dy, x, mean, inverse))
    sizes, dx, dweight, dbias = _sizes(x, mean.shape[1], weight), None, None, None
    if needs[0]:
        dx = device.empty(x.shape, x.dtype)
        arrays = dy, x, x if weight is None else device.plain(weight), mean, inverse, dx, sizes
        device.run(UNIT, "group_norm_dx<T>", x.dtype, (mean.size,), THREADS, *arrays)
    if needs[1] or needs[2]:
        dweight, dbias = (device.empty((x.shape[1],), x.dtype) for _ in range(2))
        arrays = dy, x, mean, inverse, dweight, dbias, sizes
        device.run(UNIT, "group_norm_parameters<T>", x.dtype, (x.shape[1],), THREADS, *arrays)
    return dx, dweight if needs[1] else None, dbias if needs[2] else None


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(
        __doc__, (partial(group_norm_forward, device), partial(group_norm_backward, device))
    )
