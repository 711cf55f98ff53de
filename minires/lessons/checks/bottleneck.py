"""The bottleneck block, built by the learner: the check of exercise 10.5."""

from __future__ import annotations

import numpy as np

from ... import functional as F
from ...models import Bottleneck
from ...tensor import Array, Tensor
from ..exercise import expect_array, expect_number
from .counting import Answer, several


def block(x: Array, state: dict[str, Array], how: str = "") -> Array:
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


def sample(channels: int, inner: int, seed: int) -> tuple[Array, dict[str, Array]]:
    """Return an input and the weights of a block, norms included, at random."""
    rng = np.random.default_rng(seed)
    state = Bottleneck(channels, inner).state_dict()
    for key, value in state.items():
        if key.startswith("bn") and key.endswith(("weight", "bias")):
            state[key] = rng.normal(1, 0.4, value.shape).astype(np.float32)
        elif key.endswith("weight"):
            state[key] = rng.normal(0, 0.3, value.shape).astype(np.float32)
    x = rng.standard_normal((3, channels, 5, 6)).astype(np.float32)
    return x, state


def reference_block(x: Array, state: dict[str, Array]) -> tuple[int, Array]:
    """Return the parameters of the block of minires with these weights, and its output."""
    inner, channels = state["conv1.weight"].shape[:2]
    block = Bottleneck(channels, inner)
    block.load_state_dict(state)
    return sum(p.size for p in block.parameters()), block(Tensor(x)).data


def check_block(f: Answer) -> None:
    """Require the parameters and the output of a learner's block."""
    for seed, (channels, inner) in enumerate(((8, 2), (16, 4))):
        x, state = sample(channels, inner, seed)
        count, out = several(f(x.copy(), dict(state)), "number of parameters, output", 2)
        right, expected = reference_block(x, state)
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
            mistakes={text: block(x, state, how) for text, how in ways.items()},
        )  # fmt: skip


def wrong_block(how: str) -> Answer:
    """Return a solution that makes one mistake, see `block`."""
    return lambda x, state: (reference_block(x, state)[0], block(x, state, how))
