"""Whether operations are recorded: `no_grad` and `enable_grad`, for a block or a function.

The modes belong to the thread, and to the task of asynchronous code; the objects hold nothing, so
one of them may be nested in itself, shared by threads, or decorate a function that calls itself.
Blocks may end in any order, and in another thread than the one where they began.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from minires_kernels.setting import Scoped


class _GradMode(Scoped):
    enabled: ClassVar[bool]

    def __init_subclass__(cls) -> None:
        """Both modes are values of one choice: they share what this class holds."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        return mode if function is None else mode(function)  # `@no_grad` without parentheses

    def _value(self) -> bool:
        return self.enabled


modes = _GradMode._held  # pairs of a block and whether it records, the innermost last


class no_grad(_GradMode):
    """Within the block (or the decorated function), record nothing: no backward, less memory."""

    enabled = False


class enable_grad(_GradMode):
    """Within the block (or the decorated function), record again, inside of a no_grad()."""

    enabled = True


def is_grad_enabled() -> bool:
    """Return whether operations are being recorded in this thread."""
    held = modes.get()
    return not held or bool(held[-1][1])
