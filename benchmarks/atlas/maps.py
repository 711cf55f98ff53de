"""The summary as maps: for each net and rate how many seeds trained, and how many diverged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minires import results

Document = Mapping[str, Any]
ERROR, LOSS, TEST, DIVERGED_AT, DECADES, ERRORS, LOSSES = range(7)  # of a run


class Panel(NamedTuple):
    """One small map: depth × rate."""

    norm: str
    init: str
    arm: str

    def net(self, depth: int) -> str:
        return f"{depth}/{self.norm}/{self.init}/{self.arm}"


@dataclass(frozen=True)
class Cell:
    """One setting: the seeds' runs. error: median training error of those that did not diverge."""

    runs: int
    trained: int
    diverged: int
    error: float | None
    test: float | None

    @property
    def share(self) -> float:
        """The part of the seeds that trained."""
        return self.trained / self.runs


def load(path: results.StrPath) -> dict[str, Any]:
    """Return the document of a summary.json. ValueError for another file."""
    try:
        found = json.loads(results.read_text(path))
        _ = found["about"]["axes"]["depth"], found["nets"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"{path} is no summary of the atlas") from None
    return dict(found)


def panels(document: Document) -> Iterator[Panel]:
    """Yield the small maps, arm by arm, in reading order."""
    axes = document["about"]["axes"]
    for arm in axes["arm"]:
        for norm in axes["norm"]:
            for init in axes["init"]:
                yield Panel(norm, init, arm)


def seeds(document: Document, name: str, lr: float) -> list[list[Any] | None]:
    """Return the runs of a setting, None where one is missing."""
    net = document["nets"].get(name)
    return [] if net is None else list(net["runs"].get(f"{lr:g}", []))


def has_trained(run: list[Any], document: Document) -> bool:
    """Tell whether a run ended below the threshold of its training error."""
    return run[ERROR] is not None and run[ERROR] < document["about"]["threshold"]


def cell(document: Document, name: str, lr: float) -> Cell | None:
    """Return what came of a setting, None if it has no run."""
    runs = [run for run in seeds(document, name, lr) if run]
    if not runs:
        return None
    ended = [run for run in runs if run[DIVERGED_AT] is None]
    trained = sum(has_trained(run, document) for run in runs)
    error, test = (
        float(np.median([run[i] for run in ended])) if ended else None for i in (ERROR, TEST)
    )
    return Cell(len(runs), trained, len(runs) - len(ended), error, test)


def cells(document: Document, panel: Panel) -> Iterator[tuple[int, int, Cell]]:
    """Yield row (depth), column (rate) and cell of one map, where there are runs."""
    axes = document["about"]["axes"]
    for i, depth in enumerate(axes["depth"]):
        for j, lr in enumerate(axes["lr"]):
            found = cell(document, panel.net(depth), lr)
            if found is not None:
                yield i, j, found


def place(depth: float, depths: list[int]) -> float:
    """Return where a depth lies on a map's axis: 0 is the middle of the first row.

    Between two rows, and beyond the ends, the axis is logarithmic.
    """
    logs = np.log(depths)
    if len(depths) == 1:
        return 0.0
    at = np.interp(np.log(depth), logs, np.arange(len(depths)))
    if depth < depths[0]:
        at = (np.log(depth) - logs[0]) / (logs[1] - logs[0])
    if depth > depths[-1]:
        at = len(depths) - 1 + (np.log(depth) - logs[-1]) / (logs[-1] - logs[-2])
    return float(at)
