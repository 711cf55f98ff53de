"""Gradients averaged over ranks while the backward pass still runs.

Backward finishes the gradient of the last layer first. So parameters are packed into buckets from
the last to the first, and as soon as all gradients of a bucket are there its sum over the ranks is
started; while it travels, backward goes on with the layers before. What remains to be waited for
at the end is the last bucket: Li et al. 2020 (2006.15704), sections 3.2 and 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels.arrays import module_of

from ..tensor import Array, Tensor
from .comm import Comm, Pending

LEAST, BUCKETS = 256 * 1024, 8  # bytes: a sum of fewer is mostly latency


def bucket_size(total: int) -> int:
    """Return the bytes of a bucket: an eighth of all, since a bucket that is larger begins late."""
    return max(LEAST, -(-total // BUCKETS))


@dataclass
class Bucket:
    """Parameters whose gradients travel together, and the memory that they travel in."""

    flat: Array
    views: dict[int, Array] = field(default_factory=dict)  # by parameter
    parameters: list[Tensor] = field(default_factory=list)
    arrived: set[int] = field(default_factory=set)
    pending: Pending | None = None


class Averaging:
    """Averages the gradients of parameters over all ranks: `with averaging: loss.backward()`.

    At the end of the block each `.grad` is the mean of all ranks' gradients, with the same bits on
    each. Buckets are summed in a fixed order. Ranks must have the same parameters, and the same of
    them must get a gradient; one pass per block, which begins without gradients. Buckets hold at
    most `bucket_bytes`; by default there are about eight.
    """

    def __init__(
        self, parameters: Iterable[Tensor], comm: Comm, bucket_bytes: int | None = None
    ) -> None:
        self.comm = comm
        trained = [p for p in parameters if p.requires_grad]
        size = bucket_bytes or bucket_size(sum(p.data.nbytes for p in trained))
        self.buckets = _packed(trained, size)
        self._active, self._next = False, 0
        self._handles: list[Any] = []
        if comm.size > 1:
            for i, bucket in enumerate(self.buckets):
                for j, p in enumerate(bucket.parameters):
                    self._handles.append(p.register_hook(self._hook(i, j)))

    def __enter__(self) -> Averaging:
        self._active, self._next = True, 0
        for bucket in self.buckets:
            bucket.arrived.clear()
            if any(p.grad is not None for p in bucket.parameters):
                self._active = False
                raise RuntimeError(
                    "averaging: a parameter has a gradient already; call zero_grad() before"
                )
        return self

    def __exit__(self, kind: Any, *_error: object) -> None:
        self._active = False
        if kind is not None or self.comm.size == 1:
            return
        for bucket in self.buckets[self._next :]:  # some of their parameters took no part
            self._start(bucket)
        for bucket in self.buckets:
            if bucket.pending is None:
                continue
            bucket.pending.wait()
            bucket.pending = None
            bucket.flat /= self.comm.size
            for j, p in enumerate(bucket.parameters):
                if p.grad is not None:
                    module_of(p.grad).copyto(p.grad, bucket.views[j])

    def remove(self) -> None:
        """Take the hooks from the parameters."""
        for handle in self._handles:
            handle.remove()

    def _hook(self, i: int, j: int) -> Any:
        bucket = self.buckets[i]
        view = bucket.views[j]

        def arrive(dy: Array) -> None:
            if not self._active:
                return
            module_of(dy).copyto(view, dy)
            bucket.arrived.add(j)
            self.comm.poke()
            while self._next < len(self.buckets) and self._full(self.buckets[self._next]):
                self._start(self.buckets[self._next])
                self._next += 1

        return arrive

    def _full(self, bucket: Bucket) -> bool:
        return len(bucket.arrived) == len(bucket.parameters)

    def _start(self, bucket: Bucket) -> None:
        if bucket.arrived:
            for j, view in bucket.views.items():
                if j not in bucket.arrived:
                    view.fill(0)
            bucket.pending = self.comm.start(bucket.flat)


def _packed(parameters: list[Tensor], bucket_bytes: int) -> list[Bucket]:
    """Return buckets of at most so many bytes, or of one parameter, the last parameter first."""
    groups: list[list[Tensor]] = []
    room = 0
    for p in reversed(parameters):
        like = groups[-1][-1].data if groups else None
        fits = like is not None and (like.dtype, type(like)) == (p.dtype, type(p.data))
        if not fits or p.data.nbytes > room:
            groups.append([])
            room = bucket_bytes
        groups[-1].append(p)
        room -= p.data.nbytes
    return [_bucket(group) for group in groups]


def _bucket(parameters: list[Tensor]) -> Bucket:
    first = parameters[0]
    bucket = Bucket(module_of(first.data).zeros(sum(p.size for p in parameters), first.dtype))
    place = 0
    for j, p in enumerate(parameters):
        size = math.prod(p.shape)
        bucket.views[j] = bucket.flat[place : place + size].reshape(p.shape)
        bucket.parameters.append(p)
        place += size
    return bucket


def broadcast(arrays: Iterable[Array], comm: Comm) -> None:
    """Give all ranks the arrays of rank 0, in place."""
    for a in arrays:
        if comm.size > 1:
            whole = np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a.copy(order="C")
            comm.broadcast(whole)
            a[...] = whole
