"""Edits of what is let through: where a choice fell, what a mean is taken of, a condition more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import numpy as np

from .scene import Scene
from .source import Edit
from .tables import MASK, REDUCTIONS

MOST = 6  # choices, and conditions, that are tried


def masks(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield another mask for a mask, the masked part of what is reduced, a stricter condition."""
    if scene.source.place[id(node)][1] == "test" or isinstance(node, ast.BoolOp):
        yield from _conditions(scene, node)
    x = scene.value(node)
    if not isinstance(x, np.ndarray) or not x.ndim:
        return
    if x.dtype.kind == "b" and not isinstance(node, ast.Name):
        yield from _chosen(scene, node, s, x.shape)
    elif x.dtype.kind == "f" and _reduced(scene, node):
        for name, m in scene.names(s).items():
            if isinstance(m, np.ndarray) and m.dtype.kind == "b" and m.shape == x.shape:
                yield scene.source.replacing(node, f"A__[{name}]", 1.25, MASK)


def _chosen(scene: Scene, node: ast.expr, s: ast.stmt | None, shape: object) -> Iterator[Edit]:
    """a <= b where min(a, b) is computed, a >= b where the maximum is; ties go to both."""
    texts: dict[str, None] = {}
    for source in (scene.source, *([] if scene.model is None else [scene.model])):
        for n in source.nodes:
            called = n.func if isinstance(n, ast.Call) and len(n.args) == 2 else None
            name = getattr(called, "attr", getattr(called, "id", ""))
            if name in ("minimum", "maximum", "min", "max") and isinstance(n, ast.Call):
                pair = [_named(scene, source.piece(a)[0], s) for a in n.args]
                signs = ("<=", "<") if name.startswith("min") else (">=", ">")
                texts |= dict.fromkeys(f"{pair[0]} {sign} {pair[1]}" for sign in signs)
    for text in [t for t in texts if "\n" not in t][: 2 * MOST]:
        if np.shape(scene.evaluate(text, s)) == shape and text != scene.source.segment(node):
            yield scene.source.replacing(node, "D", 1.3, MASK, D=text)


def _named(scene: Scene, text: str, s: ast.stmt | None) -> str:
    """Return the name that an expression's value has here, or its text."""
    x = scene.evaluate(text, s)
    for name, y in scene.names(s).items():
        if isinstance(y, np.ndarray) and y.ndim and np.shape(x) == y.shape and np.all(x == y):
            return name
    return text


def _reduced(scene: Scene, node: ast.expr) -> bool:
    """Whether a sum, a mean or another reduction is taken of the whole of an expression."""
    parent, field = scene.source.place[id(node)]
    if isinstance(parent, ast.Attribute) and parent.attr in REDUCTIONS:
        call = scene.source.place[id(parent)][0]
        return isinstance(call, ast.Call) and call.func is parent and not call.args
    if not isinstance(parent, ast.Call) or field != "args" or len(parent.args) != 1:
        return False
    return scene.source.segment(parent.func).rpartition(".")[2] in REDUCTIONS


def _conditions(scene: Scene, node: ast.expr) -> Iterator[Edit]:
    """One condition more, of those that are asked elsewhere, there or the other way round."""
    mine = scene.source.segment(node)
    found: dict[str, float] = {}
    for source in (scene.source, *([] if scene.model is None else [scene.model])):
        for n in source.nodes:
            if isinstance(n, ast.BoolOp) and isinstance(n.op, ast.And) and n is not node:
                for x in n.values:
                    text = source.piece(x)[0]
                    found |= {text: 1.3, **({t: 1.2} if (t := _mirrored(text)) != text else {})}
    for text, cost in [(t, c) for t, c in found.items() if t not in mine][: 2 * MOST]:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) and " or " not in text:
            yield scene.source.replacing(node, "D", cost, MASK, D=f"{mine} and {text}")
        else:
            yield scene.source.replacing(node, "A and D", cost, MASK, D=text)


def _mirrored(text: str) -> str:
    """Return what a loop that runs the other way asks: x[s + 2] for x[s - 2]."""
    return re.sub(r" ([+-]) ", lambda m: " - " if m[1] == "+" else " + ", text)
