"""Lesson 16: how fast can a convolution be?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Exercise, expect_array, expect_number, number, require, require_written
from .convolutions import (
    check_costs,
    check_im2col,
    check_product,
    check_roof,
    check_tiled,
    costs,
    im2col,
    product,
    roof,
    sequence,
    tiled,
)


def _check_winograd(f: Callable[..., Any]) -> None:
    for m, r in ((2, 3), (4, 3), (1, 3), (6, 3), (3, 2), (2, 5)):
        mine = sequence(f(m, r), "direct, winograd")
        of = f"m = {m}, r = {r}"
        expect_number(
            mine[0], m * m * r * r, 1e-12, f"{of}: by the definition",
            mistakes={
                "that is a row; the tile has m rows": m * r * r,
                "asked for is (by definition, Winograd's), in this order": (m + r - 1) ** 2,
                "that is for one output": r * r,
                "that is a line of m outputs; the tile has two directions": m * r,
            },
        )  # fmt: skip
        expect_number(
            mine[1], (m + r - 1) ** 2, 1e-12, f"{of}: Winograd's",
            mistakes={
                "a tile has two directions: square it": m + r - 1,
                "m + r - 1 inputs in each direction": (m + r) ** 2,
            },
        )  # fmt: skip


def _taps(x: Any, r: int, stride: int) -> Array:
    """Return the windows of x (H, W), padded by r // 2: (P, Q, R, R)."""
    h, w = x.shape
    xp = np.pad(x, r // 2)
    p, q = ((size + 2 * (r // 2) - r) // stride + 1 for size in (h, w))
    out = np.zeros((p, q, r, r), x.dtype)
    for i in range(r):
        for j in range(r):
            out[:, :, i, j] = xp[i : i + stride * p : stride, j : j + stride * q : stride][:p, :q]
    return out


def _taps_with_the_bug(x: Any, r: int, stride: int) -> Array:
    h, w = x.shape
    return _taps(x, r, stride)[: h // stride, : w // stride]


def _check_taps(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(167)
    for h, w, r, stride in ((8, 6, 3, 2), (7, 5, 3, 2), (5, 8, 3, 1), (9, 7, 5, 2), (10, 7, 3, 3),
                            (6, 6, 5, 3), (3, 3, 1, 2)):  # fmt: skip
        x = rng.standard_normal((h, w))
        found, right = f(x.copy(), r, stride), _taps(x, r, stride)
        of = f"x {h}×{w}, filter {r}×{r}, stride {stride}"
        require_written(found)
        require(
            np.shape(found) != (h // stride, w // stride, r, r) or np.shape(found) == right.shape,
            f"{of}: the bug is still there: {h // stride}×{w // stride} windows",
        )
        expect_array(found, right, of, 1e-9)


def _turn(peak: float, bandwidth: float, r: int) -> float:
    return 4 * peak / (bandwidth * r * r)


def _widths(turn: float) -> list[int]:
    found = [2**k for k in range(10) if turn / 8 <= 2**k <= 8 * turn]
    return found if len(found) >= 4 else [1, 2, 4, 8]


def _plan(peak: float, bandwidth: float) -> Any:
    one, three = (_turn(peak, bandwidth, r) for r in (1, 3))
    return one, three, _widths(one)


def _check_plan(f: Callable[..., Any]) -> None:
    for peak, bandwidth in ((128e9, 16e9), (100e9, 5e9), (2e9, 4e9), (60e9, 12e9)):
        mine = sequence(f(peak, bandwidth), "c1, c3, widths")
        for value, r in ((mine[0], 1), (mine[1], 3)):
            right = _turn(peak, bandwidth, r)
            expect_number(
                value, right, 1e-6,
                f"peak {peak:g} FLOP/s, bandwidth {bandwidth:g} bytes/s: channels at which {r}×{r} "
                "filters turn",
                mistakes={
                    "the output has to be written too": right / 2,
                    "a product that is added is two FLOPs": 2 * right,
                    "a float32 has 4 bytes": right / 4,
                    "the filter has r² taps, not r": right * r if r > 1 else math.nan,
                    "which limit is divided by which?": 4 * bandwidth / (peak * r * r),
                },
            )  # fmt: skip
        _check_widths(mine[2], _turn(peak, bandwidth, 1))


def _check_widths(found: Any, turn: float) -> None:
    require_written(found)
    ok = isinstance(found, list | tuple | np.ndarray)
    widths = [number(w) for w in found] if ok else []
    require(ok and len(widths) >= 4, f"widths: expected 4 channel counts or more, got {found!r}")
    whole = [w for w in widths if w is not None and w == int(w) and 1 <= w <= 512]
    require(len(whole) == len(widths), f"widths: whole numbers from 1 to 512, got {found!r}")
    steps = [b / a for a, b in itertools.pairwise(whole)]
    require(min(steps) > 1, f"widths: in increasing order, got {found!r}")
    require(
        max(steps) <= 4, "widths: too far apart to see where it turns; at most a factor of 4 apart"
    )
    low, high = max(1.0, turn / 4), min(512.0, turn * 4)
    for outside, side in ((whole[0] > low, "below"), (whole[-1] < high, "above")):
        require(
            not outside,
            f"widths {[int(w) for w in whole]} with a turn at {turn:.3g}: both sides have to be "
            f"seen; go further {side} it, to a factor of 4 away",
        )


EXERCISES = {
    "16.1": Exercise(
        check_costs,
        costs,
        hints=(
            "At how many places along a padded side of size + 2 padding does a window of r fit, if "
            "it moves by stride each time?",
            "p = (size + 2 padding - r) // stride + 1. Each of the n · k · p · p outputs is a sum "
            "over c · r · r products.",
            "Two FLOPs for each product; 4 bytes for each number of x (n·c·size²), w (k·c·r²) and "
            "y (n·k·p²).",
        ),
        kind="number",
        wrong=(
            lambda n, c, size, k, r, stride, padding: (
                costs(n, c, size, k, r, stride, padding)[0],
                n * k * c * r * r * costs(n, c, size, k, r, stride, padding)[0] ** 2,
                costs(n, c, size, k, r, stride, padding)[2],
            ),
            lambda n, c, size, k, r, stride, padding: (
                (size + padding - r) // stride + 1,
                *costs(n, c, size, k, r, stride, padding)[1:],
            ),
            lambda n, c, size, k, r, stride, padding: (
                *costs(n, c, size, k, r, stride, padding)[:2],
                4 * (n * c * size * size + k * c * r * r),
            ),
        ),
    ),
    "16.2": Exercise(
        check_roof,
        roof,
        hints=(
            "How long does the arithmetic take alone, and how long do the bytes take alone?",
            "flops / peak and nbytes / bandwidth seconds. They overlap, so the longer one counts.",
            "speed = flops / max(flops / peak, nbytes / bandwidth); bound is 'compute' if the "
            "first is the longer one, else 'memory'.",
        ),
        kind="line",
        wrong=(
            lambda flops, nbytes, peak, bandwidth: (
                max(peak, bandwidth * flops / nbytes), roof(flops, nbytes, peak, bandwidth)[1]
            ),
            lambda flops, nbytes, peak, bandwidth: (
                roof(flops, nbytes, peak, bandwidth)[0], "memory"
            ),
            lambda flops, nbytes, peak, bandwidth: (
                flops / (flops / peak + nbytes / bandwidth), "compute"
            ),
        ),
    ),
    "16.3": Exercise(
        check_im2col,
        im2col,
        hints=(
            "Pad first. Then think of one tap (i, j) of the filter: which pixels of the padded "
            "image lie under it, over all windows?",
            "xp[:, :, i : i + stride·p : stride, j : j + stride·q : stride], of (N, C, P, Q). "
            "Put these r² arrays into one of shape (N, P, Q, C, R, R).",
            "columns = np.empty((n, p, q, c, r, r), x.dtype); for each i, j: columns[..., i, j] = "
            "that slice .transpose(0, 2, 3, 1); at last reshape to (n·p·q, c·r·r).",
        ),
        kind="function",
        wrong=(
            lambda x, r, stride, padding: im2col(x, r, 1, padding),
            lambda x, r, stride, padding: im2col(x, r, stride, 0),
            lambda x, r, stride, padding: im2col(x.swapaxes(2, 3), r, stride, padding),
            lambda x, r, stride, padding: im2col(x, r, stride, padding).astype(np.float64),
        ),
    ),
    "16.4": Exercise(
        check_product,
        product,
        hints=(
            "A filter, flattened, is as long as a row of the columns. What is their inner product?",
            "columns @ w.reshape(k, -1).T has a row for each output pixel and a column for each "
            "filter.",
            "Reshape that to (n, p, q, k) and transpose it with (0, 3, 1, 2).",
        ),
        kind="function",
        wrong=(
            lambda columns, w, n, p, q: (columns @ w.reshape(len(w), -1).T).reshape(n, -1, p, q),
            lambda columns, w, n, p, q: (columns @ w.reshape(len(w), -1).T).reshape(n, p, q, -1),
            lambda columns, w, n, p, q: product(columns, w[:, :, ::-1, ::-1], n, p, q),
        ),
    ),
    "16.5": Exercise(
        check_tiled,
        tiled,
        hints=(
            "Take `loops_last` and let q go in steps of 4. Name the four rows y0 = y[n, p, q] to "
            "y3 = y[n, p, q + 3]: they are views, so what is added to them is added to y.",
            "In the loop over c name w_k = w[r, s, c] and the four numbers "
            "x0 = xp[n, p + r, q + s, c] to x3, one pixel further each. The innermost loop "
            "over k has four lines: y0[k] += x0 * w_k[k], and so on.",
            "whole = q_all - q_all % 4; the tile's loop is range(0, whole, 4); below it a second "
            "loop, range(whole, q_all), does the last pixels one by one.",
        ),
        kind="function",
        wrong=(
            lambda xp, w: tiled(xp[:, :, : xp.shape[2] - (xp.shape[2] - w.shape[1] + 1) % 4], w),
            lambda xp, w: tiled(xp, w[::-1, ::-1]),
            lambda xp, w: tiled(xp.astype(np.float64), w.astype(np.float64)),
        ),
    ),
    "16.6": Exercise(
        _check_winograd,
        lambda m, r: (m * m * r * r, (m + r - 1) ** 2),
        hints=(
            "By the definition: how many outputs, and how many products for each?",
            "In one dimension Winograd needs as many products as there are inputs under the tile, "
            "m + r - 1.",
            "In two dimensions both counts are squared: (m r)² and (m + r - 1)².",
        ),
        kind="line",
        wrong=(
            lambda m, r: (m * r, m + r - 1),
            lambda m, r: (m * m * r * r, m + r - 1),
            lambda m, r: (m * m * r * r, (m + r) ** 2),
        ),
    ),
    "16.7": Exercise(
        _check_taps,
        _taps,
        hints=(
            "Try x of 8×8 and of 7×7, both with stride 2. How many windows should there be?",
            "h // stride is the right number if stride divides h (or r is 1 and it does). You know "
            "the formula that always holds from exercise 16.1.",
            "p = (h + 2 · (r // 2) - r) // stride + 1, and q likewise from w.",
        ),
        kind="bug",
        wrong=(
            _taps_with_the_bug,
            lambda x, r, stride: _taps(np.pad(x, ((0, len(x) % 2), (0, 0))), r, stride),
            lambda x, r, stride: _taps(x, r, stride)[:-1],
        ),
    ),
    "16.8": Exercise(
        _check_plan,
        _plan,
        hints=(
            "Write down FLOPs and bytes for one pixel with C channels in and C out: C·C·r² "
            "products, and C numbers read and C written.",
            "So the intensity is 2 r² C² / (8 C) = r² C / 4 FLOPs per byte. The roofline turns "
            "where it equals peak / bandwidth.",
            "C = 4 peak / (bandwidth r²). For the widths take powers of two, from an eighth of the "
            "C of 1×1 filters (but at least 1) to eight times it (but at most 512).",
        ),
        kind="design",
        wrong=(
            lambda peak, bandwidth: (peak / bandwidth, peak / bandwidth, [1, 2, 4, 8, 16, 32]),
            lambda peak, bandwidth: (*_plan(peak, bandwidth)[:2], [1, 512]),
            lambda peak, bandwidth: (
                *_plan(peak, bandwidth)[:2], _plan(peak, bandwidth)[2][:4]
            ),
        ),
    ),
}  # fmt: skip
