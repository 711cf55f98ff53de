"""Lesson 4: what does batch norm do to gradients?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..exercise import (
    Exercise,
    Wrong,
    expect_array,
    expect_choice,
    expect_number,
    number,
    require_written,
)
from ..expect import described

Seen = dict[str, list[float]]


def _check_second_moment(f: Callable[..., Any]) -> None:
    expect_number(
        f(),
        0.5,
        1e-3,
        "E[max(z, 0)²]",
        mistakes={
            "this is the mean of max(z, 0); square before you average": 1 / math.sqrt(2 * math.pi),
            "this is the variance of max(z, 0): do not subtract the mean": _variance(1.0),
            "this is E[z²], without ReLU": 1.0,
        },
    )


def _variance(sigma: float) -> float:
    return sigma**2 * (0.5 - 1 / (2 * math.pi))


def _check_variance(f: Callable[..., Any]) -> None:
    for sigma in (1.0, 2.0, 0.3, 7.5):
        expect_number(
            f(sigma),
            _variance(sigma),
            1e-3,
            f"the variance for sigma = {sigma:g}",
            mistakes={
                "this is the second moment; subtract the square of the mean": sigma**2 / 2,
                "the mean is subtracted without being squared": sigma**2 / 2
                - sigma / math.sqrt(2 * math.pi),
                "the mean of max(z, 0) grows with sigma too": sigma**2 / 2 - 1 / (2 * math.pi),
                "the second moment grows with sigma too": 0.5 - sigma**2 / (2 * math.pi),
                "variances grow with the square of sigma": sigma * _variance(1.0),
                "it holds for sigma = 1 only": _variance(1.0) if sigma != 1 else math.nan,
            },
        )


def _growth(second_moment: float, variance: float, layers: int) -> float:
    return math.sqrt(second_moment / variance) ** layers


def _check_growth(f: Callable[..., Any]) -> None:
    for moment, variance, layers in ((0.5, 0.3, 1), (0.5, 0.3, 2), (0.9, 0.4, 7), (0.2, 0.25, 3)):
        ratio = moment / variance
        expect_number(
            f(moment, variance, layers),
            _growth(moment, variance, layers),
            1e-3,
            f"growth({moment}, {variance}, {layers})",
            mistakes={
                "this is the factor of the squared norm": ratio**layers,
                "it is the other way round: batch norm divides by the variation": ratio
                ** (-layers / 2),
                "factors of several layers multiply, they do not add": math.sqrt(ratio) * layers,
                "layers multiply: what is the root taken of, and when?": math.sqrt(ratio * layers),
                "use the two arguments: they need not be those of a Gaussian": _growth(
                    0.5, _variance(1.0), layers
                ),
                "this is the factor of one layer": math.sqrt(ratio) if layers > 1 else math.nan,
            },
        )


def _after_step(w_norm: float, g_norm: float, lr: float) -> tuple[float, float]:
    longer = math.sqrt(w_norm**2 + (lr * g_norm) ** 2)
    return longer, g_norm * w_norm / longer


def _check_after_step(f: Callable[..., Any]) -> None:
    for w, g, lr in ((5.0, 1.0, 10.0), (11.0, 4e8, 0.1), (3.0, 0.5, 0.01), (2.0, 7.0, 1.0)):
        longer, smaller = _after_step(w, g, lr)
        expect_array(
            [math.log(v) if v > 0 else math.nan for v in _pair(f(w, g, lr))],
            [math.log(longer), math.log(smaller)],
            f"logarithms of the two norms for w_norm {w:g}, g_norm {g:g}, lr {lr:g}",
            rtol=1e-4,
            mistakes={
                "the step is orthogonal to W, so the lengths add like the sides of a right-angled "
                "triangle": [math.log(w + lr * g), math.log(g * w / (w + lr * g))],
                "the rate is missing": [math.log(math.hypot(w, g)), math.log(g * w / longer)],
                "the new gradient is smaller by the factor by which W is longer": [
                    math.log(longer),
                    math.log(g),
                ],
                "longer weights make the gradient smaller": [
                    math.log(longer),
                    math.log(g * longer / w),
                ],
                "is the gradient divided by the new norm alone? It had the old one before": [
                    math.log(longer),
                    math.log(g / longer),
                ],
            },
        )


def _pair(found: Any) -> tuple[float, float]:
    """Return two numbers, or raise Wrong."""
    require_written(found)
    pair = [number(v) for v in found] if isinstance(found, list | tuple | np.ndarray) else []
    if len(pair) != 2 or pair[0] is None or pair[1] is None:
        raise Wrong(f"expected (norm of W, norm of the gradient), got {described(found)}")
    if min(pair[0], pair[1]) <= 0:
        raise Wrong(f"a norm is positive; yours are {pair[0]:.4g} and {pair[1]:.4g}")
    return pair[0], pair[1]


def _training(risen: float, fallen: float, steps: int, seed: int) -> Callable[[float], Seen]:
    """Return a `train(rate)`: ‖W‖ rises and ‖g‖ ‖W‖ falls by powers of ten, more at higher rates.

    Nothing happens to the weights at a rate near 0.
    """

    def train(rate: float) -> Seen:
        noise = np.random.default_rng(seed).normal(0, 0.02, (2, steps))
        share = min(max(float(rate) / 0.1, 0.0), 1.0)
        at = np.linspace(0, 1, steps)
        w = 11.3 * 10 ** (share * risen * np.minimum(3 * at, 1) + noise[0])
        product = 4e4 * 10 ** (-fallen * at + noise[1])
        return {"g": (product / w).tolist(), "w": w.tolist()}

    return train


def _why_small(train: Callable[[float], Seen]) -> str:
    seen = train(0.1)
    g, w = seen["g"], seen["w"]
    risen = math.log10(w[-1] / w[0])
    fallen = math.log10(g[0] * w[0] / (g[-1] * w[-1]))
    return "inflated" if risen > fallen else "vanishing"


def _check_why(f: Callable[..., Any]) -> None:
    cases = (
        (6.0, 0.5, "inflated"),
        (0.1, 5.0, "vanishing"),
        (1.0, 4.0, "vanishing"),
        (7.0, 4.0, "inflated"),
        (0.0, 2.0, "vanishing"),
        (1.5, 0.2, "inflated"),
    )
    for seed, (risen, fallen, expected) in enumerate(cases):
        train = _training(risen, fallen, 4 + seed, seed)
        g, w = train(0.1)["g"], train(0.1)["w"]
        expect_choice(
            f(train),
            expected,
            f"a layer whose ‖g‖ goes from {g[0]:.1e} to {g[-1]:.1e} while its ‖W‖ goes from "
            f"{w[0]:.1e} to {w[-1]:.1e}: what does ‖g‖ ‖W‖ do, and by how much has ‖W‖ risen?",
        )


def _rate(step: int, lr: float, n: int) -> float:
    return lr * min((step + 1) / n, 1)


def _check_rate(f: Callable[..., Any]) -> None:
    for step, lr, n in (
        (0, 0.1, 50),
        (0, 1.0, 4),
        (1, 1.0, 4),
        (3, 0.2, 5),
        (4, 0.2, 5),
        (9, 3, 5),
    ):
        expect_number(
            f(step, lr, n),
            _rate(step, lr, n),
            1e-6,
            f"the rate at step {step} with lr {lr:g} and n {n}",
            mistakes={
                "this is the full rate, at the very step that must be small": lr
                if step == 0
                else math.nan,
                "a rate of 0 wastes a step: steps are counted from 0": lr * step / n,
                "after n steps it stays at lr": lr * (step + 1) / n if step + 1 > n else math.nan,
            },
        )


EXERCISES = {
    "4.1": Exercise(
        _check_second_moment,
        lambda: 0.5,
        (
            "E[z²] is 1, and it is made of the positive and of the negative z in equal parts.",
            "Where z is negative, max(z, 0)² is 0; where z is positive it is z².",
            "The distribution is symmetric, so the positive half gives exactly half of E[z²].",
        ),
        kind="number",
        wrong=(lambda: 0.3989, lambda: 1.0, lambda: 0.3408, lambda: "half"),
    ),
    "4.2": Exercise(
        _check_variance,
        _variance,
        (
            "The variance is the second moment minus the square of the mean.",
            "With standard deviation sigma every value is sigma times a value with deviation 1. "
            "What does that do to a mean, and to a mean of squares?",
            "For sigma = 1: 1/2 minus the square of 1/√(2π). Both terms grow with sigma².",
        ),
        kind="line",
        wrong=(
            lambda sigma: sigma**2 / 2,
            lambda sigma: _variance(1.0),
            lambda sigma: sigma * _variance(1.0),
        ),
    ),
    "4.3": Exercise(
        _check_growth,
        _growth,
        (
            "In the toy the squared norm was multiplied by 0.5/0.3 in one layer. What is asked for "
            "is the norm, over several layers.",
            "The norm of one layer grows by the square root of that ratio.",
            "Factors of layers in a row multiply: the root, to the power of the number of layers.",
        ),
        kind="function",
        wrong=(
            lambda second_moment, variance, layers: (second_moment / variance) ** layers,
            lambda second_moment, variance, layers: (variance / second_moment) ** (layers / 2),
            lambda second_moment, variance, layers: 1.2112,
        ),
    ),
    "4.4": Exercise(
        _check_after_step,
        _after_step,
        (
            "The step has length lr · ‖g‖ and stands at a right angle to W.",
            "The new norm is that of the example: √(5² + 10²). By which factor is W longer now?",
            "By scale invariance ‖g‖ ‖W‖ stays what it was: multiply ‖g‖ by old ‖W‖ / new ‖W‖.",
        ),
        kind="function",
        wrong=(
            lambda w_norm, g_norm, lr: (w_norm + lr * g_norm, g_norm),
            lambda w_norm, g_norm, lr: (math.hypot(w_norm, lr * g_norm), g_norm),
            lambda w_norm, g_norm, lr: (11.18, 0.447),
        ),
    ),
    "4.5": Exercise(
        _check_why,
        _why_small,
        (
            "Call train(0.1) and compare the ends of the two lists.",
            "‖g‖ has fallen for one of two reasons: ‖W‖ has risen, or ‖g‖ ‖W‖ has fallen.",
            "Take the logarithm to base 10 of w[-1] / w[0], and of g[0] w[0] / (g[-1] w[-1]). "
            "Which is larger?",
        ),
        kind="experiment",
        wrong=(
            lambda train: "vanishing",
            lambda train: "inflated",
            lambda train: "inflated" if train(1e-6)["w"][-1] > 20 else "vanishing",
        ),
    ),
    "4.6": Exercise(
        _check_rate,
        _rate,
        (
            "In Python `0.0 or lr` is lr, because 0.0 counts as false.",
            "His first step is taken at the full rate. Step 0 must have the smallest rate of all.",
            "Count the steps from 1: lr times (step + 1) / n, but never more than lr.",
        ),
        kind="bug",
        wrong=(
            lambda step, lr, n: lr * min(step / n, 1) or lr,
            lambda step, lr, n: lr * min(step / n, 1),
            lambda step, lr, n: lr * (step + 1) / n,
        ),
    ),
}
