"""Interrupting what takes too long in this process."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupted(deadline: Callable[[], float]) -> Iterator[threading.Event]:
    """Raise KeyboardInterrupt in the body when time.monotonic() has passed the deadline.

    It is raised again every second, if it was swallowed; the event says that it was raised.
    Only in the main thread, as no other can be interrupted; a browser, which has no threads, ends
    the whole process instead.
    """
    lock, done, expired = threading.Lock(), threading.Event(), threading.Event()

    def watch() -> None:
        while not done.wait(min(max(deadline() - time.monotonic(), 0), 0.2)):
            if time.monotonic() < deadline():
                continue
            with lock:
                if done.is_set():
                    return
                expired.set()
                _thread.interrupt_main()
            if done.wait(1):
                return

    if sys.platform == "emscripten" or threading.current_thread() is not threading.main_thread():
        yield expired
        return
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield expired
    finally:
        done.set()
        with lock:  # an interrupt on its way arrives here, not after the body
            pass
        try:
            if expired.is_set():
                time.sleep(0.01)
        finally:
            if handler is not None:
                signal.signal(signal.SIGINT, handler)
