"""What a run on a GPU has found: sections of text and tables, as text, Markdown, JSON and CSV."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minires.results import finite, table, write_text

from .. import figures
from ..timing import Row

NO_CLAIM = (
    "REHEARSAL: the control flow of the benchmark, run with small arrays on the emulator. Its "
    "times are a CPU's and say nothing about any GPU."
)


@dataclass
class Section:
    """A heading, lines of text, and a table under each of its captions."""

    title: str
    lines: list[str] = field(default_factory=list)
    tables: list[tuple[str, list[Row], Sequence[str] | None]] = field(default_factory=list)

    def add(self, caption: str, rows: Sequence[Row], columns: Sequence[str] | None = None) -> None:
        """Add a table; without rows nothing is added."""
        if rows:
            self.tables.append((caption, list(rows), columns))

    def text(self) -> str:
        """Return the section as Markdown whose tables are aligned text."""
        parts = [f"## {self.title}", *self.lines]
        for caption, rows, columns in self.tables:
            used = [c for c in columns or _keys(rows) if any(c in row for row in rows)]
            parts.append(f"{caption}\n\n```\n{table(rows, used)}\n```")
        return "\n\n".join(parts) + "\n"


def _keys(rows: Sequence[Row]) -> list[str]:
    return [key for key in dict.fromkeys(k for row in rows for k in row) if key != "log"]


@dataclass
class Report:
    """Everything of one run. `problems` make the program fail, and nothing else does.

    ended      parts that have run, to their end or not
    complete   whether the parts are those of the usual run
    """

    measured: bool
    facts: Mapping[str, Any]
    parts: Sequence[str]
    quick: bool
    sections: list[Section] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    figure: Any = None
    ended: list[str] = field(default_factory=list)
    complete: bool = True
    _written_as: str | None = None

    def add(self, section: Section) -> None:
        """Add a section and print it; a rehearsal's heading says that it is one."""
        if not self.measured:
            section.title += " (rehearsal)"
        self.sections.append(section)
        print(section.text(), flush=True)

    def heading(self) -> str:
        """Return the title and the facts, with what a reader must know first."""
        lines = [f"# minires, {self.facts['device']}", *([] if self.measured else [NO_CLAIM])]
        lines.append("\n".join(f"- {name}: {value}" for name, value in self.facts.items()))
        chosen = ", ".join(self.parts) + (", quick" if self.quick else "")
        lines.append(f"Parts: {chosen}. Made by `python -m benchmarks.gpu`.")
        return "\n\n".join(lines) + "\n"

    def verdict(self) -> str:
        """Return what went wrong, or that nothing did."""
        left = [part for part in self.parts if part not in self.ended]
        lines = [*self.problems, *([f"not run: {', '.join(left)}"] if left else [])]
        if not lines:
            return "No part reported a problem.\n"
        return "Problems:\n\n" + "\n".join(f"- {line}" for line in lines) + "\n"

    def stem(self) -> str:
        """Return the name of the files: device, date, and what is less than the whole run."""
        device = re.sub(r"[^a-z0-9]+", "-", str(self.facts["device"]).lower()).strip("-")
        today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
        name = f"gpu_{device if self.measured else 'rehearsal'}_{today}"
        return name + ("" if self.complete else "_" + "-".join(self.parts)) + "_quick" * self.quick

    def write(self, folder: Path) -> list[Path]:
        """Write .md and .json, .csv if anything was timed, .png if there is a figure.

        Each is written to a temporary name, then renamed. Files of this run are replaced, those of
        an earlier one never: then a number is added to the name.
        """
        stem, n = self._written_as or self.stem(), 1
        while self._written_as is None and any(folder.glob(f"{stem}.*")):
            n += 1
            stem = f"{self.stem()}_{n}"
        self._written_as = stem
        text = "\n".join([self.heading(), self.verdict(), *(s.text() for s in self.sections)])
        rows = [
            {"part": s.title, **row}
            for s in self.sections
            for _, rows, _ in s.tables
            for row in rows
            if any(key in row for key in ("ms", "µs"))
        ]
        found = [write_text(folder / f"{stem}.md", text)]
        found.append(write_text(folder / f"{stem}.json", json.dumps(self._data(), indent=1) + "\n"))
        if rows:
            found.append(figures.save_csv(rows, folder / f"{stem}.csv"))
        if self.figure is not None:
            found.append(figures.save_png(self.figure, folder / f"{stem}.png"))
        return found

    def _data(self) -> Any:
        return finite(
            {
                "measured on a GPU": self.measured,
                "facts": self.facts,
                "parts": list(self.parts),
                "quick": self.quick,
                "ended": self.ended,
                "problems": self.problems,
                "sections": [
                    {
                        "title": s.title,
                        "lines": s.lines,
                        "tables": [{"caption": c, "rows": rows} for c, rows, _ in s.tables],
                    }
                    for s in self.sections
                ],
            }
        )
