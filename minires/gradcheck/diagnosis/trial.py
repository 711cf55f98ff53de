"""One run of a candidate backward pass against numeric gradients, with limits of its own."""

from __future__ import annotations

import signal
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...tensor import Array

ONE_RUN = 0.4  # seconds
SAMPLED = 600  # elements of a tensor; of larger ones so many are compared
TOLERANCE = 1e-6  # of the largest derivative of a tensor


class Pair(Protocol):
    """A forward and a backward pass of the user, as `subject.pair` offers them."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]

    def gradients(
        self, backward: Callable[..., Any], v: Array, arrays: Sequence[Array]
    ) -> list[Array]: ...


class TooLong(BaseException):
    """A candidate ran past its time; not an Exception, which learners' code may catch."""


@dataclass
class Goal:
    """What the gradients have to be for one upstream and one set of inputs.

    known     for each tensor, the flat indices of the elements that can be compared
    numeric   their numeric derivatives
    allowed   how far off a right gradient may be
    """

    v: Array
    arrays: list[Array]
    known: list[Array]
    numeric: list[Array]
    allowed: list[Array]

    def errors(self, grads: Sequence[Array]) -> list[float]:
        """Return, for each tensor, the largest error in units of what is allowed."""
        found = []
        for g, x, known, n, allowed in zip(
            grads, self.arrays, self.known, self.numeric, self.allowed, strict=True
        ):
            if np.shape(g) != x.shape or np.asarray(g).dtype.kind != "f":
                found.append(np.inf)
                continue
            d = np.abs(np.asarray(g, dtype=np.float64).reshape(-1)[known] - n) / allowed
            worst = float(d.max(initial=0.0))
            found.append(worst if np.isfinite(worst) else np.inf)
        return found


def run(pair: Pair, candidate: Callable[..., Any], goal: Goal) -> list[Array] | None:
    """Return the candidate's gradients, or None if it raises or takes too long."""
    v = goal.v.copy()
    arrays = [a.copy() for a in goal.arrays]
    try:
        with limited(ONE_RUN):
            return pair.gradients(candidate, v, arrays)
    except (KeyboardInterrupt, SystemExit, GeneratorExit) as stop:
        if isinstance(stop, KeyboardInterrupt):
            raise
        return None
    except (Exception, TooLong):  # whatever a changed program may raise
        return None


class limited:
    """Raise TooLong in the block after `seconds`: by a timer, or else by tracing its lines."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        main = threading.current_thread() is threading.main_thread()
        self.timed = main and hasattr(signal, "setitimer") and OWNED

    def __enter__(self) -> None:
        if self.timed:
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_: object) -> None:
        if self.timed:
            signal.setitimer(signal.ITIMER_REAL, 0)


OWNED = False  # whether the process is the diagnosis' own child, where SIGALRM may be taken


def own_timer() -> None:
    """Take SIGALRM; only in a child process."""
    global OWNED
    OWNED = True

    def alarm(signum: int, frame: types.FrameType | None) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, alarm)
