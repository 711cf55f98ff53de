"""Arrays in memory that is used again: `empty(shape, dtype)`.

A training step asks for the same large arrays again and again. From the operating system each of
them comes as untouched pages, and touching a page for the first time costs as much as computing
what is written to it. So a large block is kept when its arrays are gone, and given out again.

No live array can be overwritten: a block comes back only when Python frees the last array that
refers to it. Every array handed out has a `_Lease` as its `base`; NumPy lets every view of it keep
the array, or the lease, alive; and the lease gives the block back in its `__del__`.

All blocks together, in use or not, stay within 1 + SLACK of the most bytes that were ever in use at
a time: beyond that, the size that has waited longest is returned to the system.
"""

from __future__ import annotations

import math
import mmap
import os
import threading
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import module_of, on_gpu
from .spec import Array

SMALLEST = 1 << 16  # bytes; below it NumPy's allocator is as good
PAGE = 1 << 12  # sizes are rounded up to it, so that arrays of nearly equal sizes share blocks
SLACK = 0.5
FIT = 1.25  # a block may be larger than needed by this factor
LARGE_PAGE = 1 << 21
LARGE = 1 << 21  # bytes of an array that is worth large pages

# What lies below SMALLEST comes from malloc, and glibc's gives free memory back to the system once
# it is more than twice the largest block that was ever freed. This is one, so that the small arrays
# of a training step, freed at its end, need no new pages in the next.
np.empty(1 << 24, np.uint8)


class _Pool:
    """The unused blocks by size, and counts of bytes.

    A block that comes back is only appended to `returned`, in one step that needs no lock: that may
    happen anywhere, in a garbage collection or a signal handler in the midst of a method, or in
    a forked child whose parent held the lock. Whoever holds the lock sorts them in.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.returned: deque[_Block] = deque()
        self.unused_blocks: dict[int, list[_Block]] = {}  # longest waiting size first
        self.unused = self.used = self.peak = 0

    def take(self, size: int) -> _Block:
        """Return a block of `size` bytes or a little more, used before or new."""
        with self.lock:
            if self.returned:
                self.sort_in()
            blocks = self.unused_blocks.get(size)  # there, nearly always, from the second step on
            block = blocks.pop() if blocks else self.find(size)
            if block is not None:
                self.unused -= block.nbytes
                self.used += block.nbytes
                if self.used > self.peak:
                    self.peak = self.used
                return block
            try:
                block = _pages(size)
            except MemoryError:
                self.trim(0)  # what is kept may be what is missing
                block = _pages(size)
            block.pool = self
            self.used += size
            self.peak = max(self.peak, self.used)
            self.trim(int(self.peak * (1 + SLACK)) - self.used)  # only here do all blocks grow
        return block

    def sort_in(self) -> None:
        """Keep the blocks whose arrays are gone."""
        while self.returned:
            block = self.returned.popleft()
            blocks = self.unused_blocks.pop(block.nbytes, [])
            blocks.append(block)
            self.unused_blocks[block.nbytes] = blocks  # this size is now the last
            self.used -= block.nbytes
            self.unused += block.nbytes

    def find(self, size: int) -> _Block | None:
        """Take the smallest unused block that is large enough, and not wastefully so."""
        fitting = [s for s, blocks in self.unused_blocks.items() if blocks and s >= size]
        best = min(fitting, default=0)
        if best == 0 or best > size * FIT:
            return None
        return self.unused_blocks[best].pop()

    def trim(self, limit: int) -> None:
        """Let go of unused blocks until they have no more than `limit` bytes together."""
        while self.unused > max(limit, 0):
            size, blocks = next(iter(self.unused_blocks.items()))
            if blocks:
                blocks.pop()
                self.unused -= size
            else:
                del self.unused_blocks[size]


class _Block(mmap.mmap):
    """Whole pages of memory: `nbytes` from `start` on. They belong to `pool`."""

    start: int
    nbytes: int
    pool: _Pool


def _pages(size: int) -> _Block:
    """Return `size` bytes of new memory, so aligned that no register straddles two cache lines.

    A large block starts at a multiple of a large page, if the system has them: then one page fault
    and one entry of the processor's page tables stand for 2 MiB instead of 4 KiB.
    """
    large = size >= LARGE and hasattr(mmap, "MADV_HUGEPAGE")
    # Private, not shared with forked children, which get a copy as of any other memory.
    private = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
    options = {"flags": private} if private else {}  # Windows has neither, and no fork
    try:
        block = _Block(-1, size + LARGE_PAGE if large else size, **options)
    except (OSError, OverflowError) as error:
        raise MemoryError(f"no memory for an array of {size} bytes") from error
    block.start, block.nbytes = 0, size
    if large:
        block.start = -np.frombuffer(block, np.uint8).ctypes.data % LARGE_PAGE
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


_pool = _Pool()


def _new_pool() -> None:
    """After a fork the lock may be held for ever; blocks in use go back to the old pool."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_pool)


class _Lease(np.ndarray[Any, Any]):
    """What is under an array; gives the block back when the last array over it is gone.

    A subclass over a block that is no array: NumPy replaces the base of a view by that array's own
    base only if both are plain arrays, so nothing can refer to the block past its lease.
    """

    def __del__(self) -> None:
        block: Any = self.base
        if type(block) is _Block:  # that of a view of a lease is the lease
            block.pool.returned.append(block)


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """Return an uninitialised C-contiguous array, large ones in memory that is used again.

    A large array starts at a page.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size < SMALLEST:
        return np.empty(shape, kind)
    block = _pool.take(-(-size // PAGE) * PAGE)
    return _Lease(shape, kind, block, block.start).view(np.ndarray)


def empty_like(a: Array) -> Array:
    """Return an uninitialised C-contiguous array of the shape and dtype of `a`."""
    return empty(a.shape, a.dtype)


def zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """Return zeros, large arrays in memory that is used again."""
    a = empty(shape, dtype)
    a.fill(0)
    return a


def zeros_beside(a: Array, shape: tuple[int, ...]) -> Array:
    """Return zeros of the dtype of `a`, in the memory where `a` lives."""
    if on_gpu(a):
        return module_of(a).zeros(shape, a.dtype)  # type: ignore[no-any-return]
    return zeros(shape, a.dtype)


def usage() -> dict[str, int]:
    """Return bytes: `used` by live arrays, `unused` but kept, and `peak` of used."""
    with _pool.lock:
        _pool.sort_in()
        return {"used": _pool.used, "unused": _pool.unused, "peak": _pool.peak}


def reset_peak() -> None:
    """Start counting the peak anew, and let go of what is kept beyond it."""
    with _pool.lock:
        _pool.sort_in()
        _pool.peak = _pool.used
        _pool.trim(int(_pool.peak * SLACK))


def release() -> None:
    """Return all unused blocks to the system."""
    with _pool.lock:
        _pool.sort_in()
        _pool.trim(0)
