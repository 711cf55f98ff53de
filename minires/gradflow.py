"""Gradient-flow experiments: plain or residual × depth × init × norm × seed.

runs = gradflow.run(depths=(8, 20, 56), inits=["default"], norms=("none", "bn"), seeds=3)
print(gradflow.table(runs))
gradflow.save(runs, "out")       # figure (PNG, SVG), CSV, run.json
print(gradflow.profile(net, x, y))  # any net of yours, or of PyTorch: rows and a diagnosis
runs = gradflow.load("out")      # what `minires gradflow` keeps in out/runs, or run.json has
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import results
from .experiments import tables, theory
from .experiments.anynet import Profile, profile
from .experiments.gradflow import Run, fit_factor, run, stream
from .experiments.settings import Experiment, Setting, grid
from .experiments.tables import gradflow_table as table
from .experiments.tables import layer_rows as rows
from .experiments.tables import without_theory

__all__ = [
    "Experiment",
    "Profile",
    "Run",
    "Setting",
    "fit_factor",
    "grid",
    "load",
    "profile",
    "rows",
    "run",
    "save",
    "stream",
    "table",
    "theory",
    "to_json",
    "without_theory",
]


def load(path: results.StrPath, **where: Any) -> list[Run]:
    """Return the runs in a store of runs, or else in the run.json and tables that `save` wrote.

    where    fields of the setting, or seed: a value or a list, e.g. load("out", depth=[20, 56])

    Nothing is computed: `save(load("out"), "again")` draws the same figures. Of nets that were
    measured by several versions of the code, those of the one in use count, else the latest.
    Raises OSError, or ValueError if nothing fits or a file is not as it was written.
    """
    from .store.folders import load_gradflow

    return load_gradflow(path, where)


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
