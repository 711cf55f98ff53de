"""One run of a candidate backward pass against numeric gradients, with limits of its own."""

from __future__ import annotations

import signal
import sys
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tensor import Array
from ..subject import Pair

ONE_RUN = 0.4  # seconds, at most
SAMPLED = 600  # elements of a tensor; of larger ones so many are compared


CHANGED = ("<edited>", "<probe>")  # the file names of code that was compiled here


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
            if not np.isfinite(g).all():  # at a kink, too, where nothing is known
                found.append(np.inf)
                continue
            d = np.abs(np.asarray(g, dtype=np.float64).reshape(-1)[known] - n) / allowed
            found.append(float(d.max(initial=0.0)))
        return found


def run(
    pair: Pair, candidate: Callable[..., Any], goal: Goal, seconds: float = ONE_RUN
) -> list[Array] | None:
    """Return the candidate's gradients, or None if it raises or takes too long."""
    v = goal.v.copy()
    arrays = [a.copy() for a in goal.arrays]
    try:
        with limited(seconds):
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
        self.tracer: Any = None

    def __enter__(self) -> None:
        if OWNED:
            signal.setitimer(signal.ITIMER_PROF, self.seconds)
            signal.setitimer(signal.ITIMER_REAL, 5 * self.seconds)  # for what sleeps
            return
        until = time.perf_counter() + self.seconds

        def line(frame: types.FrameType, event: str, arg: Any) -> Any:
            if frame.f_code.co_filename not in CHANGED:
                return None
            if time.perf_counter() > until:
                raise TooLong
            return line

        self.tracer = sys.gettrace()
        sys.settrace(line)

    def __exit__(self, *_: object) -> None:
        if OWNED:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        else:
            sys.settrace(self.tracer)


OWNED = False  # whether the process is the diagnosis' own child, where SIGALRM may be taken


def own_timer() -> None:
    """Take the timers' signals; only in a child process."""
    global OWNED
    OWNED = True

    def alarm(signum: int, frame: types.FrameType | None) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, alarm)
    signal.signal(signal.SIGPROF, alarm)
