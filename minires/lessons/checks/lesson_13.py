"""Lesson 13: residual learning of images."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, expect_array, expect_number, require, require_written


def _check_decibels(f: Callable[..., Any]) -> None:
    found = f()
    require_written(found)
    require(
        isinstance(found, tuple | list) and len(found) == 2,
        "expected two numbers, (PSNR in dB, gain in dB)",
    )
    expect_number(
        found[0], 20.0, 0.01, "all pixels wrong by 0.1",
        mistakes={
            "square the error before you take its mean": 10.0,
            "the error stands below the line, so the logarithm is positive": -20.0,
            "the logarithm to base 10 is asked for": 10 * math.log(100),
        },
    )  # fmt: skip
    expect_number(
        found[1], 20 * math.log10(2), 0.01, "all errors half as large",
        mistakes={
            "half the error is a quarter of the squared error": 10 * math.log10(2),
            "that is the new PSNR; how much is gained?": 20 + 20 * math.log10(2),
            "that is the factor of the squared error; how many dB is it?": 4.0,
        },
    )  # fmt: skip


def _psnr(x: Any, y: Any, peak: float) -> float:
    return float(10 * np.log10(peak**2 / np.mean((np.asarray(x) - y) ** 2)))


def _check_psnr(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(13)
    for shape, peak in (((4,), 1.0), ((1, 6, 5), 1.0), ((8, 8), 255.0)):
        x, y = peak * rng.random((2, *shape))
        right, error = _psnr(x, y, peak), float(np.mean((x - y) ** 2))
        expect_number(
            f(x.copy(), y.copy(), peak), right, 1e-6, f"pictures {shape}, peak {peak:g}",
            mistakes={
                "the peak is squared too": 10 * math.log10(peak / error),
                "10 times the logarithm of the squares, or 20 times that of their roots":
                    2 * right,
                "the factor 10 is missing": right / 10,
                "that is the natural logarithm": right * math.log(10),
                "turn the fraction round": -right,
                "use the peak that is given": _psnr(x, y, 256.0 - peak),
                "the mean of the squares, not their sum": 10 * math.log10(peak**2 / error / x.size),
                "square the differences before you take their mean":
                    10 * math.log10(peak**2 / float(np.mean(x - y)) ** 2),
            },
        )  # fmt: skip


def _smaller(x: Array) -> Array:
    n, h, w = x.shape
    found: Array = x.reshape(n, h // 2, 2, w // 2, 2).mean(axis=(2, 4))
    return found


def _check_smaller(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(3)
    for shape in ((1, 2, 2), (3, 4, 8), (2, 6, 4)):
        x = rng.random(shape)
        n, h, w = shape
        mistakes = {
            "that takes every second pixel; the mean of four is asked for": x[:, ::2, ::2],
            "the four numbers of a mean must be neighbours in both directions: "
            "the axes of the reshape are in another order":
                x.reshape(n, 2, h // 2, 2, w // 2).mean(axis=(1, 3)),
            "that averages four pixels of one row": x.reshape(n, h // 2, w // 2, 4).mean(axis=3),
            "the mean of the four, not their sum": 4 * _smaller(x),
        }  # fmt: skip
        expect_array(f(x.copy()), _smaller(x), f"pictures {shape}", 1e-6, mistakes=mistakes)


def _target(x: Array, original: Array, residual: bool) -> Array:
    return original - x if residual else original


def _check_target(f: Callable[..., Any]) -> None:
    x, original = np.random.default_rng(4).random((2, 3, 4))
    for residual in (True, False):
        expect_array(
            f(x.copy(), original.copy(), residual), _target(x, original, residual),
            "the residual net" if residual else "the direct twin", 1e-6,
            mistakes={
                "look at the sign: x + F(x) is to be the original": x - original,
                "that is what y should be; x is added to F(x)" if residual
                else "nothing is added to the direct net's F(x)":
                    _target(x, original, not residual),
                "that is what it is given": x,
            },
        )  # fmt: skip


def _before(x: Array, original: Array) -> tuple[float, float]:
    return _psnr(x, original, 1.0), _psnr(0 * x, original, 1.0)


def _check_before(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    for shape in ((1, 4, 4), (6, 6)):
        original = rng.random(shape)
        x = original + 0.1 * rng.standard_normal(shape)
        found = f(x.copy(), original.copy())
        require_written(found)
        require(
            isinstance(found, tuple | list) and len(found) == 2,
            "expected two numbers, (PSNR of the residual net, PSNR of the direct net)",
        )
        same, black = _before(x, original)
        expect_number(
            found[0],
            same,
            1e-6,
            "the residual net",
            mistakes={"y = x + F(x), and x + 0 is not black": black},
        )  # fmt: skip
        expect_number(
            found[1], black, 1e-6, "the direct net",
            mistakes={
                "y = F(x): nothing is added here": same,
                "y is compared with the original, not with x": _psnr(0 * x, x, 1.0),
            },
        )  # fmt: skip


def _steps(steps: Any, psnrs: Any, wanted: float) -> int:
    return next((s for s, value in zip(steps, psnrs, strict=True) if value >= wanted), 0)


def _check_steps(f: Callable[..., Any]) -> None:
    steps = [25, 50, 100, 200]
    cases = [
        ([12.0, 15.0, 20.0, 21.0], 15.0, "a value that is just reached"),
        ([12.0, 15.0, 20.0, 21.0], 16.0, "a value between two"),
        ([12.0, 21.0, 20.0, 22.0], 20.5, "a curve that goes down again"),
        ([12.0, 15.0, 20.0, 21.0], 21.5, "a value that is never reached"),
        ([22.0, 22.5, 23.0, 23.0], 21.0, "a value that the first test exceeds"),
    ]
    for psnrs, wanted, what in cases:
        right = _steps(steps, psnrs, wanted)
        above = [s for s, v in zip(steps, psnrs, strict=True) if v >= wanted]
        index = steps.index(right) if right else -2
        mistakes = {
            "at least: a value that is equal counts":
                float(_steps(steps, psnrs, wanted + 1e-9)),
            "the first step, not the last one": float(above[-1] if above else -2),
            "return the step, not its place in the list": float(index),
            "return 0 where it is never reached": float(steps[-1]) if not right else -2.0,
            "that is the first step, and it is never reached":
                float(steps[0]) if not right else -2.0,
        }  # fmt: skip
        mistakes = {k: v for k, v in mistakes.items() if v not in (right, -2.0)}
        found = f(list(steps), list(psnrs), wanted)
        require(found is not None or right > 0, f"{what}: None came back, return 0")
        expect_number(found, right, 1e-9, what, mistakes=mistakes)


def _limited(x: Any, f: Any) -> Array:
    found: Array = np.clip(np.asarray(x) + f, 0, 1)
    return found


def _check_limited(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(7)
    for shape in ((40,), (2, 1, 4, 4)):
        x = rng.uniform(-0.2, 1.2, shape)
        r = 0.8 * rng.standard_normal(shape)
        expect_array(
            f(x.copy(), r.copy()), _limited(x, r), f"pictures {shape}", 1e-6,
            mistakes={
                "the bug is still there: what is missing may be negative": x + np.clip(r, 0, 1),
                "now the sum may leave 0 to 1: limit the picture": x + np.clip(r, -1, 1),
                "the sum is right, and is not limited": x + r,
                "both at once: then no negative F(x) comes through":
                    np.clip(x + np.clip(r, 0, 1), 0, 1),
                "x is limited, and not the sum": np.clip(x, 0, 1) + r,
                "x has to be added": np.clip(r, 0, 1),
                "limit the sum alone, x may be what it is": np.clip(np.clip(x, 0, 1) + r, 0, 1),
                "the sum is limited on one side only": np.minimum(x + r, 1),
            },
        )  # fmt: skip


def _clipped(gradient: Any, rate: float, theta: float) -> tuple[Array, float]:
    return np.clip(gradient, -theta / rate, theta / rate), theta


def _check_clipped(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(8)
    for rate, theta in ((0.1, 0.001), (0.01, 0.02), (2.0, 0.5)):
        g = 3 * theta / rate * rng.standard_normal((4, 3))
        found = f(g.copy(), rate, theta)
        require_written(found)
        require(
            isinstance(found, tuple | list) and len(found) == 2,
            "expected two things, (the clipped gradient, the largest step)",
        )
        limit = theta / rate
        expect_array(
            found[0], np.clip(g, -limit, limit), f"rate {rate:g}, theta {theta:g}", 1e-6,
            mistakes={
                "the limit depends on the rate": np.clip(g, -theta, theta),
                "divide theta by the rate": np.clip(g, -theta * rate, theta * rate),
                "each entry is limited, not the norm of all":
                    g * min(1.0, limit / float(np.linalg.norm(g))),
                "negative gradients are limited too": np.minimum(g, limit),
                "that is the step, rate times gradient": rate * np.clip(g, -limit, limit),
            },
        )  # fmt: skip
        expect_number(
            found[1], theta, 1e-6, f"the largest step at rate {rate:g}",
            mistakes={
                "that is the largest gradient; the step is the rate times it": limit,
                "the rate cancels: rate times theta / rate": rate * theta,
            },
        )  # fmt: skip


EXERCISES = {
    "13.1": Exercise(
        _check_decibels,
        lambda: (20.0, 20 * math.log10(2)),
        hints=(
            "If every pixel is wrong by 0.1, what is the mean of the squared errors?",
            "It is 0.01, and 1 / 0.01 is 100. Half the error makes the square a quarter.",
            "10 log10(100) is 20. A quarter of the squared error adds 10 log10(4) dB.",
        ),
        kind="number",
        wrong=(
            lambda: (10.0, 20 * math.log10(2)),
            lambda: (20.0, 10 * math.log10(2)),
            lambda: (20.0, 20 + 20 * math.log10(2)),
        ),
    ),
    "13.2": Exercise(
        _check_psnr,
        _psnr,
        hints=(
            "First the mean squared error, a number.",
            "np.mean((x - y) ** 2) is the MSE. It stands below peak ** 2.",
            "Ten times np.log10(peak ** 2 / MSE).",
        ),
        wrong=(
            lambda x, y, peak: 10 * np.log10(peak / np.mean((x - y) ** 2)),
            lambda x, y, peak: 20 * np.log10(peak**2 / np.mean((x - y) ** 2)),
            lambda x, y, peak: 10 * np.log10(1 / np.mean((x - y) ** 2)),
            lambda x, y, peak: 10 * np.log10(peak**2 / np.sum((x - y) ** 2)),
        ),
    ),
    "13.3": Exercise(
        _check_smaller,
        _smaller,
        hints=(
            "A reshape can split an axis of h pixels into h / 2 pairs of 2.",
            "Reshape (N, H, W) to (N, H / 2, 2, W / 2, 2). Which two axes hold the four pixels "
            "of a square?",
            "Take the mean over the axes 2 and 4.",
        ),
        kind="line",
        wrong=(
            lambda x: x[:, ::2, ::2],
            lambda x: x.reshape(len(x), 2, x.shape[1] // 2, 2, x.shape[2] // 2).mean(axis=(1, 3)),
            lambda x: 4 * _smaller(x),
        ),
    ),
    "13.4": Exercise(
        _check_target,
        _target,
        hints=(
            "Write down y for both nets, and set it equal to the original.",
            "x + F(x) = original in one case, F(x) = original in the other. Solve for F(x).",
            "The residual net's F(x) is the original minus x, the direct one's the original.",
        ),
        kind="line",
        wrong=(
            lambda x, original, residual: x - original if residual else original,
            lambda x, original, residual: original - x,
            lambda x, original, residual: original,
        ),
    ),
    "13.5": Exercise(
        _check_before,
        _before,
        hints=(
            "If F gives zero, what is y in each of the two?",
            "The residual net gives y = x, and the direct one y = 0, a black picture.",
            "Compare x with the original, and 0 * x with the original.",
        ),
        wrong=(
            lambda x, original: (_psnr(x, original, 1.0), _psnr(x, original, 1.0)),
            lambda x, original: (_psnr(0 * x, original, 1.0), _psnr(x, original, 1.0)),
            lambda x, original: (_psnr(x, original, 1.0), _psnr(0 * x, x, 1.0)),
        ),
    ),
    "13.6": Exercise(
        _check_steps,
        _steps,
        hints=(
            "Go through both lists together, from the front.",
            "Return the step as soon as its PSNR is at least `wanted`.",
            "A loop over zip(steps, psnrs) with a return in it; after the loop, return 0.",
        ),
        kind="experiment",
        wrong=(
            lambda steps, psnrs, wanted: _steps(steps, psnrs, wanted + 1e-9),
            lambda steps, psnrs, wanted: _steps(steps, psnrs, wanted) or steps[-1],
            lambda steps, psnrs, wanted: max(
                (s for s, v in zip(steps, psnrs, strict=True) if v >= wanted), default=0
            ),
        ),
    ),
    "13.7": Exercise(
        _check_limited,
        _limited,
        hints=(
            "Which values may f have: only those from 0 to 1?",
            "What is missing is negative where the blurred picture is too bright. What has to lie "
            "between 0 and 1 is the restored picture.",
            "Add first, and limit the sum with np.clip.",
        ),
        kind="bug",
        wrong=(
            lambda x, f: x + np.clip(f, 0, 1),
            lambda x, f: x + np.clip(f, -1, 1),
            lambda x, f: np.clip(x + np.clip(f, 0, 1), 0, 1),
        ),
    ),
    "13.8": Exercise(
        _check_clipped,
        _clipped,
        hints=(
            "np.clip limits each entry of an array to a range. Which range?",
            "From -theta / rate to theta / rate. SGD subtracts rate times that.",
            "The largest step is rate times theta / rate, and the rate cancels.",
        ),
        wrong=(
            lambda g, rate, theta: (np.clip(g, -theta, theta), theta),
            lambda g, rate, theta: (np.clip(g, -theta / rate, theta / rate), theta / rate),
            lambda g, rate, theta: (np.minimum(g, theta / rate), theta),
        ),
    ),
}
