"""An exercise: what the learner's function must do, a reference solution, and three hints.

Checks raise Wrong, and NotDone where there is no code yet; they hold under `python -O` too, which
removes assert statements.
"""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import environment
from .expect import (
    NotDone,
    Wrong,
    expect_array,
    expect_choice,
    expect_number,
    number,
    require,
    require_written,
)

__all__ = [
    "Exercise", "NotDone", "Result", "Wrong", "examine", "expect_array", "expect_choice",
    "expect_number", "number", "require", "require_written", "time_limit",
]  # fmt: skip

KINDS = ("number", "line", "function", "experiment", "bug", "design")


@dataclass(frozen=True)
class Exercise:
    """`check(f)` raises Wrong, saying what is wrong with the learner's `f`.

    The learner's function may live in another process: what it is given and what it returns are
    plain values, namely None, numbers, text, lists, tuples, dictionaries and arrays of them. It
    may be given functions of such values too. The hints go from a nudge to almost the answer;
    `wrong` are typical wrong solutions, which the check must refuse.
    """

    check: Callable[[Callable[..., Any]], None]
    reference: Callable[..., Any]
    hints: tuple[str, str, str]
    kind: str = "function"
    wrong: tuple[Callable[..., Any], ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.hints, str) or len(self.hints) != 3:
            raise ValueError(f"hints: expected three texts, got {self.hints!r}")
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}")


@dataclass(frozen=True)
class Result:
    """What a check found: the verdict is PASS, FAIL (wrong) or TODO (not written)."""

    name: str
    verdict: str
    message: str

    def line(self, lesson: int) -> str:
        """Return the line to print, which names the hint of what is not solved."""
        text = f"[{self.verdict}] exercise {self.name}: {self.message}"
        if self.verdict == "PASS":
            return text
        return f"{text}\n       stuck? minires lessons hint {lesson} {self.name}"


def time_limit() -> float:
    """Return how many seconds an exercise's check may take (MINIRES_EXERCISE_SECONDS, or 20)."""
    return min(environment.seconds("MINIRES_EXERCISE_SECONDS", 20), 1e6)


def examine(name: str, exercise: Exercise, f: Callable[..., Any]) -> Result:
    """Check a learner's function, whatever it does: raise, call exit, run for ever."""
    limit, expired = time_limit(), threading.Event()
    try:
        with _interrupted_after(limit, expired):
            exercise.check(f)
        return Result(name, "PASS", "ok")
    except NotDone as error:
        return Result(name, "TODO", str(error))
    except AssertionError as error:
        return Result(name, "FAIL", str(error) or "an assertion failed")
    except KeyboardInterrupt:
        if expired.is_set():
            return Result(name, "FAIL", f"stopped after {limit:g} s: does a loop run for ever?")
        print(f"[STOP] exercise {name}: interrupted")
        raise
    except SystemExit:
        return Result(name, "FAIL", "it calls exit, which ends the whole program: return a result")
    except BaseException as error:  # a learner's code may raise anything
        return Result(name, "FAIL", f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _interrupted_after(seconds: float, expired: threading.Event) -> Iterator[None]:
    """Raise KeyboardInterrupt in the body after a time, and set `expired`.

    Only in the main thread: no other can be interrupted.
    """
    lock, done = threading.Lock(), threading.Event()

    def watch() -> None:
        while not done.wait(seconds if not expired.is_set() else 1):  # again if it was swallowed
            with lock:
                if done.is_set():
                    return
                expired.set()
                _thread.interrupt_main()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()
        with lock:  # an interrupt on its way arrives here, not after the exercise
            pass
        try:
            if expired.is_set():
                time.sleep(0.01)
        finally:
            if handler is not None:
                signal.signal(signal.SIGINT, handler)
