"""Expressions as text: which parentheses a piece of source needs in another place."""

from __future__ import annotations

import ast
import functools

BINARY = {
    ast.BitOr: 5, ast.BitXor: 6, ast.BitAnd: 7, ast.LShift: 8, ast.RShift: 8, ast.Add: 9,
    ast.Sub: 9, ast.Mult: 10, ast.Div: 10, ast.FloorDiv: 10, ast.Mod: 10, ast.MatMult: 10,
    ast.Pow: 12,
}  # fmt: skip
UNARY, ATOM, ITEM, ANY = 11, 14, 0.2, 0.0


def binding(node: ast.AST) -> float:
    """Return how tightly an expression holds together, from 0 (a bare tuple) to 14 (a name)."""
    if isinstance(node, ast.BinOp):
        return BINARY[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        return 3 if isinstance(node.op, ast.Not) else UNARY
    if isinstance(node, ast.BoolOp):
        return 1 if isinstance(node.op, ast.Or) else 2
    if isinstance(node, ast.Constant):
        number = node.value
        return UNARY if isinstance(number, int | float) and number < 0 else ATOM
    kinds = {ast.Compare: 4, ast.IfExp: 0.5, ast.Lambda: 0.4, ast.NamedExpr: 0.3, ast.Tuple: 0.0}
    kinds |= {ast.Slice: 0.1, ast.Starred: 0.2, ast.Yield: 0.1, ast.Await: 13}
    return kinds.get(type(node), ATOM)


def demanded(parent: ast.AST, field: str) -> float:
    """Return the binding that `parent` needs of what stands in its `field`."""
    if isinstance(parent, ast.BinOp):
        own = BINARY[type(parent.op)]
        if isinstance(parent.op, ast.Pow):
            return own + 1 if field == "left" else UNARY
        return own if field == "left" else own + 1
    if isinstance(parent, ast.UnaryOp):
        return 3 if isinstance(parent.op, ast.Not) else UNARY
    if isinstance(parent, ast.BoolOp):
        return binding(parent) + 1
    if isinstance(parent, ast.Compare | ast.Starred):
        return 5
    if isinstance(parent, ast.Attribute | ast.Subscript | ast.Call) and field in ("value", "func"):
        return ATOM
    if isinstance(parent, ast.IfExp):
        return 1
    if isinstance(parent, ast.Call | ast.keyword | ast.List | ast.Tuple | ast.Dict | ast.Set):
        return ITEM
    return ANY


@functools.cache
def _holes(template: str) -> tuple[float, tuple[tuple[int, int, str, float], ...]]:
    """Return the template's own binding; start, end, name and demand of its one-letter holes."""
    tree = ast.parse(template, mode="eval").body
    found = []
    for parent in ast.walk(ast.Expression(tree)):
        for field, child in ast.iter_fields(parent):
            for node in child if isinstance(child, list) else [child]:
                if isinstance(node, ast.Name) and _is_hole(node.id, template):
                    end = node.end_col_offset or 0
                    found.append((node.col_offset, end, node.id[0], demanded(parent, field)))
    return binding(tree), tuple(sorted(found))


def _is_hole(name: str, template: str) -> bool:
    """Whether a name is a hole: A, B, …; in a template with names of the user, only A__."""
    return name == "A__" if "A__" in template else len(name) == 1 and name.isupper()


def enclosed(text: str, has: float, needs: float) -> str:
    """Return an expression in parentheses if it binds less tightly than needed."""
    return text if has >= needs else f"({text})"


def fill(template: str, needs: float, **pieces: tuple[str, float]) -> str:
    """Put pieces (text, binding) into the holes A, B, … of a template, for a place that `needs`."""
    own, holes = _holes(template)
    parts, at = [], 0
    for start, end, name, demand in holes:
        if name in pieces:
            parts += [template[at:start], enclosed(*pieces[name], demand)]
            at = end
    return enclosed("".join([*parts, template[at:]]), own, needs)


@functools.lru_cache(maxsize=4096)
def piece(text: str) -> tuple[str, float]:
    """Return an expression's text with its binding."""
    return text, binding(ast.parse(text, mode="eval").body)
