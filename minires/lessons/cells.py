"""A lesson's file as cells, and a namespace in which they run one after the other."""

from __future__ import annotations
import __future__

import ast
import contextlib
import io
import linecache
import re
import sys
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..results import read_text
from .files import notebook_parts, parts

_HEADING = re.compile(r"#{1,2} +(.+?) *$", re.MULTILINE)
_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


@dataclass(frozen=True)
class Cell:
    """A cell: prose or code, where it stands, and its code's name and first line in tracebacks.

    tags   of code: "show" for what a reader on a terminal has to see
    """

    markdown: bool
    text: str
    where: str  # "mine.py, line 12" or "mine.ipynb, cell 3"
    file: str = ""
    line: int = 1
    tags: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The heading with which prose begins, as it is written; "" if there is none."""
        found = _HEADING.match(self.text) if self.markdown else None
        return found[1] if found else ""


def read(path: Path) -> list[Cell]:
    """Return the cells of a script or a notebook; prose begins a new one at each heading.

    Raises ValueError for a file that is neither, and SyntaxError for code that is no Python.
    """
    found = _notebook(path) if path.suffix == ".ipynb" else _script(path, read_text(path))
    return [part for cell in found for part in _sections(cell)]


def _script(path: Path, text: str) -> list[Cell]:
    name = str(path)
    remember(name, text)
    compile(text, name, "exec", dont_inherit=True)
    before = re.split(r"^# %%", text, maxsplit=1, flags=re.MULTILINE)[0]  # code, in other scripts
    found = [Cell(False, before, f"{name}, line 1", name)]
    for part in parts(text):
        where = f"{name}, line {part.line}"
        code = "\n".join(part.lines)
        found.append(Cell(part.markdown, code, where, name, part.line, tuple(part.tags)))
    return [c for c in found if c.markdown or _has_code(c.text)]


def _notebook(path: Path) -> list[Cell]:
    found = []
    for part in notebook_parts(path):
        text, where = "\n".join(part.lines), f"{path}, cell {part.line}"
        if part.markdown:
            found.append(Cell(True, text.strip("\n"), where))
            continue
        remember(where, text)
        compile(text, where, "exec", dont_inherit=True)
        if _has_code(text):
            found.append(Cell(False, text, where, where, tags=tuple(part.tags)))
    return found


def _has_code(text: str) -> bool:
    return any(x.strip() and not x.lstrip().startswith("#") for x in text.splitlines())


def _sections(cell: Cell) -> list[Cell]:
    """Split prose before each heading."""
    if not cell.markdown:
        return [cell]
    sections: list[list[str]] = [[]]
    fenced = False
    for line in cell.text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        if _HEADING.match(line) and not fenced:
            sections.append([])
        sections[-1].append(line)
    texts = ["\n".join(lines).strip("\n") for lines in sections]
    return [Cell(True, text, cell.where) for text in texts if text]


def remember(name: str, text: str) -> None:
    """Let tracebacks and `inspect` show the text that was read, whatever the file holds later."""
    linecache.cache[name] = (len(text), None, io.StringIO(text).readlines(), name)


class Namespace:
    """Where cells run: the module `__main__` of a file, with its folder on the path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.module = types.ModuleType("__main__")
        self.module.__file__ = str(path)
        self.flags = 0

    @contextlib.contextmanager
    def entered(self, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Make it the program that runs, with its arguments, for a `with` block."""
        main, argv = sys.modules["__main__"], sys.argv
        folder = str(self.path.absolute().parent)
        sys.modules["__main__"], sys.argv = self.module, [str(self.path), *arguments]
        sys.path.insert(0, folder)
        try:
            yield self.module.__dict__
        finally:
            sys.modules["__main__"], sys.argv = main, argv
            with contextlib.suppress(ValueError):
                sys.path.remove(folder)

    def run(self, cell: Cell) -> None:
        """Run a cell's code; whatever it raises has the file's own lines in its traceback."""
        self.execute(ast.parse("\n" * (cell.line - 1) + cell.text, cell.file), cell.file)

    def execute(self, tree: ast.Module | ast.Interactive, file: str) -> None:
        """Run statements; interactive ones print the values of expressions."""
        mode = "single" if isinstance(tree, ast.Interactive) else "exec"
        code = compile(tree, file, mode, self.flags, dont_inherit=True)
        self.flags |= code.co_flags & _FUTURE  # an import from __future__ holds for what follows
        exec(code, self.module.__dict__)
