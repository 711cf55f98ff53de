"""A batch from images and draws: gather, crop or resize, mirror, normalise and blank in one pass.

`warp` uses compiled loops (`warp_loops.py`), or NumPy where Numba is missing or switched off: the
same operations in the same order, so the same bits.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from minires_kernels.memory import empty

from ..tensor import Array
from .augment import Draws

Warp = Callable[..., None]


@functools.cache
def loops() -> tuple[Warp, Warp]:
    """Return the functions that crop and resize: compiled ones if that can be."""
    if importlib.util.find_spec("numba") is None or os.environ.get("NUMBA_DISABLE_JIT") == "1":
        return crop, resize
    from minires_kernels.cpu.machine.jit import jit_exact

    from . import warp_loops

    return jit_exact(warp_loops.crop), jit_exact(warp_loops.resize)


def warp(
    x: Array,
    index: Array,
    draws: Draws,
    tables: tuple[Array, Array],
    output: tuple[int, int],
    *,
    scaled: bool,
    reflect: bool,
    how: tuple[Warp, Warp] | None = None,
) -> Array:
    """Return the images x[index], changed as drawn: (B, C, P, Q) float32, channels-last.

    x       (N, H, W, C) uint8, in C order
    index   (B,) int64
    draws   of all N images
    tables  m (H, W·C) and r (W·C,) of `Normalise.tables`: y = (x - m) · r
    scaled  whether boxes are scaled to `output`, bilinearly, and with a wider filter where they
            shrink, as Pillow and PyTorch (antialias=True) do; else they have that size
    """
    n, h, w, c = x.shape
    y = empty((len(index), output[0], output[1] * c), np.float32)
    cropped, resized = loops() if how is None else how
    flat, chosen = x.reshape(n, h, w * c), [a[index] for a in draws]
    if scaled:
        resized(flat, index, c, *chosen, *tables, y)
    else:
        cropped(flat, index, c, reflect, *chosen, *tables, y)
    return y.reshape(len(index), *output, c).transpose(0, 3, 1, 2)


# ---- NumPy --------------------------------------------------------------------------------------
def crop(
    x: Array,
    index: Array,
    c: int,
    reflect: bool,
    box: Array,
    flip: Array,
    hole: Array,
    m: Array,
    r: Array,
    y: Array,
) -> None:
    """Fill y (B, P, Q·C) with windows of x (N, H, W·C); pixels outside are 0 or mirrored ones."""
    _, h, w = x.shape[0], x.shape[1], x.shape[2] // c
    b, p, q = len(index), y.shape[1], y.shape[2] // c
    rows = box[:, :1] + np.arange(p)  # (B, P)
    columns = box[:, 1:2] + np.where(flip[:, None], np.arange(q)[::-1], np.arange(q))
    inside = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None]
    if reflect:
        rows, columns = _mirrored(rows, h), _mirrored(columns, w)
        inside[:] = True
    rows, columns = rows.clip(0, h - 1)[:, :, None], columns.clip(0, w - 1)[:, None]
    pixels = x.reshape(-1, h, w, c)[index[:, None, None], rows, columns].astype(np.float32)
    out = (pixels - m.reshape(h, w, c)[rows, columns]) * r[:c]
    out[~inside] = 0
    y[:] = out.reshape(b, p, q * c)
    _blank(y, hole, c)


def _mirrored(i: Array, n: int) -> Array:
    i = np.abs(i)
    mirrored: Array = np.where(i >= n, 2 * (n - 1) - i, i)
    return mirrored


def _blank(y: Array, hole: Array, c: int) -> None:
    for image, (top, bottom, left, right) in zip(y, hole, strict=True):
        image[top:bottom, left * c : right * c] = 0


def resize(
    x: Array,
    index: Array,
    c: int,
    box: Array,
    flip: Array,
    hole: Array,
    m: Array,
    r: Array,
    y: Array,
) -> None:
    """Fill y (B, P, Q·C) with windows of x (N, H, W·C), each scaled: rows first, then columns."""
    p, q = y.shape[1], y.shape[2] // c
    for out, image, (top, left, height, width), mirror in zip(y, index, box, flip, strict=True):
        part = slice(top, top + height), slice(left * c, (left + width) * c)
        pixels = (x[image][part].astype(np.float32) - m[part]) * r[: width * c]
        across = _filtered(pixels.reshape(height, width, c).transpose(1, 0, 2), q)
        if mirror:
            across = across[::-1]
        out[:] = _filtered(across.transpose(1, 0, 2), p).reshape(p, q * c)
    _blank(y, hole, c)


def _filtered(a: Array, size: int) -> Array:
    """Return a (n, …) scaled to (size, …) along its first axis."""
    n = len(a)
    scale = n / size
    reach = max(scale, 1.0)
    out: Array = np.zeros((size, *a.shape[1:]), np.float32)
    for i in range(size):
        first, weights = _taps(i, n, scale, reach)
        for k, weight in enumerate(weights):
            out[i] += weight * a[first + k]
    return out


def _taps(i: int, n: int, scale: float, reach: float) -> tuple[int, list[Any]]:
    """Return the first of the inputs that output i is a mean of, and the weights, float32."""
    centre = (i + 0.5) * scale
    first, last = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), n)
    weights = [max(1 - abs(first + k + 0.5 - centre) / reach, 0.0) for k in range(last - first)]
    total = 0.0
    for weight in weights:
        total += weight
    return first, [np.float32(weight / total) for weight in weights]
