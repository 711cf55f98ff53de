"""Lesson 9: what may sit on the shortcut?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, expect_array, expect_number


def _check_left(f: Callable[..., Any]) -> None:
    expect_number(
        f(), 0.5**27, 0.005, "the product of 27 halves",
        mistakes={
            "that is the product of 54, one for each layer; a block has two": 0.5**54,
            "that is the sum; the blocks stand one behind the other": 13.5,
            "that is one half divided by their number": 0.5 / 27,
        },
    )  # fmt: skip


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _gated(x: Array, branch: Array, w: Array, b: Array, exclusive: bool) -> Array:
    g = _sigmoid(w @ x + b)
    y: Array = (1 - g) * x + (g * branch if exclusive else branch)
    return y


def _check_gated(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(9)
    for n in (1, 2, 5):
        x, branch, b = rng.standard_normal((3, n))
        w = rng.standard_normal((n, n))
        g = _sigmoid(w @ x + b)
        for exclusive in (False, True):
            found = f(x.copy(), branch.copy(), w.copy(), b.copy(), exclusive)
            expect_array(
                found, _gated(x, branch, w, b, exclusive),
                f"the {'exclusive' if exclusive else 'shortcut-only'} gate of {n} units", 1e-6,
                mistakes={
                    "the shortcut is multiplied by 1 - g, not by g":
                        g * x + ((1 - g) * branch if exclusive else branch),
                    "here the branch is not gated": (1 - g) * x + g * branch,
                    "the exclusive gate multiplies the branch too": (1 - g) * x + branch,
                    "the sigmoid is missing":
                        (1 - (w @ x + b)) * x + ((w @ x + b) * branch if exclusive else branch),
                    "w is transposed": _gated(x, branch, w.T, b, exclusive),
                    "the bias is missing": _gated(x, branch, w, 0 * b, exclusive),
                },
            )  # fmt: skip


def _passes(b: float, blocks: int) -> float:
    return float((1 - 1 / (1 + math.exp(-b))) ** blocks)


def _check_passes(f: Callable[..., Any]) -> None:
    for b, blocks in ((0.0, 3), (-1.0, 1), (-6.0, 27), (-3.5, 54), (2.0, 2)):
        g = 1 / (1 + math.exp(-b))
        expect_number(
            f(b, blocks), _passes(b, blocks), 1e-6, f"b = {b:g}, {blocks} blocks",
            mistakes={
                "that is what the gate takes, σ(b); 1 - σ(b) is let through": g**blocks,
                "that is one block": 1 - g if blocks > 1 else math.nan,
                "the blocks multiply; their losses do not add": 1 - blocks * g,
                "the power of 1 - σ(b), not 1 minus the power of σ(b)": 1 - g**blocks,
            },
        )  # fmt: skip


def _bias(part: float, blocks: int) -> float:
    g = 1 - part ** (1 / blocks)
    return math.log(g / (1 - g))


def _check_bias(f: Callable[..., Any]) -> None:
    for part, blocks in ((0.3, 1), (0.5, 54), (0.9, 27), (0.1, 10), (0.25, 2)):
        wrong_root = 1 - part / blocks
        mistakes = {
            "look at the sign: the more is to pass, the more negative the bias":
                -_bias(part, blocks),
            "that is the gate g; which b gives σ(b) = g?": 1 - part ** (1 / blocks),
        }  # fmt: skip
        if blocks > 1:
            mistakes |= {
                "each block may take something: all of them together leave `part`":
                    math.log((1 - part) / part),
                "the blocks multiply, so divide by their number in the exponent":
                    math.log(wrong_root / (1 - wrong_root)),
            }  # fmt: skip
        expect_number(
            f(part, blocks), _bias(part, blocks), 1e-5, f"{part:g} through {blocks} blocks",
            mistakes=mistakes,
        )  # fmt: skip


def _ranks(values: Any) -> Array:
    v = np.asarray(values, dtype=np.float64)
    ranks: Array = (v[:, None] > v).sum(axis=1) + ((v[:, None] == v).sum(axis=1) + 1) / 2
    return ranks


def _correlation(a: Any, b: Any) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _rank_correlation(a: Any, b: Any) -> float:
    return _correlation(_ranks(a), _ranks(b))


def _first_come(values: Any) -> Array:
    """Return ranks in which equal values have different ones."""
    return np.asarray(values).argsort(kind="stable").argsort() + 1.0


def _check_rank(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    cases = [
        (np.array([3.0, 1.0, 2.0, 10.0]), np.array([2.0, 1.0, 5.0, 400.0])),
        (np.array([1.0, 2.0, 3.0]), np.array([9.0, 4.0, 1.0])),
        (np.array([5.0, 7.0, 7.0, 9.0]), np.array([1.0, 4.0, 2.0, 3.0])),
        (rng.standard_normal(12), rng.integers(0, 4, 12).astype(float)),
    ]
    for a, b in cases:
        right = _rank_correlation(a, b)
        ties = len(set(a)) < len(a) or len(set(b)) < len(b)
        what = f"{len(a)} values{' with ties' if ties else ''}"
        expect_number(
            f(a.copy(), b.copy()), right, 1e-6, what,
            mistakes={
                "that is the correlation of the values; replace them by their ranks first":
                    _correlation(a, b),
                "equal values have to share the average of their ranks":
                    _correlation(_first_come(a), _first_come(b)),
                "argsort gives the places of the sorted values, not the ranks of the values":
                    _correlation(np.argsort(a), np.argsort(b)),
                "equal values share the average of their ranks, not the smallest":
                    _correlation((a[:, None] > a).sum(1), (b[:, None] > b).sum(1)),
            },
        )  # fmt: skip


def _preact(x: Any, norm: Callable[[Any], Any], weights: Callable[[Any], Any]) -> Any:
    return x + weights(np.maximum(norm(x), 0))


def _check_preact(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(6)
    for n in (3, 6):
        x = rng.standard_normal(n) * 3
        w, shift, scale = rng.standard_normal((n, n)), rng.standard_normal(), rng.uniform(0.2, 0.8)

        def norm(v: Any, scale: float = scale, shift: float = float(shift)) -> Any:
            return scale * np.asarray(v) + shift

        def weights(v: Any, w: Array = w) -> Any:
            return w @ np.asarray(v)

        h = np.maximum(norm(x), 0)
        expect_array(
            f(x.copy(), norm, weights), _preact(x, norm, weights), f"a block of {n} units", 1e-6,
            mistakes={
                "the bug is still there: what is added is not x": h + weights(h),
                "a norm is left on the shortcut": norm(x) + weights(h),
                "a ReLU is left on the shortcut": np.maximum(x, 0) + weights(h),
                "the branch needs its norm and ReLU": x + weights(x),
                "the branch needs its ReLU": x + weights(norm(x)),
                "the branch needs its norm": x + weights(np.maximum(x, 0)),
                "the skip is missing": weights(h),
                "that puts a ReLU behind the addition":
                    np.maximum(_preact(x, norm, weights), 0),
            },
        )  # fmt: skip


EXERCISES = {
    "9.1": Exercise(
        _check_left,
        lambda: 0.5**27,
        hints=(
            "The direct path meets one factor in every block. How do factors along a way combine?",
            "They multiply: one half, times one half, 27 times.",
            "Take 0.5 to the power of the number of blocks.",
        ),
        kind="number",
        wrong=(lambda: 0.5**54, lambda: 13.5, lambda: 0.5 / 27),
    ),
    "9.2": Exercise(
        _check_gated,
        _gated,
        hints=(
            "First compute g, an array of n numbers between 0 and 1.",
            "w @ x + b goes into the sigmoid 1 / (1 + exp(-z)). What multiplies x, and what the "
            "branch?",
            "x is multiplied by 1 - g in both cases; the branch is multiplied by g only if "
            "exclusive is true; then add them.",
        ),
        kind="function",
        wrong=(
            lambda x, branch, w, b, exclusive: _gated(x, branch, w, b, True),
            lambda x, branch, w, b, exclusive: x * _sigmoid(w @ x + b) + branch,
            lambda x, branch, w, b, exclusive: x + branch,
        ),
    ),
    "9.3": Exercise(
        _check_passes,
        _passes,
        hints=(
            "What does one gate leave of x, if its input is b alone?",
            "One block leaves 1 - σ(b), with σ(b) = 1 / (1 + exp(-b)). Blocks follow each other.",
            "Raise 1 - σ(b) to the power of the number of blocks.",
        ),
        kind="line",
        wrong=(
            lambda b, blocks: (1 / (1 + math.exp(-b))) ** blocks,
            lambda b, blocks: 1 - blocks / (1 + math.exp(-b)),
            lambda b, blocks: 1 - 1 / (1 + math.exp(-b)),
        ),
    ),
    "9.4": Exercise(
        _check_bias,
        _bias,
        hints=(
            "What may a single gate let through, if all of them together leave `part`?",
            "One block leaves part to the power of 1 / blocks, so g is one minus that. Now solve "
            "σ(b) = g for b.",
            "The inverse of the sigmoid is log(g / (1 - g)).",
        ),
        kind="design",
        wrong=(
            lambda part, blocks: math.log((1 - part) / part),
            lambda part, blocks: -_bias(part, blocks),
            lambda part, blocks: 1 - part ** (1 / blocks),
        ),
    ),
    "9.5": Exercise(
        _check_rank,
        _rank_correlation,
        hints=(
            "The rank of a value is one more than the number of values below it, if no other is "
            "equal to it.",
            "If there are k equal values with m below them, their ranks would be m + 1 to m + k. "
            "What is the average of these?",
            "For each value count how many are smaller and how many are equal (itself included): "
            "the rank is the first number plus half of one more than the second.",
        ),
        kind="experiment",
        wrong=(
            lambda a, b: _correlation(a, b),
            lambda a, b: _correlation(np.argsort(a), np.argsort(b)),
            lambda a, b: _correlation(_first_come(a), _first_come(b)),
        ),
    ),
    "9.6": Exercise(
        _check_preact,
        _preact,
        hints=(
            "What is added to the branch in the last line, the input of the block or something "
            "else?",
            "The first line overwrites x. The branch should see what it computes; the shortcut "
            "should not.",
            "Give the normalised and rectified array another name, put it into `weights`, and add "
            "the x that came in.",
        ),
        kind="bug",
        wrong=(
            lambda x, norm, weights: _preact(np.maximum(norm(x), 0), lambda v: v, weights),
            lambda x, norm, weights: x + weights(x),
            lambda x, norm, weights: norm(x) + weights(np.maximum(norm(x), 0)),
        ),
    ),
}
