"""The degradation experiment: training error of plain and residual twins, by depth.

curves = degradation.run(depths=(6, 18, 54, 108), seeds=3)
print(degradation.table(curves))
degradation.save(curves, "out")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import plotting, results
from . import report
from .experiment import Curve, Recipe, run, train
from .report import rows, table

__all__ = ["Curve", "Recipe", "rows", "run", "save", "table", "train"]


def save(
    curves: Sequence[Curve],
    out: str | os.PathLike[str],
    arguments: dict[str, Any] | None = None,
) -> list[Path]:
    """Write two figures (PNG, SVG), curves.csv and run.json into `out`; return the paths."""
    folder = Path(out)
    title = "Training error by depth"
    paths = plotting.save_figure(report.error_by_depth(curves), folder / "degradation", title)
    title = "Training loss by epoch"
    paths += plotting.save_figure(report.loss_curves(curves), folder / "degradation-loss", title)
    header = ["arch", "depth", "skip", "seed", "epoch", "train_loss", "train_error"]
    paths.append(results.write_text(folder / "curves.csv", results.to_csv(rows(curves), header)))
    document = report.to_json(curves, arguments or {})
    paths.append(results.write_text(folder / "run.json", document))
    return paths
