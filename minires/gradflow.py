"""Gradient-flow experiments: plain or residual × depth × init × norm × seed.

runs = gradflow.run(depths=(8, 20, 56), inits=["default"], norms=("none", "bn"), seeds=3)
print(gradflow.table(runs))
gradflow.save(runs, "out")       # figure (PNG, SVG), CSV, run.json
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import results
from .experiments import tables, theory
from .experiments.gradflow import Run, fit_factor, run, stream
from .experiments.settings import Experiment, Setting, grid
from .experiments.tables import gradflow_table as table
from .experiments.tables import layer_rows as rows

__all__ = [
    "Experiment",
    "Run",
    "Setting",
    "fit_factor",
    "grid",
    "rows",
    "run",
    "save",
    "stream",
    "table",
    "theory",
    "to_json",
]


def to_json(runs: Sequence[Run], arguments: dict[str, Any] | None = None) -> str:
    """Return the measurements as JSON; see `experiments.tables.gradflow_document`."""
    return results.to_json(tables.gradflow_document(runs, arguments))


def save(
    runs: Sequence[Run],
    out: results.StrPath,
    arguments: dict[str, Any] | None = None,
    *,
    quantities: Sequence[str] = ("dx",),
) -> list[Path]:
    """Write the figures, the rows behind them (layers.csv, blocks.csv) and run.json into `out`.

    quantities   what the figure shows: "dx" ‖∂L/∂x‖, "x" the signal, "dw" the weights' gradient

    Returns the paths. Several inits give a figure each. None is replaced before all
    are written; those of an earlier gradient-flow run in this folder are replaced, or removed.
    """
    from .experiments import figures

    files: dict[str, str | bytes] = {**figures.gradflow_files(runs, quantities)}
    files["layers.csv"] = results.to_csv(rows(runs), tables.layer_columns())
    if blocks := tables.block_rows(runs):
        files["blocks.csv"] = results.to_csv(blocks)
    return results.save_run(out, "gradflow", files, tables.gradflow_document(runs, arguments))
