"""Stopping: SIGINT and SIGTERM let the step in hand finish, so that it can be saved."""

from __future__ import annotations

import signal
import threading
from typing import Any


class Stop:
    """Catches SIGINT and SIGTERM within the block; `signal` is the one that came, or None.

    A second Ctrl-C interrupts at once. Only the main thread hears signals; in others this does
    nothing.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._caught)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before.clear()

    def _caught(self, number: int, _frame: Any) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number
