"""The figures of a gradient-flow experiment: profiles over depth, and depth × step heat maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..plotting import COLOURS, MARKERS, new_figure
from ..record import LayerRecord
from .experiment import Run, Setting
from .report import groups

Quantity = Callable[[LayerRecord], float | None]


def _relative_dw(layer: LayerRecord) -> float | None:
    if layer.dw_norm is None or layer.w_norm == 0:
        return None
    return layer.dw_norm / layer.w_norm


PANELS: tuple[tuple[str, Quantity], ...] = (
    ("forward RMS of x", lambda layer: layer.forward_rms),
    ("backward ‖∂L/∂x‖", lambda layer: layer.dx_norm),
    ("weights ‖∂L/∂W‖ / ‖W‖", _relative_dw),
)


def profile(runs: Sequence[Run]) -> Any:
    """Draw the three quantities over relative depth: a row of panels per init and norm.

    Colour and marker tell the depth; solid lines are residual nets, dashed ones plain. Lines are
    geometric means over the seeds, bands their range. Values that are not finite or zero are left
    out, and counted in the row's title.
    """
    step = min(r.step for r in runs)
    settings = groups(runs, step)
    keys = list(dict.fromkeys((s.init, s.norm) for s in settings))
    figure, axes = new_figure(len(keys), 3, 10.5, 0.7 + 2.6 * len(keys), sharex=True)
    for row, (init, norm) in enumerate(keys):
        chosen = {s: r for s, r in settings.items() if (s.init, s.norm) == (init, norm)}
        missing = 0
        for column, (_, quantity) in enumerate(PANELS):
            for setting, same in chosen.items():
                missing += _line(axes[row, column], setting, same, quantity, list(chosen))
            axes[row, column].set_yscale("log")
            axes[row, column].grid(alpha=0.3)
        norm_name = "batch norm" if norm == "bn" else "no normalisation"
        axes[row, 0].set_ylabel(f"{norm_name}, {init} init")
        if missing:
            axes[row, 2].set_title(f"{missing} values 0 or not finite", fontsize=8, loc="right")
    for column, (title, _) in enumerate(PANELS):
        axes[0, column].set_title(title, loc="left", fontsize=10)
        axes[-1, column].set_xlabel("layer / number of layers (0 = input)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(6, len(labels)), fontsize=8
    )
    any_setting = next(iter(settings))
    when = "at initialisation" if step == 0 else f"at step {step}"
    figure.suptitle(
        f"Signal and gradient through depth {when}: {any_setting.arch}, {any_setting.activation}, "
        f"width {any_setting.width}, {len(next(iter(settings.values())))} seeds",
        fontsize=11,
    )
    return figure


def _line(
    axis: Any,
    setting: Setting,
    runs: Sequence[Run],
    quantity: Quantity,
    all_settings: list[Setting],
) -> int:
    """Draw one setting's line and band; return how many values could not be drawn."""
    depths = list(dict.fromkeys(s.depth for s in all_settings))
    skips = list(dict.fromkeys(s.skip for s in all_settings))
    values = _by_layer(runs, quantity)  # (seeds, layers), NaN where there is nothing to draw
    if values.size == 0:
        return 0
    with np.errstate(all="ignore"):
        logs = np.where(values > 0, np.log(values), np.nan)
    logs[~np.isfinite(logs)] = np.nan
    drawn = ~np.isnan(logs).all(axis=0)
    where = (np.arange(values.shape[1]) / max(1, values.shape[1] - 1))[drawn]
    logs_drawn = logs[:, drawn]
    place = depths.index(setting.depth)
    style = "-" if setting.skip == "identity" else ("--" if setting.skip == "none" else "-.")
    name = {"none": "plain", "identity": "residual", "preact": "pre-act"}[setting.skip]
    colour = COLOURS[place % len(COLOURS)]
    axis.plot(
        where,
        np.exp(np.nanmean(logs_drawn, axis=0)),
        style,
        color=colour,
        marker=MARKERS[(place + 3 * skips.index(setting.skip)) % len(MARKERS)],
        markersize=4,
        markevery=max(1, len(where) // 6),
        fillstyle="full" if setting.skip != "none" else "none",
        linewidth=1.3,
        label=f"{name}-{setting.depth}",
    )
    if len(runs) > 1 and drawn.any():
        low, high = np.nanmin(logs_drawn, axis=0), np.nanmax(logs_drawn, axis=0)
        axis.fill_between(where, np.exp(low), np.exp(high), color=colour, alpha=0.15, linewidth=0)
    return int(np.isnan(logs).sum())


def _by_layer(runs: Sequence[Run], quantity: Quantity) -> Any:
    """Return (seeds, layers on the main path); layers inside a branch are left out."""
    lines = [
        [np.nan if (v := quantity(layer)) is None else v for layer in r.layers if layer.stream]
        for r in runs
        if r.layers
    ]
    return np.array(lines, dtype=np.float64)


def heat_map(runs: Sequence[Run]) -> Any:
    """Draw log10 ‖∂L/∂x‖ over layer × step for the deepest nets: a panel per setting.

    The geometric mean over seeds. Grey marks steps at which some seed had diverged, black layers
    at which the gradient of some seed was exactly 0.
    """
    from matplotlib import colormaps

    cmap = colormaps["cividis"].with_extremes(bad="0.8", under="black")
    steps = sorted({r.step for r in runs if r.layers})
    deepest = max(r.setting.depth for r in runs)
    settings = [s for s in groups(runs) if s.depth == deepest]
    columns = min(4, len(settings))
    n_rows = math.ceil(len(settings) / columns)
    figure, axes = new_figure(n_rows, columns, 1.5 + 2.7 * columns, 0.9 + 2.6 * n_rows)
    maps = {s: _heat(groups(runs)[s], steps) for s in settings}
    known = np.concatenate([m[np.isfinite(m)] for m in maps.values()])
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    image = None
    for axis, (setting, values) in zip(axes.flat, maps.items(), strict=False):
        drawn = np.where(np.isneginf(values), low - 1, values)  # log10 of 0: below the scale
        image = axis.imshow(
            np.ma.masked_invalid(drawn),
            aspect="auto",
            interpolation="nearest",
            cmap=cmap,
            vmin=low,
            vmax=high,
            extent=(-0.5, len(steps) - 0.5, values.shape[0] + 0.5, 0.5),
        )
        axis.set_xticks(
            range(len(steps)), [str(s) for s in steps], rotation=60 if len(steps) > 8 else 0
        )
        axis.yaxis.get_major_locator().set_params(integer=True)
        axis.set_title(setting.label(), fontsize=9)
    for axis in list(axes.flat)[len(settings) :]:
        axis.set_axis_off()
    for row in range(n_rows):
        axes[row, 0].set_ylabel("layer on the main path (1: input)")
    for axis in axes[-1, : len(settings) - columns * (n_rows - 1)]:
        axis.set_xlabel("training step")
    if image is not None:
        figure.colorbar(image, ax=axes, label="log10 ‖∂L/∂x‖")
    figure.suptitle("Gradient through depth and training (grey: diverged, black: 0)", fontsize=11)
    return figure


def _heat(runs: Sequence[Run], steps: Sequence[int]) -> Any:
    """Return (layers on the main path, steps) of log10 ‖∂L/∂x‖, NaN where a seed has none."""
    seeds = {r.seed for r in runs}
    columns = []
    depth = max((sum(layer.stream for layer in r.layers) for r in runs), default=0)
    for step in steps:
        values = _by_layer([r for r in runs if r.step == step], lambda layer: layer.dx_norm)
        if len(values) < len(seeds):
            columns.append(np.full(depth, np.nan))
            continue
        with np.errstate(all="ignore"):
            columns.append(np.log10(values).mean(axis=0))
    return np.array(columns).T
