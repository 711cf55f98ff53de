"""The figures of the experiments: each makes a statement, which is computed from its data."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import plotting
from ..plotting import GREYS, SKIP_COLOURS
from . import fields, panels, statements, streams, tables
from .degradation import Curve
from .gradflow import Run, stages
from .heatmaps import heat_map
from .settings import NORM_NAMES, SKIP_NAMES, Setting, init_name


def gradflow_files(runs: Sequence[Run], quantities: Sequence[str] = ("dx",)) -> dict[str, bytes]:
    """Return the files of a gradient-flow experiment's figures by name.

    gradflow.png and .svg, of several inits one for each; with several steps also heat maps.
    """
    inits = list(dict.fromkeys(r.setting.init for r in runs))
    files: dict[str, bytes] = {}
    for init in inits:
        same = [r for r in runs if r.setting.init == init]
        end = f"-{init}" if len(inits) > 1 else ""
        figure = profile(same, quantities)
        files |= _named(f"gradflow{end}", figure, "Gradient through depth")
        if len({r.step for r in same if r.layers}) > 1:
            figure = heat_map(same)
            files |= _named(f"gradflow-steps{end}", figure, "Gradient through depth and training")
    return files


def _named(stem: str, figure: Any, title: str) -> dict[str, bytes]:
    return {stem + suffix: data for suffix, data in plotting.render(figure, title).items()}


def profile(runs: Sequence[Run], quantities: Sequence[str] = ("dx",)) -> Any:
    """Draw quantities (rows) over depth for each norm (columns), of nets of one init.

    The deepest nets have colours, plain and residual, with theory's slope beside them; shallower
    ones are grey. The title is what the first panel shows, and each panel has its own statement.
    """
    for name in quantities:
        if name not in panels.QUANTITIES:
            raise ValueError(f"expected one of {', '.join(panels.QUANTITIES)}, got {name!r}")
    step = min(r.step for r in runs)
    nets = tables.groups(runs, step)
    norms = list(dict.fromkeys(s.norm for s in nets))
    init = next(iter(nets)).init
    figure, axes = plotting.new_figure(
        len(quantities), len(norms), 1.2 + 4.6 * len(norms), 1.1 + 3.1 * len(quantities),
        sharey="row", sharex=True,
    )  # fmt: skip
    for row, name in zip(axes, quantities, strict=True):
        for axis, norm in zip(row, norms, strict=True):
            same = {s: r for s, r in nets.items() if s.norm == norm}
            _panel(axis, same, name)
    for i, (axis, norm) in enumerate(zip(axes[0], norms, strict=True)):
        title = NORM_NAMES[norm] + (
            f": {statements.gradflow_statement(runs, init, norm)}" if i else ""
        )
        title = textwrap.fill(title[0].upper() + title[1:], 70, break_on_hyphens=False)
        axis.set_title(title, loc="left", fontsize=9.5)
    for axis in axes[:, 1:].flat:
        axis.set_ylabel("")
    for axis in axes[-1]:
        axis.set_xlabel(panels.ACROSS)
    title = statements.gradflow_statement(runs, init, norms[0], " of the gradient")
    plotting.state(figure, title, _note(nets, step))
    plotting.label_curves(*axes.flat)
    return figure


def _panel(axis: Any, nets: dict[Setting, list[Run]], name: str) -> None:
    """Draw one quantity of the nets of one norm."""
    title, quantity = panels.QUANTITIES[name]
    plotting.label_axes(axis, "", title, "y")
    depths = sorted({s.depth for s in nets})
    for setting, runs in sorted(nets.items(), key=lambda pair: pair[0].depth):
        layers = [r.layers for r in runs]
        deepest = setting.depth == depths[-1]
        label = f"{SKIP_NAMES[setting.skip]}, {setting.depth} layers" if deepest else "_"
        colour = SKIP_COLOURS[setting.skip] if deepest else GREYS[1]
        panels.curve(axis, layers, quantity, label, colour, runs[0].experiment.dtype)
        if not deepest and setting.skip == next(iter(nets)).skip:
            panels.mark_end(axis, layers, quantity, str(setting.depth))
        if deepest and name == "dx":
            _theory(axis, runs)
            _shape(axis, runs)
    if borders := stages(next((r.layers for r in runs if r.layers), [])):
        _stage_borders(axis, runs, borders)


def _theory(axis: Any, runs: Sequence[Run]) -> None:
    """Draw the predicted slope through the measured point nearest the loss."""
    factor = runs[0].theory()
    layers = [r.layers for r in runs if r.layers]
    quantity = panels.QUANTITIES["dx"][1]
    reach = panels.drawn_to(layers, quantity) if layers else 0
    if factor is None or reach < 2 or runs[0].step != 0:
        return
    start = math.exp(np.log(panels.values(layers, quantity)[:, -1]).mean())
    x = np.array([1, reach])
    axis.plot(
        x, start * factor ** (x - 1.0), "--", color="black", linewidth=1,
        label=f"theory: × {factor:.3f} a layer", zorder=3,
    )  # fmt: skip


def _shape(axis: Any, runs: Sequence[Run]) -> None:
    """Draw what theory predicts where a slope is not enough: stages of maps, residual nets."""
    layers = [r.layers for r in runs if r.layers]
    setting = runs[0].setting
    profile = fields.conv_profile(setting)
    if profile is None and setting.skip != "none" and layers:
        x, _ = runs[0].experiment.load()
        x = x[: runs[0].experiment.batch_size].reshape(-1, math.prod(x.shape[1:]))
        inner = [s for s in layers[0] if s.stream][1:-1]
        start = (inner[0].forward_rms or 0.0) ** 2 if inner else 0.0
        found = streams.profile(setting, start, x @ x.T) if start else None
        profile = None if found is None else found[0]
    if profile is None or not layers or runs[0].step != 0:
        return
    measured = panels.values(layers, panels.QUANTITIES["dx"][1])[:, 1:-1]  # no stem, no head
    if len(profile) != measured.shape[1] or not (measured > 0).all():
        return
    end = math.exp(np.log(measured[:, -1]).mean())
    axis.plot(
        panels.passed(layers[0])[1:-1], end * np.array(profile), "--", color="black", linewidth=1,
        label="theory of wide nets", zorder=3,
    )  # fmt: skip


def _stage_borders(axis: Any, runs: Sequence[Run], borders: dict[str, Any]) -> None:
    """Mark where a conv net's maps halve; a stage's first layer still reads the larger ones."""
    total = len(next(r.layers for r in runs if r.layers))
    for i, same in enumerate(borders.values()):
        if i > 0:  # coming back from the loss, the stage before begins here
            plotting.reference_line(axis, f"→ stage {i}", x=total - same[0].index)


def _note(nets: dict[Setting, list[Run]], step: int) -> str:
    """Return how a profile was measured."""
    any_net, runs = next(iter(nets.items()))
    seeds = max(len(same) for same in nets.values())
    depths = sorted({s.depth for s in nets})
    kind = f"MLPs of width {any_net.width}" if any_net.arch == "mlp" else "Conv nets"
    when = "untrained" if step == 0 else f"after {step} steps of training"
    grey = f"; grey: {', '.join(map(str, depths[:-1]))} layers" if len(depths) > 1 else ""
    stem = " (a stem and a head come on top)" if any_net.arch == "mlp" else ""
    return (
        f"A decade is a factor of 10. {kind}{stem}, {any_net.activation}, "
        f"{init_name(any_net.init)}, {when}, {runs[0].experiment.data}{grey}. "
        f"{plotting.spread_note(seeds, 'geometric')}"
    )


# ---- degradation --------------------------------------------------------------------------------
def degradation_files(curves: Sequence[Curve]) -> dict[str, bytes]:
    """Return the files of the degradation experiment's two figures by name."""
    return {
        **_named("degradation", error_by_depth(curves), "Training error by depth"),
        **_named("degradation-loss", loss_curves(curves), "Training loss by epoch"),
    }


def error_by_depth(curves: Sequence[Curve]) -> Any:
    """Draw the final training error over depth: mean, and the range over the seeds as a band."""
    figure, axes = plotting.new_figure(1, 1, 7.2, 4.2)
    axis = axes[0, 0]
    plotting.label_axes(axis, "layers", "training error in the last epoch, %")
    nets = tables.by_net(curves)
    depths = sorted({depth for _, depth in nets})
    for skip in dict.fromkeys(skip for skip, _ in nets):
        kept = [(d, e) for d in depths if (e := tables.errors(nets.get((skip, d), [])))]
        if not kept:
            continue
        seeds = max(len(e) for _, e in kept)
        found = np.array([e + [e[-1]] * (seeds - len(e)) for _, e in kept]).T
        means = np.array([np.mean(e) for _, e in kept])
        colour, x = SKIP_COLOURS[skip], [d for d, _ in kept]
        axis.plot(x, means, "-o", color=colour, label=SKIP_NAMES[skip], linewidth=1.8)
        axis.fill_between(x, found.min(axis=0), found.max(axis=0), color=colour, alpha=0.2)
    plotting.reference_line(axis, "guessing", y=90)
    axis.set(ylim=(-3, 100), xscale="log", xticks=depths, xticklabels=map(str, depths))
    axis.minorticks_off()
    lost = sum(c.diverged_at is not None for c in curves)
    note = f" {lost} of {len(curves)} nets diverged and are left out." if lost else ""
    statement = statements.degradation_statement(curves).replace(" %", "\N{NO-BREAK SPACE}%")
    plotting.state(figure, statement, _how(curves) + note)
    plotting.label_curves(axis)
    return figure


def loss_curves(curves: Sequence[Curve]) -> Any:
    """Draw the training loss over epochs: a panel per kind of net, a shade per depth."""
    nets = tables.by_net(curves)
    skips = list(dict.fromkeys(skip for skip, _ in nets))
    figure, axes = plotting.new_figure(1, len(skips), 1 + 4.2 * len(skips), 4, sharey=True)
    recipe = curves[0].recipe
    for axis, skip in zip(axes[0], skips, strict=True):
        plotting.label_axes(axis, "epoch", "", "y", f"{SKIP_NAMES[skip]} nets")
        depths = sorted(depth for s, depth in nets if s == skip)
        for depth, colour in zip(
            depths, plotting.shades(SKIP_COLOURS[skip], len(depths)), strict=True
        ):
            lines = [c.losses for c in nets[skip, depth] if c.diverged_at is None]
            if lines:
                found = np.maximum(np.array(lines), 1e-12)
                epochs = np.arange(1, found.shape[1] + 1)
                label = f"{depth} layers"
                plotting.band_curve(axis, epochs, found, label, colour, centre="geometric")
        for i, cut in enumerate(recipe.cuts(recipe.epochs), start=1):
            plotting.reference_line(axis, f"rate / {10**i}", x=cut + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].set_ylabel("training loss, nats")
    plotting.state(figure, statements.loss_statement(curves), _how(curves))
    plotting.label_curves(*axes[0])
    return figure


def _how(curves: Sequence[Curve]) -> str:
    """Return how the nets were trained."""
    s, r = curves[0].setting, curves[0].recipe
    seeds = len({c.seed for c in curves})
    kind = f"MLPs of width {s.width}" if s.arch == "mlp" else f"Conv nets of width {s.width}"
    kind += f", {s.activation}" if s.activation != "relu" else ""
    spread = f"{seeds} seeds; bands: from the lowest to the highest" if seeds > 1 else "one seed"
    how = [f"rate {r.lr:g}"]
    how += ["Adam"] if r.optimizer == "adam" else []
    how += [f"warm-up of {r.warmup} steps"] if r.warmup else []
    how += [f"gradients clipped to {r.clip:g}"] if r.clip is not None else []
    return (
        f"{kind}, {NORM_NAMES[s.norm]}, {init_name(s.init)}, digits, {r.epochs} epochs, "
        f"{', '.join(how)}. {spread[0].upper()}{spread[1:]}."
    )
