"""Lesson 8: a skip is not enough: why must the branch start small?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, Wrong, expect_number, number, require, require_written


def _check_fifty(f: Callable[..., Any]) -> None:
    expect_number(
        f(), 2.0**25, 0.005, "the root mean square after 50 blocks",
        mistakes={
            "that is the mean square; its root is asked for": 2.0**50,
            "the mean square is doubled in every block, not increased by one": math.sqrt(51),
            "the root was taken twice": 2.0**12.5,
        },
    )  # fmt: skip


def _mean_square(start: float, s: float, blocks: int) -> float:
    return float(start * (1 + s**2) ** blocks)


def _check_mean_square(f: Callable[..., Any]) -> None:
    for start, s, blocks in ((1.0, 1.0, 3), (3.0, 0.5, 1), (0.25, 0.1, 50), (2.0, 0.0, 7)):
        expect_number(
            f(start, s, blocks), _mean_square(start, s, blocks), 1e-6,
            f"start {start:g}, s = {s:g}, {blocks} blocks",
            mistakes={
                "a factor s before a number multiplies its square by something else":
                    start * (1 + s) ** blocks,
                "each block multiplies what the block before it left; it does not add the same "
                "amount again": start * (1 + blocks * s**2),
                "squares of sizes are added here, not sizes": start * (1 + s) ** (2 * blocks),
                "`start` is missing": (1 + s**2) ** blocks,
                "what runs along the skip is missing": start * s ** (2 * blocks),
            },
        )  # fmt: skip


def _ratio(blocks: int) -> float:
    return float((1 + 1 / blocks) ** ((blocks - 1) / 2))


def _check_ratio(f: Callable[..., Any]) -> None:
    for blocks in (3, 2, 10, 100, 1000):
        grown = 1 + 1 / blocks
        expect_number(
            f(blocks), _ratio(blocks), 1e-5, f"{blocks} blocks",
            mistakes={
                "that is the ratio of the mean squares": grown ** (blocks - 1),
                "count the blocks between the two places": grown ** (blocks / 2),
                "that is the limit for ever more blocks": math.sqrt(math.e),
                "is it the first or the last block whose gradient is longer?": 1 / _ratio(blocks),
            },
        )  # fmt: skip


def _exponent(places: Array, sizes: Array) -> float:
    return float(np.polyfit(np.log(places), np.log(sizes), 1)[0])


def _check_exponent(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(8)
    for n in (2, 10, 40):
        place = np.arange(1.0, n + 1)
        size = rng.uniform(0.2, 3) * place ** rng.uniform(-2, 1)
        size = size * np.exp(0.05 * rng.standard_normal(n))
        half_log, u, v = np.log(size), np.log(place), np.log(size)
        expect_number(
            f(place.copy(), size.copy()), _exponent(place, size), 1e-5, f"{n} places",
            mistakes={
                "take the logarithm of l as well: a power law is a line only if both axes are "
                "logarithmic": float(np.polyfit(place, half_log, 1)[0]),
                "take the logarithm of both": float(np.polyfit(place, size, 1)[0]),
                "that is the intercept; polyfit returns the slope first":
                    float(np.polyfit(u, v, 1)[1]),
                "size and l are exchanged": float(np.polyfit(v, u, 1)[0]),
            },
        )  # fmt: skip


def _steps(start: tuple[float, float, float], x: float, target: float) -> list[list[float]]:
    """Return (α, v, w) at the start and after each of two steps of gradient descent."""
    a, v, w = start
    path = [[a, v, w]]
    for _ in range(2):
        h = max(w * x, 0.0)
        dy = x + a * v * h - target
        da, dv, dw = dy * v * h, dy * a * h, dy * a * v * x * (w * x > 0)
        a, v, w = a - 0.1 * da, v - 0.1 * dv, w - 0.1 * dw
        path.append([a, v, w])
    return path


def _check_start(f: Callable[..., Any]) -> None:
    found = f()
    require_written(found)
    require(
        isinstance(found, tuple | list | np.ndarray) and len(found) == 3,
        f"expected three numbers (alpha, v, w), got {found!r}",
    )
    values = [number(value) for value in found]
    if None in values:
        raise Wrong(f"expected three finite numbers (alpha, v, w), got {found!r}")
    a, v, w = (float(value) for value in values if value is not None)
    require(w != 0, "with w = 0 the ReLU gives 0 and has the slope 0: nothing can move w or v")
    require(w > 0, "with this w the ReLU is closed for x > 0: nothing passes, nothing moves")
    require(
        a * v == 0,
        f"the block does not start as the identity: for x = 1 it gives {1 + a * v * w:g}",
    )
    require(
        a != 0 or v != 0,
        "alpha's gradient has the factor v, and v's has the factor alpha: with both at 0 neither "
        "ever moves",
    )
    for x, target in ((1.0, 2.0), (0.5, -1.0)):
        first, _, last = _steps((a, v, w), x, target)
        still = [n for n, p, q in zip(("alpha", "v", "w"), first, last, strict=True) if p == q]
        require(not still, f"after two steps {' and '.join(still)} has not moved")


def _scale(blocks: int, branches: int, limit: float) -> float:
    return math.sqrt((limit ** (1 / blocks) - 1) / branches)


def _check_scale(f: Callable[..., Any]) -> None:
    for blocks, branches, limit in ((1, 1, 2.0), (50, 1, 4.0), (10, 3, 4.0), (100, 2, 1.5)):
        per_block = limit ** (1 / blocks) - 1
        expect_number(
            f(blocks, branches, limit), _scale(blocks, branches, limit), 1e-6,
            f"{blocks} blocks, {branches} branches, limit {limit:g}",
            mistakes={
                "you have forgotten that every branch adds something":
                    math.sqrt(per_block) if branches > 1 else math.nan,
                "that is s², not s": per_block / branches,
                "the branches are independent: their squares add, not their sizes":
                    math.sqrt(per_block) / branches if branches > 1 else math.nan,
                "growth is a product over blocks, and this adds it up":
                    math.sqrt((limit - 1) / blocks / branches) if blocks > 1 else math.nan,
                "this keeps the RMS below the limit; the limit is for the mean square":
                    math.sqrt((limit ** (2 / blocks) - 1) / branches),
            },
        )  # fmt: skip


EXERCISES = {
    "8.1": Exercise(
        _check_fifty,
        lambda: math.sqrt(2.0**50),
        hints=(
            "First work out the mean square after 50 doublings.",
            "Fifty doublings are a factor of 2 to the power of 50. The root mean square is the "
            "root of the mean square.",
            "The root of a power halves its exponent.",
        ),
        kind="number",
        wrong=(lambda: 2.0**50, lambda: math.sqrt(51), lambda: 100),
    ),
    "8.2": Exercise(
        _check_mean_square,
        _mean_square,
        hints=(
            "What is the mean square of s F, if that of F is E[x²]?",
            "A factor s before F multiplies its mean square by s². Add that of x. By which factor "
            "does one block multiply E[x²]?",
            "One block multiplies it by 1 + s², whatever it was; so many blocks multiply it by a "
            "power of that.",
        ),
        kind="line",
        wrong=(
            lambda start, s, blocks: start * (1 + s) ** blocks,
            lambda start, s, blocks: start * (1 + blocks * s**2),
            lambda start, s, blocks: start * 2**blocks,
        ),
    ),
    "8.3": Exercise(
        _check_ratio,
        _ratio,
        hints=(
            "By which factor does one block multiply the mean square of the gradient, and how many "
            "blocks lie in between?",
            "The mean squares differ by a power of 1 + 1/B. The RMS is the root of that.",
            "The exponent is the number of blocks in between, halved because of the root.",
        ),
        kind="function",
        wrong=(
            lambda blocks: (1 + 1 / blocks) ** (blocks / 2),
            lambda blocks: (1 + 1 / blocks) ** (blocks - 1),
            lambda blocks: math.sqrt(math.e),
        ),
    ),
    "8.4": Exercise(
        _check_exponent,
        _exponent,
        hints=(
            "Take the logarithm of both sides of size = c · l^p. What is p in the equation that "
            "you get?",
            "log(size) = log(c) + p · log(l) is a straight line in log(l), and p is its slope.",
            "Give polyfit the logarithms of both arrays and the degree 1, and return the first of "
            "the two numbers.",
        ),
        kind="experiment",
        wrong=(
            lambda places, sizes: np.polyfit(places, np.log(sizes), 1)[0],
            lambda places, sizes: np.polyfit(np.log(places), np.log(sizes), 1)[1],
            lambda places, sizes: -0.5,
        ),
    ),
    "8.5": Exercise(
        _check_start,
        lambda: (0.0, 1.0, 1.0),
        hints=(
            "Write down the gradients of alpha, v and w by the chain rule. Which of the three "
            "numbers stand as factors in each?",
            "The gradient of alpha contains v · max(w x, 0), that of v alpha · max(w x, 0), and "
            "that of w contains alpha · v. The block is the identity if alpha · v = 0.",
            "Exactly one of alpha and v is zero, and w is positive so that the ReLU is open.",
        ),
        kind="bug",
        wrong=(
            lambda: (0.0, 0.0, 1.0),
            lambda: (1.0, 1.0, 1.0),
            lambda: (0.0, 1.0, 0.0),
            lambda: (0.0, 1.0, -1.0),
        ),
    ),
    "8.6": Exercise(
        _check_scale,
        _scale,
        hints=(
            "By which factor does one block of n branches multiply E[x²]?",
            "A block multiplies E[x²] by 1 + n s², and all blocks together by a power of that, "
            "which shall equal the limit.",
            "Take the root of the limit that belongs to the number of blocks, subtract 1, divide "
            "by the number of branches, and take the square root.",
        ),
        kind="design",
        wrong=(
            lambda blocks, branches, limit: math.sqrt(limit ** (1 / blocks) - 1),
            lambda blocks, branches, limit: 1 / math.sqrt(blocks),
            lambda blocks, branches, limit: (limit ** (1 / blocks) - 1) / branches,
        ),
    ),
}
