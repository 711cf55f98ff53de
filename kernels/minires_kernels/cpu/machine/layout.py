"""Between the logical N C H W of the interface and the channels-last memory of the kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...memory import SMALLEST, empty
from ...spec import Array

LINE = 64  # bytes of a cache line


def plain(a: Array) -> Array:
    """Return `a` in C order, aligned and writable, so that one compiled version serves all calls.

    Copies only if it must. (Numba compiles anew for every layout and for read-only arrays.)
    """
    if a.flags.carray:  # C order, aligned, writable
        return a
    return np.require(a, requirements=["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array without values that starts at a cache line.

    A register of weights that lies across two lines costs two loads.
    """
    n, size = math.prod(shape), np.dtype(dtype).itemsize
    if n * size >= SMALLEST:
        return empty(shape, dtype)
    a = np.empty(n + LINE // size, dtype)
    skipped = -a.__array_interface__["data"][0] % LINE // size
    return a[skipped : skipped + n].reshape(shape)


def to_nhwc(x: Array) -> Array:
    """View (N, C, H, W) as a C-contiguous (N, H, W, C); copies if memory is in another order."""
    return plain(x.transpose(0, 2, 3, 1))


def kept(x: Array, source: Array) -> Array:
    """Return what to save for backward: x, or the copy that `source = to_nhwc(x)` had to make."""
    return to_nchw(source) if source.base is None else x  # only a view has a base


def to_nchw(x: Array) -> Array:
    """View (N, H, W, C) as (N, C, H, W). No copy: memory stays channels-last."""
    return x.transpose(0, 3, 1, 2)


def _is_channels_last(x: Array) -> bool:
    return x.ndim == 4 and x.transpose(0, 2, 3, 1).flags.c_contiguous


def flat(a: Array, like: Array | None = None) -> Array:
    """View the elements of `a` as one dimension, in the memory order of `like` (or its own).

    The order is channels-last if that is how `like` lies in memory, else C. No copy if `a` fits.
    """
    if _is_channels_last(a if like is None else like):
        a = a.transpose(0, 2, 3, 1)
    return plain(a).reshape(-1)


def unflat(values: Array, like: Array) -> Array:
    """Undo `flat(a, like)`: give the values the shape and the memory order of `like`."""
    if _is_channels_last(like):
        n, c, h, w = like.shape
        return to_nchw(values.reshape(n, h, w, c))
    return values.reshape(like.shape)
