"""Pooling windows as the kernels get them: a struct, and sizes that are compiled in."""

from __future__ import annotations

import numpy as np

from ...checks import Windows
from ...spec import Array
from .device import structure

WINDOW = structure(
    "C", "H", "W", "P", "Q", "R", "S", "sh", "sw", "ph", "pw", "dh", "dw", "count_include_pad"
)
FIXED = ((2, 2, 2), (3, 3, 2))  # R, S and stride of v2: the halving of an image, the stem's pooling


def kernel_names(*kernels: str) -> tuple[str, ...]:
    """Return each kernel with all template arguments R, S, STRIDE; zeros are sizes at run time."""
    every = ((0, 0, 0), *FIXED)
    return tuple(f"{kernel}<T, {r}, {s}, {stride}>" for kernel in kernels for r, s, stride in every)


def sizes(version: int, win: Windows) -> str:
    """Return the template arguments R, S, STRIDE; zeros stand for sizes at run time."""
    return "0, 0, 0" if version == 1 else f"{win.size[0]}, {win.size[1]}, {win.stride[0]}"


def structure_of(shape: tuple[int, ...], win: Windows, count_include_pad: bool = True) -> Array:
    """Return the struct Window of windows.cuh, for an image of `shape` (N, C, H, W)."""
    fields = (*shape[1:], *win.output, *win.size, *win.stride, *win.padding, *win.dilation)
    return np.array((*fields, count_include_pad), WINDOW)


def compiled(win: Windows) -> bool:
    """Return whether v2 has this window."""
    square = win.stride[0] == win.stride[1] and win.dilation == (1, 1)
    return square and (*win.size, win.stride[0]) in FIXED
