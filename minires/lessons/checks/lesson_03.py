"""Lesson 3: norms are fine, so why doesn't it train?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, expect_choice, expect_number, require_written

F = Callable[..., Any]


def _check_shared(f: F) -> None:
    mistakes = {
        "is it what the other input shuts, or the overlap as a part of the full circle?": 60 / 180,
        "60 degrees are not covered; how many are, and which share of the half circle?": 60.0,
        "this is the cosine of the angle between the inputs, not a share of gates": 0.5,
        "this is the overlap in degrees; which share of the half circle is it?": 120.0,
        "one half circle has 180 degrees": 300 / 360,
    }
    expect_number(f(), 120 / 180, 0.005, "share of open gates", mistakes=mistakes)


def _next_angle(angle: float) -> float:
    cosine = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi
    return math.acos(min(1.0, cosine))


def _cosine(layers: int, angle: float) -> float:
    product = 1.0
    for _ in range(layers):
        product *= 1 - angle / math.pi
        angle = _next_angle(angle)
    return product


def _angle_first(layers: int, angle: float) -> float:
    product = 1.0
    for _ in range(layers):
        angle = _next_angle(angle)
        product *= 1 - angle / math.pi
    return product


def _same_angle(layers: int, angle: float) -> float:
    return (1 - angle / math.pi) ** layers


def _last_share(layers: int, angle: float) -> float:
    for _ in range(layers - 1):
        angle = _next_angle(angle)
    return 1 - angle / math.pi


def _check_cosine(f: F) -> None:
    for layers, angle in ((1, 1.0), (2, math.pi / 2), (8, math.pi / 2), (5, 2.5), (60, 0.3)):
        mistakes = {
            "a layer's gates depend on the angle at its input: multiply before you change it": (
                _angle_first(layers, angle)
            ),
            "the angle changes from layer to layer": _same_angle(layers, angle),
            "this is the share of the last layer alone": _last_share(layers, angle),
        }
        right = _cosine(layers, angle)
        if layers == 1:  # there some of these are right
            mistakes = {text: wrong for text, wrong in mistakes.items() if wrong != right}
        what = f"{layers} layer{'s' * (layers > 1)}, angle {angle:.4g}"
        expect_number(f(layers, angle), right, 1e-6, what, mistakes=mistakes)
    expect_number(f(30, 0.0), 1.0, 1e-6, "30 layers, equal inputs (angle 0)")


def _law(layers: Array, values: Array) -> str:
    y = np.log(values)
    residuals = {}
    for law, x in (("exponential", np.asarray(layers, float)), ("power", np.log(layers))):
        residuals[law] = float(((y - np.polyval(np.polyfit(x, y, 1), x)) ** 2).sum())
    return min(residuals, key=lambda law: residuals[law])


def _law_of_values(layers: Array, values: Array) -> str:
    """Return the law, with the mistake of fitting the values instead of their logarithms."""
    residuals = {}
    for law, x in (("exponential", np.asarray(layers, float)), ("power", np.log(layers))):
        residuals[law] = float(((values - np.polyval(np.polyfit(x, values, 1), x)) ** 2).sum())
    return min(residuals, key=lambda law: residuals[law])


def _check_law(f: F) -> None:
    rng = np.random.default_rng(5)
    few, many = np.array([1, 2, 4, 8, 16]), np.arange(3, 20)
    for layers in (few, many):
        noise = np.exp(0.05 * rng.standard_normal((4, len(layers))))
        for expected, values in (
            ("power", 0.7 * layers**-3.0 * noise[0]),
            ("exponential", 2 * 0.5**layers * noise[1]),
            ("power", 5.0 * layers**-0.8 * noise[2]),
            ("exponential", 0.1 * 0.8**layers * noise[3]),
        ):
            why = (
                "compare how well a line fits log(values) over the layers, and over their "
                f"logarithm; the layers were {layers.tolist()}"
            )
            expect_choice(f(layers, values), expected, why)


def _check_zero_sum(f: F) -> None:
    for batch in (2, 5, 64, 1000):
        mistakes = {
            "look at the sign: the two sums of the formula add up to zero": 1 / (batch - 1),
            "how many pairs (i, j) with i ≠ j are there, in this order and the other?": (
                -1 / batch
            ),
            "each pair occurs twice in the double sum": -2 / (batch - 1),
            "this is the sum over all pairs; the mean is asked for": -float(batch),
        }
        if batch == 2:
            del mistakes["this is the sum over all pairs; the mean is asked for"]
        expect_number(f(batch), -1 / (batch - 1), 1e-6, f"batch {batch}", mistakes=mistakes)


def _autocorrelation(g: Array, lag: int) -> float:
    centred = g - g.mean()
    return float((centred[: len(g) - lag] * centred[lag:]).sum() / (centred**2).sum())


def _uncentred(g: Array, lag: int) -> float:
    return float((g[: len(g) - lag] * g[lag:]).sum() / (g * g).sum())


def _own_squares(g: Array, lag: int) -> float:
    centred = g - g.mean()
    front, back = centred[: len(g) - lag], centred[lag:]
    return float((front * back).sum() / (front * front).sum())


def _pearson(g: Array, lag: int) -> float:
    return float(np.corrcoef(g[: len(g) - lag], g[lag:])[0, 1])


def _no_lag_zero(g: Array, lag: int) -> float:
    centred = g - g.mean()
    return float((centred[:-lag] * centred[lag:]).sum() / (centred**2).sum())


def _check_autocorrelation(f: F) -> None:
    rng = np.random.default_rng(6)
    for offset in (3.0, 0.5):
        for g in (
            offset + rng.standard_normal(40),
            offset + np.sin(np.arange(50) / 4) + 0.1 * rng.standard_normal(50),
        ):
            for lag in (1, 7, 0):
                mistakes = {
                    "the mean is still in it, and agrees with itself": _uncentred(g, lag),
                    "this is the covariance; divide by the sum of the squares": (
                        _autocorrelation(g, lag) * float(((g - g.mean()) ** 2).sum())
                    ),
                    "the denominator is the sum of *all* squares": _own_squares(g, lag),
                    "both parts were centred and scaled on their own; use the mean and the squares "
                    "of the whole sequence": _pearson(g, lag),
                    "g[:-0] is empty; how many entries are left at a lag of 0?": 0.0,
                }
                if lag == 0:
                    mistakes = {k: v for k, v in mistakes.items() if not math.isclose(v, 1.0)}
                expect_number(
                    f(g, lag),
                    _autocorrelation(g, lag),
                    1e-6,
                    f"{len(g)} numbers with mean {g.mean():.2f}, lag {lag}",
                    mistakes=mistakes,
                )


def _contradictions(nets: Mapping[str, tuple[float, float]]) -> list[str]:
    return [name for name, (cosine, error) in nets.items() if abs(cosine) < 0.1 and error < 10]


def _check_contradictions(f: F) -> None:
    for nets in (
        {"a": (0.02, 1.0), "b": (0.02, 88.0), "c": (0.9, 0.5), "d": (0.8, 70.0)},
        {"opposite": (-0.6, 2.0), "related": (0.5, 2.0)},
        {"e": (-0.03, 4.0), "f": (-0.3, 4.0), "g": (0.099, 9.9), "h": (0.05, 11.0)},
    ):
        found = f(dict(nets))
        require_written(found)
        mistakes = {
            "a net with related gradients does not speak against the claim": sorted(
                name for name, (_, error) in nets.items() if error < 10
            ),
            "a net that does not train is what the claim predicts": sorted(
                name for name, (cosine, _) in nets.items() if abs(cosine) < 0.1
            ),
            "a large negative cosine is not near 0": sorted(
                name for name, (cosine, error) in nets.items() if cosine < 0.1 and error < 10
            ),
            "these nets support the claim; which ones would refute it?": sorted(
                name for name, (cosine, error) in nets.items() if abs(cosine) < 0.1 and error >= 10
            ),
        }
        right = sorted(_contradictions(nets))
        expect_choice(
            sorted(found) if isinstance(found, list | tuple | set) else found,
            right,
            f"given {nets}: both conditions must hold, unrelated gradients and a small error",
            mistakes={k: v for k, v in mistakes.items() if v != right},
        )


EXERCISES = {
    "3.1": Exercise(
        _check_shared,
        lambda: 120 / 180,
        hints=(
            "Draw the half circle of directions that open a unit for the first input.",
            "The half circle of the second input is turned by 60 degrees. How many of the 180 "
            "degrees do both cover?",
            "They have 180 - 60 degrees in common; divide by the 180 of one half circle.",
        ),
        kind="number",
        wrong=(lambda: 60 / 180, lambda: 0.5, lambda: 120 / 360),
    ),
    "3.2": Exercise(
        _check_cosine,
        _cosine,
        hints=(
            "Two things happen in each layer: the product gets a factor, and the angle changes.",
            "The gates of a layer are set by the angle at its input, so multiply first.",
            "Per layer: product *= 1 - angle / π; then angle = acos(min(1, the formula)).",
        ),
        kind="function",
        wrong=(_angle_first, _same_angle, _last_share),
    ),
    "3.3": Exercise(
        _check_law,
        _law,
        hints=(
            "Which of the two curves is straight: log(values) over layers, or over log(layers)?",
            "np.polyfit(x, y, 1) gives the line, np.polyval its values; compare the residuals.",
            "With y = log(values): residual of x = layers against that of x = log(layers); the "
            "smaller one names the law.",
        ),
        kind="experiment",
        wrong=(
            lambda layers, values: "power",
            lambda layers, values: "exponential",
            _law_of_values,
        ),
    ),
    "3.4": Exercise(
        _check_zero_sum,
        lambda batch: -1 / (batch - 1),
        hints=(
            "What are the two sums worth, in terms of B and the mean cosine c?",
            "The first is B, the second B (B - 1) c, and together they are 0.",
            "Divide by B and solve 1 + (B - 1) c = 0.",
        ),
        kind="line",
        wrong=(
            lambda batch: 1 / (batch - 1),
            lambda batch: -1 / batch,
            lambda batch: -1 / 63,
        ),
    ),
    "3.5": Exercise(
        _check_autocorrelation,
        _autocorrelation,
        hints=(
            "What does the function say of numbers that are all nearly 5?",
            "Subtract the mean first, also in the denominator. And look at g[:-lag] for lag = 0.",
            "g[: len(g) - lag] has the right length for every lag.",
        ),
        kind="bug",
        wrong=(_uncentred, _own_squares, _no_lag_zero),
    ),
    "3.6": Exercise(
        _check_contradictions,
        _contradictions,
        hints=(
            "The claim says: unrelated gradients, therefore no training. When is that false?",
            "It is false of a net with unrelated gradients (|cosine| < 0.1) that trains.",
            "Keep the names with abs(cosine) < 0.1 and error < 10.",
        ),
        kind="design",
        wrong=(
            lambda nets: [n for n, (c, e) in nets.items() if c < 0.1 and e < 10],
            lambda nets: [n for n, (c, e) in nets.items() if e < 10],
            lambda nets: [n for n, (c, e) in nets.items() if abs(c) < 0.1],
        ),
    ),
}
