"""Lesson 1: can I trust my gradients?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import (
    Exercise,
    expect_array,
    expect_choice,
    expect_number,
    require,
)
from .batch_norm import (
    batch_norm_backward,
    centre,
    check_batch_norm,
    check_centre,
    check_divide,
    check_upstream,
    check_variance,
    divide,
    values_of,
    variance,
)

NAMES = ("mean for sum", "wrong mask", "no centring", "no variance", "no transpose")


def _central(f: Callable[[float], float], x: float, h: float) -> float:
    return (f(x + h) - f(x - h)) / (2 * h)


def _forward_difference(f: Callable[[float], float], x: float, h: float) -> float:
    return (f(x + h) - f(x)) / h


def _undivided(f: Callable[[float], float], x: float, h: float) -> float:
    return (f(x + h) - f(x - h)) / h


def _relu(dy: Array, x: Array) -> Array:
    return dy * (x > 0)


def _linear(dy: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    return dy @ w, dy.T @ x, dy.sum(axis=0)


def _check_difference(f: Callable[..., Any]) -> None:
    cases: list[tuple[str, Callable[[float], float]]] = [
        ("x³", lambda t: t**3),
        ("exp(x)", math.exp),
        ("x² - 5 x", lambda t: t * t - 5 * t),
    ]
    for i, (name, function) in enumerate(cases):
        for x, h in np.random.default_rng(i).uniform(0.1, 2, (4, 2)).tolist():
            expect_number(
                f(function, x, h), _central(function, x, h), 1e-9,
                f"{name} at x = {x:.4g} with h = {h:.4g}",
                mistakes={"it moves upwards only": _forward_difference(function, x, h),
                          "it moves downwards only": _forward_difference(function, x, -h),
                          "how far apart are the two points?": _undivided(function, x, h),
                          "their distance is 2h; these two are only h apart":
                          _central(function, x, h / 2),
                          "brackets: the whole difference is divided":
                          function(x + h) - function(x - h) / (2 * h),
                          "brackets: / 2 * h divides by 2 and multiplies by h":
                          (function(x + h) - function(x - h)) / 2 * h},
            )  # fmt: skip


def _check_slopes(f: Callable[..., Any]) -> None:
    truncation, rounding = values_of(f(), ("truncation", "rounding"))
    expect_number(
        truncation, 2, 1e-6, "the slope of the truncation error",
        mistakes={"that of a one-sided difference; here the term with f'' cancels": 1,
                  "that is the power of h in Taylor's formula; the quotient divides by h once": 3},
    )  # fmt: skip
    expect_number(
        rounding, -1, 1e-6, "the slope of the rounding error",
        mistakes={"it would not depend on h, but it is divided by 2h": 0,
                  "it is divided by 2h, not by its square": -2},
    )  # fmt: skip


def _check_kink(f: Callable[..., Any]) -> None:
    expect_number(
        f(), 0.7, 1e-3, "the central difference",
        mistakes={"that is the derivative at x; how large is max(x - h, 0)?": 1.0,
                  "the divisor is 2h": 1.4,
                  "x - h is negative; how large is max(x - h, 0)?": 0.4,
                  "that is what x = 0.03 and h = 0.1 give, the example in the text": 0.65,
                  "that is only the number above the fraction bar": 0.07},
    )  # fmt: skip


def _check_by_hand(f: Callable[..., Any]) -> None:
    first, second = values_of(f(), ("first input", "second input"))
    expect_number(
        first, -1, 1e-6, "the gradient with respect to the first input",
        mistakes={"that is the sum of its column; each row counts as much as its entry of dy, "
                  "with its sign": 3,
                  "that is the entry of the second input": 7},
    )  # fmt: skip
    expect_number(
        second, 7, 1e-6, "the gradient with respect to the second input",
        mistakes={"that is the sum of its column; each row counts as much as its entry of dy": 2,
                  "minus one times minus one is plus one": 5},
    )  # fmt: skip


def _check_relu(f: Callable[..., Any]) -> None:
    for seed in range(6):
        dy, x = np.random.default_rng(seed).standard_normal((2, 5, 4))
        x[0, 0] = 0.0
        expect_array(
            f(dy.copy(), x.copy()), _relu(dy, x), "dx", 1e-9,
            mistakes={"the mask comes from dy; which array decides what ReLU lets through?":
                      np.maximum(dy, 0),
                      "dy is missing: that is the local derivative": x > 0,
                      "at x = 0 the gradient is to be 0": dy * (x >= 0),
                      "that is the forward pass": np.maximum(x, 0)},
        )  # fmt: skip


def _check_linear(f: Callable[..., Any]) -> None:
    for seed, (n, i, o) in enumerate([(4, 3, 2), (5, 3, 3), (1, 2, 4), (6, 6, 6)]):
        rng = np.random.default_rng(seed)
        dy, x, w = (rng.standard_normal(s) for s in ((n, o), (n, i), (o, i)))
        found = values_of(f(dy.copy(), x.copy(), w.copy()), ("dx", "dw", "db"))
        right = _linear(dy, x, w)
        wrong = {
            "dx": {"w is transposed": dy @ w.T if i == o else w},
            "dw": {"it is transposed": right[1].T, "a mean over the batch": right[1] / n},
            "db": {"a mean over the batch: b is added for each example": dy.mean(axis=0),
                   "the sum runs over the outputs; b has an entry for each of them":
                   dy.sum(axis=1)},
        }  # fmt: skip
        for name, mine, expected in zip(wrong, found, right, strict=True):
            require(
                name != "db" or np.shape(mine) != np.shape(dy) or n == 1,
                f"db has the shape of dy, {dy.shape}; b, of shape {expected.shape}, is used by "
                "every example: what does lesson 0 say about a value that is used several times?",
            )
            what = f"{name}, for dy {dy.shape}, x {x.shape}, w {w.shape}"
            expect_array(mine, expected, what, 1e-9, mistakes=wrong[name])


def _check_mistakes(f: Callable[..., Any]) -> None:
    found = values_of(f(), ("of A", "of B", "of C"))
    reasons = (
        "pass A: two of its three gradients pass. What is the quotient a / n of the third, and how "
        "many examples are there?",
        "pass B: wherever it is wrong it says 0, or the other says 0. What decides in ReLU's "
        "forward pass whether a number goes through?",
        "pass C: follow steps three, two and one of the derivation through its lines. Which of "
        "them has no line?",
    )
    for mine, right, why in zip(found, (NAMES[0], NAMES[1], NAMES[2]), reasons, strict=True):
        require(isinstance(mine, str), f"expected one of the names, got {mine!r}; {why}")
        american = right.replace("centring", "centering")
        expect_choice(mine, right, why, synonyms=(american,))


EXERCISES = {
    "1.1": Exercise(
        _check_difference,
        _central,
        hints=(
            "Evaluate f on both sides of x, at the same distance.",
            "How far is it from the one point to the other? Divide by that.",
            "Subtract f(x - h) from f(x + h) and divide by two h; mind the brackets.",
        ),
        kind="line",
        wrong=(_forward_difference, _undivided),
    ),
    "1.2": Exercise(
        _check_slopes,
        lambda: (2, -1),
        hints=(
            "A slope on double logarithmic paper is the power of h. Which powers stand in the two "
            "paragraphs above?",
            "What is left of Taylor's formula, after dividing by h, is a multiple of f'''. The "
            "uncertainty of the loss does not depend on h, but it is divided by something.",
            "The first error grows like the square of h. The second is a constant over h: a "
            "negative power.",
        ),
        kind="number",
        wrong=(lambda: (1, -1), lambda: (2, 0), lambda: (-1, 2)),
    ),
    "1.3": Exercise(
        _check_kink,
        lambda: 0.7,
        hints=(
            "Which two points are compared, and on which side of zero do they lie?",
            "x - h is negative, so max(x - h, 0) is zero.",
            "Divide x + h by twice h.",
        ),
        kind="number",
        wrong=(lambda: 1.0, lambda: 0.65, lambda: 1.4),
    ),
    "1.4": Exercise(
        _check_by_hand,
        lambda: (-1.0, 7.0),
        hints=(
            "Each row of the Jacobian belongs to one output, and each output has one entry of dy.",
            "Multiply the first row by the first entry of dy, the second by the second, and so on.",
            "Then add the three rows, column by column: the result has two entries.",
        ),
        kind="number",
        wrong=(lambda: (3.0, 2.0), lambda: (-1.0, 5.0)),
    ),
    "1.5": Exercise(
        _check_relu,
        _relu,
        hints=(
            "Lesson 0 had the rule for one number. Here it holds for each entry.",
            "Comparing an array with a number gives an array of True and False, which count as 1 "
            "and 0 in a product.",
            "Multiply dy by the array that says where x is greater than zero.",
        ),
        kind="line",
        wrong=(
            lambda dy, x: np.maximum(dy, 0),
            lambda dy, x: dy * (x >= 0),
            lambda dy, x: (x > 0) * 1.0,
        ),
    ),
    "1.6": Exercise(
        _check_linear,
        _linear,
        hints=(
            "Look at the shapes: only one product of dy and w, in one order, has the shape of x.",
            "dw has the shape of w, (O, I), and sums over the examples: a product of a transposed "
            "array with another does that sum.",
            "dx is dy times w, dw is dy transposed times x, and db is the sum of dy over the "
            "examples.",
        ),
        kind="function",
        wrong=(
            lambda dy, x, w: (dy @ w, dy.T @ x, dy.mean(axis=0)),
            lambda dy, x, w: (dy @ w, x.T @ dy, dy.sum(axis=0)),
            lambda dy, x, w: (dy @ w, dy.T @ x, dy),
        ),
    ),
    "1.7": Exercise(
        check_centre,
        centre,
        hints=(
            "The direct way brings dc itself. What does the way through the mean bring?",
            "Raising one x lowers all the c's by the same amount, 1/n: the loss changes by the sum "
            "of dc over n, downwards.",
            "Take the mean of dc, for each channel, away from dc. Mind the axis.",
        ),
        kind="line",
        wrong=(lambda dc: dc, lambda dc: dc - dc.mean(), lambda dc: dc + dc.mean(axis=0)),
    ),
    "1.8": Exercise(
        check_variance,
        variance,
        hints=(
            "How steep is the square of c? And how much of a mean is one of its n numbers?",
            "The local derivative of v with respect to one c is two c over n.",
            "Multiply that by dv; NumPy spreads dv, of shape (C,), over the rows by itself.",
        ),
        kind="line",
        wrong=(lambda dv, c: 2 * c * dv, lambda dv, c: c * dv / len(c)),
    ),
    "1.9": Exercise(
        check_divide,
        divide,
        hints=(
            "Two inputs, two results. Begin with c: for it, v is a constant.",
            "The derivative of a power -1/2 is minus one half times the power -3/2.",
            "dc is dy over σ. For dv sum dy times c over the examples, and multiply by minus one "
            "half over σ to the third.",
        ),
        kind="function",
        wrong=(
            lambda dy, c, v: (divide(dy, c, v)[0], -divide(dy, c, v)[1]),
            lambda dy, c, v: (divide(dy, c, v)[0], dy * c * -0.5 / np.sqrt(v + 1e-5) ** 3),
            lambda dy, c, v: (dy / (v + 1e-5), divide(dy, c, v)[1]),
        ),
    ),
    "1.10": Exercise(
        check_batch_norm,
        batch_norm_backward,
        hints=(
            "Run the forward pass as far as c and v. Then call the three functions in the reverse "
            "order.",
            "divide_backward gives one part of the gradient of c, and dv. variance_backward makes "
            "of dv another part of the gradient of c.",
            "Add the two parts of the gradient of c, and give the sum to centre_backward.",
        ),
        kind="function",
        wrong=(
            lambda dy, x: batch_norm_backward(dy, x, 0, 1),
            lambda dy, x: batch_norm_backward(dy, x, 1, 0),
            lambda dy, x: np.zeros_like(x),
        ),
    ),
    "1.11": Exercise(
        check_upstream,
        lambda y: y / 2 + (np.arange(len(y)) < len(y) // 2)[:, None],
        hints=(
            "Which multiple of what did the two blind losses use as dy? A good one has a part of "
            "both of these, and a part that is neither.",
            "With dy = 1 + y the two wrong passes with a missing term are off; but the right "
            "gradient is zero. Which pass is accepted then?",
            "Let only some of the examples count: ones in the first half of the rows, zeros in the "
            "other. Then add some y, so that the variance term cannot be small by chance.",
        ),
        kind="design",
        wrong=(np.ones_like, lambda y: y, lambda y: 1 + y),
    ),
    "1.12": Exercise(
        _check_mistakes,
        lambda: NAMES[:3],
        hints=(
            "Begin with the table: which inputs of a pass are right, and what is a / n where it is "
            "wrong?",
            "A: think of the number of examples. B: what does ReLU look at? C: count the ways by "
            "which x reaches y.",
            "A averages over the examples. B takes its mask from dy. C never subtracts the mean of "
            "what arrives at c. Which names are these?",
        ),
        kind="bug",
        wrong=(
            lambda: ("no transpose", "wrong mask", "no centring"),
            lambda: ("mean for sum", "wrong mask", "no variance"),
            lambda: ("mean for sum", "no centring", "wrong mask"),
        ),
    ),
}
