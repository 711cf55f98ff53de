"""Batches in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minires_kernels import checks
from minires_kernels.arrays import to_device_of

from ..tensor import Array


class DataLoader:
    """Iterate over (x, y) batches: `for xb, yb in loader`. Each iteration is the next epoch.

    The order of epoch e is the permutation drawn from (seed, e), whatever else has drawn random
    numbers; so two nets trained with loaders of one seed see the same batches. `epoch` may be set.
    The loader, and an epoch that has begun, may be copied and pickled: each goes on by itself.
    With `drop_last` an incomplete last batch is left out. Arrays on a GPU give batches there; only
    the order is moved, once per epoch.
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        batch_size: int = 128,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if len(x) != len(y) or len(x) == 0:
            raise ValueError(f"expected as many labels as samples, got {len(x)} and {len(y)}")
        self.x, self.y = x, y
        self.batch_size = checks.integer("batch_size", batch_size, 1)
        if drop_last and batch_size > len(x):
            raise ValueError(f"a batch of {batch_size} is larger than the {len(x)} samples")
        self.shuffle, self.drop_last = shuffle, drop_last
        self.seed = checks.integer("seed", seed, 0)
        self.epoch = 0

    def __len__(self) -> int:
        whole, rest = divmod(len(self.x), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        order = np.arange(len(self.x))
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(order)
        self.epoch += 1
        return _Epoch(self.x, self.y, order, self.batch_size, len(self))


class _Epoch:
    """The batches of one epoch that are still to come; may be copied and pickled in between."""

    def __init__(self, x: Array, y: Array, order: Array, size: int, batches: int) -> None:
        self.x, self.y, self.size, self.batches = x, y, size, batches
        self.of_x, self.of_y = to_device_of(order, x), to_device_of(order, y)
        self.i = 0

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        return self

    def __next__(self) -> tuple[Array, Array]:
        if self.i >= self.batches:
            raise StopIteration
        batch = slice(self.i * self.size, (self.i + 1) * self.size)
        self.i += 1
        return self.x[self.of_x[batch]], self.y[self.of_y[batch]]
