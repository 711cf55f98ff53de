"""Gradient-flow experiments: plain or residual × depth × init × norm × seed.

runs = gradflow.run(depths=(8, 20, 56), norms=("none", "bn"), seeds=3)
print(gradflow.table(runs))
gradflow.save(runs, "out")       # figure (PNG, SVG), CSV, run.json
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import plotting, results
from . import figures, report, theory
from .experiment import Run, Setting, fit_factor, grid, run
from .report import rows, to_json

__all__ = [
    "Run",
    "Setting",
    "fit_factor",
    "grid",
    "rows",
    "run",
    "save",
    "table",
    "theory",
    "to_json",
]


def table(runs: Sequence[Run], batch_size: int = 128) -> str:
    """Return the summary as text: see `report.table`."""
    return report.table(runs, batch_size)


def save(
    runs: Sequence[Run],
    out: str | os.PathLike[str],
    arguments: dict[str, Any] | None = None,
    batch_size: int = 128,
) -> list[Path]:
    """Write the figures, the rows behind them (layers.csv, blocks.csv) and run.json into `out`.

    Returns the paths. Files appear whole or not at all; existing ones of these names are replaced.
    """
    folder = Path(out)
    paths = plotting.save_figure(
        figures.profile(runs), folder / "gradflow", "Signal and gradient through depth"
    )
    if len({r.step for r in runs if r.layers}) > 1:
        paths += plotting.save_figure(
            figures.heat_map(runs), folder / "gradflow-steps", "Gradient through depth and training"
        )
    layers = results.to_csv(rows(runs), report.csv_header())
    paths.append(results.write_text(folder / "layers.csv", layers))
    if blocks := report.block_rows(runs):
        paths.append(results.write_text(folder / "blocks.csv", results.to_csv(blocks)))
    document = report.to_json(runs, arguments or {}, batch_size)
    paths.append(results.write_text(folder / "run.json", document))
    return paths
