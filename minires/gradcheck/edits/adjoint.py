"""Edits that make an operation the adjoint of forward's: the other way, the other axis, solved."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from .scene import Scene
from .source import Edit, Span
from .tables import DETACHED, FINITE, FLIP, OFFSET, TRANSPOSED


def turned(scene: Scene, s: ast.stmt) -> Iterator[Edit]:
    """Yield a statement with all its shifts the other way, or two new axes exchanged."""
    source = scene.source
    if not isinstance(s, ast.Assign | ast.AugAssign | ast.Return) or s.value is None:
        return
    nodes = [*ast.walk(s.value)]
    rolls = [
        n.args[1]
        for n in nodes
        if isinstance(n, ast.Call) and len(n.args) > 1 and source.segment(n.func).endswith(".roll")
    ]
    if len(rolls) > 1:
        each = [x for r in rolls for x in (r.elts if isinstance(r, ast.Tuple) else [r])]
        yield Edit(1.1, FLIP, tuple(_negated(scene, x) for x in each))
    raised = [
        n.slice
        for n in nodes
        if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Tuple) and _has_none(n.slice)
    ]
    for a, b in itertools.combinations(raised, 2):
        one, two = source.segment(a), source.segment(b)
        if one != two:
            spans = ((*source.span(a), two), (*source.span(b), one))
            yield Edit(1.15, TRANSPOSED, spans)


def _has_none(index: ast.Tuple) -> bool:
    return any(isinstance(e, ast.Constant) and e.value is None for e in index.elts)


def _negated(scene: Scene, node: ast.expr) -> Span:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return (*scene.source.span(node), scene.source.segment(node.operand))
    edit = scene.source.replacing(node, "-A", 1.0, FLIP)
    return edit.spans[0]


def adjoint(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield an expression as what it is the derivative of asks for."""
    if isinstance(node, ast.Call | ast.Subscript):
        yield from _exclusive(scene, node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield from _share(scene, node)
    if isinstance(s, ast.Assign) and s.value is node:
        yield from _solved(scene, node, s)


def _exclusive(scene: Scene, node: ast.Call | ast.Subscript) -> Iterator[Edit]:
    """cumsum(x) - x, which each element is not part of, for cumsum(x); flipped or not."""
    source, call = scene.source, node
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
        call = node.value
    inner = _accumulated(call)
    if inner is None:
        return
    if call is not node:  # x[::-1].cumsum()[::-1]
        index = source.segment(node.slice)  # type: ignore[union-attr]
        if not isinstance(inner, ast.Subscript) or source.segment(inner.slice) != index:
            return
        inner = inner.value
    theirs = [] if scene.model is None else scene.model.nodes
    alike = any(
        isinstance(n, ast.BinOp)
        and isinstance(n.op, ast.Sub)
        and (x := _accumulated(n.left)) is not None
        and ast.dump(x) == ast.dump(n.right)
        for n in theirs
    )
    yield source.replacing(node, "A - X", 1.0 if alike else 1.4, OFFSET, X=inner)


def _accumulated(node: ast.AST) -> ast.expr | None:
    """Return what a cumulative sum is taken of."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr != "cumsum":
        return None
    plain = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy")
    return (node.args[0] if node.args else None) if plain else node.func.value


def _share(scene: Scene, node: ast.BinOp) -> Iterator[Edit]:
    """exp(a - logaddexp(a, b)) for exp(a) / (exp(a) + exp(b)), which overflows."""
    a, total = node.left, node.right
    if not isinstance(total, ast.BinOp) or not isinstance(total.op, ast.Add):
        return
    for same, other in ((total.left, total.right), (total.right, total.left)):
        if ast.dump(same) == ast.dump(a) and _exp(a) and _exp(other):
            yield scene.source.replacing(
                node, "np.exp(P - np.logaddexp(P, Q))", 1.2, FINITE,
                P=a.args[0], Q=other.args[0],  # type: ignore[attr-defined]
            )  # fmt: skip


def _exp(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "np.exp" and len(node.args) == 1


def _solved(scene: Scene, node: ast.expr, s: ast.Assign) -> Iterator[Edit]:
    """A linear system solved with a matrix that was made and not used: the implicit function."""
    shape, nodes = scene.shape(node), scene.source.nodes
    if not shape or len(shape) > 2:
        return
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    for name, x in scene.names(s).items():
        square = isinstance(x, np.ndarray) and x.shape == (shape[0], shape[0])
        if square and x.dtype.kind == "f" and name not in used:
            for text in (f"np.eye(len({name})) - {name}.T", f"np.eye(len({name})) - {name}",
                         f"{name}.T", name):  # fmt: skip
                yield scene.source.replacing(node, f"np.linalg.solve({text}, A__)", 1.35, DETACHED)
