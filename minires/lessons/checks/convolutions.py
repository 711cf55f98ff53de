"""What lesson 16 asks for about convolutions: reference solutions and their checks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import expect_array, expect_choice, expect_number, require, require_written
from ..expect import described

SHAPES = (  # N, C, H, W, R, stride, padding
    (2, 3, 5, 6, 3, 1, 1), (1, 2, 6, 6, 3, 2, 1), (2, 2, 7, 5, 3, 2, 1), (1, 4, 4, 5, 1, 1, 0),
    (1, 1, 9, 8, 5, 3, 2), (3, 2, 4, 4, 3, 1, 0),
)  # fmt: skip


def sequence(found: Any, names: str) -> list[Any]:
    """Return the answers of a tuple; Wrong if it has another number of them."""
    require_written(found)
    count = len(names.split(","))
    ok = isinstance(found, list | tuple | np.ndarray) and len(found) == count
    require(ok, f"expected ({names}), got {described(found)}")
    return list(found)


def costs(n: int, c: int, size: int, k: int, r: int, stride: int, padding: int) -> Any:
    """Return (p, FLOPs, bytes) of a convolution of square images."""
    p = (size + 2 * padding - r) // stride + 1
    flops = 2 * n * p * p * k * c * r * r
    return p, flops, 4 * (n * c * size * size + k * c * r * r + n * k * p * p)


def check_costs(f: Callable[..., Any]) -> None:
    """Require output size, FLOPs and bytes, naming which is wrong."""
    cases = ((1, 1, 5, 1, 3, 1, 0), (32, 16, 32, 16, 3, 1, 1), (8, 3, 224, 64, 7, 2, 3),
             (4, 16, 32, 32, 3, 2, 1), (2, 64, 7, 64, 3, 2, 1), (3, 8, 9, 5, 1, 1, 0))  # fmt: skip
    for case in cases:
        n, c, size, k, r, stride, padding = case
        p, flops, nbytes = costs(*case)
        of = f"{n}×{c}×{size}×{size}, {k} filters {r}×{r}, stride {stride}, padding {padding}"
        mine = sequence(f(*case), "p, flops, nbytes")
        expect_number(
            mine[0], p, 1e-12, f"{of}: the output's size",
            mistakes={
                "the padding is on both sides": (size + padding - r) // stride + 1,
                "each window begins stride pixels after the one before": size + 2 * padding - r + 1,
                "a number of places is whole": (size + 2 * padding - r) / stride + 1,
                "one position more: the first window counts too": p - 1,
                "a window has to fit in whole; do not round up":
                    math.ceil((size + 2 * padding - r) / stride) + 1,
            },
        )  # fmt: skip
        expect_number(
            mine[1], flops, 1e-12, f"{of}: FLOPs",
            mistakes={
                "a product that is added to a sum is two FLOPs": flops // 2,
                "every filter looks at all channels": flops // c,
                "there is one sum for each pixel of the output, not of the input":
                    2 * n * size * size * k * c * r * r,
                "for all images": flops // n,
            },
        )  # fmt: skip
        x, w, y = 4 * n * c * size * size, 4 * k * c * r * r, 4 * n * k * p * p
        expect_number(
            mine[2], nbytes, 1e-12, f"{of}: bytes",
            mistakes={
                "a float32 has 4 bytes": nbytes // 4, "the output has to be written": x + w,
                "the filters have to be read": x + y, "that is float64": 2 * nbytes,
            },
        )  # fmt: skip


def roof(flops: float, nbytes: float, peak: float, bandwidth: float) -> Any:
    """Return (highest speed, what bounds it)."""
    arithmetic, memory = flops / peak, nbytes / bandwidth
    bound = "compute" if arithmetic >= memory else "memory"
    return flops / max(arithmetic, memory), bound


def check_roof(f: Callable[..., Any]) -> None:
    """Require the roofline's speed and which limit it is."""
    for case in ((1e9, 1e8, 1e11, 2e10), (1e9, 1e9, 1e11, 2e10), (3e6, 1e4, 5e9, 1e9),
                 (7e8, 9e8, 2e12, 1e12), (4e9, 1e7, 1e11, 3e10)):  # fmt: skip
        flops, nbytes, peak, bandwidth = case
        speed, bound = roof(*case)
        of = f"{flops:g} FLOPs and {nbytes:g} bytes under {peak:g} FLOP/s and {bandwidth:g} bytes/s"
        mine = sequence(f(*case), "speed, bound")
        expect_number(
            mine[0], speed, 1e-6, of,
            mistakes={
                "that is the time in seconds; the speed is FLOPs over it": flops / speed,
                "both limits hold, so the lower one counts":
                    max(peak, flops / nbytes * bandwidth),
                "the intensity is FLOPs per byte, not bytes per FLOP":
                    min(peak, bandwidth * nbytes / flops),
                "that is the bandwidth; times the intensity": bandwidth,
                "processors compute and load at the same time: the slower counts, not the sum":
                    flops / (flops / peak + nbytes / bandwidth),
            },
        )  # fmt: skip
        expect_choice(
            mine[1], bound, f"{of}: which of the two takes longer, the arithmetic or the bytes?",
            [f"{bound} bound"],
        )  # fmt: skip


def im2col(x: Any, r: int, stride: int, padding: int) -> Array:
    """Return the windows of x as rows, (N·P·Q, C·R·R)."""
    n, c, h, w = x.shape
    p, q = ((size + 2 * padding - r) // stride + 1 for size in (h, w))
    xp = np.zeros((n, c, h + 2 * padding, w + 2 * padding), x.dtype)
    xp[:, :, padding : padding + h, padding : padding + w] = x
    columns = np.empty((n, p, q, c, r, r), x.dtype)
    for i in range(r):
        for j in range(r):
            taken = xp[:, :, i : i + stride * p : stride, j : j + stride * q : stride]
            columns[..., i, j] = taken[:, :, :p, :q].transpose(0, 2, 3, 1)
    return columns.reshape(n * p * q, c * r * r)


def _keeps_float32(found: Any, what: str) -> None:
    kind = getattr(found, "dtype", None)
    require(
        kind == np.float32,
        f"{what}: given float32 it returns {kind or described(found)}, which moves twice the "
        "bytes: np.zeros(shape, x.dtype)",
    )


def check_im2col(f: Callable[..., Any]) -> None:
    """Require the columns for several strides and paddings, and float32 for float32."""
    rng = np.random.default_rng(163)
    for n, c, h, w, r, stride, padding in SHAPES:
        x = rng.standard_normal((n, c, h, w))
        right = im2col(x, r, stride, padding)
        p, q = ((size + 2 * padding - r) // stride + 1 for size in (h, w))
        six = right.reshape(n, p, q, c, r, r)
        expect_array(
            f(x.copy(), r, stride, padding), right,
            f"x {x.shape}, r = {r}, stride {stride}, padding {padding}", 1e-9,
            mistakes={
                "within a row the order is channel, row, column: (C, R, R)":
                    six.transpose(0, 1, 2, 4, 5, 3).reshape(right.shape),
                "rows and columns of the window are swapped":
                    six.swapaxes(4, 5).reshape(right.shape),
                "one row for each output pixel: transpose before you reshape":
                    six.transpose(0, 3, 4, 5, 1, 2).reshape(right.shape),
                "the padding has zeros": im2col(
                    np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2), "edge"),
                    r, stride, 0,
                ),
            },
        )  # fmt: skip
    _keeps_float32(f(np.ones((1, 2, 4, 4), np.float32), 3, 1, 1), "the columns")


def product(columns: Any, w: Any, n: int, p: int, q: int) -> Array:
    """Return y (N, K, P, Q) from columns and filters."""
    k = len(w)
    rows = columns @ w.reshape(k, -1).T
    return np.asarray(rows.reshape(n, p, q, k).transpose(0, 3, 1, 2))


def check_product(f: Callable[..., Any]) -> None:
    """Require the product in the order N, K, P, Q."""
    rng = np.random.default_rng(164)
    for n, c, h, width, r, stride, padding in SHAPES:
        k = 3 if c != 3 else 4
        x, w = rng.standard_normal((n, c, h, width)), rng.standard_normal((k, c, r, r))
        columns = im2col(x, r, stride, padding)
        p, q = ((size + 2 * padding - r) // stride + 1 for size in (h, width))
        right = product(columns, w, n, p, q)
        rows = columns @ w.reshape(k, -1).T
        flipped = columns @ w[:, :, ::-1, ::-1].reshape(k, -1).T
        expect_array(
            f(columns.copy(), w.copy(), n, p, q), right,
            f"columns {columns.shape} and w {w.shape}", 1e-9,
            mistakes={
                "the product has a row for each pixel, so K is its last axis: reshape to "
                "(N, P, Q, K), then transpose": rows.reshape(n, k, p, q),
                "the axes are in the order N, P, Q, K; asked for is N, K, P, Q":
                    rows.reshape(n, p, q, k),
                "P and Q are swapped": right.swapaxes(2, 3),
                "networks do not mirror the filters":
                    flipped.reshape(n, p, q, k).transpose(0, 3, 1, 2),
            },
        )  # fmt: skip
    found = f(np.ones((4, 9), np.float32), np.ones((2, 1, 3, 3), np.float32), 1, 2, 2)
    _keeps_float32(found, "the product")


def tiled(xp: Any, w: Any) -> Any:
    """Return the convolution of padded channels-last images, four pixels at a time."""
    n_all, height, width, c_all = xp.shape
    r_all, s_all, _, k_all = w.shape
    p_all, q_all = height - r_all + 1, width - s_all + 1
    y = np.zeros((n_all, p_all, q_all, k_all), xp.dtype)
    whole = q_all - q_all % 4
    for n in range(n_all):
        for p in range(p_all):
            for q in range(0, whole, 4):
                y0, y1, y2, y3 = y[n, p, q], y[n, p, q + 1], y[n, p, q + 2], y[n, p, q + 3]
                for r in range(r_all):
                    for s in range(s_all):
                        row = xp[n, p + r]
                        for c in range(c_all):
                            w_k = w[r, s, c]
                            x0, x1 = row[q + s, c], row[q + s + 1, c]
                            x2, x3 = row[q + s + 2, c], row[q + s + 3, c]
                            for k in range(k_all):
                                y0[k] += x0 * w_k[k]
                                y1[k] += x1 * w_k[k]
                                y2[k] += x2 * w_k[k]
                                y3[k] += x3 * w_k[k]
            for q in range(whole, q_all):
                for r in range(r_all):
                    for s in range(s_all):
                        for c in range(c_all):
                            for k in range(k_all):
                                y[n, p, q, k] += xp[n, p + r, q + s, c] * w[r, s, c, k]
    return y


def _direct(xp: Any, w: Any) -> Array:
    r_all, s_all = w.shape[:2]
    p, q = xp.shape[1] - r_all + 1, xp.shape[2] - s_all + 1
    taps = [(r, s) for r in range(r_all) for s in range(s_all)]
    return np.asarray(sum(xp[:, r : r + p, s : s + q] @ w[r, s] for r, s in taps))


def check_tiled(f: Callable[..., Any]) -> None:
    """Require the tiled loop's result, also where Q is no multiple of 4."""
    rng = np.random.default_rng(165)
    for n, h, width, c, k, r in ((1, 4, 10, 2, 3, 3), (2, 5, 6, 1, 2, 3), (1, 3, 7, 3, 4, 1),
                                 (1, 4, 5, 2, 2, 3), (1, 3, 9, 2, 1, 3)):  # fmt: skip
        xp, w = rng.standard_normal((n, h, width, c)), rng.standard_normal((r, r, c, k))
        right = _direct(xp, w)
        whole = right.copy()
        q = right.shape[2]
        whole[:, :, q - q % 4 :] = 0
        mistakes = {"the taps are mirrored": _direct(xp, w[::-1, ::-1])}
        if q % 4:
            mistakes["the last pixels of each row, fewer than 4, are missing"] = whole
        expect_array(
            f(xp.copy(), w.copy()), right, f"xp {xp.shape} and w {w.shape}", 1e-9, mistakes
        )
    found = f(np.ones((1, 3, 6, 1), np.float32), np.ones((3, 3, 1, 1), np.float32))
    _keeps_float32(found, "y")
