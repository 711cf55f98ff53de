"""The error of a gradient, element by element, as a picture in SVG with words beside it."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from ..tensor import Array

MOST = 48  # cells along a side; of a larger tensor each cell shows the worst of a block
_CELL, _GAP = 12, 6  # pixels
LEVELS = (1e-6, 1e-4, 1e-2, 1e-1)  # of the largest derivative: where each darker shade begins
_OPACITY = (0.08, 0.25, 0.5, 0.75, 1.0)
_COLOUR = "#d9480f"


def heat_map(name: str, analytic: Array, numeric: Array) -> str:
    """Return a figure of |analytic - numeric|, a panel of the last two axes beside the other.

    What was not compared, at a kink or left out, is an empty frame.
    """
    with np.errstate(all="ignore"):
        error = np.abs(analytic - numeric)
    error = np.where(np.isnan(numeric), np.nan, np.where(np.isfinite(error), error, np.inf))
    scale = float(np.nanmax(np.abs(numeric), initial=0)) or 1.0
    panels = (1,) * (4 - error.ndim) + error.shape if error.ndim < 4 else error.shape
    panels = (panels[0], math.prod(panels[1:-2]), *panels[-2:])
    side_by_side = error.reshape(panels).transpose(0, 2, 1, 3)
    table, block = _pooled(side_by_side.reshape(panels[0] * panels[2], panels[1] * panels[3]))
    gap = _GAP if block == (1, 1) else 0
    cells = []
    for (i, j), e in np.ndenumerate(table):
        x, y = j * _CELL + j // panels[3] * gap, i * _CELL + i // panels[2] * gap
        size = f'x="{x + 0.5}" y="{y + 0.5}" width="{_CELL - 1}" height="{_CELL - 1}"'
        if math.isnan(e):
            cells.append(f'<rect {size} fill="none" stroke="currentColor" stroke-opacity=".25"/>')
        else:
            level = sum(e > limit * scale for limit in LEVELS)
            cells.append(f'<rect {size} fill="{_COLOUR}" fill-opacity="{_OPACITY[level]}"/>')
    width = table.shape[1] * _CELL + (panels[1] - 1) * gap
    height = table.shape[0] * _CELL + (panels[0] - 1) * gap
    words, axes = _in_words(name, error, scale), _axes(error.shape, block)
    return (
        f'<figure><svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(words)}">{"".join(cells)}</svg>'
        f"<figcaption>{escape(words)} {escape(axes)} The stronger the colour, the larger the "
        f"error: from {LEVELS[0]:g} to {LEVELS[-1]:g} of the largest derivative.</figcaption>"
        "</figure>"
    )


def _in_words(name: str, error: Array, scale: float) -> str:
    """Say what the picture shows to somebody who does not see it."""
    known = ~np.isnan(error)
    wrong = known & (np.nan_to_num(error, nan=0, posinf=np.inf) > LEVELS[0] * scale)
    if not wrong.any():
        return f"Error of the gradient of {name}: no single element is visibly wrong."
    worst = tuple(int(k) for k in np.unravel_index(int(np.nanargmax(error)), error.shape))
    text = (
        f"Error of the gradient of {name}: {int(wrong.sum())} of {int(known.sum())} compared "
        f"elements are wrong, the worst at {worst if len(worst) > 1 else worst[0]}"
    )
    for axis, size in enumerate(error.shape):
        along = wrong.any(axis=tuple(k for k in range(error.ndim) if k != axis))
        where = np.flatnonzero(along)
        if size > 2 and 0 < len(where) <= size // 2:
            listed = ", ".join(map(str, where[:6])) + (", …" if len(where) > 6 else "")
            text += f"; along axis {axis} only at {listed}"
    return text + "."


def _axes(shape: tuple[int, ...], block: tuple[int, int]) -> str:
    if len(shape) == 1:
        text = f"{shape[0]} elements in a row."
    elif len(shape) == 2:
        text = f"{shape[0]} rows, {shape[1]} columns."
    else:
        above = f"axis 0 from above to below, {'axis 1' if len(shape) == 4 else 'the others'} "
        text = "Panels of the last two axes" + (
            ", side by side." if len(shape) == 3 else f": {above}from left to right."
        )
    if block != (1, 1):
        text += f" A cell is the worst of {block[0]} × {block[1]} elements."
    return text


def _pooled(table: Array) -> tuple[Array, tuple[int, int]]:
    """Return the worst of each block, so that no side has more than MOST cells; NaN if none."""
    block = tuple(max(1, math.ceil(side / MOST)) for side in table.shape)
    padding = [(0, -side % step) for side, step in zip(table.shape, block, strict=True)]
    padded = np.pad(table, padding, constant_values=np.nan)
    rows, columns = padded.shape[0] // block[0], padded.shape[1] // block[1]
    blocks = padded.reshape(rows, block[0], columns, block[1])
    known = ~np.isnan(blocks).all(axis=(1, 3))
    worst = np.where(np.isnan(blocks), -np.inf, blocks).max(axis=(1, 3))
    return np.where(known, worst, np.nan), (block[0], block[1])
