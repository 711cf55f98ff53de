"""Whether operations are recorded: `no_grad` and `enable_grad`, for a block or a function.

The modes are a stack that belongs to the thread, and to the task of asynchronous code; the objects
hold nothing, so one of them may be nested in itself, shared by threads, or decorate a function that
calls itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ClassVar, Self

from minires_kernels.block import Block

modes: ContextVar[tuple[bool, ...]] = ContextVar("modes", default=(True,))


class _GradMode(Block):
    enabled: ClassVar[bool]

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        return mode if function is None else mode(function)  # `@no_grad` without parentheses

    def __enter__(self) -> Self:
        modes.set((*modes.get(), self.enabled))
        return self

    def __exit__(self, *_exc: object) -> None:
        modes.set(modes.get()[:-1])


class no_grad(_GradMode):
    """Within the block (or the decorated function), record nothing: no backward, less memory."""

    enabled = False


class enable_grad(_GradMode):
    """Within the block (or the decorated function), record again, inside of a no_grad()."""

    enabled = True


def is_grad_enabled() -> bool:
    """Return whether operations are being recorded in this thread."""
    return modes.get()[-1]
