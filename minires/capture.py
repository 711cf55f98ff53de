"""The capture of a CUDA graph that is under way: what the rest of the framework must know of it.

While a step is captured nothing is computed: the device notes down what it is asked to do, and
replays it later without running any Python. So Python must not do what should happen at each
replay, and what it changes although nothing was computed is put back if the capture fails.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Array, Tensor


class Capture:
    """A capture under way.

    optimizers   those whose step is part of the graph, each with what it moved: it looks at that,
                 and writes its options, before each replay
    arrays       what the step read: the graph holds their addresses, so they must stay alive
    """

    def __init__(self) -> None:
        self.optimizers: list[tuple[Any, list[Any]]] = []
        self.arrays: list[Any] = []
        self._gradients: list[tuple[Tensor, Array | None]] = []
        self._made: set[int] = set()

    def replace_gradient(self, tensor: Tensor) -> None:
        """Remember the `.grad` that a backward pass is about to replace or add to.

        Raises RuntimeError for one that was there before the step: each replay would add to it,
        and an optimiser's zero_grad() outside of the step would not stop that.
        """
        if tensor.grad is not None and id(tensor) not in self._made:
            raise RuntimeError(
                "the step under capture adds to gradients that were there before it; call "
                "zero_grad() within the step, before backward()"
            )
        self._made.add(id(tensor))
        self._gradients.append((tensor, tensor.grad))

    def undo(self) -> None:
        """Put the gradients back: the new ones have not been computed, and never will be."""
        for tensor, grad in reversed(self._gradients):
            tensor.grad = grad


class _State(threading.local):
    current: Capture | None = None


_state = _State()
under_way = 0  # captures in all threads: a quick look before the slower one of `current`


def current() -> Capture | None:
    """Return the capture under way in this thread, or None."""
    return _state.current


def keep(values: Iterable[Any]) -> None:
    """Keep what an operation reads as long as the graph, if this thread captures one."""
    if _state.current is not None:
        _state.current.arrays += values


@contextlib.contextmanager
def running(capture: Capture) -> Iterator[None]:
    """Make `capture` the one under way within the block."""
    global under_way
    _state.current = capture
    under_way += 1
    try:
        yield
    finally:
        under_way -= 1
        _state.current = None
