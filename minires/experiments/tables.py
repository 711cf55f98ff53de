"""Rows, tables and run.json of the experiments, and the statements that figures have as titles."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from ..results import spread, table, versions
from .columns import COLUMNS
from .degradation import Curve
from .gradflow import Run
from .panels import change
from .record import BlockRecord, LayerRecord
from .settings import NORM_NAMES, SKIP_NAMES, Setting


def groups(runs: Sequence[Run], step: int | None = None) -> dict[Setting, list[Run]]:
    """Return the runs of each setting, all seeds together; of one step only if it is given."""
    found: dict[Setting, list[Run]] = {}
    for r in runs:
        if step is None or r.step == step:
            found.setdefault(r.setting, []).append(r)
    return found


# ---- gradient flow ------------------------------------------------------------------------------
def gradflow_table(runs: Sequence[Run]) -> str:
    """Return a line per setting and measured step, aligned for a terminal.

    layers           weight layers in all
    dx first, last   ‖∂L/∂x‖ at the first and last layer, median over seeds
    decades lost     log10(last / first): positive = vanishing towards the input
    factor           of ‖∂L/∂x‖ per layer going backwards, mean ± standard deviation over seeds; of
                     conv nets with enough layers for each stage, from the first to the last
    theory           predicted factor of the untrained net
    """
    steps = sorted({r.step for r in runs})
    lines = []
    for setting, all_steps in groups(runs).items():
        for step in steps:
            same = [r for r in all_steps if r.step == step]
            if same:
                when = {"step": str(step)} if len(steps) > 1 else {}
                lines.append({"setting": setting.label(), **when, **_summary(same)})
    return table(lines)


def _summary(same: Sequence[Run]) -> dict[str, str]:
    first, last = (_median(ends) for ends in zip(*(r.dx_ends() for r in same), strict=True))
    decades, predicted = decades_lost(same), same[0].theory() if same[0].step == 0 else None
    return {
        "layers": str(max(len(r.layers) for r in same) or "-"),
        "seeds": str(len(same)),
        "dx first": "nan" if first is None else f"{first:.2e}",
        "dx last": "nan" if last is None else f"{last:.2e}",
        "decades lost": "-" if decades is None else f"{decades:+.1f}",
        "factor": _factor(same),
        "theory": "-" if predicted is None else f"{predicted:.4f}",
        "note": _note(same),
    }


def decades_lost(same: Sequence[Run]) -> float | None:
    """Return the median over seeds, None if no seed has a value."""
    return _median([r.decades_lost() for r in same])


def _median(values: Sequence[float]) -> float | None:
    known = [v for v in values if not math.isnan(v)]
    return statistics.median(known) if known else None


def _factor(same: Sequence[Run]) -> str:
    by_stage = [list(r.stage_factors.values()) for r in same if r.stage_factors]
    whole = [stage for stage in by_stage if None not in stage]
    if whole:
        return " / ".join(f"{v:.3f}" for v in np.mean(np.array(whole, float), axis=0))
    return spread([r.dx_factor for r in same])


def _note(same: Sequence[Run]) -> str:
    """Say for how many seeds something was not finite or exactly 0."""
    notes = []
    if diverged := sum(r.diverged for r in same):
        notes.append(f"{diverged} of {len(same)} not finite")
    if zero := sum(any(layer.dx_norm == 0 for layer in r.layers) for r in same):
        notes.append(f"{zero} of {len(same)}: dx 0 in a layer")
    return ", ".join(notes)


def statement(runs: Sequence[Run], init: str, norm: str, of: str = "") -> str:
    """Return what the deepest untrained nets show, e.g. "56 plain layers lose 22 decades, …".

    `of` follows the first "decades", e.g. " of the gradient".
    """
    step = min(r.step for r in runs)
    nets = {s: r for s, r in groups(runs, step).items() if (s.init, s.norm) == (init, norm)}
    depth = max(s.depth for s in nets)
    found = {s.skip: change(decades_lost(r)) for s, r in nets.items() if s.depth == depth}
    (first, (verb, amount)), *others = found.items()
    whole = amount.replace(" decades", f" decades{of}")
    text = f"{depth} {SKIP_NAMES[first]} layers {verb} {whole}".rstrip()
    for skip, (its_verb, its_amount) in others:
        twins = f"their {SKIP_NAMES[skip]} twins" if first == "none" else SKIP_NAMES[skip]
        if (its_verb, its_amount) == (verb, amount):
            text += f", as do {twins}"
        elif its_verb == verb:
            text += f", {twins} {its_amount.removesuffix(' decades')}"
        else:
            text += f", {twins} {its_verb} {its_amount}".rstrip()
        verb, amount = its_verb, its_amount
    return text


def training_statement(runs: Sequence[Run]) -> str:
    """Return for which of the deepest nets training changes the gradient most, and how."""
    depth = max(r.setting.depth for r in runs)
    found = []
    for setting, same in groups(runs).items():
        steps = min(r.step for r in same), max(r.step for r in same)
        first, last = (decades_lost([r for r in same if r.step == step]) for step in steps)
        if setting.depth == depth and first is not None and last is not None:
            found.append((abs(last - first), setting, steps, change(first), change(last)))
    if not found:
        return f"Nets of {depth} layers diverge"
    _, setting, steps, (verb, amount), (then, amount_then) = max(found, key=lambda f: f[0])
    return (
        f"{depth} {SKIP_NAMES[setting.skip]} layers ({NORM_NAMES[setting.norm]}) {verb} {amount} "
        f"at step {steps[0]} and {then} {amount_then} at step {steps[1]}"
    )


def layer_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a flat dictionary per run and layer; what each value is: `COLUMNS`."""
    return [_head(r) | {"loss": r.loss} | asdict(layer) for r in runs for layer in r.layers]


def layer_columns() -> list[str]:
    """Return the columns of `layer_rows`, for an experiment in which nothing was measured."""
    setting, layer = ([f.name for f in fields(kind)] for kind in (Setting, LayerRecord))
    return [*setting, "data", "batch_size", "lr", "dtype", "seed", "step", "loss", *layer]


def block_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a flat dictionary per run and residual block: the gradient by path."""
    return [_head(r) | asdict(block) for r in runs for block in r.blocks]


def _head(r: Run) -> dict[str, Any]:
    how = {name: getattr(r.experiment, name) for name in ("data", "batch_size", "lr", "dtype")}
    return asdict(r.setting) | how | {"seed": r.seed, "step": r.step}


def gradflow_document(
    runs: Sequence[Run], arguments: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what run.json holds: versions, arguments, columns, and every run with its layers.

    JSON has no NaN: a number that is not finite is null there, and the run says "diverged": true.
    """
    return {
        "versions": versions(),
        "arguments": arguments or {},
        "columns": _columns(layer_columns() + [f.name for f in fields(BlockRecord)]),
        "runs": [
            _head(r)
            | {
                "loss": r.loss,
                "diverged": r.diverged,
                "dx_factor": r.dx_factor,
                "stage_factors": r.stage_factors,
                "theory_factor": r.theory(),
                "layers": [asdict(layer) for layer in r.layers],
                "blocks": [asdict(block) for block in r.blocks],
            }
            for r in runs
        ],
    }


def _columns(names: Sequence[str]) -> dict[str, str]:
    return {name: COLUMNS[name] for name in names}


# ---- degradation --------------------------------------------------------------------------------
def by_net(curves: Sequence[Curve]) -> dict[tuple[str, int], list[Curve]]:
    """Return the curves of each (skip, depth), all seeds together."""
    found: dict[tuple[str, int], list[Curve]] = {}
    for c in curves:
        found.setdefault((c.setting.skip, c.setting.depth), []).append(c)
    return found


def errors(curves: Sequence[Curve]) -> list[float]:
    """Return the final training errors in %, of the nets that did not diverge."""
    return [100 * e for c in curves if (e := c.final_error) is not None]


def degradation_table(curves: Sequence[Curve]) -> str:
    """Return training error in % by depth: mean (minimum–maximum) over the seeds."""
    nets = by_net(curves)
    skips = list(dict.fromkeys(skip for skip, _ in nets))
    depths = sorted({depth for _, depth in nets})
    return table(
        [
            {"training error, %": SKIP_NAMES[skip]}
            | {f"{d} layers": _cell(nets.get((skip, d), [])) for d in depths}
            for skip in skips
        ]
    )


def _cell(curves: Sequence[Curve]) -> str:
    if not curves:
        return "-"
    found = errors(curves)
    diverged = len(curves) - len(found)
    note = f" [{diverged} of {len(curves)} diverged]" if diverged else ""
    if not found:
        return note.strip()
    return f"{np.mean(found):.1f} ({min(found):.1f}–{max(found):.1f}){note}"


def degradation_statement(curves: Sequence[Curve]) -> str:
    """Return what the experiment shows, e.g. "From 6 to 108 layers the training error of …"."""
    nets = by_net(curves)
    depths = sorted({depth for _, depth in nets})
    several = len(depths) > 1
    text = f"From {depths[0]} to {depths[-1]} layers" if several else f"With {depths[0]} layers"
    parts: list[str] = []
    for skip in dict.fromkeys(skip for skip, _ in nets):
        found = [errors(nets.get((skip, depth), [])) for depth in depths]
        means = [float(np.mean(e)) for e in found if e]
        subject = f"{'that' if parts else 'the training error'} of {SKIP_NAMES[skip]} nets"
        if not means:
            parts.append(f"{SKIP_NAMES[skip]} nets diverge")
        elif not several:
            parts.append(f"{subject} is {means[0]:.1f} %")
        elif max(means) - min(means) < 2:
            parts.append(f"{subject} stays below {math.floor(max(means)) + 1} %")
        else:
            verb = "rises" if means[-1] > means[0] else "falls"
            parts.append(f"{subject} {verb} from {means[0]:.0f} to {means[-1]:.0f} %")
    return f"{text} {', '.join(parts)}"


def curve_rows(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """Return a flat dictionary per net and epoch; what each value is: `COLUMNS`."""
    return [
        _recipe(c) | {"epoch": epoch, "train_loss": loss, "train_error": error}
        for c in curves
        for epoch, (loss, error) in enumerate(zip(c.losses, c.errors, strict=True), start=1)
    ]


def curve_columns() -> list[str]:
    """Return the columns of `curve_rows`, for an experiment in which every net diverged."""
    how = ["data", "epochs", "batch_size", "lr", "weight_decay", "dtype", "seed"]
    return [f.name for f in fields(Setting)] + how + ["epoch", "train_loss", "train_error"]


def _recipe(c: Curve) -> dict[str, Any]:
    r = c.recipe
    how = {"data": "digits", "epochs": r.epochs, "batch_size": r.batch_size, "lr": r.lr}
    more = {"weight_decay": r.weight_decay, "dtype": "float32", "seed": c.seed}
    return asdict(c.setting) | how | more


def degradation_document(
    curves: Sequence[Curve], arguments: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what run.json holds: versions, arguments, columns, every net's curve and errors."""
    return {
        "versions": versions(),
        "arguments": arguments or {},
        "columns": _columns(curve_columns()),
        "runs": [
            _recipe(c)
            | {
                "train_error": c.final_error,
                "test_error": c.test_error,
                "diverged_at": c.diverged_at,
                "losses": c.losses,
                "errors": c.errors,
            }
            for c in curves
        ],
    }


def loss_statement(curves: Sequence[Curve]) -> str:
    """Return to which loss the deepest nets come, e.g. "108 plain layers end at a loss of 2"."""
    nets = by_net(curves)
    depth = max(depth for _, depth in nets)
    parts: list[str] = []
    for skip, d in nets:
        ends = [c.losses[-1] for c in nets[skip, d] if c.diverged_at is None and c.losses]
        if d == depth:
            end = f"end at a loss of {np.mean(ends):.2g}" if ends else "diverge"
            who = f"{SKIP_NAMES[skip]} ones" if parts else f"{depth} {SKIP_NAMES[skip]} layers"
            parts.append(f"{who} {end.replace('end at a loss of', 'at') if parts else end}")
    return ", ".join(parts)
