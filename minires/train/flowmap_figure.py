"""The figure of a training's records: flow-heatmap.png and .svg."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import plotting
from ..experiments import heat
from .flowmap import FlowMap

if TYPE_CHECKING:
    from .listener import Progress

COLUMNS = 400  # at most: more records are joined


def render(progress: Progress, status: str) -> dict[str, bytes | str]:
    """Return {"flow-heatmap.png": …, "flow-heatmap.svg": …}; nothing without records."""
    flow = FlowMap()
    flow.take(progress.records)
    found = flow.map("dx", columns=COLUMNS)
    if found is None:
        return {}
    with np.errstate(invalid="ignore"):  # both exactly 0
        first, last = (found.values[-1, i] - found.values[0, i] for i in (0, -1))
    begin, end = found.columns[0][0], found.columns[-1][-1]
    statement = f"{progress.name}, gradient on its way back: {heat.lost(first)} at step {begin}"
    if end > begin:
        statement += f", {heat.lost(last)} at step {end:,}"
    gone = f"diverged at {progress.iteration:,}" if status == "diverged" else ""
    statement += f"; {gone}" if gone else ""
    joined = " (geometric means)" if len(found.columns) < len(flow.steps) else ""
    records = f"{len(flow.steps)} records" if len(flow.steps) > 1 else "1 record"
    note = f"‖∂L/∂x‖ at the input of each layer on the main path, {records}{joined}"
    note += f" on {progress.data}{f' ({progress.note})' if progress.note else ''}; one run."
    steps = [a for a, _ in found.columns]
    figure = heat.of_training(found.values, steps, found.stages, statement, note, gone)
    files = plotting.render(figure, "Gradient by layer and step")
    return {f"flow-heatmap{suffix}": data for suffix, data in files.items()}
