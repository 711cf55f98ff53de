"""Stored runs: what took too long for a lesson, measured before, as files that come with it.

A run is a folder of `lessons/stored/` with the files that a minires command wrote, as it wrote
them: run.json, which names the command, and tables.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..results import read_text
from . import files


@dataclass(frozen=True)
class StoredRun:
    """A stored run: its folder, and what its run.json says."""

    folder: Path
    run: dict[str, Any]

    @property
    def command(self) -> str:
        """The command that made it."""
        return str(self.run["command"])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table such as "points.csv"; numbers as such, None for no entry."""
        text = read_text(self.folder / table)
        return [{k: _value(v) for k, v in row.items()} for row in csv.DictReader(text.splitlines())]


def read(name: str) -> StoredRun:
    """Return a stored run by the name of its folder; ValueError lists what there is."""
    home = files.folder() / "stored"
    there = sorted(path.parent.name for path in home.glob("*/run.json"))
    if name not in there:
        raise ValueError(f"no stored run {name!r}; there are {', '.join(there) or 'none'}")
    return StoredRun(home / name, json.loads(read_text(home / name / "run.json")))


def _value(text: str) -> Any:
    if text == "":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
