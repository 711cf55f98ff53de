"""Rows, tables and run.json of the experiments."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import Any

import numpy as np

from ..results import spread, table, versions
from . import fields, profile
from .columns import COLUMNS
from .degradation import Curve
from .gradflow import Run
from .rows import BlockRecord, LayerRecord
from .settings import SKIP_NAMES, Setting


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
    dx at input      ‖∂L/∂x‖ by the input of the first layer, median over seeds
    dx at loss       the same of the last layer, nearest the loss
    decades lost     log10(at loss / at input): positive = vanishing towards the input
    factor           of ‖∂L/∂x‖ per layer going backwards, mean ± standard deviation over seeds; of
                     conv nets with enough layers for each stage, from the first to the last
    theory           predicted factor of the untrained net
    note             for how many seeds something was not finite or exactly 0, if for any
    """
    steps = sorted({r.step for r in runs})
    lines = []
    for setting, all_steps in groups(runs).items():
        for step in steps:
            same = [r for r in all_steps if r.step == step]
            if same:
                when = {"step": str(step)} if len(steps) > 1 else {}
                lines.append({"setting": setting.label(), **when, **_summary(same)})
    columns = [c for c in (lines[0] if lines else ()) if c != "note" or any(s[c] for s in lines)]
    return table(lines, columns)


def without_theory(runs: Sequence[Run]) -> list[str]:
    """Return, for each reason why there is no factor in theory, a line with the nets' labels."""
    why: dict[str, list[str]] = {}
    for setting, same in groups(runs, 0).items():
        if _theory(same[0]) == "-":
            text = profile.reason(setting) + profile.drawn(setting)
            why.setdefault(text, []).append(setting.label())
    return [f"no factor in theory for {', '.join(labels)}: {text}" for text, labels in why.items()]


def _summary(same: Sequence[Run]) -> dict[str, str]:
    first, last = (_median(ends) for ends in zip(*(r.dx_ends() for r in same), strict=True))
    decades = decades_lost(same)
    return {
        "layers": str(max(len(r.layers) for r in same) or "-"),
        "seeds": str(len(same)),
        "dx at input": "nan" if first is None else f"{first:.2e}",
        "dx at loss": "nan" if last is None else f"{last:.2e}",
        "decades lost": "-" if decades is None else f"{decades:+.1f}",
        "factor": _factor(same),
        "theory": _theory(same[0]),
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


def _theory(run: Run) -> str:
    """Return the predicted factor of an untrained net, of each stage where these are measured."""
    if run.step != 0:
        return "-"
    if run.stage_factors and (stages := fields.stage_factors(run.setting)) is not None:
        return " / ".join(f"{v:.3f}" for v in stages.values())
    predicted = run.theory()
    return "-" if predicted is None else f"{predicted:.4f}"


def _note(same: Sequence[Run]) -> str:
    """Say for how many seeds something was not finite or exactly 0."""
    notes = []
    if diverged := sum(r.diverged for r in same):
        notes.append(f"{diverged} of {len(same)} not finite")
    if zero := sum(any(layer.dx_norm == 0 for layer in r.layers) for r in same):
        notes.append(f"{zero} of {len(same)}: dx 0 in a layer")
    return ", ".join(notes)


def layer_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a flat dictionary per run and layer; what each value is: `COLUMNS`."""
    return [_head(r) | {"loss": r.loss} | asdict(layer) for r in runs for layer in r.layers]


def layer_columns() -> list[str]:
    """Return the columns of `layer_rows`, for an experiment in which nothing was measured."""
    setting, layer = ([f.name for f in fields_of(kind)] for kind in (Setting, LayerRecord))
    return [*setting, "data", "batch_size", "lr", "warmup", "dtype", "seed", "step", "loss", *layer]


def block_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a flat dictionary per run and residual block: the gradient by path."""
    return [_head(r) | asdict(block) for r in runs for block in r.blocks]


def _head(r: Run) -> dict[str, Any]:
    how = {
        name: getattr(r.experiment, name)
        for name in ("data", "batch_size", "lr", "warmup", "dtype")
    }
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
        "columns": _columns(layer_columns() + [f.name for f in fields_of(BlockRecord)]),
        "runs": [
            _head(r)
            | {
                "loss": r.loss,
                "diverged": r.diverged,
                "dx_factor": r.dx_factor,
                "stage_factors": r.stage_factors,
                "theory_factor": r.theory(),
                "theory_stages": fields.stage_factors(r.setting) if r.stage_factors else None,
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


def curve_rows(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """Return a flat dictionary per net and epoch; what each value is: `COLUMNS`."""
    return [
        _recipe(c) | {"epoch": epoch, "train_loss": loss, "train_error": error}
        for c in curves
        for epoch, (loss, error) in enumerate(zip(c.losses, c.errors, strict=True), start=1)
    ]


def curve_columns() -> list[str]:
    """Return the columns of `curve_rows`, for an experiment in which every net diverged."""
    how = ["data", "epochs", "batch_size", "optimizer", "lr", "weight_decay", "warmup"]
    how += ["milestones", "clip", "dtype", "seed"]
    return [f.name for f in fields_of(Setting)] + how + ["epoch", "train_loss", "train_error"]


def _recipe(c: Curve) -> dict[str, Any]:
    r = c.recipe
    return asdict(c.setting) | {
        "data": "digits",
        "epochs": r.epochs,
        "batch_size": r.batch_size,
        "optimizer": r.optimizer,
        "lr": r.lr,
        "weight_decay": r.weight_decay,
        "warmup": r.warmup,
        "milestones": " ".join(f"{cut:g}" for cut in sorted(r.milestones)),
        "clip": r.clip,
        "dtype": "float32",
        "seed": c.seed,
    }


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
