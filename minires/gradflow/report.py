"""What a gradient-flow experiment writes: a table, the rows as CSV, and run.json."""

from __future__ import annotations

import csv
import io
import json
import math
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from ..record import LayerRecord
from .experiment import Run, Setting

COLUMNS = ("setting", "seeds", "dx first", "dx last", "decades lost", "factor", "theory", "note")


def groups(runs: Sequence[Run], step: int | None = None) -> dict[Setting, list[Run]]:
    """Return the runs of each setting, all seeds together; of one step only if it is given."""
    found: dict[Setting, list[Run]] = {}
    for r in runs:
        if step is None or r.step == step:
            found.setdefault(r.setting, []).append(r)
    return found


def table(runs: Sequence[Run], batch_size: int) -> str:
    """Return a line per setting at the first measured step, aligned for a terminal.

    dx first, last   ‖∂L/∂x‖ at the first and last layer, median over seeds
    decades lost     log10(last / first): positive = vanishing towards the input
    factor           of ‖∂L/∂x‖ per layer going backwards, mean ± standard deviation over seeds
    """
    first_step = min(r.step for r in runs)
    lines: list[Sequence[str]] = [COLUMNS]
    for setting, same in groups(runs, first_step).items():
        ends = np.array([r.dx_ends() for r in same if r.layers]).reshape(-1, 2)
        decades = [d for r in same if r.layers and not math.isnan(d := r.decades_lost())]
        predicted = setting.theory(batch_size)
        lines.append(
            (
                setting.label(),
                str(len(same)),
                *(f"{v:.2e}" for v in (np.median(ends, axis=0) if len(ends) else (np.nan, np.nan))),
                f"{statistics.median(decades):+.1f}" if decades else "-",
                spread([r.dx_factor for r in same]),
                "-" if predicted is None else f"{predicted:.4f}",
                _note([r for r in runs if r.setting == setting]),
            )
        )
    return align(lines)


def spread(values: Sequence[float | None]) -> str:
    """Return "mean ± standard deviation" of the values that exist, or "-"."""
    known = [v for v in values if v is not None]
    if not known:
        return "-"
    deviation = f" ± {statistics.stdev(known):.4f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.4f}{deviation}"


def align(lines: Sequence[Sequence[str]]) -> str:
    """Return rows of text as columns: the first flush left, the others right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _note(runs: Sequence[Run]) -> str:
    """Say for how many seeds, at any measured step, something was not finite or exactly 0."""
    seeds = len({r.seed for r in runs})
    notes = []
    if diverged := {r.seed: r.step for r in runs if r.diverged}:
        when = f" at step {min(diverged.values())}" if max(diverged.values()) else ""
        notes.append(f"{len(diverged)} of {seeds} not finite{when}")
    if zero := {r.seed for r in runs if any(layer.dx_norm == 0 for layer in r.layers)}:
        notes.append(f"{len(zero)} of {seeds}: dx 0 in a layer")
    return ", ".join(notes)


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a flat dictionary per run and layer: the setting, the seed, the step, the norms."""
    return [
        asdict(r.setting) | {"seed": r.seed, "step": r.step, "loss": r.loss} | asdict(layer)
        for r in runs
        for layer in r.layers
    ]


def block_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a flat dictionary per run and residual block: the gradient by path."""
    return [
        asdict(r.setting) | {"seed": r.seed, "step": r.step} | asdict(block)
        for r in runs
        for block in r.blocks
    ]


def to_csv(rows: Sequence[dict[str, Any]], header: Sequence[str] = ()) -> str:
    """Return rows as CSV text; None is an empty field, and nan or inf are written as such."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else list(header), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def csv_header() -> list[str]:
    """Return the columns of layers.csv, for an experiment in which nothing could be measured."""
    names = [f.name for f in fields(Setting)] + ["seed", "step", "loss"]
    return names + [f.name for f in fields(LayerRecord)]


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    import numba

    from .. import __version__

    return {
        "minires": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "byteorder": sys.byteorder,
    }


def to_json(runs: Sequence[Run], arguments: dict[str, Any], theory_batch: int) -> str:
    """Return run.json: versions, arguments, and per run its setting, factor, layers and blocks.

    JSON has no NaN: a number that is not finite is null, and the run says "diverged": true.
    """
    document = {
        "versions": versions(),
        "arguments": arguments,
        "runs": [
            asdict(r.setting)
            | {
                "seed": r.seed,
                "step": r.step,
                "loss": r.loss,
                "diverged": r.diverged,
                "dx_factor": r.dx_factor,
                "theory_factor": r.setting.theory(theory_batch),
                "layers": [asdict(layer) for layer in r.layers],
                "blocks": [asdict(block) for block in r.blocks],
            }
            for r in runs
        ],
    }
    return json.dumps(finite(document), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def finite(value: Any) -> Any:
    """Return `value` with every number that is not finite replaced by None."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
