"""Heat maps over layer × step of a gradient-flow experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import plotting
from ..tensor import Array
from . import heat, panels, statements, tables
from .gradflow import Run, stages
from .settings import NORM_NAMES, SKIP_NAMES, init_name


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
    scale, image = heat.limits(list(maps.values())), None
    for setting, found in maps.items():
        same = nets[setting]
        axis = axes[depths.index(setting.depth), kinds.index((setting.norm, setting.skip))]
        image = heat.show(axis, found, scale, steps, _borders(same), diverged(same))
        name = f"{setting.depth} {SKIP_NAMES[setting.skip]}, {NORM_NAMES[setting.norm]}"
        axis.set_title(f"{name}\n{_before_and_after(same)}", fontsize=8.5, loc="left")
    for axis in axes[:, 0]:
        axis.set_ylabel("loss  ←  layer  →  input", fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("training step")
    if image is not None:
        heat.colour_bar(figure, image, axes, "gradient ‖∂L/∂x‖")
    seeds = max(len({r.seed for r in same}) for same in nets.values())
    plotting.state(
        figure,
        statements.training_statement(runs),
        f"Lost on the way back from the last layer to the first. {heat.LEGEND} "
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
    then = (
        "diverged" if gone == seeds else f"{gone} of {seeds} diverged" if gone else heat.lost(last)
    )
    return f"{heat.lost(first)} → {then}"


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
