"""Steps in place on a device; the kernels are in updates.cu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..spec import Array
from .device import THREADS, Device, Unit, blocks, structure

UNIT = Unit(
    "updates.cu", ("add<T>", "add_into<T>", "sgd_v1<T>", "sgd_v2<T>", "running_statistics<T>")
)
TOGETHER = 8  # parameters of one launch of sgd_v2
SIZES = structure(*(f"n{i}" for i in range(TOGETHER)))

Move = tuple[Array, Array, Array | None, bool]  # parameter, gradient, velocity, first


class Updates:
    """What `minires_kernels.updates` calls for arrays of this device; it has checked them."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def add(self, a: Array, b: Array, owned: bool = False) -> Array:
        """Return a + b; in the memory of `a` if nobody else refers to it."""
        device, n = self.device, np.int64(a.size)
        b = device.plain(b)
        grid = (blocks(a.size, THREADS),)
        if owned and a.flags.c_contiguous:
            device.run(UNIT, "add_into<T>", a.dtype, grid, THREADS, a, b, n)
            return a
        y = device.empty(a.shape, a.dtype)
        device.run(UNIT, "add<T>", a.dtype, grid, THREADS, device.plain(a), b, y, n)
        return y

    def sgd(self, p: Array, g: Array, v: Array | None, first: bool, options: Array) -> None:
        """Move one parameter; options (5,): lr, momentum, dampening, weight decay, nesterov."""
        grid = (blocks(p.size, THREADS),)
        v = self.device.empty((1,), p.dtype) if v is None else v  # a place holder, not touched
        arrays = (p, self.device.plain(g), v, np.int64(p.size), int(first), options)
        self.device.run(UNIT, "sgd_v1<T>", p.dtype, grid, THREADS, *arrays)

    def sgd_many(self, moves: Sequence[Move], options: Array) -> None:
        """Move parameters of one dtype, eight a launch."""
        large = [m for m in moves if m[0].size >= 2**31]
        for move in large:
            self.sgd(*move, options)
        rest = [m for m in moves if 0 < m[0].size < 2**31]
        for start in range(0, len(rest), TOGETHER):
            self._sgd_launch(rest[start : start + TOGETHER], options)

    def _sgd_launch(self, moves: list[Move], options: Array) -> None:
        device, dtype = self.device, options.dtype
        nothing = device.empty((1,), dtype)  # a place holder, not touched
        arrays: list[Any] = []
        sizes, first = [0] * TOGETHER, 0
        for i, (p, g, v, begin) in enumerate(moves):
            arrays += [p, device.plain(g), nothing if v is None else v]
            sizes[i] = p.size
            first |= int(begin) << i
        arrays += [nothing] * (3 * (TOGETHER - len(moves)))
        grid = (blocks(max(sizes), THREADS), len(moves))
        sizes_argument = np.array(tuple(sizes), SIZES)
        device.run(UNIT, "sgd_v2<T>", dtype, grid, THREADS, *arrays, sizes_argument, first, options)

    def running_statistics(
        self,
        running_mean: Array,
        running_var: Array,
        mean: Array,
        var: Array,
        count: int,
        momentum: float,
    ) -> None:
        """Move both running arrays (C,): running = (1 - momentum) running + momentum batch."""
        dtype, channels = running_mean.dtype, running_mean.size
        scalars = (dtype.type(count / (count - 1)), dtype.type(momentum), channels)
        arrays = (running_mean, running_var, self.device.plain(mean), self.device.plain(var))
        grid = (blocks(channels, THREADS),)
        name = "running_statistics<T>"
        self.device.run(UNIT, name, dtype, grid, THREADS, *arrays, *scalars)
