"""Looking on while operations run: `with watching(observer): …`.

An Observer is told what the operations of a thread (or of an async task) do. Whoever needs that is
one: a gradient check (which branch was taken at a kink), a CUDA graph (what must stay alive), a
counter of FLOPs, a drawing of the graph, a profiler of yours. The engine knows of none of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar


class Observer:
    """What may be looked at. Each method does nothing unless a subclass says so."""

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Any) -> None:
        """A Function ran on `inputs` (Tensors, arrays, numbers, None); `y` is the new Tensor."""

    def branched(self, choice: Callable[[], Any]) -> None:
        """A branch was taken at a kink; `choice()` is the mask, or the winners."""

    def passing(self, node: Any, dy: Any) -> None:
        """A backward pass is at `node`, whose value has the gradient `dy`."""

    def storing(self, tensor: Any) -> None:
        """A tensor's `.grad` is about to be set or added to."""

    def stepping(self, optimizer: Any, moves: list[Any]) -> None:
        """An optimiser is about to move parameters, in place."""


watchers: ContextVar[tuple[Any, ...]] = ContextVar("watchers", default=())
T = TypeVar("T", bound=Observer)


@contextlib.contextmanager
def watching(observer: T) -> Iterator[T]:
    """Let `observer` watch the operations of this thread, or task, within the block."""
    before = watchers.get()
    watchers.set((*before, observer))
    try:
        yield observer
    finally:
        watchers.set(before)
