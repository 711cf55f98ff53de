"""`ImageLoader`: batches of augmented images, made by threads while the last one is used."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from minires_kernels import checks

from ..tensor import Array
from .augment import NOTHING, Augment
from .images import Images
from .normalise import Normalise
from .warp import warp

Batch = tuple[Array, Array]


class ImageLoader:
    """Batches (x, y): x (N, C, H, W) float32 in channels-last memory, y (N,) int64.

    for x, y in loader.batches(epoch): ...

    A batch depends on (seed, epoch) and its place alone: it has the same bits for any number of
    workers, and an epoch can be continued with `first`. `workers` threads make up to `prefetch`
    batches each ahead of their use; 0 workers make each batch when it is asked for. The order is
    that of `DataLoader` with the same seed. With a `share` (r, k) each batch has only the r-th of k
    equal parts of its images, r from 0: what rank r of k ranks makes.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int = 128,
        *,
        normalise: Normalise,
        augment: Augment | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        workers: int = 1,
        prefetch: int = 2,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        if not isinstance(images, Images):
            raise TypeError(f"images: expected minires.data.Images, got {type(images).__name__}")
        self.images = images
        self.batch_size = checks.integer("batch_size", batch_size, 1)
        self.shuffle = checks.flag("shuffle", shuffle)
        self.drop_last = checks.flag("drop_last", drop_last)
        if self.drop_last and self.batch_size > len(images):
            raise ValueError(
                f"a batch of {self.batch_size} is larger than the {len(images)} images"
            )
        self.normalise, self.augment = normalise, NOTHING if augment is None else augment
        self.seed = checks.integer("seed", seed, 0)
        self.workers = checks.integer("workers", workers, 0)
        self.prefetch = checks.integer("prefetch", prefetch, 1)
        self.share = share
        if self.batch_size % share[1] or (not self.drop_last and share[1] > 1):
            raise ValueError(f"share: batches of {batch_size} have no {share[1]} equal parts")
        self.waited = 0.0  # seconds for which batches have been waited for
        _, h, w, _ = images.x.shape
        self._x = np.ascontiguousarray(images.x)
        self._tables = normalise.tables(images.x.shape)
        self._output = self.augment.output(h, w)

    def __len__(self) -> int:
        whole, rest = divmod(len(self.images), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        """Return the batches of epoch 0, each time the same ones: for evaluation."""
        return self.batches(0)

    def batches(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Return the batches of an epoch, from batch `first` on; close it to leave before the end.

        What goes wrong in a thread is raised here. Threads end with the iterator.
        """
        epoch = checks.integer("epoch", epoch, 0)
        first = checks.integer("first", first, 0)
        if first > len(self):
            raise ValueError(f"first: an epoch has {len(self)} batches, got {first}")
        n, h, w, _ = self.images.x.shape
        order = np.arange(n)
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch)).permutation(order)
        draws = self.augment.draw(n, h, w, self.seed, epoch)
        augment, size = self.augment, self.batch_size
        part = size // self.share[1]
        skipped = part * self.share[0]

        def make(i: int) -> Batch:
            index = order[i * size + skipped :][:part]
            x = warp(
                self._x,
                index,
                draws,
                self._tables,
                self._output,
                scaled=augment.crop == "resized",
                reflect=augment.crop == "pad" and augment.padding == "reflect",
            )
            return x, self.images.y[index]

        make(len(self) + 1)  # of no image: compiles, before anybody waits
        return self._ahead(make, first)

    def _ahead(self, make: Callable[[int], Batch], first: int) -> Iterator[Batch]:
        if not self.workers:
            for i in range(first, len(self)):
                since = time.perf_counter()
                batch = make(i)
                self.waited += time.perf_counter() - since
                yield batch
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="minires-data")
        waiting: deque[Future[Batch]] = deque()
        ahead = self.workers * self.prefetch
        try:
            for i in range(first, len(self) + ahead):
                if i < len(self):
                    waiting.append(pool.submit(make, i))
                if i >= first + ahead and waiting:
                    since = time.perf_counter()
                    batch = waiting.popleft().result()
                    self.waited += time.perf_counter() - since
                    yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
