"""A learner's file in the pieces in which it is checked, whatever is wrong in one of them."""

from __future__ import annotations

import ast
import inspect
import io
import re
from dataclasses import dataclass
from pathlib import Path

from ..results import read_text
from .files import notebook_parts

_MARK = re.compile(r"[ \t]*#[ \t]*%%")


@dataclass(frozen=True)
class Unit:
    """A script, or a code cell of a notebook; `name` stands in tracebacks."""

    name: str
    text: str
    cell: int | None = None  # among all cells of the notebook, from 1

    def line(self, number: int) -> str:
        """Return a line of it, without blanks around it."""
        lines = self.text.split("\n")
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def function(self, number: int) -> tuple[int, str]:
        """Return the line of the `def` at or below this line, and the text from this line on."""
        lines = io.StringIO(self.text).readlines()[max(number, 1) - 1 :]
        try:
            text = "".join(inspect.getblock(lines))
        except Exception:  # whatever the tokenizer finds wrong with a learner's text
            text = ""
        for i, line in enumerate(text.split("\n")):
            if re.match(r"\s*(async\s+def|def|class)\b", line):
                return number + i, text
        return number, text


def units(path: Path) -> list[Unit]:
    """Return a script, or the code cells of a notebook; ValueError for what is neither."""
    if path.suffix != ".ipynb":
        return [Unit(str(path), read_text(path))]
    return [
        Unit(f"{path}, cell {part.line}", "\n".join(part.lines), part.line)
        for part in notebook_parts(path)
        if not part.markdown
    ]


def split(text: str) -> list[tuple[int, str]]:
    """Return the cells of a script, each with the number of its first line.

    A `# %%` inside of a statement, such as a text of several lines, begins none.
    """
    lines = io.StringIO(text).readlines()  # as Python counts them: a form feed ends none
    starts = [i for i, line in enumerate(lines) if _MARK.match(line)]
    try:
        inside = {
            i
            for node in ast.parse(text).body
            for i in range(node.lineno, node.end_lineno or node.lineno)
        }
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        inside = set()
    starts = [0, *(i for i in starts if i and i not in inside)]
    return [
        (start + 1, "".join(lines[start:end]))
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
        if any(x.strip() and not x.lstrip().startswith("#") for x in lines[start:end])
    ]
