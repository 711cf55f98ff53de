"""Lesson 5: the degradation problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...models import mlp_stack
from ..exercise import Exercise, expect_choice, expect_number


def _same_parameters(depth: int) -> int:
    return sum(p.size for p in mlp_stack(depth, 64, skip="identity", norm="bn").parameters())


def _check_parameters(f: Callable[..., Any]) -> None:
    for depth in (6, 18):
        expected = depth * (64 * 64 + 2 * 64) + 64 * 10 + 10
        expect_number(f(depth), expected, 0, f"parameters of the plain net of {depth} layers")


def _check_overfitting(f: Callable[..., Any]) -> None:
    expect_choice(f(0.74, 0.77), False, "74 % error on the very data it trains on")
    expect_choice(f(0.0, 0.05), True, "no training error, 5 % test error: what is that called?")


def _check_best(f: Callable[..., Any]) -> None:
    sweep = {0.1: [0.4, 0.6], 0.01: [0.1, 0.3], 0.001: [0.2, None]}
    why = "the best mean is 0.2, at 0.01; a rate at which a seed diverged (None) does not count"
    expect_choice(f(sweep), (0.01, 0.2), why)


def _best_of_sweep(errors: dict[float, list[float | None]]) -> tuple[float, float]:
    known = {
        lr: float(np.mean([e for e in found if e is not None]))
        for lr, found in errors.items()
        if None not in found
    }
    lr = min(known, key=known.__getitem__)
    return lr, known[lr]


def _check_conclusion(f: Callable[..., Any]) -> None:
    expect_choice(
        f(),
        "optimisation",
        "the training error is high, so it is not overfitting; and a net that contains the shallow "
        "one can represent whatever that one can",
    )


EXERCISES = {
    "5.1": Exercise(
        _check_parameters,
        _same_parameters,
        hints=(
            "Count the body layers and the head apart.",
            "Each body layer has a 64 × 64 weight matrix and, for batch norm, a weight and a bias "
            "per unit.",
            "The head is a linear layer from 64 to 10 with biases.",
        ),
        kind="function",
        wrong=(lambda depth: depth * 64 * 64, lambda depth: 26890),
    ),
    "5.2": Exercise(
        _check_overfitting,
        lambda train_error, test_error: train_error < 0.01 < test_error,
        hints=(
            "What does overfitting mean?",
            "Good on the training data, worse on new data.",
            "Compare both errors with a small number.",
        ),
        kind="line",
        wrong=(lambda train, test: test > 0.01, lambda train, test: train < test),
    ),
    "5.3": Exercise(
        _check_best,
        _best_of_sweep,
        hints=(
            "Average over the seeds for each rate.",
            "Leave out the rates with a None.",
            "Take the rate with the smallest mean.",
        ),
        kind="function",
        wrong=(lambda errors: (0.001, 0.2), lambda errors: min(errors)),
    ),
    "5.4": Exercise(
        _check_conclusion,
        lambda: "optimisation",
        hints=(
            "Rule out, one after the other, what the three experiments speak against.",
            "The error is high on the training data.",
            "The deep net can represent what the shallow one can; what is left?",
        ),
        kind="experiment",
        wrong=(lambda: "overfitting", lambda: "capacity"),
    ),
}
