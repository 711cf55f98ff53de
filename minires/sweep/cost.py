"""How long runs take: estimated from runs that were measured, by their settings.

The logarithm of a run's seconds is taken as linear in the logarithms of the numbers of its setting,
and in which names it has: log t = c + Σ w_i log(1 + number_i) + Σ v_name. Weights are drawn towards
a guess (twice the layers or steps, twice the time), so that a few measured runs suffice, and many
overrule it (ridge regression).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

GUESS = {
    "depth": 1.0,
    "width": 0.5,
    "epochs": 1.0,
    "iterations": 1.0,
    "steps": 1.0,
    "arch=conv": 2.5,
    "backend=reference": 2.0,
    "norm=bn": 0.2,
    "dtype=float64": 0.2,
}
PENALTY = 1.0  # of a weight that differs from its guess by 1, in squared errors of log t
MOST = 2000  # measured runs that are looked at


class Cost:
    """Estimates seconds of runs of one task; before `fit` they are relative to each other."""

    def __init__(self) -> None:
        self.weights = dict(GUESS)
        self.constant = 0.0
        self.measured = 0

    def fit(self, settings: Sequence[Mapping[str, Any]], seconds: Sequence[float]) -> None:
        """Learn from measured runs; the estimates of these add up to what they took."""
        settings, seconds = settings[-MOST:], seconds[-MOST:]
        if not settings:
            return
        rows = [_features(setting) for setting in settings]
        names = sorted({name for row in rows for name in row})
        x = np.array([[row.get(name, 0.0) for name in names] for row in rows])  # (runs, features)
        y = np.log(np.maximum(seconds, 1e-4))
        guess = np.array([GUESS.get(name, 0.0) for name in names])
        centre, rest = x.mean(axis=0), y - x @ guess
        xc = x - centre
        gram = xc.T @ xc + PENALTY * np.eye(len(names))
        change = np.linalg.solve(gram, xc.T @ (rest - rest.mean()))
        self.weights = {**GUESS, **dict(zip(names, guess + change, strict=True))}
        self.constant = float(rest.mean() - centre @ change)
        self.measured = len(settings)
        self.constant += math.log(sum(seconds) / sum(map(self.seconds, settings)))

    def seconds(self, setting: Mapping[str, Any]) -> float:
        """Return the estimate for one run."""
        total = self.constant + sum(
            self.weights.get(name, 0.0) * value for name, value in _features(setting).items()
        )
        return math.exp(min(max(total, -20.0), 20.0))


def _features(setting: Mapping[str, Any]) -> dict[str, float]:
    """Return log(1 + n) of each number (of lists: the largest), and 1 for each name."""
    found = {}
    for name, value in setting.items():
        largest = max(value, default=0) if _is_numbers(value) else value
        if _is_number(largest):
            found[name] = math.log1p(abs(largest))
        else:
            found[f"{name}={value}"] = 1.0
    return found


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
