"""Edits that undo a broadcast: sums over exactly the axes that it added or stretched."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from .scene import Scene, Shape, fits
from .source import Edit
from .tables import SUM


def broadcast(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield sums to the shape of another array, and sums instead of one element."""
    new = scene.source.replacing
    if isinstance(node, ast.Subscript) and (axes := _numbered(node)):
        yield new(node, f"B.sum(axis={axes})", 1.25, SUM, B=node.value)
    inner = _summed(scene, node)
    shape = scene.shape(inner)
    if not shape or isinstance(inner, ast.Constant):
        return
    parent, _ = scene.source.place[id(node)]
    if inner is node and not isinstance(parent, ast.stmt | ast.Tuple):
        return
    seen: set[str] = set()
    for x in scene.names(s).values():
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or not fits(x.shape, shape):
            continue
        text = _reduced(shape, x.shape)
        if text not in seen and x.shape not in (shape, ()):
            seen.add(text)
            yield new(node, f"B{text}", 1.25, SUM, B=inner)


def _summed(scene: Scene, node: ast.expr) -> ast.expr:
    """Return what a call of sum or mean takes; the node itself where it is no such call."""
    f = node.func if isinstance(node, ast.Call) else None
    if isinstance(node, ast.Call) and isinstance(f, ast.Attribute) and f.attr in ("sum", "mean"):
        if scene.source.segment(f.value) not in ("np", "numpy"):
            return f.value
        return node.args[0] if node.args else node
    return node


def _reduced(large: Shape, small: Shape) -> str:
    """Return how an array is summed to a shape that broadcasts to its own."""
    more = len(large) - len(small)
    ones = [k + more for k, (a, b) in enumerate(zip(small, large[more:], strict=True)) if a != b]
    axes = _axes([*range(more), *ones])
    if not more:
        return f".sum(axis={axes}, keepdims=True)"
    back = ", ".join("None" if k + more in ones else ":" for k in range(len(small)))
    while back.endswith(", :"):
        back = back[:-3]
    return f".sum(axis={axes})" + (f"[{back}]" if ones else "")


def _axes(axes: list[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else "(" + ", ".join(map(str, axes)) + ")"


def _numbered(node: ast.Subscript) -> str:
    """Return the axes of which one element is taken by its number, all else being taken whole."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    axes = [k for k, p in enumerate(parts) if isinstance(p, ast.Constant) and type(p.value) is int]
    whole = [isinstance(p, ast.Slice) and not (p.lower or p.upper or p.step) for p in parts]
    return _axes(axes) if axes and len(axes) + sum(whole) == len(parts) else ""
