"""Looking on while operations run: `with watching(observer): …`.

An Observer is told what the operations and modules of a thread (or an async task) do. Who needs it
is one: a gradient check (which branch was taken at a kink), a CUDA graph (what must stay alive), a
counter of FLOPs, a drawing of the graph, a profiler of yours. The engine knows of none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from minires_kernels.block import Block


class Observer:
    """What may be looked at. Each method does nothing unless a subclass says so.

    apart   whether a layer's convolution, norm and ReLU run one by one, so that each is seen
    """

    apart = True

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Any) -> None:
        """A Function ran on `inputs` (Tensors, arrays, numbers, None); `y` is the new Tensor."""

    def entering(self, module: Any, inputs: tuple[Any, ...]) -> None:
        """A module is about to run `forward` on `inputs`, those given by position."""

    def leaving(self, module: Any, output: Any) -> None:
        """A module has run `forward`, which returned `output`; not told if it raised."""

    def branched(self, choice: Callable[[], Any]) -> None:
        """A branch was taken at a kink; `choice()` is the mask, or the winners."""

    def passing(self, node: Any, dy: Any) -> None:
        """A backward pass is at `node`, whose value has the gradient `dy`."""

    def giving(self, node: Any, parent: Any, dx: Any) -> None:
        """A backward pass sends `dx` from `node` to one of its inputs, where such parts add up.

        Who keeps dx copies it: what comes later may be added to it in place.
        """

    def storing(self, tensor: Any) -> None:
        """A tensor's `.grad` is about to be set or added to."""

    def stepping(self, optimizer: Any, moves: list[Any]) -> None:
        """An optimiser is about to move parameters, in place."""


watchers: ContextVar[tuple[Any, ...]] = ContextVar("watchers", default=())
T = TypeVar("T", bound=Observer)


def tell(event: str, *details: Any) -> None:
    """Call this method of all who look on. Meanwhile nobody does, so that they may compute."""
    told = watchers.get()
    before = watchers.set(())
    try:
        for watcher in told:
            getattr(watcher, event)(*details)
    finally:
        watchers.reset(before)


class watching(Block, Generic[T]):
    """Let `observer` watch the operations of this thread, or task, within the block.

    As a decorator, in each run of the function. Blocks may be nested and end in any order.
    """

    def __init__(self, observer: T) -> None:
        if not isinstance(observer, Observer):
            made = " (made: with brackets)" if isinstance(observer, type) else ""
            raise TypeError(f"watching: expected an Observer{made}, got {observer!r}")
        self.observer = observer

    def __enter__(self) -> T:
        watchers.set((*watchers.get(), self.observer))
        return self.observer

    def __exit__(self, *_exc: object) -> None:
        told = watchers.get()
        own = [i for i, watcher in enumerate(told) if watcher is self.observer]
        if own:
            watchers.set(told[: own[-1]] + told[own[-1] + 1 :])
