"""Lesson 5: the degradation problem."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..exercise import (
    Exercise,
    Wrong,
    expect_choice,
    expect_number,
    number,
    require,
    require_written,
)
from ..expect import described

Sweep = dict[float, list[float | None]]


def _parameters(depth: int) -> int:
    return depth * (64 * 64 + 2 * 64) + 64 * 10 + 10


def _check_parameters(f: Callable[..., Any]) -> None:
    for depth in (6, 18, 7, 54):
        right = _parameters(depth)
        expect_number(
            f(depth),
            right,
            0,
            f"parameters of {depth} layers",
            mistakes={
                "the layers have no bias of their own": right + 64 * depth,
                "batch norm has a weight and a bias": right - 64 * depth,
                "batch norm has parameters too": right - 128 * depth,
                "the head is missing": right - 650,
                "the head has a bias": right - 10,
            },
        )


def _diagnose(
    shallow_train: float, deep_train: float, shallow_test: float, deep_test: float, margin: float
) -> str:
    if deep_train > shallow_train + margin:
        return "degradation"
    return "overfitting" if deep_test > shallow_test + margin else "neither"


def _check_diagnose(f: Callable[..., Any]) -> None:
    for errors in (
        (0.07, 0.82, 0.19, 0.83, 0.05),
        (0.05, 0.01, 0.12, 0.20, 0.05),
        (0.05, 0.01, 0.20, 0.12, 0.05),
        (0.02, 0.04, 0.15, 0.10, 0.05),
        (0.02, 0.04, 0.15, 0.10, 0.01),
        (0.30, 0.30, 0.40, 0.45, 0.02),
        (0.30, 0.33, 0.30, 0.50, 0.10),
        (0.30, 0.45, 0.30, 0.50, 0.10),
    ):
        right = _diagnose(*errors)
        careless = _diagnose(*errors[:4], 0.0)
        expect_choice(
            f(*errors),
            right,
            "shallow_train, deep_train, shallow_test, deep_test, margin = "
            f"{', '.join(map(str, errors))}: compare the training errors first, deep with shallow",
            mistakes={
                "an error counts as higher only if it is higher by more than the margin "
                f"({', '.join(map(str, errors))})": careless if careless != right else None
            },
        )


def _best_of_sweep(sweep: Sweep) -> tuple[float, float]:
    means = {
        rate: sum(e for e in errors if e is not None) / len(errors)
        for rate, errors in sweep.items()
        if None not in errors
    }
    rate = min(means, key=means.__getitem__)
    return rate, means[rate]


def _sweeps() -> list[Sweep]:
    """Return sweeps with a trap each: a lucky seed, a diverged one, the first rate, the last."""
    rng = np.random.default_rng(5)
    sweeps: list[Sweep] = [
        {0.1: [40.0, 60.0], 0.01: [10.0, 30.0], 0.001: [12.0, None]},
        {0.1: [1.0, 90.0, 90.0], 0.03: [20.0, 22.0, 21.0], 0.01: [30.0, 31.0, 29.0]},
        {0.3: [None, None], 0.1: [5.0, 7.0], 0.01: [50.0, 40.0]},
    ]
    for _ in range(4):
        rates = (0.1, 0.03, 0.01, 0.003)
        sweeps.append({rate: [float(e) for e in rng.uniform(1, 90, 3).round(1)] for rate in rates})
        sweeps[-1][rates[int(rng.integers(4))]][0] = None
    return sweeps


def _check_best(f: Callable[..., Any]) -> None:
    for sweep in _sweeps():
        rate, error = _best_of_sweep(sweep)
        found = f({r: list(e) for r, e in sweep.items()})
        require_written(found)
        pair = list(found) if isinstance(found, list | tuple | np.ndarray) else []
        if len(pair) != 2 or number(pair[0]) is None or number(pair[1]) is None:
            raise Wrong(f"expected (rate, mean error), got {described(found)}")
        lucky = min((e, r) for r, errors in sweep.items() for e in errors if e is not None)
        dropped = {
            r: float(np.mean([e for e in errors if e is not None]))
            for r, errors in sweep.items()
            if any(e is not None for e in errors)
        }
        expect_number(
            pair[0],
            rate,
            1e-9,
            f"the best rate of {sweep}",
            mistakes={
                "is that the rate of the luckiest seed? Compare means": lucky[1],
                "is that the error? The rate comes first": error,
                "a rate at which a seed diverged does not count": min(
                    dropped, key=dropped.__getitem__
                ),
            },
        )
        expect_number(pair[1], error, 1e-6, f"the mean error at the best rate of {sweep}")


def _advantage(plain: Sweep, residual: Sweep) -> float:
    return _best_of_sweep(plain)[1] - _best_of_sweep(residual)[1]


def _same_rate(plain: Sweep, residual: Sweep) -> float:
    """Return the difference of the means at the rate 0.01, NaN if a seed diverged there."""
    both = [math.nan if e is None else e for e in residual[0.01]]
    return float(np.mean([e for e in plain[0.01] if e is not None])) - float(np.mean(both))


def _check_advantage(f: Callable[..., Any]) -> None:
    sweeps = [s | {0.01: s.get(0.01, [80.0, 85.0])} for s in _sweeps() if None not in s[0.01]]
    for plain, residual in itertools.pairwise(sweeps):
        right = _advantage(plain, residual)
        found = f({r: list(e) for r, e in plain.items()}, {r: list(e) for r, e in residual.items()})
        luckiest = min(e for errors in residual.values() for e in errors if e is not None)
        usual = float(np.mean([e for e in plain[0.01] if e is not None]))
        expect_number(
            found,
            right,
            1e-6,
            f"the advantage with plain {plain} and residual {residual}",
            mistakes={
                "the plain net is still taken at one rate, the residual one at its best": usual
                - _best_of_sweep(residual)[1],
                "the residual net still counts with its luckiest seed": _best_of_sweep(plain)[1]
                - luckiest,
                "this is still the colleague's number": usual - luckiest,
                "both arms at the same rate? Take each at its best": _same_rate(plain, residual),
            },
        )


def _world(cure: str, seed: int, place: float = 1.0) -> Callable[..., float]:
    """Return `train` of a world in which one change repairs the net of 54 layers.

    At 18 layers more steps and a smaller rate always help, in every world.
    """
    noise = np.random.default_rng(seed)

    def train(depth: int, rate: float = 0.01, steps: float = 1, clip: float | None = None) -> float:
        depth, rate, steps = int(depth), float(rate), float(steps)
        if depth <= 6:
            error = 0.03
        elif depth <= 18:
            error = 0.30 / max(steps, 1) ** 1.5
        else:
            repaired = {
                "rate": place / 2 <= rate <= place * 2,
                "steps": steps >= 5,
                "clip": clip is not None and 0 < float(clip) <= 1,
            }
            error = 0.80 - 0.05 * min(max(steps, 1) - 1, 2)
            error = 0.04 if repaired.get(cure) else error
        return float(error + noise.uniform(-0.005, 0.005))

    return train


def _what_repairs(train: Callable[..., float]) -> str:
    goal = train(6) + 0.05
    if min(train(54, rate=rate) for rate in (1e-4, 1e-3, 3e-3, 0.03, 0.1, 0.3, 1.0)) <= goal:
        return "rate"
    if train(54, steps=10) <= goal:
        return "steps"
    return "clip" if train(54, clip=1.0) <= goal else "none"


def _check_design(f: Callable[..., Any]) -> None:
    worlds: Sequence[tuple[str, float]] = (
        ("none", 1.0),
        ("rate", 0.001),
        ("clip", 1.0),
        ("rate", 0.1),
        ("steps", 1.0),
    )
    tried: list[tuple[Any, ...]] = []
    for seed, (cure, place) in enumerate(worlds):
        world = _world(cure, seed, place)
        tried.clear()

        def train(
            depth: int,
            rate: float = 0.01,
            steps: float = 1,
            clip: float | None = None,
            world: Callable[..., float] = world,
        ) -> float:
            require(len(tried) < 500, "more than 500 trainings: a few controls are enough")
            tried.append((depth, rate, steps, clip))
            return world(depth, rate, steps, clip)

        found = f(train)
        require_written(found)
        deep = [t for t in tried if t[0] >= 54]
        expect_choice(
            found,
            cure,
            f"world {seed + 1}, in which you trained {len(tried)} nets, {len(deep)} of them with "
            f"54 layers: {_advice(deep)}",
            synonyms={"rate": ("learning rate",), "clip": ("clipping",), "none": ("nothing",)}.get(
                cure, ()
            ),
        )


def _advice(deep: Sequence[tuple[Any, ...]]) -> str:
    if not deep:
        return "the claim is about the net of 54 layers, so the controls belong there"
    rates = {rate for _, rate, _, _ in deep}
    if min(rates) > 0.001 or max(rates) < 0.1:
        return "try rates well below and well above the usual one"
    if max(steps for _, _, steps, _ in deep) < 5:
        return "train several times as long, too"
    if all(clip is None for *_, clip in deep):
        return "try a limit of the gradient, too"
    return "compare with the net of 6 layers as it is, and change one thing at a time"


EXERCISES = {
    "5.1": Exercise(
        _check_parameters,
        _parameters,
        (
            "Count one layer first, then multiply by the depth, then add what comes once.",
            "A layer has a matrix of 64 × 64 numbers and, for batch norm, two numbers a unit.",
            "The head is a matrix of 64 × 10 numbers and 10 biases, and is there once.",
        ),
        kind="line",
        wrong=(
            lambda depth: depth * (64 * 64 + 64) + 650,
            lambda depth: depth * (64 * 64 + 2 * 64),
            lambda depth: 76682,
        ),
    ),
    "5.2": Exercise(
        _check_diagnose,
        _diagnose,
        (
            "Both words are about a deeper net; they differ in which error is higher.",
            "Look at the training errors first. If the deep net's is higher, one word is settled.",
            "Only if it is not, compare the two test errors.",
        ),
        kind="function",
        wrong=(
            lambda a, b, c, d, margin: "overfitting" if d > b + margin else "neither",
            lambda a, b, c, d, margin: "degradation" if d > c + margin else "neither",
            lambda a, b, c, d, margin: _diagnose(a, b, c, d, 0.0),
        ),
    ),
    "5.3": Exercise(
        _check_best,
        _best_of_sweep,
        (
            "For each rate average over the seeds, then take the rate with the smallest mean.",
            "Leave out a rate as soon as one of its errors is None.",
            "Make a dictionary of the means of rates without a None, and take min(d, key=d.get).",
        ),
        kind="function",
        wrong=(
            lambda sweep: min((e, r) for r, es in sweep.items() for e in es if e is not None)[::-1],
            lambda sweep: min(
                (sum(k := [e for e in es if e is not None]) / max(len(k), 1), r)
                for r, es in sweep.items()
            )[::-1],
            lambda sweep: 0.01,
        ),
    ),
    "5.4": Exercise(
        _check_advantage,
        _advantage,
        (
            "Which rate does he use for the plain net, and which for the residual net?",
            "And over what does he average on each side? `min(lucky)` is a single run.",
            "Compute the mean at the best rate, by one and the same piece of code, for both.",
        ),
        kind="bug",
        wrong=(
            lambda plain, residual: (
                float(np.mean(plain[0.01]))
                - min(e for es in residual.values() for e in es if e is not None)
            ),
            lambda plain, residual: float(np.mean(plain[0.01])) - _best_of_sweep(residual)[1],
            lambda plain, residual: (
                _best_of_sweep(plain)[1]
                - min(e for es in residual.values() for e in es if e is not None)
            ),
        ),
    ),
    "5.5": Exercise(
        _check_design,
        _what_repairs,
        (
            "The goal is the error of the net of 6 layers plus 0.05. All controls use 54 layers.",
            "Change one thing at a time: rates in both directions, many more steps, a limit.",
            "Compute goal = train(6) + 0.05, then ask of train(54, rate=…), train(54, steps=10) "
            "and train(54, clip=1) in turn whether it is reached.",
        ),
        kind="design",
        wrong=(
            lambda train: "none",
            lambda train: "steps" if train(18, steps=3) < train(18) / 2 else "none",
            lambda train: "rate" if train(54, rate=0.001) < train(6) + 0.05 else "none",
        ),
    ),
}
