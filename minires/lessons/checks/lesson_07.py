"""Lesson 7: F(x) = H(x) - x: why does +x help?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import (
    Exercise,
    Wrong,
    expect_array,
    expect_number,
    number,
    require,
    require_written,
)

F = Callable[..., Any]
Backward = Callable[[Array], Array]


def _several(found: Any, what: str, count: int) -> tuple[Any, ...]:
    require_written(found)
    try:
        values = tuple(found)
    except TypeError:
        raise Wrong(f"expected {what}, got {found!r}") from None
    require(len(values) == count, f"expected {what}, got {len(values)} values")
    return values


# ---- 7.1, 7.2 -----------------------------------------------------------------------------------
def _check_cost(f: F) -> None:
    for width, blocks, batch in ((64, 27, 1), (16, 3, 128), (5, 1, 2)):
        parameters, additions = _several(
            f(width, blocks, batch), "two numbers, (parameters, additions)", 2
        )
        case = f"width {width}, {blocks} blocks, a batch of {batch}"
        require(
            number(parameters) == 0,
            f"extra parameters for {case}: yours {parameters!r}; which weight does x + F(x) have "
            "that F(x) has not?",
        )
        expect_number(
            additions,
            width * blocks * batch,
            1e-9,
            f"extra additions for {case}",
            mistakes={
                "this is for one sample; the batch has several": width * blocks,
                "this would be a matrix product; x is added number by number": width
                * width
                * blocks
                * batch,
                "this is for one block": width * batch,
            },
        )


def _check_parts(f: F) -> None:
    found = _several(f(), "three numbers, (skip part, branch part, dL/dx)", 3)
    expect_number(
        found[0],
        2.0,
        1e-6,
        "the skip part",
        mistakes={"the upstream gradient is not 1 here": 1.0, "this is the input x": 3.0},
    )
    expect_number(
        found[1],
        6.0,
        1e-6,
        "the branch part",
        mistakes={
            "the branch gets the upstream gradient too": 3.0,
            "w1 is missing: the way goes through both weights": 1.5,
            "w2 is missing: the way goes through both weights": 8.0,
            "this is F(x), which belongs to the forward pass": 9.0,
        },
    )
    expect_number(
        found[2],
        8.0,
        1e-6,
        "dL/dx",
        mistakes={
            "the two parts are added, not multiplied": 12.0,
            "this is the branch part alone": 6.0,
            "this is the skip part alone": 2.0,
        },
    )


# ---- 7.3, 7.4 -----------------------------------------------------------------------------------
def _branch(rng: np.random.Generator, width: int, x: Array) -> tuple[Array, Backward]:
    w1, w2 = rng.standard_normal((2, width, width))
    hidden = np.maximum(x @ w1.T, 0)

    def backward(d: Array) -> Array:
        d = np.asarray(d, np.float64)
        require(
            d.shape == x.shape,
            f"branch_backward got an array of shape {d.shape}; it takes dL/ds, of shape {x.shape}",
        )
        return np.asarray(((d @ w2) * (hidden > 0)) @ w1)

    return hidden @ w2.T, backward


def _sum_of_paths(ds: Array, branch_backward: Backward) -> Array:
    return ds + branch_backward(ds)


def _check_sum(f: F) -> None:
    rng = np.random.default_rng(3)
    for samples, width in ((4, 3), (1, 5), (6, 2)):
        x, ds = rng.standard_normal((2, samples, width))
        _, backward = _branch(rng, width, x)
        expect_array(
            f(ds.copy(), backward),
            ds + backward(ds),
            f"dL/dx for {samples} samples of {width} numbers",
            mistakes={
                "the skip's part is missing": backward(ds),
                "the branch's part is missing": ds,
                "the parts are multiplied; a sum hands its gradient to both": ds * backward(ds),
                "this is 1 + J instead of (1 + J) times ds": 1 + backward(ds),
            },
        )


def _block_backward(dy: Array, x: Array, f: Array, branch_backward: Backward) -> Array:
    ds = dy * (x + f > 0)
    return ds + branch_backward(ds)


def _no_gate(dy: Array, x: Array, f: Array, branch_backward: Backward) -> Array:
    return dy + branch_backward(dy)


def _gate_on_branch(dy: Array, x: Array, f: Array, branch_backward: Backward) -> Array:
    return dy + branch_backward(dy * (x + f > 0))


def _gate_on_skip(dy: Array, x: Array, f: Array, branch_backward: Backward) -> Array:
    return dy * (x + f > 0) + branch_backward(dy)


def _gate_of_x(dy: Array, x: Array, f: Array, branch_backward: Backward) -> Array:
    return dy * (x > 0) + branch_backward(dy * (x > 0))


def _gate_of_f(dy: Array, x: Array, f: Array, branch_backward: Backward) -> Array:
    return dy * (f > 0) + branch_backward(dy * (f > 0))


def _gate_behind(dy: Array, x: Array, f: Array, branch_backward: Backward) -> Array:
    return (dy + branch_backward(dy)) * (x + f > 0)


MISTAKES = {
    "the ReLU behind the addition is missing": _no_gate,
    "the ReLU blocks the skip as well as the branch": _gate_on_branch,
    "the ReLU blocks the branch as well as the skip": _gate_on_skip,
    "the ReLU looks at the sum, not at x": _gate_of_x,
    "the ReLU looks at the sum, not at F(x)": _gate_of_f,
    "the ReLU comes first on the way back, before the gradient enters the branch": _gate_behind,
}


def _check_block(f: F) -> None:
    rng = np.random.default_rng(4)
    for samples, width in ((5, 4), (1, 6), (7, 2)):
        x, dy = rng.standard_normal((2, samples, width))
        out, backward = _branch(rng, width, x)
        mistakes = {text: wrong(dy, x, out, backward) for text, wrong in MISTAKES.items()}
        expect_array(
            f(dy.copy(), x.copy(), out.copy(), backward),
            _block_backward(dy, x, out, backward),
            f"dL/dx for {samples} samples of {width} numbers",
            mistakes=mistakes,
        )


# ---- 7.5, 7.6 -----------------------------------------------------------------------------------
def _check_counterexample(f: F) -> None:
    found = _several(f(), "three numbers, (w1, w2, b)", 3)
    values = [number(v) for v in found]
    w1, w2, b = (v if v is not None else np.nan for v in values)
    require(None not in values, f"expected three numbers, (w1, w2, b); got {found!r}")
    require(
        w1 > 0,
        f"with w1 = {w1:g} the inner ReLU is closed at x = 1, so the branch part is 0",
    )
    require(w2 != 0, "with w2 = 0 the branch part is 0")
    s = 1 + w2 * w1 + b
    require(
        s > 1e-9,
        f"x + F(x) = {s:g} there: the last ReLU is closed, or at its kink, and hides what the sum "
        "does; b can open it",
    )
    require(
        abs(1 + w1 * w2) < 1e-6,
        f"both ReLUs are open, and dy/dx = {1 + w1 * w2:g} there, which is not 0: what must the "
        "branch's derivative be?",
    )


def _plain_twin(v: Array, c: Array) -> tuple[Array, Array]:
    return np.eye(len(v)) + v, c


def _check_twin(f: F) -> None:
    rng = np.random.default_rng(5)
    for width in (3, 1, 6):
        v, c = rng.standard_normal((width, width)), rng.standard_normal(width)
        w, b = _several(f(v.copy(), c.copy()), "two arrays, (w, b)", 2)
        expect_array(
            w,
            np.eye(width) + v,
            f"w for width {width}",
            mistakes={
                "x is missing": v,
                "adding 1 to v adds it to every entry; x is added unit by unit": 1 + v,
                "the sign is wrong: w @ x = x + v @ x": v - np.eye(width),
            }
            if width > 1
            else {"x is missing": v},
        )
        expect_array(b, c, f"b for width {width}", mistakes={"the bias does not change": c + 1})


EXERCISES = {
    "7.1": Exercise(
        _check_cost,
        lambda width, blocks, batch: (0, width * blocks * batch),
        (
            "Write down what a block does with x that its plain twin does not do.",
            "It adds x to F(x), number by number. Is anything in that learned?",
            "No parameters; one addition for each unit, block and sample.",
        ),
        "number",
        (
            lambda width, blocks, batch: (0, width * blocks),
            lambda width, blocks, batch: (width * blocks, width * blocks * batch),
            lambda width, blocks, batch: (0, width * width * blocks * batch),
        ),
    ),
    "7.2": Exercise(
        _check_parts,
        lambda: (2.0, 6.0, 8.0),
        (
            "Do the forward pass first: are both ReLUs open?",
            "Both are, so their slopes are 1. The skip multiplies by nothing, the branch by both "
            "weights.",
            "Skip: the upstream gradient. Branch: it times w2 times w1. Then add.",
        ),
        "number",
        (lambda: (2, 1.5, 3.5), lambda: (2, 6, 12), lambda: (1, 3, 4)),
    ),
    "7.3": Exercise(
        _check_sum,
        _sum_of_paths,
        (
            "x was used twice; what does lesson 0 say of a node that is used twice?",
            "The addition hands ds to both of its inputs, unchanged.",
            "Add ds itself and what branch_backward makes of ds.",
        ),
        "line",
        (
            lambda ds, branch_backward: branch_backward(ds),
            lambda ds, branch_backward: ds,
            lambda ds, branch_backward: ds * branch_backward(ds),
        ),
    ),
    "7.4": Exercise(
        _check_block,
        _block_backward,
        (
            "Go backwards, from y. What is the first thing that you meet?",
            "The ReLU: it lets dy pass where x + f was positive. Only then do the ways part.",
            "Multiply dy by (x + f > 0), and give the result to exercise 7.3's sum.",
        ),
        "function",
        tuple(MISTAKES.values()),
    ),
    "7.5": Exercise(
        _check_counterexample,
        lambda: (1.0, -1.0, 1.0),
        (
            "The derivative of the block is 1 plus that of the branch.",
            "The branch's derivative is w1 times w2 if the inner ReLU is open. It should be -1.",
            "Take w1 and w2 with the product -1 and w1 > 0; then choose b so that the sum is "
            "positive.",
        ),
        "bug",
        (lambda: (1, -1, 0), lambda: (-1, 1, 1), lambda: (1, 0, 1), lambda: (1, -0.5, 1)),
    ),
    "7.6": Exercise(
        _check_twin,
        _plain_twin,
        (
            "Write x as a matrix times x.",
            "x = I x, so that x + v x = (I + v) x.",
            "w is np.eye(len(v)) plus v; the bias stays.",
        ),
        "experiment",
        (lambda v, c: (v, c), lambda v, c: (1 + v, c), lambda v, c: (v - np.eye(len(v)), c)),
    ),
}
