"""Heat maps over layer × step: of a gradient-flow experiment, and of one training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import plotting
from ..tensor import Array
from . import panels, statements, tables
from .gradflow import Run, stages
from .settings import NORM_NAMES, SKIP_NAMES, init_name

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

    NaN is hatched, and `note` says there why, -inf is black. `columns` are the steps, `borders`
    the (row, name) at which the stages of a net begin.
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
    kept = range(0, count, -(-count // 8)) if count > 12 else range(count)
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
    """Explain the colours of log10 values in powers of ten."""
    from matplotlib.ticker import MaxNLocator

    bar = figure.colorbar(image, ax=axes, label=label, ticks=MaxNLocator(7, integer=True))
    bar.formatter = lambda power, _: f"$10^{{{power:.0f}}}$"
    bar.update_ticks()


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


def heat_map(runs: Sequence[Run]) -> Any:
    """Draw log10 ‖∂L/∂x‖ over layer × step: a row for each depth, a column for each other setting.

    The geometric mean over seeds. Hatched: steps at which some seed had diverged; black: layers at
    which the gradient of some seed was exactly 0. Each panel says what the gradient loses from the
    last layer to the first, before training and in the end.
    """
    steps = sorted({r.step for r in runs if r.layers})
    nets = tables.groups(runs)
    depths = sorted({s.depth for s in nets})
    kinds = list(dict.fromkeys((s.norm, s.skip) for s in nets))
    figure, axes = plotting.new_figure(
        len(depths), len(kinds), 1.5 + 2.7 * len(kinds), 1.2 + 2.4 * len(depths), sharex=True
    )
    maps = {s: _heat(same, steps) for s, same in nets.items()}
    scale, image = limits(list(maps.values())), None
    for setting, found in maps.items():
        same = nets[setting]
        axis = axes[depths.index(setting.depth), kinds.index((setting.norm, setting.skip))]
        image = show(axis, found, scale, steps, _borders(same), diverged(same))
        name = f"{setting.depth} {SKIP_NAMES[setting.skip]}, {NORM_NAMES[setting.norm]}"
        axis.set_title(f"{name}\n{_before_and_after(same)}", fontsize=8.5, loc="left")
    for axis in axes[:, 0]:
        axis.set_ylabel("loss  ←  layer  →  input", fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("training step")
    if image is not None:
        colour_bar(figure, image, axes, "gradient ‖∂L/∂x‖")
    seeds = max(len({r.seed for r in same}) for same in nets.values())
    plotting.state(
        figure,
        statements.training_statement(runs),
        f"Lost on the way back from the last layer to the first. {LEGEND} "
        f"{init_name(runs[0].setting.init)}, rate {runs[0].experiment.lr:g}; "
        + (f"geometric mean of {seeds} seeds." if seeds > 1 else "one seed."),
    )
    return figure


def diverged(runs: Sequence[Run]) -> str:
    """Return how many seeds of a net diverged, and when; "" if none did."""
    when = {r.seed: r.step for r in runs if r.diverged}
    if not when:
        return ""
    seeds = len({r.seed for r in runs})
    who = "diverged" if seeds == 1 else f"{len(when)} of {seeds} seeds\ndiverged"
    return f"{who} at step {min(when.values())}"


def _borders(runs: Sequence[Run]) -> list[tuple[int, str]]:
    """Return (row, name) at which each stage of a conv net begins, "stem" and "head" included."""
    layers = next((r.layers for r in runs if r.layers), [])
    names = [stage for stage, same in stages(layers).items() for _ in same]
    if not names:
        return []
    path = [s.name.partition(".")[0] for s in layers if s.stream]
    return [(i, n) for i, n in enumerate(path) if i == 0 or n != path[i - 1]]


def _before_and_after(runs: Sequence[Run]) -> str:
    first, last = (
        tables.decades_lost([r for r in runs if r.step == step])
        for step in (min(r.step for r in runs), max(r.step for r in runs))
    )
    gone, seeds = len({r.seed for r in runs if r.diverged}), len({r.seed for r in runs})
    then = "diverged" if gone == seeds else f"{gone} of {seeds} diverged" if gone else lost(last)
    return f"{lost(first)} → {then}"


def _heat(runs: Sequence[Run], steps: Sequence[int]) -> Array:
    """Return (layers on the main path, steps) of log10 ‖∂L/∂x‖, NaN where a seed has none."""
    seeds = {r.seed for r in runs}
    depth = max((sum(layer.stream for layer in r.layers) for r in runs), default=0)
    columns = []
    for step in steps:
        found = panels.values([r.layers for r in runs if r.step == step], lambda s: s.dx_norm)
        if len(found) < len(seeds):
            columns.append(np.full(depth, np.nan))
            continue
        with np.errstate(all="ignore"):
            columns.append(np.where(np.isfinite(found), np.log10(found), np.nan).mean(axis=0))
    return np.array(columns).T


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
        columns = [*columns, *[columns[-1]] * gone]
    figure, axes = plotting.new_figure(1, 1, 7.6, 4.2)
    image = show(axes[0, 0], values, scale, columns, borders, end)
    axes[0, 0].set(xlabel="training step", ylabel="loss  ←  layer  →  input")
    colour_bar(figure, image, axes, "gradient ‖∂L/∂x‖")
    plotting.state(figure, statement, f"{note} {LEGEND}")
    return figure
