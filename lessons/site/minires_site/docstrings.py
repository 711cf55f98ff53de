"""Docstrings in plain text, as they read in an editor, for autodoc, which wants reStructuredText.

A paragraph stays one; indented lines are code; `name   what it is` in columns is a list of
definitions; what stands in backticks is code. Nothing else is markup.
"""

from __future__ import annotations

import ast
import re
from typing import Any

_ROW = re.compile(r"(?P<name>\S(?:.{0,46}?\S)?) {2,}(?P<text>\S.*)")
_ITEM = re.compile(r"[-*] +(?P<text>\S.*)")
_LIKE_A_LIST = re.compile(r"(?:\(?\w{1,4}[.)]|[-+•‣⁃]|\.\.) ")  # what is escaped anyway is left out


def escape(text: str) -> str:
    """Return a text in which only backticks mark up."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick that is not closed
        parts = [text.replace("`", "'")]
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([\\*_|])", r"\\\1", parts[i]).replace("::", ":\\:")
    for i in range(1, len(parts), 2):
        before = "\\ " if parts[i - 1][-1:].isalnum() else ""
        after = "\\ " if parts[i + 1][:1].isalnum() else ""
        parts[i] = f"{before}``{parts[i].strip()}``{after}"
    return "\\" * bool(_LIKE_A_LIST.match(text)) + "".join(parts)


def with_code(lines: list[str]) -> list[str]:
    """Return a module's docstring with those paragraphs indented that are Python."""
    text = "\n".join(lines)
    paragraphs = re.split(r"\n{2,}", text.strip("\n"))
    for i, paragraph in enumerate(paragraphs[1:], 1):
        if not paragraph.startswith(" ") and _is_code(paragraph):
            paragraphs[i] = "\n".join("    " + line for line in paragraph.split("\n"))
    return "\n\n".join(paragraphs).split("\n")


def _is_code(text: str) -> bool:
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return False
    calls = [s for s in statements if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    return any(
        isinstance(s, ast.Assign | ast.Import | ast.ImportFrom) or s in calls for s in statements
    )


def to_rst(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    found: list[str] = []
    kind = ""  # of the lines before: "text", "row", "item", "code"
    for i, line in enumerate(lines):
        if not line.strip():
            found.append("")
            kind = "code" if kind == "code" and _indent_after(lines, i) >= 2 else ""
            continue
        indent = len(line) - len(line.lstrip())
        row, item = _ROW.fullmatch(line), _ITEM.fullmatch(line)
        if kind == "code" and indent >= 2:
            found.append("   " + line)
        elif kind in ("row", "item") and indent:
            found.append("    " + escape(line.strip()))
        elif indent >= 2 or line.startswith(">>> "):
            found += ["", "::", "", "   " + line]
            kind = "code"
        elif row:
            found += [*([""] if kind != "row" else []), f"``{row['name'].strip('`')}``"]
            found.append("    " + escape(row["text"]))
            kind = "row"
        elif item:
            found += [*([""] if kind != "item" else []), "*   " + escape(item["text"])]
            kind = "item"
        else:
            found += [*([""] if kind not in ("", "text") else []), escape(line)]
            kind = "text"
    return [*found, ""]


def _indent_after(lines: list[str], i: int) -> int:
    """Return how far the next line that is not empty is indented."""
    rest = (line for line in lines[i:] if line.strip())
    line = next(rest, "")
    return len(line) - len(line.lstrip())


def _process(app: Any, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    lines[:] = to_rst(with_code(lines) if what == "module" else lines)


def _skip(app: Any, what: str, name: str, of: Any, skip: bool, options: Any) -> bool | None:
    """Show every function and class of a module, of a class what has words of its own."""
    return False if what == "module" and callable(of) and not name.startswith("_") else None


def setup(app: Any) -> None:
    """Convert each docstring that autodoc reads."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _process)
