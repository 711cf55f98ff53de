"""The values of one run: what every expression of a function gave, and which names it could see."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from .source import FLAGS, Source

MOST = 20_000  # elements of an array that is copied
KINDS = (np.ndarray, int, float, complex, np.generic)


@dataclass
class Seen:
    """Values of the first execution, by the number of the node in `Source.nodes`.

    values   of expressions
    times    how often each was computed
    scope    for each statement, the local names and values before it
    outer    the globals and closure of the function
    """

    values: dict[int, Any] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    scope: dict[int, dict[str, Any]] = field(default_factory=dict)
    outer: dict[str, Any] = field(default_factory=dict)


class Probe:
    """What instrumented code calls: it records values, or puts another in the place of one."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self.active = -1
        self.change: Callable[[Any], Any] = lambda x: x

    def expression(self, k: int, x: Any) -> Any:
        seen = self.seen
        if seen is not None:
            count = seen.times.get(k, 0)
            seen.times[k] = count + 1
            if count == 0:
                seen.values[k] = kept(x)
        return self.change(x) if k == self.active else x

    def statement(self, k: int, names: dict[str, Any]) -> None:
        if self.seen is not None and k not in self.seen.scope:
            self.seen.scope[k] = {n: kept(x) for n, x in names.items() if n != "__probe__"}


def kept(x: Any) -> Any:
    """Return a copy of an array that the function may change later; anything else as it is."""
    return x.copy() if isinstance(x, np.ndarray) and x.size <= MOST else x


class _Instrument(ast.NodeTransformer):
    def __init__(self, index: dict[int, int]) -> None:
        self.index = index

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                setattr(node, name, [x for s in block for x in (self._mark(s), s)])
        return node

    def _mark(self, s: ast.stmt) -> ast.stmt:
        names = ast.Call(ast.Name("locals", ast.Load()), [], [])
        return ast.Expr(self._call("statement", self.index.get(id(s), -1), names))

    def _call(self, what: str, k: int, x: ast.expr) -> ast.Call:
        function = ast.Attribute(ast.Name("__probe__", ast.Load()), what, ast.Load())
        return ast.Call(function, [ast.Constant(k), x], [])

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.FunctionDef):
            node.body = [self.visit(s) for s in node.body]
            node.body = [x for s in node.body for x in (self._mark(s), s)]
            return node
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
            return node
        if isinstance(node, ast.AnnAssign):
            node.value = self.visit(node.value) if node.value else None
            return node
        if isinstance(node, ast.Call):  # not the function itself, but the object of a method
            if isinstance(node.func, ast.Attribute):
                node.func.value = self.visit(node.func.value)
            node.args = [self.visit(a) for a in node.args]
            for k in node.keywords:
                k.value = self.visit(k.value)
        elif not isinstance(node, ast.JoinedStr):
            self.generic_visit(node)
        plain = isinstance(node, ast.expr) and not isinstance(node, ast.Slice | ast.Starred)
        if plain and isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and self._worth(node):
            call = self._call("expression", self.index[id(node)], cast(ast.expr, node))
            return ast.copy_location(call, node)
        return node

    def _worth(self, node: ast.AST) -> bool:
        if id(node) not in self.index:
            return False
        if isinstance(node, ast.Tuple):
            return not any(isinstance(x, ast.Slice | ast.Starred) for x in node.elts)
        return not (isinstance(node, ast.Name) and node.id in ("np", "numpy", "math"))


def instrumented(source: Source) -> types.CodeType:
    """Return the program of `source` with what it computes reported to `__probe__`."""
    tree = ast.parse(source.program())
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    root = nodes[0]
    mine = [n for n in source.nodes if hasattr(n, "lineno") and not _decorating(source, n)]
    theirs = [n for n in ast.walk(root) if hasattr(n, "lineno")]  # all trees share one ast.Load()
    index = {id(b): source.index[id(a)] for a, b in zip(mine, theirs, strict=True)}
    _Instrument(index).visit(root)
    ast.fix_missing_locations(tree)
    return cast(types.CodeType, compile(tree, "<probe>", "exec", FLAGS, dont_inherit=True))


def _decorating(source: Source, node: ast.AST) -> bool:
    for d in getattr(source.root, "decorator_list", ()):
        if any(n is node for n in ast.walk(d)):
            return True
    return False
