"""The additive terms of an expression: `p * (dy - inner)` is `p * dy` and `-(p * inner)`.

Sums are multiplied out through products, quotients, matrix products and linear calls, and through
names that a function assigns once, as far as asked.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LINEAR = {"sum", "mean", "reshape", "transpose", "cumsum", "copy", "squeeze", "ravel", "swapaxes"}
MOST = 12  # terms


@dataclass(frozen=True)
class Term:
    """One term: a sign, its expression, and the operands of sums in the source that made it."""

    sign: float
    expression: ast.expr
    leaves: tuple[ast.expr, ...]

    @property
    def text(self) -> str:
        return ast.unparse(self.expression)


def terms(node: ast.expr, definitions: Mapping[str, ast.expr], depth: int) -> list[Term]:
    """Return the additive terms; names are replaced by what defines them, `depth` times."""
    found = _expand(node, definitions, depth)
    return [t if t.leaves else Term(t.sign, t.expression, (node,)) for t in found]


def _expand(node: ast.expr, known: Mapping[str, ast.expr], depth: int) -> list[Term]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [Term(-t.sign, t.expression, t.leaves) for t in _expand(node.operand, known, depth)]
    if isinstance(node, ast.Name) and depth and (definition := known.get(node.id)) is not None:
        inner = _expand(definition, known, depth - 1)
        if len(inner) > 1:
            return inner
    if isinstance(node, ast.BinOp):
        left = _expand(node.left, known, depth)
        if isinstance(node.op, ast.Add | ast.Sub):
            sign = 1.0 if isinstance(node.op, ast.Add) else -1.0
            right = [
                Term(sign * t.sign, t.expression, t.leaves)
                for t in _expand(node.right, known, depth)
            ]
            sides = _leafed(left, node.left), _leafed(right, node.right)
            return [*sides[0], *sides[1]]
        if isinstance(node.op, ast.Mult | ast.MatMult):
            right = _expand(node.right, known, depth)
            if len(left) * len(right) <= MOST:
                return [
                    Term(
                        a.sign * b.sign,
                        ast.BinOp(a.expression, node.op, b.expression),
                        a.leaves + b.leaves,
                    )
                    for a in left
                    for b in right
                ]
        if isinstance(node.op, ast.Div):
            return [
                Term(t.sign, ast.BinOp(t.expression, ast.Div(), node.right), t.leaves) for t in left
            ]
    if isinstance(node, ast.Attribute) and node.attr == "T":
        inner = _expand(node.value, known, depth)
        return [Term(t.sign, ast.Attribute(t.expression, "T", node.ctx), t.leaves) for t in inner]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _call(node, node.func, known, depth)
    return [Term(1.0, node, ())]


def _call(
    node: ast.Call, func: ast.Attribute, known: Mapping[str, ast.expr], depth: int
) -> list[Term]:
    """A linear function of a sum: np.sum(a + b, axis=0), (a + b).sum(axis=0)."""
    if func.attr not in LINEAR:
        return [Term(1.0, node, ())]
    if isinstance(func.value, ast.Name) and func.value.id in ("np", "numpy", "xp"):
        if not node.args:
            return [Term(1.0, node, ())]
        first, rest = node.args[0], node.args[1:]
        return [
            Term(t.sign, ast.Call(func, [t.expression, *rest], node.keywords), t.leaves)
            for t in _expand(first, known, depth)
        ]
    return [
        Term(
            t.sign,
            ast.Call(ast.Attribute(t.expression, func.attr, func.ctx), node.args, node.keywords),
            t.leaves,
        )
        for t in _expand(func.value, known, depth)
    ]


def _leafed(found: list[Term], node: ast.expr) -> list[Term]:
    """Note an operand of a sum as the leaf of a term that comes from no deeper sum."""
    return [t if t.leaves else Term(t.sign, t.expression, (node,)) for t in found]


Function = ast.FunctionDef | ast.Lambda


def definitions(root: Function) -> dict[str, ast.expr]:
    """Return what the names mean that are assigned once, at the top level, and never changed."""
    if isinstance(root, ast.Lambda):
        return {}
    count: dict[str, int] = {}
    for node in ast.walk(root):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            count[node.id] = count.get(node.id, 0) + 1
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            base = node.value
            if isinstance(base, ast.Name):
                count[base.id] = count.get(base.id, 0) + 2
    return {
        s.targets[0].id: s.value
        for s in root.body
        if isinstance(s, ast.Assign)
        and len(s.targets) == 1
        and isinstance(s.targets[0], ast.Name)
        and count[s.targets[0].id] == 1
    }


@dataclass(frozen=True)
class Slot:
    """A place of the source that may make a gradient: `dx = …`, `dx += …`, a returned operand.

    parts   (sign, expression, line of its statement) whose sum is the gradient
    """

    parts: tuple[tuple[float, ast.expr, int], ...]


def slots(root: Function) -> list[Slot]:
    """Return the places that may make a gradient, those that say most first."""
    if isinstance(root, ast.Lambda):
        return [Slot(((1.0, e, e.lineno),)) for e in _elements(root.body)]
    found: list[Slot] = []
    chains: dict[str, list[tuple[float, ast.expr, int]]] = {}
    for s in root.body:
        if isinstance(s, ast.Assign) and len(s.targets) == 1:
            chains[ast.unparse(s.targets[0])] = [(1.0, s.value, s.lineno)]
        elif isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add | ast.Sub):
            sign = 1.0 if isinstance(s.op, ast.Add) else -1.0
            chains.setdefault(ast.unparse(s.target), []).append((sign, s.value, s.lineno))
        elif isinstance(s, ast.Return) and s.value is not None:
            found += [Slot(((1.0, e, s.lineno),)) for e in _elements(s.value)]
    made = [Slot(tuple(parts)) for parts in reversed(chains.values())]
    return sorted([*found, *made], key=lambda slot: _plain(slot.parts[0][1]))


def _elements(node: ast.expr) -> Sequence[ast.expr]:
    if isinstance(node, ast.Tuple | ast.List):
        return node.elts
    return node.values if isinstance(node, ast.Dict) else [node]


def _plain(node: ast.expr) -> bool:
    """Whether an element is a name, or a copy of one: then its assignment says more."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "copy" and isinstance(node.func.value, ast.Name)
    return isinstance(node, ast.Name)
