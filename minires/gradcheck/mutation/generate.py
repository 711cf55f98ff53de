"""Mutants: copies of a source file in which one place of a backward pass is wrong."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..edits import Edit, NoSource, Scene, Source, edits_of
from .mistakes import argument, mistakes, refuses
from .places import Place, read

ATOMS = ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript | ast.Tuple | ast.List

Span = tuple[int, int, str]  # from, to, new text
COST = 1.3  # of the edit model: the likelier mistakes
MOST = 1  # mutants of one family in one line
HARMLESS = ("in-place modification",)  # a copy more, which mends but spoils nothing
CONTEXT = ("ctx", "self", "ctx.saved", "ctx.needs", "self.saved")


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

    def replaced(self, spans: Sequence[Span]) -> str | None:
        """Return the file's text with other text in some spans, and as many lines; None if more."""
        text = self.text
        for start, end, new in sorted(spans, reverse=True):
            lost = text.count("\n", start, end) - new.count("\n")
            if lost < 0:
                return None
            rest = text[end:]
            stop = rest.find("\n") if lost else 0
            text = text[:start] + new + rest[:stop] + "\n" * lost + rest[stop:]
        return text


def mutants(places: Sequence[Place]) -> list[Mutant]:
    """Return the mutants of functions, in the order of their files; none is there twice."""
    found: list[Mutant] = []
    texts: dict[Path, Text] = {}
    twins: Counter[tuple[Path, str, str]] = Counter()  # lambdas with the same text
    for place in places:
        text = texts.setdefault(place.file, Text(place.file))
        start, end = text.span(place.node)
        body = text.text[start:end]
        seen = {ast.dump(ast.parse(body))}
        twin = twins[place.file, place.name, body]
        twins[place.file, place.name, body] += 1
        own = []
        for family, line, spans in (*_from_model(text, place), *_left_out(text, place)):
            new = _with(body, [(a - start, b - start, n) for a, b, n in spans])
            if (tree := _compiled(new)) is None or tree in seen:
                continue
            seen.add(tree)
            if (source := text.replaced(spans)) is not None:
                name = hashlib.sha256(f"{place.name} {twin} {body} {new}".encode()).hexdigest()[:10]
                own.append(Mutant(name, place, family, line, text.text, source))
        found += sorted(own, key=lambda m: m.line)
    return found


def _with(text: str, spans: Sequence[Span]) -> str:
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _compiled(text: str) -> str | None:
    """Return the tree of a function's text; None if that is not Python."""
    try:
        tree = ast.parse(text)
        compile(tree, "<mutant>", "exec", dont_inherit=True)
        return ast.dump(tree)
    except (SyntaxError, ValueError):
        return None


def _left_out(text: Text, place: Place) -> Iterator[tuple[str, int, list[Span]]]:
    """Yield what the edit model lacks."""
    for family, node, form in mistakes(place.node):
        new = re.sub("«(.)»", lambda m, node=node: text.of(_part(node, m[1])), form)  # type: ignore[misc]
        if isinstance(node, ast.expr) and not new.startswith("(") and _binds(form):
            new = f"({new})"
        yield family, node.lineno, [(*text.span(node), new)]


def _from_model(text: Text, place: Place) -> Iterator[tuple[str, int, list[Span]]]:
    """Yield the likeliest edits of the model that the diagnosis uses: they make it wrong here.

    Of the edits of one expression those of the least cost in each family, and of a statement at
    most MOST in each.
    """
    start, end = text.span(place.node)
    try:
        source = Source(text.text[start:end], lambda node: (node.lineno, node.col_offset) == (1, 0))
    except (NoSource, SyntaxError):
        return
    if source.text != text.text[start:end]:
        return
    refused = {line for s in ast.walk(source.root) if refuses(s) for line in _lines(s)}
    least: dict[tuple[str, int, int], Edit] = {}
    for edit in edits_of(Scene(source)):
        at, to, _ = edit.spans[0]
        if (
            edit.cost > COST
            or edit.family in HARMLESS
            or _added(source, edit)
            or source.line(at) in refused
            or source.text[at:to] in CONTEXT
        ):
            continue
        key = (edit.family, at, to)
        if key not in least or edit.cost < least[key].cost:
            least[key] = edit
    taken: Counter[tuple[str, int]] = Counter()
    for edit in sorted(least.values(), key=lambda e: e.cost):
        line = source.line(edit.spans[0][0])
        taken[edit.family, line] += 1
        if taken[edit.family, line] <= MOST:
            first = place.node.lineno - 1
            yield edit.family, line + first, [(a + start, b + start, n) for a, b, n in edit.spans]


def _added(source: Source, edit: Edit) -> bool:
    """Say whether a call, an index or a transpose is put after something: few do that wrongly."""
    start, end, new = edit.spans[0]
    old = source.text[start:end].strip("()")
    rest = new.strip("()").removeprefix(old).lstrip(")") if old else ""
    return new.strip("()").startswith(old) and rest[:1] in (".", "[")


def _lines(node: Any) -> range:
    return range(node.lineno, node.end_lineno + 1)


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
        return argument(node)
    return getattr(node, names[type(node)]["ABC".index(key)])
