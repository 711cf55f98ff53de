"""Many runs as one tidy table: a row for each layer, block, step or run, with its whole setting.

`Table.rows()` reads one run after the other, so a table may be larger than the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..experiments.columns import COLUMNS
from . import filters
from .files import kinds
from .stored import Stored

TABLES = ("rows", "blocks", "curve", "runs")


@dataclass(frozen=True)
class Table:
    """One table of some runs.

    columns   name → kind (whole, number, flag, text), the same for all runs
    """

    runs: Sequence[Stored]
    what: str
    columns: dict[str, str]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield all rows. Raises Damaged."""
        for run in self.runs:
            yield from self.of(run)

    def of(self, run: Stored) -> list[dict[str, Any]]:
        """Return the rows of one run, with every column."""
        head, empty = _head(run), dict.fromkeys(self.columns)
        if self.what == "runs":
            return [empty | _summary(run) | head]
        table = {"rows": run.rows, "blocks": run.blocks, "curve": run.curve}[self.what]()
        return [empty | head | row for row in table]

    def about(self) -> dict[str, dict[str, str]]:
        """Return the kind of each column and what it is, for a file beside the table."""
        return {
            name: {"kind": kind, "about": COLUMNS.get(name, "of the setting")}
            for name, kind in self.columns.items()
        }


def tidy(runs: Sequence[Stored], what: str = "rows") -> Table:
    """Return a table of runs: "rows" (layers), "blocks", "curve", or "runs", a row for each.

    Raises ValueError for another name, TypeError if two runs have columns that do not go together.
    """
    if what not in TABLES:
        raise ValueError(f"table: expected one of {', '.join(TABLES)}, got {what!r}")
    columns = kinds([_head(run) for run in runs])
    if what == "runs":
        return Table(runs, what, columns | kinds([_summary(run) for run in runs]))
    for run in runs:
        for name, kind in run.document["columns"].get(what, {}).items():
            before = columns.setdefault(name, kind)
            if before != kind:
                if {before, kind} != {"whole", "number"}:
                    raise TypeError(f"column {name}: a {before} in one run, a {kind} in {run.key}")
                columns[name] = "number"
    return Table(runs, what, columns)


def _head(run: Stored) -> dict[str, Any]:
    """Return what a run is: its whole setting, lists as text."""
    about = {"key": run.key, "task": run.task}
    setting = {name: _flat(name, value) for name, value in run.setting.items()}
    versions = {"code": run.code, "data_hash": str(run.document["data"])}
    return about | setting | {"seed": run.seed} | versions


def _flat(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    if name == "branch_scale":  # a number, or the name of a way to start
        return str(value)
    return value


def _summary(run: Stored) -> dict[str, Any]:
    made = {"seconds": run.seconds, "when": str(run.made.get("when"))}
    return {name: v for name, v in filters.values(run).items() if name in run.summary} | made
