"""What ranks say to each other: `Comm`, with an implementation for one process that is alone.

Ranks are processes that run the same program, each on its share of the data, and meet in calls
that all of them make in the same order. `mpi.py` and `nccl.py` implement them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..tensor import Array

T = TypeVar("T")


class RankLost(RuntimeError):
    """A rank has ended, or nothing was heard of it for too long; the text says which and where."""


class Pending:
    """A sum over all ranks that is on its way."""

    def wait(self) -> None:
        """Return when the array holds the sum; on a GPU, when what follows will find it there."""


class Comm:
    """The ranks of a program, seen by one of them; this one is alone, and so all calls are trivial.

    rank, size  which one this is, from 0, and how many there are
    local       its number among the ranks on this machine, from 0
    bytes       sent into sums so far, by this rank
    waited      seconds for which this rank has waited for others
    """

    rank, size, local = 0, 1, 0

    def __init__(self) -> None:
        self.bytes, self.waited = 0, 0.0

    def start(self, a: Array) -> Pending:
        """Begin to replace `a` by its sum over all ranks; nobody may touch it before the wait.

        The order of the additions is fixed: the same arrays on as many ranks give the same bits,
        and all ranks get the same.
        """
        return Pending()

    def poke(self) -> None:
        """Let sums that are on their way make progress, where nothing else would."""

    def sum(self, a: Array) -> Array:
        """Replace `a` by its sum over all ranks, and return it."""
        self.start(a).wait()
        return a

    def broadcast(self, a: Array) -> None:
        """Overwrite `a` by what rank 0 has in it."""

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all ranks, in their order, to every rank."""
        return [value]

    def first(self, function: Callable[[], T]) -> T:
        """Run `function` on rank 0 alone; return, or raise, on every rank what it did there."""
        if self.size == 1:
            return function()
        value: Any = None
        error: Exception | None = None
        if self.rank == 0:
            try:
                value = function()
            except Exception as raised:
                error = raised
        value, error = self.gather((value, error))[0]
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]

    def lost(self) -> list[int]:
        """Return the ranks that are known to have ended."""
        return []

    def leave(self, patience: float) -> bool:
        """Return whether all ranks have come to their ends within `patience` seconds."""
        return True

    def abort(self, code: int) -> None:
        """End all ranks at once."""
        raise SystemExit(code)


ALONE = Comm()
