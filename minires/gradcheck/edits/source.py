"""The source of one function, with the place of every node, for edits that keep its formatting."""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .template import binding, demanded, enclosed, fill, piece

Span = tuple[int, int, str]  # from, to (characters of the source), new text
FLAGS = __future__.annotations.compiler_flag


class NoSource(ValueError):
    """There is no source to search; the message says why."""


@dataclass
class Edit:
    """Spans of a source to replace, with what kind of mistake that would mend and how likely it is.

    cost      small for a mistake that people often make
    family    one word of the list in `families`
    node      the expression that is replaced, None for whole statements
    """

    cost: float
    family: str
    spans: tuple[Span, ...]
    node: ast.AST | None = field(default=None, repr=False)

    def overlaps(self, other: Edit) -> bool:
        pairs = ((a, b) for a in self.spans for b in other.spans)
        return any((a[0] < b[1] and b[0] < a[1]) or a[:2] == b[:2] for a, b in pairs)


class Source:
    """The text of a function as `inspect.getsource` gives it, dedented, and its syntax tree."""

    def __init__(self, text: str, pick: Callable[[ast.Lambda], bool] | None = None) -> None:
        self.text = _dedented(text)
        tree = _parsed(self.text)
        functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
        lambdas = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda)]
        if len(lambdas) > 1 and pick is not None:
            lambdas = [n for n in lambdas if pick(n)]
        if not functions and len(lambdas) != 1:
            raise NoSource("its source is neither a `def` nor a single lambda")
        self.root: ast.FunctionDef | ast.Lambda = functions[0] if functions else lambdas[0]
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.nodes = list(ast.walk(self.root))
        self.index = {id(n): k for k, n in enumerate(self.nodes)}
        self.place: dict[int, tuple[ast.AST, str]] = {}
        self.owner: dict[int, ast.stmt] = {}
        self.block: dict[int, tuple[list[ast.stmt], int]] = {}
        self._register(self.root, None)

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Source:
        """Return the source of a function, a method or a lambda, or raise NoSource."""
        code = getattr(function, "__code__", None)
        name = getattr(function, "__name__", type(function).__name__)
        if code is None:
            raise NoSource(f"{name} is not written in Python, so there is no line to name")
        try:
            text = inspect.getsource(code)
        except (OSError, TypeError):
            raise NoSource(f"the source of {name} is not in a file or a notebook cell") from None
        wanted = code.co_varnames[: code.co_argcount], {*code.co_names, *code.co_freevars}

        def same(node: ast.Lambda) -> bool:
            made = eval(compile(ast.Expression(node), "<lambda>", "eval"), {}).__code__
            return (made.co_varnames[: made.co_argcount], {*made.co_names}) == wanted

        return cls(text, same)

    def _register(self, node: ast.AST, statement: ast.stmt | None) -> None:
        for name, child in ast.iter_fields(node):
            items = child if isinstance(child, list) else [child]
            for k, item in enumerate(items):
                if not isinstance(item, ast.AST):
                    continue
                self.place[id(item)] = (node, name)
                inner = statement
                if isinstance(item, ast.stmt):
                    inner = item
                    self.block[id(item)] = (items, k)
                if inner is not None:
                    self.owner[id(item)] = inner
                self._register(item, inner)

    # where things stand

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        text = self.text[start : self.starts[line]] if line < len(self.starts) else ""
        if not text.isascii():
            column = len(text.encode()[:column].decode())
        return start + column

    def line(self, at: int) -> int:
        """Return the number of the line that holds a character."""
        low, high = 0, len(self.starts) - 1
        while low < high - 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.starts[middle] <= at else (low, middle)
        return low + 1

    def span(self, node: Any) -> tuple[int, int]:
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def segment(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def piece(self, node: ast.AST) -> tuple[str, float]:
        """Return text and binding; a bare tuple or an expression over lines gets parentheses."""
        text, has = self.segment(node), binding(node)
        if isinstance(node, ast.Tuple) and text.startswith("("):
            has = 14.0
        return (f"({text})", 14.0) if "\n" in text and has < 14 else (text, has)

    def outer(self, node: ast.AST) -> tuple[int, int]:
        """Return the span of an expression with its own parentheses."""
        start, end = self.span(node)
        parent, name = self.place.get(id(node), (None, ""))
        if not isinstance(parent, ast.expr) or not hasattr(parent, "end_lineno"):
            return start, end
        low, high = self.span(parent)
        if isinstance(parent, ast.Call) and name == "args":
            low, high = self.span(parent.func)[1] + 1, high - 1
        while start > low and end < high:
            before, after = start - 1, end
            if not (self.text[before] == "(" and self.text[after : after + 1] == ")"):
                break
            start, end = before, after + 1
        return start, end

    def statements(self) -> Iterator[ast.stmt]:
        """All statements of the function, outer first; a lambda has none."""
        yield from (n for n in self.nodes[1:] if isinstance(n, ast.stmt))

    def header(self, s: ast.stmt) -> tuple[int, int]:
        """Return the span of a statement, without its body if it has one."""
        start, end = self.span(s)
        body = getattr(s, "body", None)
        if isinstance(body, list) and body:
            heads = [c for c in ast.iter_child_nodes(s) if isinstance(c, ast.expr | ast.withitem)]
            heads = [getattr(c, "context_expr", c) for c in heads]
            after = max((self.span(c)[1] for c in heads), default=start)
            end = self.text.index(":", after) + 1
        return start, end

    def indent(self, s: ast.stmt) -> str:
        return " " * s.col_offset if not isinstance(self.root, ast.Lambda) else ""

    # making edits

    def replacing(
        self, node: ast.AST, template: str, cost: float, family: str, **pieces: Any
    ) -> Edit:
        """Replace an expression by a template, in which A is the expression itself."""
        ready = {k: p if isinstance(p, tuple) else self._piece(p) for k, p in pieces.items()}
        ready.setdefault("A", self.piece(node))
        parent, name = self.place[id(node)]
        needs = demanded(parent, name)
        new = fill(template, 0.0, **ready)
        start, end = self.span(node)
        outer = self.outer(node)
        has = piece(new)[1] if needs or outer != (start, end) else 14.0
        if outer != (start, end) and has >= needs:
            start, end = outer  # its parentheses are not needed any more
        elif outer == (start, end):
            new = enclosed(new, has, needs)
        return Edit(cost, family, ((start, end, new),), node)

    def _piece(self, p: Any) -> tuple[str, float]:
        return piece(p) if isinstance(p, str) else self.piece(p)

    def inserting(self, s: ast.stmt, text: str, cost: float, family: str) -> Edit:
        """Put a line before a statement."""
        start = self.span(s)[0]
        return Edit(cost, family, ((start, start, text + "\n" + self.indent(s)),))

    def restating(self, s: ast.stmt, text: str, cost: float, family: str) -> Edit:
        return Edit(cost, family, ((*self.header(s), text),))

    def edited(self, spans: tuple[Span, ...]) -> str:
        """Return the source with the spans replaced."""
        text = self.text
        for start, end, new in sorted(spans, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def program(self, spans: tuple[Span, ...] = ()) -> str:
        """Return what to execute to define the edited function: no decorators; `_lambda = …`."""
        text = self.edited(spans)
        if isinstance(self.root, ast.Lambda):
            start, end = self.span(self.root)
            grown = sum(len(new) - (b - a) for a, b, new in spans)
            return f"_lambda = ({text[start : end + grown]})"
        if self.root.decorator_list:
            first = self.text.index("def", self.span(self.root.decorator_list[-1])[1])
            return "\n" * self.text.count("\n", 0, first) + text[first:]
        return text

    @property
    def name(self) -> str:
        return "_lambda" if isinstance(self.root, ast.Lambda) else self.root.name

    def lines(self, spans: tuple[Span, ...]) -> list[tuple[int, str, str]]:
        """Return (line, before, after) of every place that an edit changes, dedented."""
        regions: list[list[Any]] = []
        for span in sorted(spans):
            low, high = self._region(span)
            if regions and low <= regions[-1][1]:
                regions[-1][1] = max(high, regions[-1][1])
                regions[-1][2].append(span)
            else:
                regions.append([low, high, [span]])
        found = []
        for low, high, inside in regions:
            before = after = self.text[low:high]
            for start, end, new in sorted(inside, reverse=True):
                after = after[: start - low] + new + after[end - low :]
            pad = "\n" + " " * (low - self.starts[self.line(low) - 1])
            found.append((self.line(low), before.replace(pad, "\n"), after.replace(pad, "\n")))
        return found

    def _region(self, span: Span) -> tuple[int, int]:
        """Return the part of a statement that stands on the lines which a span changes."""
        low, high, _ = span
        first, last = self.line(low), self.line(max(low, high - 1))
        start, end = self.starts[first - 1], self.starts[min(last, len(self.starts) - 1)]
        start += len(self.text[start:end]) - len(self.text[start:end].lstrip())
        end = start + len(self.text[start:end].rstrip())
        for s in self.statements():
            a, b = self.header(s)
            if a <= low and high <= b and not isinstance(self.root, ast.Lambda):
                start, end = max(start, a), min(end, b)
        return min(start, low), max(end, high)


def _dedented(text: str) -> str:
    plain = textwrap.dedent(text)
    if plain[:1].isspace():  # a string of several lines, further left than the code
        pad = len(text) - len(text.lstrip(" \t"))
        plain = "".join(
            line[pad:] if not line[:pad].strip() else line for line in text.splitlines(True)
        )
    return plain


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        raise NoSource("its source cannot be read alone: write it as a `def` of its own") from None
