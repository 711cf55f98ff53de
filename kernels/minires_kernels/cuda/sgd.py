"""A step of stochastic gradient descent on a device, in place; the kernels are in sgd.cu.

What is not contiguous, or of a dtype that the kernels do not know, is moved by the array module's
operators, which read the options at once.

Versions
    v1  a launch for each parameter
    v2  eight parameters a launch; those of 2**31 elements and more alone
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..reference.sgd import sgd_forward_v1
from ..spec import Array, Version, versions
from .machine.device import C_TYPES, THREADS, Device, Unit, blocks, structure

UNIT = Unit("sgd.cu", ("sgd_v1<T>", "sgd_v2<T>"))
TOGETHER = 8  # parameters of one launch of sgd_v2
SIZES = structure(*(f"n{i}" for i in range(TOGETHER)))

Move = tuple[Array, Array, Array | None, bool]  # parameter, gradient, velocity, first


def sgd_forward(
    device: Device,
    version: int,
    params: Sequence[Array],
    grads: Sequence[Array],
    velocities: Sequence[Array | None],
    first: Sequence[bool],
    options: Array,
) -> tuple[()]:
    """Move all parameters; where there is no velocity kernels get a null pointer."""
    options = device.plain(options)
    together: list[Move] = []
    for move in zip(params, grads, velocities, first, strict=True):
        if not _launches(move):
            p, g, v, at_first = move
            sgd_forward_v1([p], [g], [v], [at_first], options)
        elif version == 1 or move[0].size >= 2**31:
            _one(device, move, options)
        elif move[0].size:
            together.append(move)
    for start in range(0, len(together), TOGETHER):
        _eight(device, together[start : start + TOGETHER], options)
    return ()


def _launches(move: Move) -> bool:
    p, _, v, _ = move
    contiguous = p.flags.c_contiguous and (v is None or v.flags.c_contiguous)
    return bool(contiguous and p.dtype.name in C_TYPES)


def _one(device: Device, move: Move, options: Array) -> None:
    p, g, v, first = move
    dtype, grid = p.dtype, (blocks(p.size, THREADS),)
    arrays = (p, device.plain(g), v, np.int64(p.size), int(first), options)
    device.run(UNIT, "sgd_v1<T>", dtype, grid, THREADS, *arrays)


def _eight(device: Device, moves: Sequence[Move], options: Array) -> None:
    arrays: list[Any] = []
    sizes, first = [0] * TOGETHER, 0
    for i, (p, g, v, begin) in enumerate(moves):
        arrays += [p, device.plain(g), v]
        sizes[i] = p.size
        first |= int(begin) << i
    arrays += [None] * (3 * (TOGETHER - len(moves)))
    grid = (blocks(max(sizes), THREADS), len(moves))
    rest = (np.array(tuple(sizes), SIZES), first, options)
    device.run(UNIT, "sgd_v2<T>", options.dtype, grid, THREADS, *arrays, *rest)


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions(__doc__, (partial(sgd_forward, device, 1),), (partial(sgd_forward, device, 2),))
