"""Mutants: copies of a source file in which one place of a backward pass is wrong."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .mistakes import mistakes
from .places import Place, read

ATOMS = ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript | ast.Tuple | ast.List


@dataclass(frozen=True)
class Mutant:
    """One mistake in one function.

    id      the same as long as the function's text and the mistake are
    line    of the file, where the changed statement begins
    """

    id: str
    place: Place
    family: str
    line: int
    original: str = field(repr=False)  # the text of the file
    source: str = field(repr=False)  # the mutated text, of as many lines

    def diff(self, name: str | None = None) -> str:
        """Return the unified diff that makes the mutant."""
        file = name or self.place.file.name
        before, after = self.original.splitlines(), self.source.splitlines()
        lines = difflib.unified_diff(before, after, f"a/{file}", f"b/{file}", lineterm="", n=2)
        return "\n".join(lines)

    def change(self) -> tuple[str, str]:
        """Return the changed lines before and after."""
        pairs = zip(self.original.splitlines(), self.source.splitlines(), strict=True)
        changed = [(a.strip(), b.strip()) for a, b in pairs if a != b]
        before, after = zip(*changed, strict=True)
        return " ".join(before), " ".join(b for b in after if b)


class Text:
    """The text of a file, and where the nodes of its tree stand in it."""

    def __init__(self, file: Path) -> None:
        self.text = read(file)
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: Any) -> tuple[int, int]:
        """Return where a node begins and ends, in characters."""
        start = self._at(node.lineno, node.col_offset)
        return start, self._at(node.end_lineno, node.end_col_offset)

    def _at(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        piece = self.text[start : self.starts[line]]
        return start + len(piece.encode()[:column].decode())

    def of(self, node: Any) -> str:
        """Return a node's text, in parentheses unless it binds by itself."""
        start, end = self.span(node)
        text = self.text[start:end]
        return text if isinstance(node, ATOMS) else f"({text})"

    def replaced(self, node: Any, text: str) -> str:
        """Return the file's text with `text` for a node, and as many lines as before."""
        start, end = self.span(node)
        lost = self.text.count("\n", start, end) - text.count("\n")
        rest = self.text[end:]
        if lost > 0:
            stop = rest.find("\n")
            rest = rest[:stop] + "\n" * lost + rest[stop:]
        return self.text[:start] + text + rest


def mutants(places: list[Place]) -> list[Mutant]:
    """Return the mutants of functions, in the order of their files; none is there twice."""
    found: list[Mutant] = []
    seen: set[str] = set()
    texts: dict[Path, Text] = {}
    trees: dict[Path, str] = {}
    for place in places:
        text = texts.setdefault(place.file, Text(place.file))
        trees.setdefault(place.file, ast.dump(ast.parse(text.text)))
        for family, node, source in _sources(text, place):
            if source in seen:
                continue
            seen.add(source)
            try:
                if ast.dump(ast.parse(source)) == trees[place.file]:
                    continue
                compile(source, str(place.file), "exec", dont_inherit=True)
            except (SyntaxError, ValueError):
                continue
            body = text.text[slice(*text.span(place.node))]
            change = f"{place.name} {body} {_difference(text.text, source)}"
            name = hashlib.sha256(change.encode()).hexdigest()[:10]
            found.append(Mutant(name, place, family, node.lineno, text.text, source))
    return found


def _difference(a: str, b: str) -> str:
    pairs = zip(a.splitlines(), b.splitlines(), strict=False)
    return repr([(x, y) for x, y in pairs if x != y])


def _sources(text: Text, place: Place) -> Iterator[tuple[str, Any, str]]:
    for family, node, form in mistakes(place.node):
        new = re.sub("«(.)»", lambda m, node=node: text.of(_part(node, m[1])), form)  # type: ignore[misc]
        if isinstance(node, ast.expr) and not new.startswith("(") and _binds(form):
            new = f"({new})"
        yield family, node, text.replaced(node, new)


def _binds(form: str) -> bool:
    """Say whether the text of an edit needs parentheses wherever it may stand."""
    return bool(re.search(r" |^-", form)) and not re.fullmatch(r"(«.»(, )?)+", form)


def _part(node: Any, key: str) -> Any:
    """Return the part of a node that «key» stands for."""
    if key == "S":
        return node
    if key.isdigit():
        return (node.args if isinstance(node, ast.Call) else node.elts)[int(key)]
    names = {
        ast.BinOp: ("left", "right"), ast.UnaryOp: ("operand",),
        ast.IfExp: ("body", "orelse", "test"), ast.Compare: ("left",),
        ast.Attribute: ("value",), ast.Subscript: ("value",),
        ast.AugAssign: ("target", "value"),
    }  # fmt: skip
    if isinstance(node, ast.BoolOp):
        return node.values["AB".index(key)]
    if isinstance(node, ast.Compare) and key == "B":
        return node.comparators[0]
    if isinstance(node, ast.Call):
        from .mistakes import _argument

        return _argument(node)
    return getattr(node, names[type(node)]["ABC".index(key)])
