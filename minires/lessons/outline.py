"""What a cell of code does, in few words."""

from __future__ import annotations

import ast
import zlib

from .cells import Cell


def exercise(cell: Cell) -> tuple[str, ast.FunctionDef | ast.ClassDef] | None:
    """Return the name of an exercise's cell, and its function or class."""
    for node in ast.parse(cell.text).body if not cell.markdown else ():
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "exercise":
                name = call.args[0] if call.args else None
                return str(getattr(name, "value", "")), node
    return None


def description(cell: Cell) -> str:
    """Return what a cell of code does: its first comment, or the names that it makes.

    Nothing for a cell that only imports, asks, shows or draws.
    """
    first = cell.text.lstrip().split("\n")[0]
    if first.startswith("#"):
        return first.lstrip("# ").rstrip(".:")
    names: list[str] = []
    for node in ast.parse(cell.text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(f"{node.name}()")
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not _is_of_kit(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    shown = list(dict.fromkeys(names))
    return ", ".join(shown[:4]) + (", ..." if len(shown) > 4 else "")


def _is_of_kit(value: ast.expr | None) -> bool:
    """Return whether a value is `Lesson(2)` or `lesson.something(...)`."""
    function = value.func if isinstance(value, ast.Call) else None
    owner = function.value if isinstance(function, ast.Attribute) else function
    return isinstance(owner, ast.Name) and owner.id in ("Lesson", "lesson")


def begins_with_prose(cell: Cell) -> bool:
    """Return whether the first thing that a cell shows is a paragraph, or nothing."""
    for node in ast.parse(cell.text).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return getattr(node.value.func, "attr", "") in ("say", "predict", "reveal", "hint")
    return True


def lines(cell: Cell) -> str:
    """Return where a cell's code stands."""
    last = cell.line + cell.text.count("\n")
    return f"lines {cell.line} to {last}" if last > cell.line else f"line {last}"


def key(cell: Cell) -> str:
    """Return a name of a cell's code, another one when it is changed."""
    return f"{zlib.crc32(cell.text.encode()):08x}"
