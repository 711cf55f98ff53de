"""Lesson 2: why do gradients vanish?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, expect_array, expect_number

F = Callable[..., Any]


def _check_chain(f: F) -> None:
    mistakes = {
        "this is what is left of the gradient; how many powers of ten is that?": 0.5**20,
        "this is a natural logarithm; decades count powers of ten": 20 * math.log(2),
        "this is a natural logarithm, and what is lost counts as positive": -20 * math.log(2),
        "these are halvings; a decade is a factor of ten": 20.0,
        "each layer loses less than half a decade": 10.0,
        "what is lost counts as positive": -20 * math.log10(2),
    }
    expect_number(f(), 20 * math.log10(2), 0.005, "decades", mistakes=mistakes)


def _mean_square(n: int, variance: float, slope: float, delta: float) -> float:
    return n * variance * slope * delta


def _check_mean_square(f: F) -> None:
    for n, variance, slope, delta in ((2, 0.5, 1.0, 3.0), (256, 0.01, 0.5, 0.7), (7, 2, 0.1, 4)):
        mistakes = {
            "this is the mean square of one of the terms": variance * slope * delta,
            "the signs are random, so the terms do not add up like equal ones": (
                n**2 * variance * slope * delta
            ),
            "this is a root mean square; the exercise asks for the mean square": math.sqrt(
                n * variance * slope * delta
            ),
            "the slopes are missing": n * variance * delta,
            "the size of δ is missing": n * variance * slope,
            "these are mean squares already: they need not be squared again": (
                n * variance**2 * slope**2 * delta**2
            ),
            "the slope is a mean square already: it need not be squared again": (
                n * variance * slope**2 * delta
            ),
            "the exercise asks for the mean square, in which each of the n terms counts in full": (
                math.sqrt(n) * variance * slope * delta
            ),
            "the n terms are summed, not averaged": variance * slope * delta / n,
        }
        what = f"n = {n}, variance {variance}, slope² {slope}, δ² {delta}"
        expect_number(
            f(n, variance, slope, delta),
            _mean_square(n, variance, slope, delta),
            1e-6,
            what,
            mistakes=mistakes,
        )


def _even_factor(fan_in: int, bound: float, mean_square_slope: float) -> float:
    return math.sqrt(fan_in * bound**2 / 3 * mean_square_slope)


def _check_even(f: F) -> None:
    for n, bound, slope in ((128, 0.3, 0.5), (50, 0.1, 1.0), (9, 1.0, 0.0625)):
        mistakes = {
            "this is the factor of the squared length": n * bound**2 / 3 * slope,
            "bound² is the largest square, not the mean square": math.sqrt(n * bound**2 * slope),
            "this variance is that of numbers between 0 and the bound": math.sqrt(
                n * bound**2 / 12 * slope
            ),
            "look at the formula of the mean square again: which power of the bound?": math.sqrt(
                n * bound / 3 * slope
            ),
            "the slopes are missing": math.sqrt(n * bound**2 / 3),
            "the mean square slope need not be squared again": math.sqrt(n * bound**2 / 3) * slope,
            "the fan-in is missing": math.sqrt(bound**2 / 3 * slope),
        }
        expect_number(
            f(n, bound, slope),
            _even_factor(n, bound, slope),
            1e-6,
            f"fan-in {n}, bound {bound}, slope² {slope}",
            mistakes=mistakes,
        )


def _shape(signal: Array, gradient: Array) -> Array:
    product: Array = signal[:-1] * gradient[1:]
    return np.asarray(product / product[-1])


def _check_shape(f: F) -> None:
    rng = np.random.default_rng(3)
    for layers in (5, 9):
        signal, gradient = np.exp(rng.standard_normal((2, layers)))
        alone, same = gradient[1:] / gradient[-1], signal * gradient
        mistakes = {
            "the gradient at the *input* of a layer is not what arrives from above": (
                same[:-1] / same[-2]
            ),
            "this is the gradient alone; what came in from below?": alone,
            "divide by the last entry of what you return": same[:-1] / same[-1],
            "both were taken at the output of the layer; which signal did it multiply?": (
                same[1:] / same[-1]
            ),
            "this is the product, but not yet divided by its last entry": (
                signal[:-1] * gradient[1:]
            ),
            "the two arrays are shifted the wrong way round": (
                signal[1:] * gradient[:-1] / (signal[-1] * gradient[-2])
            ),
            "divide by the last entry, not by the first": (
                signal[:-1] * gradient[1:] / (signal[0] * gradient[1])
            ),
        }
        expect_array(
            f(signal, gradient),
            _shape(signal, gradient),
            f"{layers} layers",
            mistakes=mistakes,
        )


def _leaky_std(width: int, slope: float) -> float:
    return math.sqrt(2 / ((1 + slope**2) * width))


def _check_leaky(f: F) -> None:
    for width, slope in ((256, 0.2), (100, 0.0), (64, 1.0), (30, 0.7)):
        std = _leaky_std(width, slope)
        mistakes = {
            "this is the variance; the exercise asks for the standard deviation": std**2,
            "the mean of the slopes is not the root of their mean square": (
                2 / ((1 + slope) * math.sqrt(width))
            ),
            "the mean of the slopes is not the mean of their squares": math.sqrt(
                2 / ((1 + slope) * width)
            ),
            "this is a variance, and the mean of the slopes is not the mean of their squares": (
                2 / ((1 + slope) * width)
            ),
            "only one of the two slopes counts here": math.sqrt(2 / width),
            "half of the inputs have the one slope, half the other": math.sqrt(
                1 / ((1 + slope**2) * width)
            ),
        }
        expect_number(
            f(width, slope), std, 1e-6, f"width {width}, slope {slope}", mistakes=mistakes
        )


def _length(g: Array) -> float:
    return float(np.sqrt((g.astype(np.float64) ** 2).sum()))


def _naive_length(g: Array) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt((g * g).sum()))


def _scaled_length(g: Array) -> float:
    largest = np.abs(g).max()
    return float(largest * np.sqrt(((g / largest) ** 2).sum())) if largest else math.nan


def _check_length(f: F) -> None:
    rng = np.random.default_rng(4)
    for scale in (1.0, 1e-30, 1e30, 1e-42, 0.0):
        g = (scale * rng.standard_normal((6, 7))).astype(np.float32)
        what = f"an array of numbers near {scale:g}" if scale else "an array of zeros"
        if scale == 0:
            expect_number(f(g), 0.0, 1e-6, what, mistakes={})
            continue
        mistakes = {
            "the squares are zero already; in which type are they computed?": 0.0,
            "this is the largest entry": float(np.abs(g).max()),
            "this is the root mean square": _length(g) / math.sqrt(g.size),
            "this is the squared length": _length(g) ** 2,
        }
        expect_number(f(g), _length(g), 1e-4, what, mistakes=mistakes)


EXERCISES = {
    "2.1": Exercise(
        _check_chain,
        lambda: 20 * math.log10(2),
        hints=(
            "By how much is the gradient multiplied over all 20 layers together?",
            "It is divided by 2 twenty times. The decades of one division are log10(2).",
            "The logarithm of a product is a sum: twenty times the logarithm of one factor.",
        ),
        kind="number",
        wrong=(lambda: 0.5**20, lambda: 20 * math.log(2), lambda: 10),
    ),
    "2.2": Exercise(
        _check_mean_square,
        _mean_square,
        hints=(
            "First the mean square of one term, then that of the sum of n of them.",
            "A product of independent factors has the product of their mean squares, and squares "
            "of independent terms add up.",
            "Each of the n terms contributes variance times slope² times δ²: multiply by n.",
        ),
        kind="line",
        wrong=(
            lambda n, v, s, d: math.sqrt(n * v * s * d),
            lambda n, v, s, d: v * s * d,
            lambda n, v, s, d: n * v * d,
        ),
    ),
    "2.3": Exercise(
        _check_even,
        _even_factor,
        hints=(
            "The formula above needs the variance of these weights.",
            "Their mean is zero, so their variance is their mean square, a²/3.",
            "Put bound²/3 for Var(w) into the root of n Var(w) E[φ'²].",
        ),
        kind="line",
        wrong=(
            lambda n, a, s: math.sqrt(n * a * a * s),
            lambda n, a, s: n * a * a / 3 * s,
            lambda n, a, s: 1 / math.sqrt(6),
        ),
    ),
    "2.4": Exercise(
        _check_shape,
        _shape,
        hints=(
            "In the chain of three units, w2 sat between x1 and x2. Which gradient did it take?",
            "signal[l] comes in from below. What arrives from above is the gradient at the output "
            "of layer l, which is the input of layer l + 1.",
            "Multiply all signals but the last by all gradients but the first, then divide.",
        ),
        kind="experiment",
        wrong=(
            lambda signal, gradient: (signal * gradient)[:-1] / (signal * gradient)[-2],
            lambda signal, gradient: gradient[1:] / gradient[-1],
            lambda signal, gradient: signal[:-1] * gradient[1:],
        ),
    ),
    "2.5": Exercise(
        _check_leaky,
        _leaky_std,
        hints=(
            "Which slopes occur, and how often? That gives the mean square slope.",
            "Half of the squares are 1 and half are slope²: their mean is (1 + slope²) / 2.",
            "Set width · Var(w) · (1 + slope²) / 2 to 1, solve for Var(w), and take the root.",
        ),
        kind="design",
        wrong=(
            lambda width, slope: math.sqrt(2 / width),
            lambda width, slope: 2 / ((1 + slope**2) * width),
            lambda width, slope: math.sqrt(2 / ((1 + slope) * width)),
        ),
    ),
    "2.6": Exercise(
        _check_length,
        _length,
        hints=(
            "Which number of the computation is smaller than float32 can hold?",
            "The entries can be held, their squares cannot. float64 goes down to 1e-308.",
            "Convert g to float64 before squaring, and sum there.",
        ),
        kind="bug",
        wrong=(_naive_length, lambda g: float(np.abs(g).max()), _scaled_length),
    ),
}
