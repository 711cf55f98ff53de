"""What right gradients are, for the inputs of a check and for others near them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...tensor import Array
from ..subject import Subject
from .trial import SAMPLED, TOLERANCE, Goal


def goal(subject: Subject, arrays: Sequence[Array], seed: int, pulse: Callable[[], object]) -> Goal:
    """Return the numeric gradients at `arrays` for an upstream drawn from `seed`.

    `pulse` is called before each derivative, to show that the work goes on.
    """
    rng = np.random.default_rng((seed, 2024))
    arrays = [a.copy() for a in arrays]
    y, _ = subject.value(arrays)
    v = np.asarray(rng.standard_normal(y.shape)) + (0.5 if y.ndim == 0 else 0.0)
    found = Goal(v, list(arrays), [], [], [])
    for t, x in enumerate(arrays):
        chosen = np.arange(x.size)
        if x.size > SAMPLED:
            chosen = np.sort(rng.choice(x.size, SAMPLED, replace=False))
        n = np.empty(chosen.size)
        for k, i in enumerate(chosen):
            pulse()
            n[k] = _derivative(subject, found, t, int(i))
        known = ~np.isnan(n)
        scale = max(float(np.abs(n[known]).max(initial=0.0)), 1e-30)
        found.known.append(chosen[known])
        found.numeric.append(n[known])
        found.allowed.append(np.full(int(known.sum()), TOLERANCE * scale))
    return found


def _derivative(subject: Subject, at: Goal, t: int, i: int) -> float:
    x = at.arrays[t]

    def f(h: float) -> float:
        arrays = list(at.arrays)
        arrays[t] = x.copy()
        arrays[t].reshape(-1)[i] += h
        return float(np.sum(at.v * subject.value(arrays)[0]))

    h = 1e-4 * max(1.0, abs(float(x.reshape(-1)[i])))
    long = (8 * (f(h) - f(-h)) - f(2 * h) + f(-2 * h)) / (12 * h)
    short = (f(h / 10) - f(-h / 10)) / (h / 5)
    close = abs(long - short) <= 1e-5 * (abs(long) + abs(short)) + 1e-6
    return long if close else float("nan")


def moved(arrays: Sequence[Array], seed: int = 3) -> list[Array]:
    """Return inputs near the given ones, each multiplied by a number between 0.92 and 1.08."""
    rng = np.random.default_rng(seed)
    return [a * (1 + 0.08 * rng.uniform(-1, 1, a.shape)) for a in arrays]
