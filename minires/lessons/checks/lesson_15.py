"""Lesson 15: after ResNet."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, Wrong, expect_array, expect_number, require_written

Answer = Callable[..., Any]


# ---- 15.1, 15.2, 15.3 ---------------------------------------------------------------------------
def _check_channels(f: Answer) -> None:
    expect_number(
        f(), 160, 1e-9, "channels behind the block",
        mistakes={
            "the 16 channels of the start are still there": 144,
            "that is what the last layer sees; it puts 12 more beside it": 148,
            "that is behind the first layer": 28,
            "each layer adds 12 channels; nothing is multiplied": 16 * 12 * 12,
        },
    )  # fmt: skip


def _dense_weights(start: int, growth: int, layers: int) -> int:
    return sum(9 * growth * (start + growth * i) for i in range(layers))


def _check_dense(f: Answer) -> None:
    for start, growth, layers in ((16, 12, 12), (3, 2, 1), (8, 4, 5), (24, 12, 3)):
        right = _dense_weights(start, growth, layers)
        expect_number(
            f(start, growth, layers), right, 1e-9,
            f"{layers} layers of {growth} filters, from {start} channels",
            mistakes={
                "the first layer sees only the channels of the start":
                    sum(9 * growth * (start + growth * (i + 1)) for i in range(layers)),
                "each layer sees more channels than the one before": layers * 9 * growth * start,
                "the first of the layers is missing": right - 9 * growth * start,
                "a filter has 3 × 3 weights for each channel": right // 9,
                "each layer has `growth` filters": right // growth if growth > 1 else math.nan,
                "all layers but the first see the outputs of those before AND the start":
                    9 * growth * start + sum(9 * growth**2 * i for i in range(1, layers)),
            } if layers > 1 else {
                "the first layer sees only the channels of the start":
                    9 * growth * (start + growth),
                "a filter has 3 × 3 weights for each channel": right // 9,
            },
        )  # fmt: skip


def _beside(w: Array, summands: int) -> Array:
    return np.concatenate([np.asarray(w)] * summands, axis=1)


def _check_beside(f: Answer) -> None:
    rng = np.random.default_rng(3)
    for outputs, inputs, summands in ((2, 3, 3), (4, 2, 5), (3, 3, 2)):
        w = rng.standard_normal((outputs, inputs))
        first = np.concatenate([w, np.zeros((outputs, inputs * (summands - 1)))], axis=1)
        expect_array(
            f(w.copy(), summands), _beside(w, summands), f"{summands} summands of {inputs}", 1e-9,
            mistakes={
                "that sees the first summand alone": first,
                "W itself stands before each summand, not a part of it":
                    _beside(w, summands) / summands,
                "each entry is repeated where the whole matrix should be":
                    np.repeat(w, summands, axis=1),
            },
        )  # fmt: skip


# ---- 15.4 ---------------------------------------------------------------------------------------
def _weights(inputs: int, outputs: int, groups: int) -> tuple[int, int]:
    return 9 * inputs * outputs // groups, 9 * inputs + inputs * outputs


def _check_weights(f: Answer) -> None:
    for inputs, outputs, groups in ((64, 64, 32), (64, 128, 4), (32, 16, 1)):
        found = f(inputs, outputs, groups)
        require_written(found)
        if not isinstance(found, tuple | list | np.ndarray) or len(found) != 2:
            raise Wrong(f"expected two numbers, (grouped, separable), got {found!r}"[:200])
        right = _weights(inputs, outputs, groups)
        case = f"{inputs} to {outputs} channels"
        expect_number(
            found[0], right[0], 1e-9, f"{case} in {groups} groups",
            mistakes={
                "each of the groups has C / g inputs and K / g outputs, and there are g of them":
                    right[0] / groups if groups > 1 else math.nan,
                "with groups there are fewer connections": 9 * inputs * outputs
                    if groups > 1 else math.nan,
                "a filter has 3 × 3 weights for each channel that it sees": right[0] / 9,
            },
        )  # fmt: skip
        expect_number(
            found[1], right[1], 1e-9, f"{case}, depthwise separable",
            mistakes={
                "the 1 × 1 convolution that mixes the channels is missing": 9 * inputs,
                "the depthwise convolution is missing": inputs * outputs,
                "the second convolution is of 1 × 1": 9 * inputs + 9 * inputs * outputs,
                "the two convolutions stand one behind the other: add":
                    9 * inputs * inputs * outputs,
                "the depthwise convolution has one filter for each channel of the input":
                    9 * outputs + inputs * outputs if inputs != outputs else math.nan,
            },
        )  # fmt: skip


# ---- 15.5, 15.6 ---------------------------------------------------------------------------------
def _expected(blocks: int, last: float) -> float:
    return sum(1 - number / blocks * (1 - last) for number in range(1, blocks + 1))


def _check_expected(f: Answer) -> None:
    for blocks, last in ((54, 0.5), (3, 0.25), (1, 0.5), (10, 1.0)):
        expect_number(
            f(blocks, last), _expected(blocks, last), 1e-9, f"{blocks} blocks, p_L = {last:g}",
            mistakes={
                "l runs from 1 to L, so that the last block has p_L":
                    sum(1 - i / blocks * (1 - last) for i in range(blocks)),
                "that is as if all blocks had the p of the last": blocks * last,
                "add p_1 to p_L one by one: the first of them is below 1 already":
                    blocks * (1 + last) / 2,
                "that is the mean of p; how many blocks is that?":
                    _expected(blocks, last) / blocks if blocks > 1 else math.nan,
                "that is how many are left out": blocks - _expected(blocks, last),
                "the probabilities are added, not multiplied":
                    math.prod(1 - i / blocks * (1 - last) for i in range(1, blocks + 1)),
            },
        )  # fmt: skip


def _survivor(x: Any, branch: Any, p: float, training: bool, draw: float) -> Any:
    if training:
        return x + branch if draw < p else x
    return x + p * branch


def _check_survivor(f: Answer) -> None:
    rng = np.random.default_rng(6)
    for p, training, draw in (
        (0.5, True, 0.2), (0.5, True, 0.8), (0.5, False, 0.2), (0.8, False, 0.9), (0.25, True, 0.1),
        (1.0, False, 0.5), (0.8, True, 0.9),
    ):  # fmt: skip
        x, branch = rng.standard_normal((2, 4))
        mode = f"in training with a draw of {draw:g}" if training else "in evaluation"
        expect_array(
            f(x.copy(), branch.copy(), p, training, draw),
            _survivor(x, branch, p, training, draw), f"p = {p:g}, {mode}", 1e-9,
            mistakes={
                "a branch that is there counts in full while the net trains":
                    x + p * branch if training else x + np.nan,
                "the next block still sees more than it has seen on average":
                    x + branch if not training else x + np.nan,
                "nothing is drawn in evaluation": x if not training else x + np.nan,
                "what is scaled is the branch, not the sum": p * (x + branch),
                "the branch is kept where draw < p": x + branch if draw >= p else x,
                "x itself is always there": branch if draw < p else np.zeros(4),
                "training was right as it was; mend evaluation":
                    x + branch / p if training else x + np.nan,
            },
        )  # fmt: skip


# ---- 15.7 ---------------------------------------------------------------------------------------
def _layer_norm(x: Array, eps: float, axis: int = 1, ddof: int = 0) -> Array:
    mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True, ddof=ddof)
    found: Array = (x - mean) / np.sqrt(var + eps)
    return found


def _check_layer_norm(f: Answer) -> None:
    rng = np.random.default_rng(7)
    for samples, features, eps in ((3, 5, 1e-5), (4, 2, 0.1), (2, 7, 1e-3)):
        x = rng.standard_normal((samples, features)) * 2 + 3
        centred, std = x - x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
        expect_array(
            f(x.copy(), eps), _layer_norm(x, eps), f"{samples} samples of {features} features",
            1e-6,
            mistakes={
                "that is batch norm: the means of layer norm are over the features of a sample":
                    _layer_norm(x, eps, axis=0),
                "the mean is not subtracted": x / np.sqrt(std**2 + eps),
                "divide by the root of the variance": centred / (std**2 + eps),
                "eps belongs to the variance, under the root":
                    centred / (std + eps),
                "eps is missing": centred / std,
                "divide by the number of features, not by one less": _layer_norm(x, eps, ddof=1),
                "one mean and one variance for each sample, not for all together":
                    (x - x.mean()) / np.sqrt(x.var() + eps),
            },
        )  # fmt: skip


# ---- 15.8 ---------------------------------------------------------------------------------------
def _factor(part: float, blocks: int) -> float:
    return math.sqrt(part ** (-2 / blocks) - 1)


def _check_factor(f: Answer) -> None:
    for part, blocks in ((0.5, 48), (0.1, 12), (0.9, 100), (2**-0.5, 1), (0.25, 2)):
        each = part ** (1 / blocks)
        expect_number(
            f(part, blocks), _factor(part, blocks), 1e-6, f"{part:.3g} after {blocks} blocks",
            mistakes={
                "that is what one block leaves; which α leaves it?": each,
                "that is α²": _factor(part, blocks) ** 2
                    if abs(_factor(part, blocks) - 1) > 1e-9 else math.nan,
                "that is for one block; all of them together leave `part`":
                    _factor(part, 1) if blocks > 1 else math.nan,
                "the variances add: 1 + α², not 1 + α": 1 / each - 1,
                "the norm divides by the root of the variance": math.sqrt(1 / each - 1),
            },
        )  # fmt: skip


EXERCISES = {
    "15.1": Exercise(
        _check_channels,
        lambda: 160,
        hints=(
            "What is there before the first layer, and what does each layer put beside it?",
            "k₀ + k l channels, with k₀ = 16: what are k and l here?",
            "16 channels, plus 12 layers times 12 channels.",
        ),
        kind="number",
        wrong=(lambda: 144, lambda: 148, lambda: 2304),
    ),
    "15.2": Exercise(
        _check_dense,
        _dense_weights,
        hints=(
            "How many channels does layer i see, if you count from 0?",
            "start + growth · i. Each of its `growth` filters has 9 weights for each of them.",
            "Add up 9 * growth * (start + growth * i) for i in range(layers).",
        ),
        kind="function",
        wrong=(
            lambda s, k, n: sum(9 * k * (s + k * (i + 1)) for i in range(n)),
            lambda s, k, n: 9 * n * k * s,
            lambda s, k, n: _dense_weights(s, k, n) // 9,
        ),
    ),
    "15.3": Exercise(
        _check_beside,
        _beside,
        hints=(
            "W (x + f₁ + f₂) = W x + W f₁ + W f₂. Which columns of V meet x, and which f₁?",
            "The first columns of V meet x, the next f₁, the last f₂, and each of these must be W.",
            "np.concatenate([w] * summands, axis=1).",
        ),
        kind="line",
        wrong=(
            lambda w, n: np.repeat(w, n, axis=1),
            lambda w, n: _beside(w, n) / n,
            lambda w, n: np.concatenate([w] * n, axis=0),
        ),
    ),
    "15.4": Exercise(
        _check_weights,
        _weights,
        hints=(
            "A group is a convolution of its own. How many channels has it at both ends, and how "
            "many groups are there?",
            "Grouped: g times 9 · (C / g) · (K / g). Separable: nine weights for each channel of "
            "the input, and then every channel with every other by 1 × 1.",
            "9 C K / g, and 9 C + C K.",
        ),
        kind="line",
        wrong=(
            lambda c, k, g: (9 * c * k // g**2, 9 * c + c * k),
            lambda c, k, g: (9 * c * k // g, 9 * c),
            lambda c, k, g: (9 * c * k // g, 9 * c + 9 * c * k),
        ),
    ),
    "15.5": Exercise(
        _check_expected,
        _expected,
        hints=(
            "A block is there p_l times, on average. Add these up.",
            "l runs from 1 to the number of blocks: range(1, blocks + 1).",
            "sum(1 - l / blocks * (1 - last) for l in range(1, blocks + 1)).",
        ),
        kind="function",
        wrong=(
            lambda b, last: sum(1 - i / b * (1 - last) for i in range(b)),
            lambda b, last: b * last,
            lambda b, last: _expected(b, last) / b,
        ),
    ),
    "15.6": Exercise(
        _check_survivor,
        _survivor,
        hints=(
            "Compare the two numbers that were printed. Which of the two modes can you change?",
            "In training the branch is there with probability p, so on average p · branch is "
            "added.",
            "In evaluation return x + p * branch; leave training as it is.",
        ),
        kind="bug",
        wrong=(
            lambda x, branch, p, training, draw: x if training and draw >= p else x + branch,
            lambda x, branch, p, training, draw: x + branch if draw < p else x,
            lambda x, branch, p, training, draw: x + p * branch,
        ),
    ),
    "15.7": Exercise(
        _check_layer_norm,
        _layer_norm,
        hints=(
            "Which axis are the features? Batch norm takes the mean over the other one.",
            "x.mean(axis=1, keepdims=True) has one number for each row and can be subtracted.",
            "Divide what is left by np.sqrt(x.var(axis=1, keepdims=True) + eps).",
        ),
        kind="function",
        wrong=(
            lambda x, eps: _layer_norm(x, eps, axis=0),
            lambda x, eps: _layer_norm(x, eps, ddof=1),
            lambda x, eps: _layer_norm(x, 0.0),
        ),
    ),
    "15.8": Exercise(
        _check_factor,
        _factor,
        hints=(
            "Which variance has x + α F(x), and what does the norm divide by?",
            "By the root of 1 + α², in each block. All blocks together leave (1 + α²)^(-B/2).",
            "Solve (1 + α²)^(-B/2) = part: α² = part^(-2/B) - 1.",
        ),
        kind="design",
        wrong=(
            lambda part, blocks: _factor(part, 1) if blocks > 1 else 0.5,
            lambda part, blocks: part ** (-1 / blocks) - 1,
            lambda part, blocks: part ** (1 / blocks),
        ),
    ),
}
