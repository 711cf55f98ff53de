"""Lesson 10: building the zoo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..exercise import Exercise, expect_number
from .bottleneck import check_block, reference_block, wrong_block
from .counting import (
    Answer,
    check_layer,
    check_macs,
    check_params,
    check_weights,
    macs_of,
    params_of,
    weights_of,
)


# ---- 10.6 ---------------------------------------------------------------------------------------
def _bottlenecks(blocks: Sequence[int], norm: int = 2, everywhere: bool = False) -> int:
    total, channels = 49 * 3 * 64 + 2 * 64, 64
    for stage, count in enumerate(blocks):
        inner = 64 * 2**stage
        for i in range(count):
            total += channels * inner + 9 * inner**2 + inner * 4 * inner + 12 * inner
            if i == 0:
                total += channels * 4 * inner
            if i == 0 or everywhere:
                total += norm * 4 * inner
            channels = 4 * inner
    return total + channels * 1000 + 1000


def _check_bottlenecks(f: Answer) -> None:
    for blocks in ((3, 4, 6, 3), (1, 1, 1, 1), (3, 8, 36, 3), (2, 1, 3, 1)):
        right = _bottlenecks(blocks)
        expect_number(
            f(tuple(blocks)), right, 1e-9, f"stages of {', '.join(map(str, blocks))} blocks",
            mistakes={
                "the bug is still there": _bottlenecks(blocks, 0),
                "every batch norm has two numbers for each channel": _bottlenecks(blocks, 1),
                "what is missing belongs to the first block of a stage alone":
                    _bottlenecks(blocks, 2, True),
                "7,680 was missing in nets of four stages with these channels; say why, and it is "
                "right for others too": right + 7680,
            },
        )  # fmt: skip


# ---- 10.7 ---------------------------------------------------------------------------------------
def _bytes(n: int, width: int, size: int, batch: int, arrays: int = 2, stem: int = 1) -> int:
    area = width * size**2
    return 4 * batch * arrays * ((2 * n + stem) * area + n * area + n * area // 2)


def _check_bytes(f: Answer) -> None:
    for n, width, size, batch in ((3, 16, 32, 128), (1, 4, 8, 1), (200, 4, 8, 64)):
        right = _bytes(n, width, size, batch)
        expect_number(
            f(n, width, size, batch), right, 1e-9,
            f"n = {n}, width {width}, {size} × {size} pixels, a batch of {batch}",
            mistakes={
                "two arrays are kept for each convolution": right / 2,
                "a number of float32 takes four bytes": right / 4,
                "a number of float32 takes four bytes, not eight": 2 * right,
                "that is for one image": right / batch if batch > 1 else np.nan,
                "the first convolution is missing": _bytes(n, width, size, batch, stem=0),
                "the later stages have smaller images":
                    8 * batch * width * size**2 * (14 * n + 1),
                "the later stages have more channels":
                    8 * batch * width * size**2 * (2 * n + 1 + n / 2 + n / 8),
                "a stage has 2n convolutions": 8 * batch * width * size**2 * (1 + 1.75 * n),
            },
        )  # fmt: skip


# ---- 10.8 ---------------------------------------------------------------------------------------
def _exact_n(macs: float, width: int) -> float:
    return ((macs - 616 * width) / (64 * width**2) + 9) / 54


def _nearest(macs: float, width: int) -> int:
    return max(1, round(_exact_n(macs, width)))


def _check_equal(f: Answer) -> None:
    for macs, width in ((631_616, 4), (631_616, 15), (5_000_000, 8), (2_000_000, 5), (1_000, 16)):
        exact = _exact_n(macs, width)
        expect_number(
            f(macs, width), _nearest(macs, width), 1e-9, f"{macs:,} MACs at width {width}",
            mistakes={
                "that is the number of layers; n is asked for": 6 * _nearest(macs, width) + 2,
                "n is a whole number": exact,
                "take the nearest n, not the one below": int(exact),
                "there is no net with n below 1": round(exact) if exact < 0.5 else np.nan,
            },
        )  # fmt: skip


EXERCISES = {
    "10.1": Exercise(
        check_layer,
        lambda: (4672, 1_179_648),
        hints=(
            "The weights: 3 × 3 for each pair of a channel of the input and one of the output. "
            "Which numbers does the batch norm add?",
            "The batch norm has γ and β for each of the 32 channels. For the MACs you need the "
            "number of places of the output: how large is it with stride 2?",
            "Parameters: 9 · 16 · 32 + 2 · 32. MACs: 9 · 16 · 32 times 16 · 16 places.",
        ),
        kind="number",
        wrong=(
            lambda: (4608, 1_179_648),
            lambda: (4704, 1_179_648),
            lambda: (4672, 4_718_592),
            lambda: (4672, 36_864),
        ),
    ),
    "10.2": Exercise(
        check_params,
        params_of,
        hints=(
            "Write a loop over the three stages, and one over the 2n convolutions of a stage, and "
            "keep the number of channels that comes in.",
            "A convolution of C to K channels has 9 C K weights, the batch norm behind it 2 K. "
            "After it, C is K.",
            "Begin with 9 · 3 · width + 2 · width; end with 10 times the channels plus 10.",
        ),
        kind="function",
        wrong=(
            lambda n, width: params_of(n, width, norms=0),
            lambda n, width: params_of(n, width, biases=1),
            lambda n, width: params_of(n, width, first=False),
            lambda n, width: params_of(n, width, linear=0),
        ),
    ),
    "10.3": Exercise(
        check_macs,
        macs_of,
        hints=(
            "Go through the list and keep the size of the image as it is at that place.",
            "First the stride changes the size, rounded up; then count kernel · kernel · inputs · "
            "outputs for each place of the output.",
            "size = -(-size // stride) divides and rounds up; the places are size ** 2.",
        ),
        kind="function",
        wrong=(
            lambda layers, size: macs_of(layers, size, "before"),
            lambda layers, size: macs_of(layers, size, "forgets"),
            lambda layers, size: macs_of(layers, size, "down"),
            lambda layers, size: macs_of(layers, size, "kernel"),
        ),
    ),
    "10.4": Exercise(
        check_weights,
        weights_of,
        hints=(
            "A basic block has two convolutions of 3 × 3, from C to C channels. Draw the three of "
            "the bottleneck with the channels at their ends.",
            "With q = C / 4: C to q with 1 × 1, q to q with 3 × 3, q to C with 1 × 1.",
            "18 C², then C q + 9 q² + q C, then C².",
        ),
        kind="line",
        wrong=(
            lambda c: (9 * c * c, weights_of(c)[1], c * c),
            lambda c: (18 * c * c, c * (c // 4) + 9 * (c // 4) ** 2, c * c),
            lambda c: (18 * c * c, weights_of(c)[1], 9 * c * c),
        ),
    ),
    "10.5": Exercise(
        check_block,
        reference_block,
        hints=(
            "Write a class of nn.Module with the six layers in `__init__` and the way through "
            "them in `forward`. What is added, and where is the last ReLU?",
            "The convolutions have bias=False; only the second one has padding=1. Forward: "
            "F.relu(bn(conv)) twice, then bn3(conv3), then + x, then F.relu.",
            "Make the block with `inner, channels = state['conv1.weight'].shape[:2]`, call "
            "`load_state_dict(state)`, and return the sum of `p.size` over `parameters()` and "
            "`block(mr.tensor(x)).data`.",
        ),
        kind="function",
        wrong=(
            wrong_block("no skip"),
            wrong_block("relu before"),
            wrong_block("no last relu"),
            wrong_block("one relu"),
        ),
    ),
    "10.6": Exercise(
        _check_bottlenecks,
        _bottlenecks,
        hints=(
            "The number is the same for 16, 33 and 50 blocks. What do all three nets have four of?",
            "7,680 = 2 · 3,840, and 3,840 = 256 + 512 + 1024 + 2048: the channels at the ends of "
            "the four stages, twice.",
            "Each projection has a batch norm: add 2 · 4 · inner where the projection is counted.",
        ),
        kind="bug",
        wrong=(
            lambda blocks: _bottlenecks(blocks, 0),
            lambda blocks: _bottlenecks(blocks, 1),
            lambda blocks: _bottlenecks(blocks, 2, True),
        ),
    ),
    "10.7": Exercise(
        _check_bytes,
        _bytes,
        hints=(
            "How many numbers has the output of one convolution of each stage, for one image?",
            "w S², then half of that, then a quarter: the area falls by four and the channels "
            "double. There are 2n convolutions in each stage, and one more in the first.",
            "Add (2n + 1) w S² + n w S² + (n / 2) w S², and multiply by 2 arrays, 4 bytes and the "
            "batch.",
        ),
        kind="function",
        wrong=(
            lambda n, width, size, batch: _bytes(n, width, size, batch) // 2,
            lambda n, width, size, batch: _bytes(n, width, size, batch) // 4,
            lambda n, width, size, batch: _bytes(n, width, size, batch, stem=0),
        ),
    ),
    "10.8": Exercise(
        _check_equal,
        _nearest,
        hints=(
            "Solve the formula for n first, as if n could be any number.",
            "Subtract 616 w, divide by 64 w², add 9, divide by 54.",
            "Then take round(), and max(1, ...) because a net has at least one block in a stage.",
        ),
        kind="design",
        wrong=(
            lambda macs, width: _exact_n(macs, width),
            lambda macs, width: max(1, int(_exact_n(macs, width))),
            lambda macs, width: 6 * _nearest(macs, width) + 2,
        ),
    ),
}
