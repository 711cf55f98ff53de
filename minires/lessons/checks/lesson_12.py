"""Exercises of lesson 12: lesions, swaps, paths and weight decay."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, expect_array, expect_number, number, require, require_written


def _check_left(f: Callable[..., Any]) -> None:
    for n, k in ((3, 1), (5, 0), (10, 4), (54, 20), (6, 6)):
        expect_number(
            f(n, k), 2 ** (n - k), 1e-9, f"{n} blocks, {k} deleted",
            mistakes={
                "a deleted block halves the number, it does not lower it by one or two":
                    2**n - 2 * k,
                "that is the number of blocks left": n - k,
                "those are the paths that are gone": 2**n - 2 ** (n - k),
                "that many ways there are to choose the blocks": math.comb(n, k),
                "those are all paths of the whole net": 2**n,
            } if k else {},
        )  # fmt: skip


def _run(
    x: Any, branches: Sequence[Callable[[Any], Any]], skip: bool, deleted: Sequence[int]
) -> Any:
    for i, branch in enumerate(branches):
        if i not in deleted:
            x = x + branch(x) if skip else branch(x)
    return x


def _zeroed(
    x: Any, branches: Sequence[Callable[[Any], Any]], skip: bool, deleted: Sequence[int]
) -> Any:
    for i, branch in enumerate(branches):
        y = 0 * x if i in deleted else branch(x)
        x = x + y if skip else y
    return x


def _check_run(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(12)
    for n, width, deleted in ((1, 2, []), (3, 4, [1]), (4, 3, [3, 0])):
        weights = rng.standard_normal((n, width, width))
        branches = [lambda v, w=w: np.tanh(w @ np.asarray(v)) for w in weights]
        x = rng.standard_normal(width)
        for skip in (True, False):
            kind = "residual" if skip else "plain"
            expect_array(
                f(x.copy(), branches, skip, list(deleted)), _run(x, branches, skip, deleted),
                f"{n} {kind} blocks without {deleted}", 1e-6,
                mistakes={
                    "nothing is deleted": _run(x, branches, skip, []),
                    "a deleted plain block hands on what comes in, not zeros":
                        _zeroed(x, branches, skip, deleted),
                    "the places count from 0": _run(x, branches, skip, [i - 1 for i in deleted]),
                    "a residual block adds x": _run(x, branches, False, deleted),
                    "a plain block does not add x": _run(x, branches, True, deleted),
                },
            )  # fmt: skip


def _swap(a: Array, b: Array, x: Array) -> Any:
    return (a @ b - b @ a) @ x


def _check_swap(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(3)
    for n in (2, 4):
        a, b = rng.standard_normal((2, n, n))
        x = rng.standard_normal(n)
        expect_array(
            f(a.copy(), b.copy(), x.copy()), _swap(a, b, x), f"blocks of {n} units", 1e-6,
            mistakes={
                "that is before minus after": -_swap(a, b, x),
                "with + x nearly everything is the same before and after":
                    ((np.eye(n) + a) @ (np.eye(n) + b) - b @ a) @ x,
                "that is z after the swap; subtract z before it":
                    (np.eye(n) + a) @ (np.eye(n) + b) @ x,
                "the matrices do not commute: a @ b is not b @ a": 0 * x,
                "matrices are multiplied by @, not by *": (a * b - b * a) @ x,
            },
        )  # fmt: skip


def _error(forward: Callable[..., Any], x: Any, y: Any) -> float:
    return 100 * float((np.asarray(forward(x, False)).argmax(axis=1) != y).mean())


def _check_error(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(4)
    for n in (40, 300):
        x, weights = 3 * rng.standard_normal((n, 5)) + 2, rng.standard_normal((5, 10))
        y = rng.integers(0, 10, n)
        modes: list[bool] = []

        def forward(v: Any, training: Any = True, w: Array = weights, modes: Any = modes) -> Any:
            modes.append(bool(training))
            v = np.asarray(v, dtype=np.float64)
            if training:
                v = (v - v.mean(axis=0)) / v.std(axis=0)
            return v @ w

        y[: n // 2] = forward(x, False).argmax(axis=1)[: n // 2]  # so that half are right
        right, in_training = _error(forward, x, y), 100 * (forward(x).argmax(axis=1) != y).mean()
        modes.clear()
        found = f(forward, x.copy(), y.copy())
        require_written(found)
        require(not any(modes), "a pass in training mode is still there: it uses the statistics of "
                "this batch, and changes those that are kept")  # fmt: skip
        expect_number(
            found, right, 1e-6, f"{n} samples, in %",
            mistakes={
                "that is the error in training mode": float(in_training),
                "that is the share that is right": 100 - right,
                "a fraction is not per cent": right / 100,
            },
        )  # fmt: skip


def _predicted(whole: float, singles: Sequence[float], deleted: Sequence[int]) -> float:
    kept = 90 - whole
    for i in deleted:
        kept *= (90 - singles[i]) / (90 - whole)
    return 90 - kept


def _added(whole: float, singles: Sequence[float], deleted: Sequence[int]) -> float:
    return min(90, whole + sum(singles[i] - whole for i in deleted))


def _check_predicted(f: Callable[..., Any]) -> None:
    whole, singles = 10.0, [50.0, 12.0, 10.0, 30.0, 60.0, 11.0]

    def rule(*deleted: int) -> float:
        found = f(whole, list(singles), list(deleted))
        require_written(found)
        value = number(found)
        require(value is not None, f"expected a number for the deletion of {list(deleted)}")
        assert value is not None
        return value

    expect_number(rule(), whole, 1e-6, "nothing deleted")
    for i, single in enumerate(singles):
        expect_number(
            rule(i), single, 1e-6, f"block {i} deleted",
            mistakes={"nothing seems to be deleted": whole if single != whole else math.nan},
        )  # fmt: skip
    for pair in itertools.combinations(range(len(singles)), 2):
        found, worse = rule(*pair), max(singles[i] for i in pair)
        better = min(singles[i] for i in pair)
        what = f"blocks {pair[0]} and {pair[1]}"
        require(math.isclose(found, rule(*pair[::-1]), rel_tol=1e-9), f"{what}: the order matters")
        require(found <= 90 + 1e-9, f"{what}: {found:.4g} % is more than guessing")
        require(found >= worse - 1e-9, f"{what}: {found:.4g} % is less than without one of them")
        if better > whole:
            require(found > worse + 1e-9, f"{what}: two lesions should cost more than one of them")
    require(
        rule(1, 5) < 50, "blocks 1 and 5 cost 2 points and 1: both together are not yet guessing"
    )
    everything = rule(*range(len(singles)))
    require(
        everything <= 90 + 1e-9, f"all blocks deleted: {everything:.4g} % is more than guessing"
    )
    require(everything > 60, f"all deleted: {everything:.4g} % is less than without block 4")


def _share(n: int, low: int, high: int) -> float:
    return float(sum(math.comb(n, k) for k in range(low, high + 1)) / 2**n)


def _check_share(f: Callable[..., Any]) -> None:
    for n, low, high in ((3, 1, 1), (4, 0, 4), (10, 2, 5), (54, 5, 17), (27, 10, 10)):
        expect_number(
            f(n, low, high), _share(n, low, high), 1e-6, f"{n} blocks, {low} to {high} branches",
            mistakes={
                "`high` is included": _share(n, low, high - 1) if high > low else 0.0,
                "that is the number of paths; which share is it?":
                    math.nan if (low, high) == (0, n) else _share(n, low, high) * 2**n,
                "the lengths are not equally frequent": (high - low + 1) / (n + 1),
                "not all paths are of one length: sum over the lengths":
                    _share(n, high, high) if high > low else math.nan,
            },
        )  # fmt: skip


Backward = Callable[[Any], Any]


def _along(g: Any, backwards: Sequence[Backward], taken: Sequence[int]) -> Any:
    for i in reversed(range(len(backwards))):
        if i in taken:
            g = backwards[i](g)
    return g


def _all_paths_of(g: Any, backwards: Sequence[Backward], taken: Sequence[int]) -> Any:
    for i in reversed(range(len(backwards))):
        g = g + backwards[i](g) if i in taken else g
    return g


def _check_along(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(7)
    for n, width, taken in ((1, 2, [0]), (3, 3, []), (4, 3, [0, 2]), (5, 2, [4, 1, 3])):
        weights = rng.standard_normal((n, width, width))
        backwards = [lambda v, w=w: np.asarray(v) @ w for w in weights]
        g = rng.standard_normal((2, width))
        expect_array(
            f(g.copy(), backwards, list(taken)), _along(g, backwards, taken),
            f"{n} blocks, the path through {taken}", 1e-6,
            mistakes={
                "walk from the output to the input: the last block comes first":
                    _along(g, backwards[::-1], [n - 1 - i for i in taken]),
                "in a branch that is taken nothing goes along the skip":
                    _all_paths_of(g, backwards, taken),
                "that is the path through all branches": _along(g, backwards, range(n)),
                "the branches that are not taken were taken":
                    _along(g, backwards, [i for i in range(n) if i not in taken]),
            },
        )  # fmt: skip


def _decayed(rates: Sequence[float], decay: float, momentum: float) -> float:
    return math.exp(-decay * sum(rates) / (1 - momentum))


def _check_decayed(f: Callable[..., Any]) -> None:
    cases = (([0.1] * 1000, 1e-4, 0.9), ([0.1] * 500 + [0.01] * 500, 1e-3, 0.0), ([0.2], 1e-3, 0.5))
    for rates, decay, momentum in cases:
        total = sum(rates)
        expect_number(
            f(list(rates), decay, momentum), _decayed(rates, decay, momentum), 0.005,
            f"{len(rates)} steps, decay {decay:g}, momentum {momentum:g}",
            mistakes={
                "momentum repeats each step: divide by 1 - momentum": math.exp(-decay * total)
                if momentum and len(rates) > 1 else math.nan,
                "that is what is lost": 1 - _decayed(rates, decay, momentum),
                "the steps multiply; their losses do not add":
                    1 - decay * total / (1 - momentum) if len(rates) > 1 else math.nan,
                "the decay of a step is multiplied by its rate":
                    (1 - decay / (1 - momentum)) ** len(rates),
            },
        )  # fmt: skip


EXERCISES = {
    "12.1": Exercise(
        _check_left,
        lambda n, k: 2 ** (n - k),
        hints=(
            "In a block that is there, a path has a choice. And in a deleted one?",
            "A deleted block leaves one way, the skip. The others leave two ways each.",
            "Two to the power of the number of blocks that are left.",
        ),
        kind="number",
        wrong=(lambda n, k: 2**n - 2**k, lambda n, k: 2**n - k, lambda n, k: math.comb(n, k)),
    ),
    "12.2": Exercise(
        _check_run,
        _run,
        hints=(
            "Go through the branches in order and keep the current value in x.",
            "`for i, branch in enumerate(branches)`: if i is in `deleted`, x stays what it is.",
            "Otherwise x becomes x + branch(x) if skip is true, and branch(x) if not.",
        ),
        kind="function",
        wrong=(
            _zeroed,
            lambda x, branches, skip, deleted: _run(x, branches, True, deleted),
            lambda x, branches, skip, deleted: _run(x, branches, skip, []),
        ),
    ),
    "12.3": Exercise(
        _check_swap,
        _swap,
        hints=(
            "Multiply out z = (x + A x) + B (x + A x). Which of the four terms knows the order?",
            "Before the swap z = x + A x + B x + B A x. Exchange the two matrices everywhere.",
            "Only the last term changes: from B A x to A B x. With arrays, a @ b @ x.",
        ),
        kind="line",
        wrong=(
            lambda a, b, x: (b @ a - a @ b) @ x,
            lambda a, b, x: 0 * x,
            lambda a, b, x: a @ b @ x,
        ),
    ),
    "12.4": Exercise(
        _check_error,
        _error,
        hints=(
            "Which layer of the net behaves differently in training and in evaluation?",
            "Batch norm: in training mode it takes the statistics of the batch that it sees. Which "
            "ones should a measurement use?",
            "Call forward(x, False), once; then compare the argmax of each row with y.",
        ),
        kind="bug",
        wrong=(
            lambda forward, x, y: 100 * float((forward(x, True).argmax(axis=1) != y).mean()),
            lambda forward, x, y: float((forward(x, False).argmax(axis=1) != y).mean()),
            lambda forward, x, y: 100 * float((forward(x, False).argmax(axis=1) == y).mean()),
        ),
    ),
    "12.5": Exercise(
        _check_predicted,
        _predicted,
        hints=(
            "Think of what the net is better than guessing, 90 - error. Which part of it does a "
            "single lesion leave?",
            "Without block i the part (90 - singles[i]) / (90 - whole) is left. If lesions act "
            "independently, what do two of them leave?",
            "Start with 90 - whole, multiply by that part for every deleted block, and subtract "
            "the result from 90. (Adding up the rises works as well, if you stop at 90.)",
        ),
        kind="design",
        wrong=(
            lambda whole, singles, deleted: whole + sum(singles[i] - whole for i in deleted),
            lambda whole, singles, deleted: max([whole, *(singles[i] for i in deleted)]),
            lambda whole, singles, deleted: (
                90 if deleted[1:] else [*map(singles.__getitem__, deleted), whole][0]
            ),
            lambda whole, singles, deleted: sum(singles[i] for i in deleted) / max(1, len(deleted)),
        ),
    ),
    "12.6": Exercise(
        _check_share,
        _share,
        hints=(
            "How many paths have exactly k branches, and how many are there in all?",
            "Add math.comb(n, k) for all k that count.",
            "Sum over range(low, high + 1), then divide by 2**n.",
        ),
        kind="line",
        wrong=(
            lambda n, low, high: sum(math.comb(n, k) for k in range(low, high)) / 2**n,
            lambda n, low, high: (high - low + 1) / (n + 1),
            lambda n, low, high: float(sum(math.comb(n, k) for k in range(low, high + 1))),
        ),
    ),
    "12.7": Exercise(
        _check_along,
        _along,
        hints=(
            "Where does the backward pass begin, and which block does it meet first?",
            "Go through the places from the last to 0. What happens to g at a block whose branch "
            "is taken, and at one whose skip is taken?",
            "If i is in `taken`, g becomes `backwards[i](g)`; otherwise it stays as it is.",
        ),
        kind="function",
        wrong=(
            lambda g, backwards, taken: _along(g, backwards[::-1], taken),
            _all_paths_of,
            lambda g, backwards, taken: _along(g, backwards, range(len(backwards))),
        ),
    ),
    "12.8": Exercise(
        _check_decayed,
        _decayed,
        hints=(
            "Each step multiplies by a number that is slightly below 1. What do all steps do?",
            "They multiply. Either loop over the rates, or use that the product of (1 - small "
            "numbers) is nearly exp(- their sum).",
            "math.exp(-decay * sum(rates) / (1 - momentum)).",
        ),
        kind="experiment",
        wrong=(
            lambda rates, decay, momentum: math.exp(-decay * sum(rates)),
            lambda rates, decay, momentum: 1 - decay * sum(rates) / (1 - momentum),
            lambda rates, decay, momentum: (1 - decay / (1 - momentum)) ** len(rates),
        ),
    ),
}
