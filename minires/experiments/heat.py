"""Drawing log10 values over layer × step, and the heat map of one training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import plotting
from ..tensor import Array

LEGEND = "Hatched: not finite; black: exactly 0. A decade is a factor of 10."


def show(
    axis: Any,
    values: Array,
    limits: tuple[float, float],
    columns: Sequence[int],
    borders: Sequence[tuple[int, str]] = (),
    note: str = "",
) -> Any:
    """Draw log10 values (layers, steps) and return the image, which a colour bar can explain.

    NaN is hatched, and `note` says there why, -inf is black. `columns` are the steps of the first
    columns, `borders` the (row, name) at which the stages of a net begin.
    """
    from matplotlib import colormaps

    cmap = colormaps["viridis"].with_extremes(bad=(1, 1, 1, 0), under="black")
    axis.grid(visible=False)
    axis.patch.set(hatch="////", edgecolor="0.6", facecolor="white")
    rows, count = values.shape
    image = axis.imshow(
        np.ma.masked_invalid(np.where(np.isneginf(values), limits[0] - 1, values)),
        aspect="auto", interpolation="nearest", cmap=cmap, vmin=limits[0], vmax=limits[1],
        extent=(-0.5, count - 0.5, rows + 0.5, 0.5),
    )  # fmt: skip
    kept = range(0, len(columns), -(-len(columns) // 8) if len(columns) > 12 else 1)
    axis.set_xticks(kept, [f"{columns[i]:,}" for i in kept])
    axis.yaxis.get_major_locator().set_params(integer=True)
    if borders:
        ends = [*(row for row, _ in borders[1:]), rows]
        for row, _ in borders[1:]:
            axis.axhline(row + 0.5, color="white", linewidth=1.2)
        tall = [(row, end, name) for (row, name), end in zip(borders, ends, strict=True)
                if (end - row) / rows > 0.03]  # fmt: skip
        axis.set_yticks([(row + end + 1) / 2 for row, end, _ in tall], [n for *_, n in tall])
    gone = np.flatnonzero(np.isnan(values).all(axis=0))
    if note and len(gone):
        axis.text(
            gone.mean(), (rows + 1) / 2, note, ha="center", va="center", fontsize=8.5,
            rotation=0 if len(gone) > count / 2 else 90,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        )  # fmt: skip
    return image


def colour_bar(figure: Any, image: Any, axes: Any, label: str) -> None:
    """Explain the colours of log10 values in powers of ten; numbers between them if they are few.

    Below one decade those are evenly spaced, up to 2.5 decades 1, 2 and 5 of each.
    """
    from matplotlib.ticker import MaxNLocator

    bar = figure.colorbar(image, ax=axes, label=label, ticks=MaxNLocator(7, integer=True))
    low, high = image.get_clim()
    if high - low > 2.5:
        bar.formatter = lambda power, _: f"$10^{{{power:.0f}}}$"
        bar.update_ticks()
        return
    if high - low > 1:
        tens = range(math.floor(low), math.ceil(high) + 1)
        numbers = [digit * 10.0**power for power in tens for digit in (1, 2, 5)]
    else:
        numbers = list(MaxNLocator(5).tick_values(10**low, 10**high))
    numbers = [number for number in numbers if low <= math.log10(max(number, 1e-300)) <= high]
    bar.set_ticks([math.log10(number) for number in numbers], labels=[f"{n:.4g}" for n in numbers])
    bar.minorticks_off()


def limits(maps: Sequence[Array]) -> tuple[float, float]:
    """Return the smallest and the largest value that is finite."""
    known = np.concatenate([m[np.isfinite(m)] for m in maps])
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def lost(decades: float | None) -> str:
    """Return what a gradient loses from the last layer to the first, e.g. "2.2 decades lost"."""
    if decades is None or math.isnan(decades):
        return "not finite"
    if math.isinf(decades):
        return "all lost"
    if abs(decades) < 0.25:
        return "level"
    size = f"{abs(decades):.{0 if abs(decades) >= 9.95 else 1}f}"
    return f"{size} decades {'lost' if decades > 0 else 'gained'}"


def of_training(
    values: Array,
    columns: Sequence[int],
    borders: Sequence[tuple[int, str]],
    statement: str,
    note: str,
    end: str = "",
) -> Any:
    """Draw log10 ‖∂L/∂x‖ (layers, records) of one training; `end` is why it ends in hatching."""
    scale = limits([values])
    if end:
        gone = max(1, round(len(columns) * 0.08))
        values = np.hstack([values, np.full((len(values), gone), np.nan)])
    figure, axes = plotting.new_figure(1, 1, 7.6, 4.2)
    image = show(axes[0, 0], values, scale, columns, borders, end)
    axes[0, 0].set(xlabel="training step", ylabel="loss  ←  layer  →  input")
    colour_bar(figure, image, axes, "gradient ‖∂L/∂x‖")
    plotting.state(figure, statement, f"{note} {LEGEND}")
    return figure
