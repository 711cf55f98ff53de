"""Lesson 1: can I trust my gradients?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...gradcheck.check import check_backward
from ...tensor import Array
from ..exercise import (
    Exercise,
    Wrong,
    expect_array,
    expect_choice,
    expect_number,
    require_written,
)


def _relu_backward(dy: Array, x: Array) -> Array:
    return dy * (x > 0)


def _batch_norm_forward(x: Array) -> Array:
    return np.asarray((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5))


def _batch_norm_backward(dy: Array, x: Array) -> Array:
    sigma = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) / sigma
    return np.asarray((dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)) / sigma)


def _central_difference(f: Callable[[float], float], x: float, h: float) -> float:
    return (f(x + h) - f(x - h)) / (2 * h)


def _check_pair(forward: Callable[..., Any], f: Callable[..., Any], x: Array) -> None:
    require_written(f(np.ones(x.shape), x))
    report = check_backward(forward, f, x)
    if report.ok:
        return
    worst = next((row for row in report.rows if row.verdict != "PASS"), None)
    if report.error or worst is None:
        raise Wrong(report.error or str(report.hygiene))
    hints = "; ".join(text for _, text in report.hints)
    raise Wrong(
        f"worst entry {worst.where}: analytic (yours) {worst.analytic:+.5f}, numeric "
        f"{worst.numeric:+.5f}. {hints}"
    )


def _check_relu(f: Callable[..., Any]) -> None:
    x = np.random.default_rng(0).standard_normal((5, 4))
    _check_pair(lambda x: np.maximum(x, 0), f, x)


def _check_batch_norm(f: Callable[..., Any]) -> None:
    x = np.random.default_rng(1).standard_normal((6, 3)) * 2 + 1
    _check_pair(_batch_norm_forward, f, x)


def _check_difference(f: Callable[..., Any]) -> None:
    expect_number(f(np.sin, 0.7, 1e-5), float(np.cos(0.7)), 1e-8, "the derivative of sin at 0.7")
    expect_number(f(lambda t: t**2, 3.0, 0.5), 6.0, 1e-12, "x² at 3 with h = 0.5: exact if central")


def _check_slopes(f: Callable[..., Any]) -> None:
    found = f()
    expect_array(found, np.array([2.0, -1.0]), "the two slopes", rtol=1e-9)


def _check_blind(f: Callable[..., Any]) -> None:
    expect_choice(f(), 0.0, "subtracting the mean of a column changes its sum to …?")


def _check_bug(f: Callable[..., Any]) -> None:
    expect_choice(
        f(),
        "random",
        "with dy = 1 everywhere the terms that are missing are those that make the gradient zero, "
        "so which upstream sees them?",
    )


EXERCISES = {
    "1.1": Exercise(
        _check_difference,
        _central_difference,
        hints=(
            "Evaluate f on both sides of x.",
            "How far apart are the two points?",
            "Divide by the distance between the two points, 2 h.",
        ),
        kind="line",
        wrong=(lambda f, x, h: (f(x + h) - f(x)) / h, lambda f, x, h: (f(x + h) - f(x - h)) / h),
    ),
    "1.2": Exercise(
        _check_relu,
        _relu_backward,
        hints=(
            "Which inputs does the forward pass let through?",
            "dy passes where the input was positive.",
            "Nothing passes elsewhere: multiply dy by the mask of the positive inputs.",
        ),
        kind="line",
        wrong=(lambda dy, x: dy, lambda dy, x: dy * x),
    ),
    "1.3": Exercise(
        _check_batch_norm,
        _batch_norm_backward,
        hints=(
            "The mean and the variance depend on every x of the batch.",
            "Three terms: dy, minus the mean of dy, minus x̂ times a mean.",
            "The last mean is that of dy·x̂; all is divided by σ = sqrt(var + eps).",
        ),
        kind="function",
        wrong=(lambda dy, x: dy / np.sqrt(x.var(axis=0) + 1e-5), lambda dy, x: 0 * dy),
    ),
    "1.4": Exercise(
        _check_slopes,
        lambda: (2.0, -1.0),
        hints=(
            "Which error dominates at large h, which at small h?",
            "The truncation error of a central difference is f'''(x) h²/6.",
            "Rounding divides by h: the exponents of h are the slopes.",
        ),
        kind="experiment",
        wrong=(lambda: (-1.0, 2.0), lambda: (1.0, -1.0)),
    ),
    "1.5": Exercise(
        _check_blind,
        lambda: 0.0,
        hints=(
            "What is the mean of a normalised channel?",
            "x̂ has mean 0 over the batch by construction.",
            "So what is Σ y if γ = 1 and β = 0?",
        ),
        kind="number",
        wrong=(lambda: 1.0, lambda: "n"),
    ),
    "1.6": Exercise(
        _check_bug,
        lambda: "random",
        hints=(
            "Look at the two reports above.",
            "Which upstream rejected the broken pass?",
            "It is the one for which the true gradient is not zero.",
        ),
        kind="bug",
        wrong=(lambda: "ones", lambda: 1.0),
    ),
}
