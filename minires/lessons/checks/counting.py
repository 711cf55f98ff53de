"""Parameters and multiply-adds of convolutions, blocks and nets: the checks of 10.1 to 10.4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..exercise import Wrong, expect_number, require_written

Answer = Callable[..., Any]


def several(found: Any, names: str, count: int) -> tuple[Any, ...]:
    """Return an answer of several values as a tuple."""
    require_written(found)
    if isinstance(found, tuple | list | np.ndarray) and len(found) == count:
        return tuple(found)
    raise Wrong(f"expected {count} values, ({names}), got {found!r}"[:200])


# ---- 10.1 ---------------------------------------------------------------------------------------
def check_layer(f: Answer) -> None:
    """Require (parameters, MACs) of one convolution and its norm."""
    parameters, macs = several(f(), "parameters, MACs", 2)
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
def params_of(
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


def check_params(f: Answer) -> None:
    """Require the parameters of nets of 6n + 2 layers."""
    for n, width in ((3, 16), (1, 4), (18, 16), (5, 7)):
        right = params_of(n, width)
        expect_number(
            f(n, width), right, 1e-9, f"n = {n}, width {width}",
            mistakes={
                "the batch norms are missing": params_of(n, width, norms=0),
                "a batch norm has two numbers for each channel": params_of(n, width, norms=1),
                "convolutions before a batch norm have no bias": params_of(n, width, biases=1),
                "the first convolution of stages 2 and 3 gets half the channels":
                    params_of(n, width, first=False),
                "the linear layer has a bias": params_of(n, width, linear=0),
                "the linear layer is missing": right - 40 * width - 10,
                "the first convolution is missing": right - 27 * width,
                "the first convolution, with its batch norm, is missing": right - 29 * width,
                "the batch norm behind the first convolution is missing": right - 2 * width,
            },
        )  # fmt: skip


# ---- 10.3 ---------------------------------------------------------------------------------------
def macs_of(layers: Sequence[Sequence[int]], size: int, how: str = "") -> int:
    """Return the MACs of a chain of convolutions; `how`: with which mistake."""
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


def check_macs(f: Answer) -> None:
    """Require the MACs of chains of convolutions."""
    cases: list[tuple[list[tuple[int, int, int, int]], int]] = [
        ([(3, 16, 3, 1)], 32),
        ([(3, 8, 3, 2), (8, 8, 1, 1), (8, 16, 3, 2)], 32),
        ([(2, 4, 5, 2), (4, 3, 3, 2), (3, 3, 3, 1)], 7),
        ([], 8),
    ]
    for layers, size in cases:
        expect_number(
            f([tuple(x) for x in layers], size), macs_of(layers, size), 1e-9,
            f"{len(layers)} convolutions on {size} × {size} pixels",
            mistakes={
                "count the places of a layer's output, not of its input":
                    macs_of(layers, size, "before"),
                "the next layer sees the smaller image": macs_of(layers, size, "forgets"),
                "the places are side × side": macs_of(layers, size, "side"),
                "a filter has kernel × kernel weights": macs_of(layers, size, "kernel"),
                "a side of 7 becomes 4 with stride 2: round up": macs_of(layers, size, "down"),
                "that counts products and additions as two": 2 * macs_of(layers, size),
            } if layers else {},
        )  # fmt: skip


# ---- 10.4 ---------------------------------------------------------------------------------------
def weights_of(c: int) -> tuple[int, int, int]:
    """Return the weights of a basic block, a bottleneck and a projection."""
    return 18 * c * c, 2 * c * (c // 4) + 9 * (c // 4) ** 2, c * c


def check_weights(f: Answer) -> None:
    """Require the weights of the three, at several widths."""
    for c in (256, 64, 1024):
        basic, narrow, projection = several(f(c), "basic, bottleneck, projection", 3)
        right = weights_of(c)
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
