"""Where a fix is tried before it is believed: another upstream, other inputs, other sizes."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...tensor import Array
from ..subject import Pair, Subject
from . import goals
from .trial import Goal, run

FEW, SECONDS = 400, 0.5  # elements of inputs of other sizes, and the time for all of them


class Elsewhere:
    """Goals that a search does not look at until it has found something."""

    def __init__(self, subject: Subject, pair: Pair, pulse: Callable[[], object]) -> None:
        self.subject, self.pair, self.pulse = subject, pair, pulse

    def judged(self, candidate: Callable[..., Any]) -> tuple[bool, int] | None:
        """Return whether a fix holds for inputs nearby, and in how many others it does not.

        None if it is wrong for another upstream. Other inputs may break what forward asks of them.
        """
        if not self._holds(candidate, self._upstream):
            return None
        general = self._nearby is None or self._holds(candidate, self._nearby)
        return general, sum(not self._holds(candidate, goal) for goal in self._others)

    def _holds(self, candidate: Callable[..., Any], goal: Goal) -> bool:
        grads = run(self.pair, candidate, goal)
        return grads is not None and max(goal.errors(grads)) <= 1

    @functools.cached_property
    def _upstream(self) -> Goal:
        return goals.goal(self.subject, self.subject.arrays, 1, self.pulse)

    @functools.cached_property
    def _nearby(self) -> Goal | None:
        try:
            return goals.goal(self.subject, goals.moved(self.subject.arrays), 2, self.pulse)
        except Exception:  # forward may refuse other inputs
            return None

    def _runs(self, arrays: Sequence[Array]) -> bool:
        """Whether forward takes such inputs."""
        try:
            y, _ = self.subject.value(list(arrays))
            return bool(np.isfinite(y).all())
        except Exception:  # whatever forward makes of sizes that do not fit
            return False

    @functools.cached_property
    def _others(self) -> list[Goal]:
        """Goals for other values and sizes, where forward runs, and the wrong backward as well."""
        found: list[Goal] = []
        begin = time.process_time()
        for arrays in goals.others(self.subject.arrays, self._runs):
            if sum(a.size for a in arrays) > FEW or time.process_time() - begin > SECONDS:
                continue
            with contextlib.suppress(Exception):  # whatever forward makes of other inputs
                goal = goals.goal(self.subject, arrays, 3, self.pulse)
                if run(self.pair, self.pair.backward, goal) is not None:
                    found.append(goal)
        return found
