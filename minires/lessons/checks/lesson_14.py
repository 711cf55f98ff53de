"""Exercises of lesson 14: heads, standardisation, controls, statistics, thawing, worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import (
    Exercise,
    expect_array,
    expect_choice,
    expect_number,
    require,
    require_written,
)
from ..expect import shown


def _check_count(f: Callable[..., Any]) -> None:
    for width, classes in ((2, 3), (16, 10), (16, 5), (8, 100)):
        expect_number(
            f(width, classes), 4 * width * classes + classes, 1e-9, f"w = {width}, K = {classes}",
            mistakes={
                "each class has a bias too": 4 * width * classes,
                "the head sees the third stage, with 4 w channels": width * classes + classes,
                "there is one bias for each class, not for each channel":
                    4 * width * classes + 4 * width,
                "there is one bias for each class, not one in all": 4 * width * classes + 1,
            },
        )  # fmt: skip


def _head(features: Any, labels: Any, classes: int, strength: float, bias: bool = True) -> Any:
    a = np.asarray(features, dtype=np.float64)
    if bias:
        a = np.hstack([a, np.ones((len(a), 1))])
    targets = np.eye(classes)[labels]
    return np.linalg.solve(a.T @ a + strength * np.eye(a.shape[1]), a.T @ targets)


def _check_head(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(14)
    for n, width, classes, strength in ((6, 2, 2, 0.1), (20, 5, 3, 0.5), (4, 7, 4, 1.0)):
        x = rng.standard_normal((n, width)) + 1
        labels = np.arange(n) % classes
        a = np.hstack([x, np.ones((n, 1))])
        first = np.hstack([np.ones((n, 1)), x])
        targets = np.eye(classes)[labels]
        outside = np.linalg.solve(a.T @ a + strength, a.T @ targets) if n > width + 1 else None
        mistakes = {
            "the term with λ is missing": _head(x, labels, classes, 0.0)
            if n > width + 1 else np.zeros(0),
            "the column of ones belongs behind the features": np.linalg.solve(
                first.T @ first + strength * np.eye(width + 1), first.T @ targets
            ),
            "λ is added on the diagonal only: multiply it by the identity": outside,
            "here λ acts on the bias too: the identity is as large as A.T @ A": np.linalg.solve(
                a.T @ a + strength * np.diag([1.0] * width + [0.0]), a.T @ targets
            ),
        }  # fmt: skip
        found = f(x.copy(), labels.copy(), classes, strength)
        require_written(found)
        require(
            np.shape(found) != (width, classes),
            f"the head has {width + 1} rows: one for the bias, from a column of ones",
        )
        expect_array(
            found, _head(x, labels, classes, strength), f"{n} samples, {width} features", 1e-6,
            mistakes={k: v for k, v in mistakes.items() if v is not None},
        )  # fmt: skip


def _standardised(train: Array, test: Array) -> tuple[Any, Any]:
    mean, deviation = train.mean(axis=0), train.std(axis=0) + 1e-6
    return (train - mean) / deviation, (test - mean) / deviation


def _check_standardised(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(3)
    for n, m, width in ((3, 1, 1), (8, 5, 3), (5, 9, 2)):
        train = rng.standard_normal((n, width)) * 3 + 2
        test = rng.standard_normal((m, width)) + 5
        found = f(train.copy(), test.copy())
        require_written(found)
        require(
            isinstance(found, tuple | list) and len(found) == 2, "return two arrays: (train, test)"
        )
        right = _standardised(train, test)
        both = np.concatenate([train, test])
        of_both = _standardised(both, both)[0]
        expect_array(
            found[0], right[0], "the labelled images", 1e-5,
            mistakes={"the new images may not act on what is learned": of_both[:n],
                      "one mean for each feature: axis=0":
                          (train - train.mean()) / (train.std() + 1e-6)},
        )  # fmt: skip
        expect_array(
            found[1], right[1], "the new images", 1e-5,
            mistakes={
                "the bug is still there: a new image is to be treated as the labelled ones were":
                    (test - test.mean(axis=0)) / (test.std(axis=0) + 1e-6),
                "the new images may not act on what is learned": of_both[n:],
                "the mean is that of the labelled images, but not the deviation":
                    (test - train.mean(axis=0)) / (test.std(axis=0) + 1e-6),
            },
        )  # fmt: skip


def _check_control(f: Callable[..., Any]) -> None:
    expect_choice(
        f(), 2, "which two experiments differ in the training on photographs and in nothing else?",
        mistakes={
            "the pixels differ from the features in the architecture too": 1,
            "a deeper net differs in the architecture, which is what was to be ruled out": 3,
            "more labels tell nothing about where the features come from": 4,
        },
    )  # fmt: skip


def _check_old(f: Callable[..., Any]) -> None:
    for n, momentum in ((0, 0.1), (1, 0.1), (10, 0.1), (44, 0.1), (3, 0.5)):
        expect_number(
            f(n, momentum), (1 - momentum) ** n, 1e-6, f"{n} batches, momentum {momentum:g}",
            mistakes={
                "that is the part that is new": 1 - (1 - momentum) ** n,
                "each batch takes its part of what is left, not of the beginning":
                    1 - momentum * n if n > 1 else math.nan,
                "here momentum is the part that is new": momentum**n,
            },
        )  # fmt: skip


def _plan(stages: Sequence[str], steps: int) -> dict[int, str | None]:
    frozen_up_to = [*reversed(stages), None]
    return {i * steps // len(frozen_up_to): stage for i, stage in enumerate(frozen_up_to)}


def _check_plan(f: Callable[..., Any]) -> None:
    cases = ((["layer1", "layer2", "layer3"], 100), (["a"], 10), (["stem", "one", "two", "x"], 33))
    for stages, steps in cases:
        found = f(list(stages), steps)
        require_written(found)
        require(isinstance(found, dict), "expected a dictionary from steps to names")
        require(
            all(isinstance(k, int | np.integer) for k in found),
            f"the keys are steps, whole numbers; yours are {shown(list(found))}",
        )
        mine = {int(k): v for k, v in found.items()}
        right = _plan(stages, steps)
        if mine == right:
            continue
        what = f"stages {stages}, {steps} steps: yours is {shown(mine)}"
        n = len(stages)
        upside_down = {i * steps // (n + 1): s for i, s in enumerate([*stages, None])}
        require(mine != upside_down, f"{what}: the stage next to the head thaws first")
        require("None" not in mine.values(), f"{what}: None is written without quotes")
        require(None in mine.values(), f"{what}: in the last period nothing is frozen, None")
        require(
            list(mine.values()) == list(right.values()),
            f"{what}: at first everything up to the last stage is frozen, then one stage less",
        )
        require(
            list(mine) == list(right),
            f"{what}: {n} stages make {n + 1} periods; period i begins at i * steps // {n + 1}",
        )


def _worth(labels: Sequence[float], errors: Sequence[float], error: float) -> float:
    at = np.interp(error, np.array(errors)[::-1], np.log(np.array(labels, dtype=float))[::-1])
    return float(np.exp(at))


def _linear(labels: Sequence[float], errors: Sequence[float], error: float) -> float:
    return float(np.interp(error, np.array(errors)[::-1], np.array(labels, dtype=float)[::-1]))


def _forwards(labels: Sequence[float], errors: Sequence[float], error: float) -> float:
    return float(np.exp(np.interp(error, errors, np.log(np.array(labels, dtype=float)))))


def _check_worth(f: Callable[..., Any]) -> None:
    labels, errors = [5, 20, 100], [40.0, 20.0, 10.0]
    for error in (30.0, 15.0, 20.0, 55.0, 3.0, 12.5):
        found = f(list(labels), list(errors), error)
        require(
            found is not None or error == 30.0,
            f"an error of {error:g} %: None came back; what lies outside counts as the nearest end",
        )
        expect_number(
            found, _worth(labels, errors, error), 1e-4,
            f"an error of {error:g} %, with {labels} labels and {errors} %",
            mistakes={
                "that is a straight line over the labels, not over their logarithm":
                    _linear(labels, errors, error) if error not in (20.0, 55.0, 3.0) else math.nan,
                "that is the logarithm of the answer": math.log(_worth(labels, errors, error)),
                "np.interp wants ascending places, and the errors descend":
                    _forwards(labels, errors, error),
            },
        )  # fmt: skip


EXERCISES = {
    "14.1": Exercise(
        _check_count,
        lambda width, classes: 4 * width * classes + classes,
        hints=(
            "How many numbers does the head see, and what does it make of them for each class?",
            "It sees 4 w numbers. Each class has a weight for each of them, and one bias.",
            "4 * width * classes weights and `classes` biases.",
        ),
        kind="number",
        wrong=(
            lambda width, classes: 4 * width * classes,
            lambda width, classes: width * classes + classes,
            lambda width, classes: 4 * width * classes + 4 * width,
        ),
    ),
    "14.2": Exercise(
        _check_head,
        _head,
        hints=(
            "Build A and T first. np.hstack puts a column behind an array, np.eye(classes)[labels] "
            "has a row with a single 1 for each label.",
            "The matrix of the equation is a.T @ a plus strength times the identity of its size; "
            "the right side is a.T @ targets.",
            "np.linalg.solve(a.T @ a + strength * np.eye(a.shape[1]), a.T @ targets).",
        ),
        kind="function",
        wrong=(
            lambda features, labels, classes, strength: _head(
                features, labels, classes, strength, bias=False
            ),
            lambda features, labels, classes, strength: _head(features, labels, classes, 1e-9),
            lambda features, labels, classes, strength: _head(
                features, labels, classes, strength**2
            ),
        ),
    ),
    "14.3": Exercise(
        _check_standardised,
        _standardised,
        hints=(
            "A new image comes alone. What do you know when it comes?",
            "Mean and deviation are part of what was learned, as the weights of the head are. From "
            "which images may they come?",
            "Compute mean and deviation of `train` once, and use them for both arrays.",
        ),
        kind="bug",
        wrong=(
            lambda train, test: (_standardised(train, test)[0], _standardised(test, test)[0]),
            lambda train, test: tuple(
                np.split(_standardised(*[np.concatenate([train, test])] * 2)[0], [len(train)])
            ),
            lambda train, test: _standardised(test, train)[::-1],
        ),
    ),
    "14.4": Exercise(
        _check_control,
        lambda: 2,
        hints=(
            "A control differs from the experiment in a single thing (lesson 5). Which one?",
            "The thing is the training on photographs. Everything else has to stay: images, "
            "labels, architecture, number of features, head.",
            "Take the same network before its training.",
        ),
        kind="design",
        wrong=(lambda: 1, lambda: 3, lambda: 4),
    ),
    "14.5": Exercise(
        _check_old,
        lambda n, momentum: (1 - momentum) ** n,
        hints=(
            "After one batch the part 1 - momentum of the old mean is left. And after two?",
            "Each batch multiplies what is left by the same factor.",
            "Raise 1 - momentum to the power of n.",
        ),
        kind="line",
        wrong=(
            lambda n, momentum: 1 - momentum * n,
            lambda n, momentum: momentum**n,
            lambda n, momentum: 1 - (1 - momentum) ** n,
        ),
    ),
    "14.6": Exercise(
        _check_plan,
        _plan,
        hints=(
            "Write the values in their order first: which stage is the last frozen one in the "
            "first period, and which in the last?",
            "The values are the stages from the last to the first, and then None. The keys are "
            "i * steps // (n + 1) for i from 0 to n.",
            "enumerate([*reversed(stages), None]) gives i and the value.",
        ),
        kind="function",
        wrong=(
            lambda stages, steps: {
                i * steps // (len(stages) + 1): s for i, s in enumerate([*stages, None])
            },
            lambda stages, steps: {
                i * steps // len(stages): s for i, s in enumerate(reversed(stages))
            },
            lambda stages, steps: {0: stages[-1], steps // 2: None},
            lambda stages, steps: {stage: step for step, stage in _plan(stages, steps).items()},
            lambda stages, steps: {step + 0.5: s for step, s in _plan(stages, steps).items()},
        ),
    ),
    "14.7": Exercise(
        _check_worth,
        _worth,
        hints=(
            "Here the error is known and the labels are asked for: which of the two lists is x?",
            "np.interp(error, errors, logarithms of the labels), where the errors have to ascend: "
            "turn both lists round with [::-1].",
            "np.exp(np.interp(error, np.array(errors)[::-1], np.log(labels)[::-1])).",
        ),
        kind="experiment",
        wrong=(_linear, _forwards, lambda labels, errors, error: math.log(
            _worth(labels, errors, error))),
    ),
}  # fmt: skip
