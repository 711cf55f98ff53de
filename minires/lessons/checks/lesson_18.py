"""Lesson 18: the project, whose checks judge whatever function the learner has chosen."""

from __future__ import annotations

import math

import numpy as np

from ..exercise import Exercise
from .project_parts import (
    block,
    check_backward_pass,
    check_block,
    check_find,
    check_function,
    find,
    own,
    own_pass,
)
from .project_results import (
    check_claim,
    check_report,
    check_start,
    claim,
    report,
    start,
)

EXERCISES = {
    "18.1": Exercise(
        check_function,
        own,
        hints=(
            "Anything goes that turns each number into a number, without jumps, and is neither a "
            "line nor the ReLU.",
            "Take a function you know (tanh, x / (1 + |x|), a ReLU with a bend elsewhere) and "
            "write it with NumPy, so that it works on arrays of any shape.",
            "A squared ReLU, for example, is np.maximum(x, 0) with ** 2 behind it.",
        ),
        kind="design",
        points=10,
        wrong=(
            lambda x: np.maximum(x, 0),
            lambda x: 3 * x + 1,
            lambda x: x - x.mean(),
            lambda x: (x > 0) * 1.0,
            lambda x: np.full_like(x, np.inf),
        ),
    ),
    "18.2": Exercise(
        check_backward_pass,
        own_pass,
        hints=(
            "An elementwise function has one derivative for each number. What does the chain rule "
            "do with dy?",
            "dL/dx is dy times the derivative of your function at x, number by number. At a kink "
            "either slope will do.",
            "Return a pair: own(x), and dy * (the derivative of own at x). For the squared ReLU "
            "the derivative is 2 * np.maximum(x, 0).",
        ),
        points=15,
        wrong=(
            lambda x, dy: (np.maximum(x, 0) ** 2, 2 * np.maximum(x, 0)),
            lambda x, dy: (np.tanh(x), dy * (1 - x**2)),
            lambda x, dy: (np.tanh(x), dy),
            lambda x, dy: np.tanh(x),
        ),
    ),
    "18.3": Exercise(
        check_block,
        block,
        hints=(
            "Make two nn.Linear without bias, give them w1 and w2 with update_, and make x a "
            "tensor that requires a gradient. Own.apply stands between the layers.",
            "first.double() and second.double() keep float64. After y = x + scale * branch, call "
            "y.backward(dy) and read the .grad of x and of both weights.",
            "y = leaf + scale * second(Own.apply(first(leaf))); return y.data, leaf.grad, "
            "first.weight.grad, second.weight.grad.",
        ),
        points=15,
        wrong=(
            lambda x, w1, w2, scale, dy: (
                block(x, w1, w2, scale, dy)[0] - x,
                *block(x, w1, w2, scale, dy)[1:],
            ),
            lambda x, w1, w2, scale, dy: block(x, w1, w2, 1.0, dy),
            lambda x, w1, w2, scale, dy: (
                block(x, w1, w2, scale, dy)[0],
                block(x, w1, w2, scale, dy)[1] - dy,
                *block(x, w1, w2, scale, dy)[2:],
            ),
            lambda x, w1, w2, scale, dy: block(x, w1, w2.T, scale, dy),
        ),
    ),
    "18.4": Exercise(
        check_find,
        find,
        hints=(
            "check_backward of minires.gradcheck takes the forward pass, the backward pass and the "
            "arrays. Print its report and read the column of verdicts.",
            'Give it names=("x", "w1", "w2"). The report has rows, and each row has a tensor (its '
            "name) and a verdict.",
            'Return the row.tensor of each row in report.rows whose row.verdict is not "PASS".',
        ),
        kind="bug",
        points=15,
        wrong=(
            lambda forward, backward, x, w1, w2: ["x", "w1", "w2"],
            lambda forward, backward, x, w1, w2: [],
            lambda forward, backward, x, w1, w2: find(forward, backward, x, w1, w2)[:1],
            lambda forward, backward, x, w1, w2: "x",
        ),
    ),
    "18.5": Exercise(
        check_start,
        start,
        hints=(
            "Draw many standard normal numbers z. With E[x²] = v at its input, a block adds "
            "s² times the mean of own(√v z)² to v.",
            "Follow v through all blocks for a given s, and multiply 1 + s² · mean(slope²) for the "
            "gradient on the way; the slope is own_pass(√v z, ones)[1]. Try many s.",
            "Take the largest s for which both stay below 2.5 (these are squares). Return it with "
            "the square root of the product, and with own_pass.",
        ),
        kind="experiment",
        points=20,
        wrong=(
            lambda blocks: (1 / math.sqrt(blocks), 1.6, own_pass),
            lambda blocks: (0.0, 1.0, own_pass),
            lambda blocks: (0.01, 1.0, own_pass),
            lambda blocks: (start(blocks)[0], start(blocks)[1] ** 2, own_pass),
            lambda blocks: (start(blocks)[0], 1.0, own_pass),
        ),
    ),
    "18.6": Exercise(
        check_claim,
        claim,
        hints=(
            "Each seed gives one difference, ours minus the other's. What is their mean, and how "
            "uncertain is it?",
            "The standard error is the deviation (ddof=1) over the root of the number of seeds; "
            "the half width is T of the number of seeds times that.",
            'If the difference is within the half width it is "no difference"; else "better" '
            "where it is negative, for these are errors.",
        ),
        kind="experiment",
        points=10,
        wrong=(
            lambda ours, others: (float(np.mean(ours) - np.mean(others)), 0.0, "better"),
            lambda ours, others: (*claim(ours, others)[:2], "better"),
            lambda ours, others: claim(others, ours),
            lambda ours, others: (
                claim(ours, others)[0],
                float(np.std(np.subtract(ours, others))),
                claim(ours, others)[2],
            ),
        ),
    ),
    "18.7": Exercise(
        check_report,
        report,
        hints=(
            "Six keys: question, prediction, measured, spread, verdict, refuted_by. Which of them "
            "may depend on the run?",
            "measured, spread and verdict are what claim(ours, others) returns; prediction is what "
            "was given. The two sentences are yours.",
            "The question ends in a question mark; refuted_by says which result, in numbers, would "
            "make you give the verdict up.",
        ),
        kind="design",
        points=15,
        wrong=(
            lambda prediction, ours, others: report(claim(ours, others)[0], ours, others),
            lambda prediction, ours, others: (
                report(prediction, ours, others) | {"verdict": "better"}
            ),
            lambda prediction, ours, others: (
                report(prediction, ours, others)
                | {"refuted_by": "nothing at all could ever refute this"}
            ),
            lambda prediction, ours, others: report(prediction, ours, others) | {"question": "?"},
        ),
    ),
}
