"""Whether an edit makes a function agree with itself: its new expression looks like another's.

Two expressions look alike if they differ only in names and whole numbers, and in the order of
factors: `(da - (da * a).sum(axis=1)) / row` is like `(dy - (p * dy).sum(axis=0)) / col`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

LEAST = 3  # operations, from which a likeness says something


def likeness(before: str, after: str) -> float:
    """Return how much what is new in a program is like what was there, from 0 to 1."""
    try:
        old, new = (ast.parse(text) for text in (before, after))
    except SyntaxError:
        return 0.0
    had, has = (Counter(_shapes(tree)) for tree in (old, new))
    added = has - had
    like = bool(added) and all(s in had and _size(s) >= LEAST for s in added)
    return 1.0 if _beside(old, new) else (0.7 if like else 0.0)


def _shapes(tree: ast.AST) -> Iterator[str]:
    """Yield the shape of every value that is assigned or returned."""
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Return) and value is not None:
            for x in value.elts if isinstance(value, ast.Tuple) else [value]:
                yield _shape(x)


def _beside(old: ast.AST, new: ast.AST) -> bool:
    """Whether an element of what is returned becomes like one beside it, which has a name of it."""
    before, after = _returned(old), _returned(new)
    if len(before) != len(after):
        return False
    for k, (a, b) in enumerate(zip(before, after, strict=True)):
        if ast.dump(a) != ast.dump(b):
            others = [x for i, x in enumerate(after) if i != k]
            return isinstance(b, ast.BinOp | ast.Call) and any(
                _shape(x) == _shape(b) != _shape(a) and _names(x) & _names(b) for x in others
            )
    return False


def _returned(tree: ast.AST) -> list[ast.expr]:
    values = [n.value for n in ast.walk(tree) if isinstance(n, ast.Return)]
    tuples = [v.elts for v in values if isinstance(v, ast.Tuple)]
    return tuples[0] if len(values) == 1 and tuples else []


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - {"np"}


def _size(shape: str) -> int:
    return shape.count("(")


def _shape(node: ast.AST) -> str:
    """Return an expression without its names and whole numbers, factors in a fixed order."""
    if isinstance(node, ast.Name):
        return "np" if node.id == "np" else "x"
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if all(isinstance(x, ast.Slice) and x.step is None for x in index):
            return "x"  # a part of an array is like an array
    if isinstance(node, ast.Constant):
        return repr(node.value) if isinstance(node.value, float | str) else "0"
    parts = [_shape(child) for child in ast.iter_child_nodes(node)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Add):
        parts = sorted([parts[0], parts[2]])
    if isinstance(node, ast.expr_context):
        return ""
    kind = type(node.op).__name__ if isinstance(node, ast.BinOp | ast.UnaryOp) else ""
    kind = kind or getattr(node, "attr", "") or getattr(node, "arg", "") or type(node).__name__
    return f"{kind}({','.join(p for p in parts if p)})"
