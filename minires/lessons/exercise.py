"""An exercise: what the learner's function must do, a reference solution, and a hint.

Checks raise Wrong, and NotDone where there is no code yet; they hold under `python -O` too, which
removes assert statements.
"""

from __future__ import annotations

import _thread
import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import environment
from ..tensor import Array


class Wrong(AssertionError):
    """The learner's function does not do what it should; the message says how."""


class NotDone(Wrong):
    """The learner's function has not been written yet."""


@dataclass(frozen=True)
class Exercise:
    """`check(f)` raises Wrong, saying what is wrong with the learner's `f`."""

    check: Callable[[Callable[..., Any]], None]
    reference: Callable[..., Any]
    hint: str


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


def require(condition: Any, message: str) -> None:
    """Raise Wrong with the message unless the condition holds."""
    if not condition:
        raise Wrong(message)


def require_written(found: Any) -> None:
    """Raise NotDone for None, which a function without code returns."""
    if found is None:
        raise NotDone("the function returned None: write your code below TODO")


def expect_array(found: Any, expected: Array, what: str = "the result", rtol: float = 1e-6) -> None:
    """Require that `found` is close to `expected`, naming the worst entry."""
    require_written(found)
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise Wrong(f"{what}: expected numbers, got {found!r}") from None
    require(
        values.shape == expected.shape,
        f"{what}: shape {values.shape}, expected {expected.shape}",
    )
    difference = np.abs(values - expected)
    difference = np.where(np.isfinite(difference), difference, np.inf)
    if not (difference <= rtol * np.abs(expected).max(initial=0)).all():
        i = np.unravel_index(int(difference.argmax()), expected.shape)
        where = f" worst entry {tuple(map(int, i))}:" if i else ""  # none where there are no axes
        raise Wrong(f"{what}:{where} yours {values[i]:+.6g}, expected {expected[i]:+.6g}")


def expect_number(found: Any, expected: float, rtol: float = 0.02, what: str = "answer") -> None:
    """Require that a number is within a relative tolerance of the expected one."""
    require_written(found)
    value = number(found)
    if value is None:
        raise Wrong(f"{what}: expected a number, got {found!r}")
    require(
        abs(value - expected) <= rtol * abs(expected),
        f"{what}: yours {value:.6g}, expected {expected:.6g} within {100 * rtol:g} %",
    )


def expect_choice(found: Any, expected: Any, why: str) -> None:
    """Require that a choice is the expected one; `why` explains without giving it away."""
    require_written(found)
    require(found == expected, f"yours {found!r}: {why}")


def number(value: Any) -> float | None:
    """Return a finite number, or text such as "1e-8" or "30 %" as one; None if it is none."""
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    elif isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
