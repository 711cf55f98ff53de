"""Edits that give a term more: both orders of a product, a mean's second path, a product."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from .scene import Scene
from .source import Edit, Span
from .tables import DETACHED, ORDER, SCALE, TERM
from .template import ATOM, fill

MOST = 12  # arrays whose products are tried


def forgotten(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield an expression with the term that people forget beside it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield from _both_orders(scene, node)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield from _projected(scene, node, s)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _product(scene, node, s)
    elif isinstance(node, ast.Call):
        yield from _interleaved(scene, node)
    elif isinstance(node, ast.Name) and isinstance(s, ast.AugAssign) and s.value is node:
        yield from _companions(scene, node)
    elif isinstance(node, ast.Constant) and type(node.value) is int and s is not None:
        yield from _counted(scene, node, s)


def _both_orders(scene: Scene, node: ast.BinOp) -> Iterator[Edit]:
    """x A + x Aᵀ for x A or 2 x A: the derivative of xᵀ A x."""
    source = scene.source
    for square, other, text in (
        (node.right, node.left, "X @ S + X @ S.T"),
        (node.left, node.right, "S @ X + S.T @ X"),
    ):
        shape = scene.shape(square)
        if shape is None or len(shape) != 2 or shape[0] != shape[1]:
            continue
        plain = isinstance(square, ast.Attribute) and square.attr == "T"
        inner = square.value if plain else square  # type: ignore[attr-defined]
        edit = source.replacing(node, text, 1.4, TERM, S=inner, X=other)
        yield edit
        if two := _doubled(scene, node):
            yield Edit(1.4, TERM, (*edit.spans, two), node)


def _doubled(scene: Scene, node: ast.expr) -> Span | None:
    """Return what takes the factor 2 from the product that a factor stands in."""
    source, at = scene.source, scene.source.place[id(node)][0]
    while isinstance(at, ast.BinOp) and isinstance(at.op, ast.Mult):
        left: ast.expr = at
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
            first, rest = left.left, left.right
            if isinstance(first, ast.Constant) and first.value == 2:
                return source.span(first)[0], source.outer(rest)[0], ""
            left = first
        at = source.place[id(at)][0]
    return None


def _projected(scene: Scene, node: ast.BinOp, s: ast.stmt | None) -> Iterator[Edit]:
    """d - d.mean(…) - n * (d * n).mean(…): a spread that was normalised away depends on x, too."""
    source, call, shape = scene.source, node.right, scene.shape(node)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not shape:
        return
    function, d = source.segment(call.func), source.segment(node.left)
    if function.rpartition(".")[2] != "mean" or len(d) > 30:
        return
    inner = call.args[0] if function in ("np.mean", "numpy.mean") and call.args else call.func.value
    if source.segment(inner) != d:
        return
    how = source.text[source.outer(inner)[1] : source.span(call)[1]]
    before = "" if inner is call.func.value else f"{function}("
    for name, x in scene.names(s).items():
        if isinstance(x, np.ndarray) and x.shape == shape and x.dtype.kind == "f" and name != d:
            product = fill("D * N", 0.0, D=source.piece(node.left), N=(name, ATOM))
            pair = f"{before}{product}{how}" if before else f"({product}){how}"
            yield source.replacing(node, f"A__ - {name} * {pair}", 1.5, DETACHED)


def _product(scene: Scene, node: ast.BinOp, s: ast.stmt | None) -> Iterator[Edit]:
    """A product of two arrays more, in a sum that a loop carries on."""
    shape = scene.shape(node)
    if not isinstance(s, ast.Assign) or s.value is not node or not shape or scene.times(node) < 2:
        return
    fitting = [
        name
        for name, x in scene.names(s).items()
        if isinstance(x, np.ndarray) and x.shape == shape and x.dtype.kind == "f"
    ]
    for a, b in itertools.combinations(fitting[-MOST:], 2):
        yield scene.source.replacing(node, f"A__ + {a} * {b}", 1.5, TERM)


def _interleaved(scene: Scene, node: ast.Call) -> Iterator[Edit]:
    """x[:, 0::2], x[:, 1::2] for np.split(x, 2, axis=1): pairs, not halves."""
    source = scene.source
    if source.segment(node.func).rpartition(".")[2] not in ("split", "array_split"):
        return
    axes = [k.value for k in node.keywords if k.arg == "axis"] + node.args[2:3]
    shape = scene.shape(node.args[0]) if len(node.args) > 1 else None
    parts = node.args[1] if shape else None
    if shape is None or not isinstance(parts, ast.Constant):
        return
    text = source.segment(axes[0]) if axes else "0"
    n = parts.value
    if text.lstrip("-").isdigit() and type(n) is int and 1 < n < 5:
        axis = int(text) % len(shape)
        inner = source.segment(node.args[0])
        items = [f"({inner})[{':, ' * axis}{k}::{n}]" for k in range(n)]
        if inner.isidentifier():
            items = [i.replace(f"({inner})", inner, 1) for i in items]
        yield source.replacing(node, "D", 1.4, ORDER, D=", ".join(items))


def _counted(scene: Scene, node: ast.Constant, s: ast.stmt) -> Iterator[Edit]:
    """The size of the window that is read or written beside, for a number that stands for it."""
    source = scene.source
    if scene.times(node) < 2:
        return
    found: dict[str, None] = {}
    block, _ = source.block[id(s)]
    for n in (n for t in block for n in ast.walk(t) if isinstance(n, ast.Subscript)):
        parts = n.slice.elts if isinstance(n.slice, ast.Tuple) else [n.slice]
        ends = [(p.lower, p.upper) for p in parts if isinstance(p, ast.Slice)]
        names = [
            f"({b.id} - {a.id})"
            for a, b in ends
            if isinstance(a, ast.Name) and isinstance(b, ast.Name)
        ]
        if len(names) > 1:
            found[" * ".join(names)] = None
    for text in found:
        yield source.replacing(node, "D", 1.4, SCALE, D=text)


def _companions(scene: Scene, node: ast.Name) -> Iterator[Edit]:
    """a + b where a is added, and a, b were made together: each takes its share."""
    for t in scene.source.statements():
        target = t.targets[0] if isinstance(t, ast.Assign) else None
        names = target.elts if isinstance(target, ast.Tuple) else []
        together = [n.id for n in names if isinstance(n, ast.Name)]
        for other in together if node.id in together else ():
            if other != node.id:
                yield scene.source.replacing(node, f"A__ + {other}", 1.25, TERM)
                yield scene.source.replacing(node, f"A__ - {other}", 1.35, TERM)
