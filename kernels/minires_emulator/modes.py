"""The mode of a launch: fast, or checked within `check()`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import toolchain
from .profile import ProfileRow, aggregate, rows_of

Triple = tuple[int, int, int]


@dataclass(eq=False)
class Session:
    """What `check()` gives: how launches run within it, and what they did.

    order          0 ascending threads and blocks, 1 descending, from 2 the seed of a random order
    launches       (kernel's name, grid, block) of each
    float_atomics  atomic operations on float and double, whose result depends on their order
    """

    order: int = 0
    profiling: bool = False
    launches: list[tuple[str, Triple, Triple]] = field(default_factory=list)
    float_atomics: int = 0
    _rows: list[ProfileRow] = field(default_factory=list)

    @property
    def profile(self) -> tuple[ProfileRow, ...]:
        """One row for each source line and kind of access.

        Counted is the first block of each launch without a fault, up to its four millionth access.
        """
        return aggregate(self._rows)

    def add(self, records: Any, line_of: Any) -> None:
        """Take up the profile of one launch."""
        self._rows += rows_of(records, line_of)


# Changed in single steps only, which neither an interrupt nor another thread can cut in two.
_active: list[Session] = []


def current() -> Session | None:
    """Return what the innermost `with` set up; None for fast mode."""
    for active in _active[-1:]:
        return active
    return None


def mode_of(active: Session | None) -> str:
    """Return the name of the variant to compile."""
    return toolchain.FAST if active is None else toolchain.CHECK


@contextmanager
def check(order: int = 0, profile: bool = False) -> Iterator[Session]:
    """Run every launch within, of all Python threads, in check mode; see `Session`.

    A fault raises KernelFault from the launch, and leaves the arrays as they were. Of several
    nested `with` the innermost counts.
    """
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order < 2**32:
        raise ValueError(f"check: order must be an integer from 0 to 2**32 - 1, got {order!r}")
    session = Session(order, bool(profile))
    try:
        _active.append(session)
        yield session
    finally:
        if session in _active:
            _active.remove(session)
