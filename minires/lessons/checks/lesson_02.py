"""Lesson 2: why do gradients vanish?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..exercise import Exercise, expect_choice, expect_number


def _backward_factor(fan_in: int, weight_variance: float, mean_square_slope: float) -> float:
    return math.sqrt(fan_in * weight_variance * mean_square_slope)


def _check_factor(f: Callable[..., Any]) -> None:
    expect_number(f(256, 2 / 256, 0.5), 1.0, 1e-6, "He init, ReLU")
    expect_number(f(100, 1 / 100, 0.5), math.sqrt(0.5), 1e-6, "Xavier init, ReLU")
    expect_number(f(64, 0.01**2, 0.5), 0.01 * math.sqrt(32), 1e-6, "N(0, 0.01²), ReLU, width 64")


def _check_default(f: Callable[..., Any]) -> None:
    expect_number(f(), 1 / math.sqrt(6), 1e-3, "PyTorch's default, ReLU")


def _check_leaky(f: Callable[..., Any]) -> None:
    for width, slope in ((256, 0.2), (100, 0.0), (64, 1.0)):
        expected = math.sqrt(2 / ((1 + slope**2) * width))
        expect_number(f(width, slope), expected, 1e-6, f"width {width}, slope {slope}")


def _check_underflow(f: Callable[..., Any]) -> None:
    smallest = 2.0**-126
    expect_number(f(0.236, smallest), 61, 1e-9, "sigmoid with Xavier init (factor 0.236)")
    expect_number(f(0.5, 2.0**-10.5), 11, 1e-9, "factor 0.5, smallest 2^-10.5")


def _check_flat(f: Callable[..., Any]) -> None:
    expect_choice(
        f(),
        "forward",
        "∂L/∂W_l is the product of what comes from above and of what comes from below; one of them "
        "falls with l, so the other must rise towards the input",
    )


def _underflow_depth(factor: float, smallest: float) -> int:
    return math.ceil(math.log(smallest) / math.log(factor))


EXERCISES = {
    "2.1": Exercise(
        _check_factor,
        _backward_factor,
        hints=(
            "One layer maps δ to Wᵀ(φ'(z) δ).",
            "The n weights into one entry add up as n Var(w) E[φ'²] times the mean square of δ.",
            "The factor of a norm is the square root of that of its square.",
        ),
        kind="line",
        wrong=(lambda n, v, s: n * v * s, lambda n, v, s: math.sqrt(n * v)),
    ),
    "2.2": Exercise(
        _check_default,
        lambda: 1 / math.sqrt(6),
        hints=(
            "Which variance does a uniform distribution have?",
            "U(-a, a) has variance a²/3, and a = 1/√n.",
            "Then use 2.1 with E[φ'²] = 1/2.",
        ),
        kind="number",
        wrong=(lambda: 1 / math.sqrt(3), lambda: 1 / 6),
    ),
    "2.3": Exercise(
        _check_leaky,
        lambda width, slope: math.sqrt(2 / ((1 + slope**2) * width)),
        hints=(
            "Which slopes occur, and how often?",
            "The slope is 1 for half of the inputs and `slope` for the rest; average the squares.",
            "Solve width Var(w) times that average = 1 for the standard deviation.",
        ),
        kind="line",
        wrong=(
            lambda width, slope: math.sqrt(2 / width),
            lambda width, slope: 2 / ((1 + slope**2) * width),
        ),
    ),
    "2.4": Exercise(
        _check_underflow,
        _underflow_depth,
        hints=(
            "Which L solves factor^L < smallest?",
            "Take logarithms of both sides; both are negative.",
            "Divide the logarithms, and round up.",
        ),
        kind="function",
        wrong=(
            lambda factor, smallest: math.log(smallest) / math.log(factor),
            lambda factor, smallest: 60,
        ),
    ),
    "2.5": Exercise(
        _check_flat,
        lambda: "forward",
        hints=(
            "Look at the second figure.",
            "∂L/∂W_l is a product of two factors, one from above and one from below.",
            "What falls in the direction in which ∂L/∂x grows?",
        ),
        kind="experiment",
        wrong=(lambda: "backward", lambda: "both"),
    ),
}
