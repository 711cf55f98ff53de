"""Lesson 11: the full recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..exercise import Exercise, expect_array, expect_number
from .recipes import (
    check_crop,
    check_run_epochs,
    check_survivors,
    crop,
    pair,
    run_epochs,
    survivors,
)


def _check_three_steps(f: Callable[..., Any]) -> None:
    v, w = pair(f(), "(velocity, weight)")
    expect_number(
        v, 0.5, 1e-6, "the velocity after three steps",
        mistakes={
            "so it is after two steps, or if older gradients counted in full": 3.0,
            "the rate does not go into the velocity": 0.05,
            "the newest gradient counts in full": 0.25,
            "the velocity comes first, then the weight": 0.45,
        },
    )  # fmt: skip
    expect_number(
        w, 0.45, 1e-6, "the weight after three steps",
        mistakes={
            "that is what happens without momentum": 0.7,
            "that is the last step alone; there were three": 0.95,
            "each step goes against its velocity": 1.55,
        },
    )  # fmt: skip


def _sgd_step(
    w: Any, g: Any, v: Any, rate: float, momentum: float, decay: float, nesterov: bool
) -> tuple[Any, Any]:
    g = g + decay * w
    v = momentum * v + g
    return w - rate * (g + momentum * v if nesterov else v), v


def _check_sgd_step(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(11)
    for shape in ((3,), (2, 4)):
        w, g, v = rng.standard_normal((3, *shape))
        for nesterov, decay in ((False, 0.0), (False, 0.3), (True, 0.0), (True, 0.3)):
            rate, m = 0.1, 0.8
            right, velocity = _sgd_step(w, g, v, rate, m, decay, nesterov)
            new_w, new_v = pair(f(w.copy(), g.copy(), v.copy(), rate, m, decay, nesterov), "(w, v)")
            said = f"nesterov={nesterov}, decay={decay:g}"
            h = g + decay * w
            expect_array(
                new_v, velocity, f"the velocity, {said}", 1e-9,
                mistakes={
                    "decay is part of the gradient, so it goes into the velocity": m * v + g,
                    "the newest gradient counts in full": m * v + (1 - m) * h,
                    "the old velocity is multiplied by the momentum": v + h,
                    "the rate does not go into the velocity": m * v + rate * h,
                    "the rate belongs into the step, not into the velocity": m * v - rate * h,
                    "the weights come first, then the velocity": right,
                    "look at the sign of the decay": m * v + g - decay * w,
                },
            )  # fmt: skip
            expect_array(
                new_w, right, f"the weights, {said}", 1e-9,
                mistakes={
                    "with nesterov the step is along g + m v": w - rate * velocity,
                    "the g of g + m v has the decay in it too": w - rate * (g + m * velocity),
                    "m multiplies the new velocity, not the old one": w - rate * (h + m * v),
                    "the step goes against the velocity": 2 * w - right,
                    "decay is applied twice": right - rate * decay * w,
                },
            )  # fmt: skip


def _factor(done: float, warmup: float, cuts: Sequence[float] | None) -> float:
    if done < warmup:
        return done / warmup
    u = (done - warmup) / (1 - warmup)
    return 1 - u if cuts is None else 0.1 ** sum(u >= cut for cut in cuts)


def _check_factor(f: Callable[..., Any]) -> None:
    for warmup, cuts in ((0.0, None), (0.0, [0.5, 0.75]), (0.2, None), (0.25, [0.5, 0.8])):
        for done in (0.0, 0.05, 0.2, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0):
            right = _factor(done, warmup, cuts)
            passed = sum(done >= cut for cut in cuts or ())
            kind = "linear" if cuts is None else f"cuts at {cuts}"
            expect_array(
                f(done, warmup, cuts), right, f"done = {done:g}, warm-up {warmup:g}, {kind}", 1e-9,
                mistakes={
                    "during the warm-up it rises from 0 to 1": _factor(done, 0.0, cuts),
                    "u is the fraction of what is left after the warm-up":
                        1 - done if cuts is None else 0.1**passed,
                    "a cut counts as soon as u has reached it, not only beyond it":
                        _factor(done, warmup, cuts and [cut + 1e-9 for cut in cuts]),
                    "the rest of the training is only 1 - warmup long":
                        _factor(warmup + (done - warmup) * (1 - warmup), warmup, cuts),
                    "that is u; the factor falls": 1 - right,
                    "each cut that has been reached divides by ten, not only the last one":
                        0.1 if right < 0.1 else right,
                },
            )  # fmt: skip


def _half_life(rate: float, momentum: float, decay: float) -> float:
    return math.log(2) * (1 - momentum) / (rate * decay)


def _check_half_life(f: Callable[..., Any]) -> None:
    for rate, m, decay in ((0.1, 0.0, 0.001), (0.1, 0.9, 1e-4), (0.2, 0.8, 5e-4)):
        right = _half_life(rate, m, decay)
        mistakes = {
            "that many steps take it to 1/e; a half comes earlier": right / math.log(2),
            "log(0.5) is negative; there are so many steps": -right,
        }
        if m:
            mistakes |= {
                "momentum makes every step of the decay longer": math.log(2) / (rate * decay),
                "with momentum it takes less time, not more": right / (1 - m) ** 2,
            }
        expect_number(
            f(rate, m, decay), right, 0.01, f"rate {rate:g}, momentum {m:g}, decay {decay:g}",
            mistakes=mistakes,
        )  # fmt: skip


EXERCISES = {
    "11.1": Exercise(
        _check_three_steps,
        lambda: (0.5, 0.45),
        hints=(
            "Take one step after the other: first the velocity, then the weight.",
            "The velocities are 2, then half of 2 plus 2, then half of that plus -1.",
            "They are 2, 3 and 0.5. The weight loses a tenth of each.",
        ),
        kind="number",
        wrong=(lambda: (3.0, 0.7), lambda: (0.5, 0.7), lambda: (0.05, 0.45), lambda: 0.5),
    ),
    "11.2": Exercise(
        _check_sgd_step,
        _sgd_step,
        hints=(
            "Three lines will do: the gradient with decay, the velocity, the weights.",
            "g = g + decay * w, then v = momentum * v + g. What is the step along, in the two "
            "cases?",
            "The last line subtracts rate times (g + momentum * v) with nesterov, and rate times "
            "v without it; both use the new g and the new v.",
        ),
        kind="function",
        wrong=(
            lambda w, g, v, rate, m, decay, n: (w - rate * (m * v + g), m * v + g),
            lambda w, g, v, rate, m, decay, n: _sgd_step(w, g, v, rate, m, decay, False),
            lambda w, g, v, rate, m, decay, n: (
                _sgd_step(w, g, v, rate, m, decay, n)[0] - rate * decay * w,
                _sgd_step(w, g, v, rate, m, decay, n)[1],
            ),
        ),
    ),
    "11.3": Exercise(
        _check_factor,
        _factor,
        hints=(
            "There are two cases, before the end of the warm-up and after it.",
            "After the warm-up, done - warmup of the training has been spent on the schedule, out "
            "of 1 - warmup.",
            "u = (done - warmup) / (1 - warmup); count the cuts that are not above u and take 0.1 "
            "to that power.",
        ),
        kind="function",
        wrong=(
            lambda done, warmup, cuts: _factor(done, 0.0, cuts),
            lambda done, warmup, cuts: (
                done / warmup
                if done < warmup
                else 1 - done
                if cuts is None
                else 0.1 ** sum(done >= c for c in cuts)
            ),
        ),
    ),
    "11.4": Exercise(
        _check_half_life,
        _half_life,
        hints=(
            "One step multiplies by 1 - z. How many such factors make a half?",
            "n log(1 - z) = log(1/2), and log(1 - z) is nearly -z. What is z, with momentum?",
            "z is rate * decay / (1 - momentum), and n is log(2) / z.",
        ),
        kind="line",
        wrong=(
            lambda rate, m, decay: math.log(2) / (rate * decay),
            lambda rate, m, decay: (1 - m) / (rate * decay),
            lambda rate, m, decay: -_half_life(rate, m, decay),
        ),
    ),
    "11.5": Exercise(
        check_crop,
        crop,
        hints=(
            "Make the larger image first, then cut a window out of it.",
            "np.zeros((h + 2 * pad, w + 2 * pad)) is the larger image. Where does the image go, "
            "and where does the window begin?",
            "The image fills rows pad to pad + h of it; the window is its rows top to top + h and "
            "its columns left to left + w.",
        ),
        kind="function",
        wrong=(
            lambda image, pad, top, left: np.roll(image, (pad - top, pad - left), (0, 1)),
            lambda image, pad, top, left: crop(image, pad, left, top),
            lambda image, pad, top, left: crop(image, pad, 2 * pad - top, 2 * pad - left),
        ),
    ),
    "11.6": Exercise(
        check_survivors,
        survivors,
        hints=(
            "Which images does the net see, and what is it right about?",
            "predict(change(images)) == labels says for each image whether it survives. Now take "
            "the images of one class after the other.",
            "For class k it is the mean of these truth values where labels == k.",
        ),
        kind="experiment",
        wrong=(
            lambda predict, images, labels, change: survivors(predict, images, labels, lambda x: x),
            lambda predict, images, labels, change: [
                1 - v for v in survivors(predict, images, labels, change)
            ],
        ),
    ),
    "11.7": Exercise(
        check_run_epochs,
        run_epochs,
        hints=(
            "In which mode is the net at the second step of the second epoch?",
            "Evaluation switches the mode. Nothing switches it back.",
            "Call to_train() at the beginning of each epoch, inside the outer loop.",
        ),
        kind="bug",
        wrong=(
            lambda epochs, batches, to_train, to_eval, step, evaluate: (
                to_train(),
                [
                    ([step(e, b) for b in range(batches)], to_eval(), evaluate())[-1]
                    for e in range(epochs)
                ],
            )[-1],
            lambda epochs, batches, to_train, to_eval, step, evaluate: [
                (to_train(), [step(e, b) for b in range(batches)], evaluate())[-1]
                for e in range(epochs)
            ],
        ),
    ),
}
