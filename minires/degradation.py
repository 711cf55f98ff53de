"""The degradation experiment: training error of plain and residual twins, by depth.

curves = degradation.run(depths=(6, 18, 54, 108), seeds=3)
print(degradation.table(curves))
degradation.save(curves, "out")
curves = degradation.load("out/degradation")   # what `minires degradation` keeps, or run.json has
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import results
from .experiments import tables
from .experiments.degradation import Curve, Recipe, run, stream, train
from .experiments.settings import Setting
from .experiments.tables import curve_rows as rows
from .experiments.tables import degradation_table as table

__all__ = [
    "Curve",
    "Recipe",
    "Setting",
    "load",
    "rows",
    "run",
    "save",
    "stream",
    "table",
    "to_json",
    "train",
]


def load(path: results.StrPath, **where: Any) -> list[Curve]:
    """Return the curves in a store of runs, or else in the run.json that `save` wrote.

    See `gradflow.load`, which does the same.
    """
    from .store.folders import load_degradation

    return load_degradation(path, where)


def to_json(curves: Sequence[Curve], arguments: dict[str, Any] | None = None) -> str:
    """Return the measurements as JSON; see `experiments.tables.degradation_document`."""
    return results.to_json(tables.degradation_document(curves, arguments))


def save(
    curves: Sequence[Curve],
    out: results.StrPath,
    arguments: dict[str, Any] | None = None,
) -> list[Path]:
    """Write two figures (PNG, SVG), curves.csv and run.json into `out`; return the paths.

    None is replaced before all are written; those of an earlier degradation run in this folder
    are replaced.
    """
    from .experiments import figures

    files: dict[str, str | bytes] = {**figures.degradation_files(curves)}
    files["curves.csv"] = results.to_csv(rows(curves), tables.curve_columns())
    return results.save_run(
        out, "degradation", files, tables.degradation_document(curves, arguments)
    )
