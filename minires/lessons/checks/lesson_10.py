"""Lesson 10: building the zoo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import functional as F
from ...models import Bottleneck
from ...tensor import Array, Tensor
from ..exercise import Exercise, Wrong, expect_array, expect_number, require_written

Answer = Callable[..., Any]


def _several(found: Any, names: str, count: int) -> tuple[Any, ...]:
    """Return an answer of several values as a tuple."""
    require_written(found)
    if isinstance(found, tuple | list | np.ndarray) and len(found) == count:
        return tuple(found)
    raise Wrong(f"expected {count} values, ({names}), got {found!r}"[:200])


# ---- 10.1 ---------------------------------------------------------------------------------------
def _check_layer(f: Answer) -> None:
    parameters, macs = _several(f(), "parameters, MACs", 2)
    expect_number(
        parameters, 4672, 1e-9, "parameters",
        mistakes={
            "the batch norm's are missing": 4608,
            "the convolution has no bias; batch norm has two numbers for each channel": 4704,
            "batch norm has two numbers, γ and β, for each of the 32 channels": 4640,
            "the running mean and variance are not trained": 4736,
            "a filter has weights for all 16 channels of its input": 9 * 32 + 64,
        },
    )  # fmt: skip
    expect_number(
        macs, 1_179_648, 1e-9, "MACs",
        mistakes={
            "the filter is put on every second pixel: count the places of the output": 4_718_592,
            "stride 2 halves height and width; a product with its addition is one MAC": 2_359_296,
            "that is for one of the 32 filters": 36_864,
            "that is for one of the 16 channels of the input": 73_728,
            "that is for one place of the output": 4608,
        },
    )  # fmt: skip


# ---- 10.2 ---------------------------------------------------------------------------------------
def _params(
    n: int, width: int, norms: int = 2, biases: int = 0, first: bool = True, linear: int = 1
) -> int:
    """Return the parameters; `first`: whether the stages' first convolutions widen."""
    total, channels = 27 * width + (norms + biases) * width, width
    for stage in range(3):
        filters = width * 2**stage
        for _ in range(2 * n):
            inputs = channels if first else filters
            total += 9 * inputs * filters + (norms + biases) * filters
            channels = filters
    return total + channels * 10 + 10 * linear


def _check_params(f: Answer) -> None:
    for n, width in ((3, 16), (1, 4), (18, 16), (5, 7)):
        right = _params(n, width)
        expect_number(
            f(n, width), right, 1e-9, f"n = {n}, width {width}",
            mistakes={
                "the batch norms are missing": _params(n, width, norms=0),
                "a batch norm has two numbers for each channel": _params(n, width, norms=1),
                "convolutions before a batch norm have no bias": _params(n, width, biases=1),
                "the first convolution of stages 2 and 3 gets half the channels":
                    _params(n, width, first=False),
                "the linear layer has a bias": _params(n, width, linear=0),
                "the linear layer is missing": right - 40 * width - 10,
                "the first convolution is missing": right - 27 * width,
                "the first convolution, with its batch norm, is missing": right - 29 * width,
                "the batch norm behind the first convolution is missing": right - 2 * width,
            },
        )  # fmt: skip


# ---- 10.3 ---------------------------------------------------------------------------------------
def _macs(layers: Sequence[Sequence[int]], size: int, how: str = "") -> int:
    total = 0
    for inputs, outputs, kernel, stride in layers:
        before = size
        size = size // stride if how == "down" else -(-size // stride)
        side = before if how == "before" else size
        area = side if how == "side" else side**2
        total += (kernel if how == "kernel" else kernel**2) * inputs * outputs * area
        if how == "forgets":
            size = before
    return total


def _check_macs(f: Answer) -> None:
    cases: list[tuple[list[tuple[int, int, int, int]], int]] = [
        ([(3, 16, 3, 1)], 32),
        ([(3, 8, 3, 2), (8, 8, 1, 1), (8, 16, 3, 2)], 32),
        ([(2, 4, 5, 2), (4, 3, 3, 2), (3, 3, 3, 1)], 7),
        ([], 8),
    ]
    for layers, size in cases:
        expect_number(
            f([tuple(x) for x in layers], size), _macs(layers, size), 1e-9,
            f"{len(layers)} convolutions on {size} × {size} pixels",
            mistakes={
                "count the places of a layer's output, not of its input":
                    _macs(layers, size, "before"),
                "the next layer sees the smaller image": _macs(layers, size, "forgets"),
                "the places are side × side": _macs(layers, size, "side"),
                "a filter has kernel × kernel weights": _macs(layers, size, "kernel"),
                "a side of 7 becomes 4 with stride 2: round up": _macs(layers, size, "down"),
                "that counts products and additions as two": 2 * _macs(layers, size),
            } if layers else {},
        )  # fmt: skip


# ---- 10.4 ---------------------------------------------------------------------------------------
def _weights(c: int) -> tuple[int, int, int]:
    return 18 * c * c, 2 * c * (c // 4) + 9 * (c // 4) ** 2, c * c


def _check_weights(f: Answer) -> None:
    for c in (256, 64, 1024):
        basic, narrow, projection = _several(f(c), "basic, bottleneck, projection", 3)
        right = _weights(c)
        where = f"at {c} channels"
        expect_number(
            basic, right[0], 1e-9, f"the basic block {where}",
            mistakes={
                "it has two convolutions": 9 * c * c,
                "that has batch norms in it; count the weights alone": right[0] + 4 * c,
            },
        )  # fmt: skip
        q = c // 4
        expect_number(
            narrow, right[1], 1e-9, f"the bottleneck block {where}",
            mistakes={
                "the last convolution, back to all channels, is missing": c * q + 9 * q * q,
                "the convolution in the middle works on a quarter of the channels, at both ends":
                    2 * c * q + 9 * c * q,
                "the outer convolutions are of 1 × 1": 18 * c * q + 9 * q * q,
                "the convolution in the middle is of 3 × 3": 2 * c * q + q * q,
                "that has batch norms in it; count the weights alone": right[1] + 4 * q + 2 * c,
                "`channels` is the number at the ends of the block": 8 * c * c + 9 * c * c,
            },
        )  # fmt: skip
        expect_number(
            projection, right[2], 1e-9, f"the projection {where}",
            mistakes={
                "it is of 1 × 1, not of 3 × 3": 9 * c * c,
                "both of its ends have all the channels": c * q,
                "that has a batch norm in it; count the weights alone": c * c + 2 * c,
            },
        )  # fmt: skip


# ---- 10.5 ---------------------------------------------------------------------------------------
def _block(x: Array, state: dict[str, Array], how: str = "") -> Array:
    """Return what the block, or one with a mistake, makes of x."""

    def layer(y: Array, i: int) -> Array:
        pad = 1 if i == 2 else 0
        out: Array = F.conv2d(Tensor(y), Tensor(state[f"conv{i}.weight"]), None, padding=pad).data
        if how == "no norm":
            return out
        mean, var = (m(out, axis=(0, 2, 3), keepdims=True) for m in (np.mean, np.var))
        scale, shift = (state[f"bn{i}.{k}"][None, :, None, None] for k in ("weight", "bias"))
        found: Array = (out - mean) / np.sqrt(var + 1e-5) * scale + shift
        return found

    y = np.maximum(layer(x, 1), 0)
    y = layer(y, 2) if how == "one relu" else np.maximum(layer(y, 2), 0)
    y = layer(y, 3)
    if how == "no skip":
        return np.asarray(np.maximum(y, 0))
    if how == "no last relu":
        return np.asarray(y + x)
    found: Array = np.maximum(y, 0) + x if how == "relu before" else np.maximum(y + x, 0)
    return found


def _sample(channels: int, inner: int, seed: int) -> tuple[Array, dict[str, Array]]:
    rng = np.random.default_rng(seed)
    state = Bottleneck(channels, inner).state_dict()
    for key, value in state.items():
        if key.startswith("bn") and key.endswith(("weight", "bias")):
            state[key] = rng.normal(1, 0.4, value.shape).astype(np.float32)
        elif key.endswith("weight"):
            state[key] = rng.normal(0, 0.3, value.shape).astype(np.float32)
    x = rng.standard_normal((3, channels, 5, 6)).astype(np.float32)
    return x, state


def _reference_block(x: Array, state: dict[str, Array]) -> tuple[int, Array]:
    inner, channels = state["conv1.weight"].shape[:2]
    block = Bottleneck(channels, inner)
    block.load_state_dict(state)
    return sum(p.size for p in block.parameters()), block(Tensor(x)).data


def _check_block(f: Answer) -> None:
    for seed, (channels, inner) in enumerate(((8, 2), (16, 4))):
        x, state = _sample(channels, inner, seed)
        count, out = _several(f(x.copy(), dict(state)), "number of parameters, output", 2)
        right, expected = _reference_block(x, state)
        norms = 4 * inner + 2 * channels
        expect_number(
            count, right, 1e-9, f"parameters of a block of {channels} channels",
            mistakes={
                "the batch norms are missing": right - norms,
                "convolutions before a batch norm have no bias": right + norms // 2,
                "running means and variances are no parameters": right + norms,
            },
        )  # fmt: skip
        ways = {
            "the shortcut is missing": "no skip",
            "the last ReLU stands behind the addition": "relu before",
            "the ReLU behind the addition is missing": "no last relu",
            "there is a ReLU behind the second batch norm too": "one relu",
            "the batch norms are not applied": "no norm",
        }
        expect_array(
            out, expected, f"the output of a block of {channels} channels", 1e-4,
            mistakes={text: _block(x, state, how) for text, how in ways.items()},
        )  # fmt: skip


def _wrong_block(how: str) -> Answer:
    return lambda x, state: (_reference_block(x, state)[0], _block(x, state, how))


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
        _check_layer,
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
        _check_params,
        _params,
        hints=(
            "Write a loop over the three stages, and one over the 2n convolutions of a stage, and "
            "keep the number of channels that comes in.",
            "A convolution of C to K channels has 9 C K weights, the batch norm behind it 2 K. "
            "After it, C is K.",
            "Begin with 9 · 3 · width + 2 · width; end with 10 times the channels plus 10.",
        ),
        kind="function",
        wrong=(
            lambda n, width: _params(n, width, norms=0),
            lambda n, width: _params(n, width, biases=1),
            lambda n, width: _params(n, width, first=False),
            lambda n, width: _params(n, width, linear=0),
        ),
    ),
    "10.3": Exercise(
        _check_macs,
        _macs,
        hints=(
            "Go through the list and keep the size of the image as it is at that place.",
            "First the stride changes the size, rounded up; then count kernel · kernel · inputs · "
            "outputs for each place of the output.",
            "size = -(-size // stride) divides and rounds up; the places are size ** 2.",
        ),
        kind="function",
        wrong=(
            lambda layers, size: _macs(layers, size, "before"),
            lambda layers, size: _macs(layers, size, "forgets"),
            lambda layers, size: _macs(layers, size, "down"),
            lambda layers, size: _macs(layers, size, "kernel"),
        ),
    ),
    "10.4": Exercise(
        _check_weights,
        _weights,
        hints=(
            "A basic block has two convolutions of 3 × 3, from C to C channels. Draw the three of "
            "the bottleneck with the channels at their ends.",
            "With q = C / 4: C to q with 1 × 1, q to q with 3 × 3, q to C with 1 × 1.",
            "18 C², then C q + 9 q² + q C, then C².",
        ),
        kind="line",
        wrong=(
            lambda c: (9 * c * c, _weights(c)[1], c * c),
            lambda c: (18 * c * c, c * (c // 4) + 9 * (c // 4) ** 2, c * c),
            lambda c: (18 * c * c, _weights(c)[1], 9 * c * c),
        ),
    ),
    "10.5": Exercise(
        _check_block,
        _reference_block,
        hints=(
            "Write a class of nn.Module with the six layers in __init__ and the way through them "
            "in forward. What is added, and where is the last ReLU?",
            "The convolutions have bias=False; only the second one has padding=1. Forward: "
            "F.relu(bn(conv)) twice, then bn3(conv3), then + x, then F.relu.",
            "Make the block with inner, channels = state['conv1.weight'].shape[:2], call "
            "load_state_dict(state), and return the sum of p.size over parameters() and "
            "block(mr.tensor(x)).data.",
        ),
        kind="function",
        wrong=(
            _wrong_block("no skip"),
            _wrong_block("relu before"),
            _wrong_block("no last relu"),
            _wrong_block("one relu"),
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
