"""The capture of a CUDA graph that is under way: what the rest of the framework must know of it.

While a step is captured nothing is computed: the device notes down what it is asked to do, and
replays it later without running any Python. So Python must not do what should happen at each
replay, and what it changes although nothing was computed is put back if the capture fails.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Array, Tensor


class Capture:
    """A capture under way.

    optimizers   those whose step is part of the graph; they are refreshed before each replay
    """

    def __init__(self) -> None:
        self.optimizers: list[Any] = []
        self._gradients: list[tuple[Tensor, Array | None]] = []

    def replace_gradient(self, tensor: Tensor) -> None:
        """Remember the `.grad` that a backward pass is about to replace or add to."""
        self._gradients.append((tensor, tensor.grad))

    def undo(self) -> None:
        """Put the gradients back: the new ones have not been computed, and never will be."""
        for tensor, grad in reversed(self._gradients):
            tensor.grad = grad


class _State(threading.local):
    current: Capture | None = None


_state = _State()


def current() -> Capture | None:
    """Return the capture under way in this thread, or None."""
    return _state.current


@contextlib.contextmanager
def running(capture: Capture) -> Iterator[None]:
    """Make `capture` the one under way within the block."""
    _state.current = capture
    try:
        yield
    finally:
        _state.current = None
