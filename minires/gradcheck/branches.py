"""Fingerprints of the branches that functions take at their kinks."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator

import numpy as np

from minires_kernels.arrays import Array, to_host

from ..observe import Observer, watching


class BranchLog(Observer):
    """Fingerprint of the branches taken at kinks (which ReLUs were open, which maximum won, …).

    Two evaluations with equal digests took the same branches, so no kink lies between them.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self.count = 0

    def branched(self, choice: Callable[[], Array]) -> None:
        """Append one array of choices (a mask, or the indices of winners)."""
        self._hash.update(np.ascontiguousarray(to_host(choice())).tobytes())
        self.count += 1

    def digest(self) -> bytes:
        """Return the fingerprint of all choices so far."""
        return self._hash.digest()


@contextlib.contextmanager
def observe_branches() -> Iterator[BranchLog]:
    """Collect into the yielded BranchLog every `ctx.branch(...)` made in the block."""
    with watching(BranchLog()) as log:
        yield log
