"""Edits of operators, numbers and comparisons."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .scene import UNKNOWN, Scene
from .source import Edit
from .tables import DTYPE, EPS, FACTOR, FLIP, MASK, OFFSET, SCALE, SIGN, STALE, TERM, TRANSPOSED

BINARY: dict[type[ast.operator], tuple[tuple[str, float, str], ...]] = {
    ast.Add: (("A - B", 1.0, SIGN), ("A", 1.3, TERM), ("B", 1.3, TERM), ("A * B", 1.5, FACTOR)),
    ast.Sub: (("A + B", 1.0, SIGN), ("B - A", 1.0, SIGN), ("A", 1.3, TERM), ("-B", 1.4, TERM),
              ("A * B", 1.7, FACTOR), ("A / B", 1.7, FACTOR)),
    ast.Mult: (("A / B", 1.0, FACTOR), ("A", 1.1, FACTOR), ("B", 1.1, FACTOR), ("A + B", 1.4, TERM),
               ("A - B", 1.5, TERM), ("A * B**2", 1.3, FACTOR), ("A**2 * B", 1.3, FACTOR),
               ("A @ B", 1.4, TRANSPOSED), ("A / B**2", 1.5, FACTOR), ("B / A", 1.5, FACTOR)),
    ast.Div: (("A * B", 1.0, FACTOR), ("A", 1.0, FACTOR), ("1 / B", 1.4, FACTOR),
              ("B / A", 1.2, FACTOR), ("A / B**2", 1.1, FACTOR), ("A / B**3", 1.3, FACTOR),
              ("A // B", 1.6, DTYPE), ("A / np.sqrt(B)", 1.4, SCALE)),
    ast.Pow: (("A", 1.0, FACTOR), ("B**A", 1.5, FACTOR), ("A * B", 1.4, FACTOR)),
    ast.MatMult: (("B @ A", 1.2, TRANSPOSED), ("A * B", 1.4, FACTOR), ("A @ B.T", 1.1, TRANSPOSED),
                  ("A.T @ B", 1.1, TRANSPOSED), ("A.T @ B.T", 1.4, TRANSPOSED),
                  ("B.T @ A", 1.2, TRANSPOSED), ("B @ A.T", 1.2, TRANSPOSED),
                  ("(A @ B).T", 1.3, TRANSPOSED)),
    ast.FloorDiv: (("A / B", 1.0, DTYPE), ("A % B", 1.3, OFFSET), ("A", 1.4, SCALE)),
    ast.Mod: (("A // B", 1.3, OFFSET), ("A", 1.4, OFFSET)),
    ast.BitAnd: (("A | B", 1.0, MASK), ("A", 1.2, MASK), ("B", 1.2, MASK), ("A & ~B", 1.4, MASK)),
    ast.BitOr: (("A & B", 1.0, MASK), ("A", 1.2, MASK), ("B", 1.2, MASK)),
    ast.BitXor: (("A & B", 1.2, MASK), ("A | B", 1.2, MASK)),
}  # fmt: skip
COMPARISONS = {
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
CLOSE = {(ast.Gt, ">="), (ast.GtE, ">"), (ast.Lt, "<="), (ast.LtE, "<")}
NUMBERS = (0, 1, 2, 3, 4, 0.5, 0.25)


def operators(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield edits of one operator: another, its operands exchanged, one of them dropped."""
    new = scene.source.replacing
    if isinstance(node, ast.BinOp):
        yield from _binary(scene, node)
    elif isinstance(node, ast.UnaryOp):
        family = MASK if isinstance(node.op, ast.Not | ast.Invert) else SIGN
        yield new(node, "B", 1.0, family, B=node.operand)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        pieces = {"B": node.left, "C": node.comparators[0]}
        for kind, sign in COMPARISONS.items():
            if not isinstance(node.ops[0], kind):
                cost = 1.0 if (type(node.ops[0]), sign) not in CLOSE else 1.15
                yield new(node, f"B {sign} C", cost, MASK, **pieces)
        if scene.shape(node) not in (None, ()):  # a band has two ends
            for c in scene.numbers:
                if c not in (0, 1, 2) or type(c) is float:
                    for sign in "<>":
                        yield new(node, f"A & (B {sign} {c!r})", 1.5, MASK, **pieces)
        yield new(
            node, "np.abs(B) " + COMPARISONS.get(type(node.ops[0]), ">") + " C", 1.3, MASK, **pieces
        )
    elif isinstance(node, ast.BoolOp) and len(node.values) == 2:
        word = "or" if isinstance(node.op, ast.And) else "and"
        yield new(node, f"B {word} C", 1.0, MASK, B=node.values[0], C=node.values[1])
        yield from (new(node, "B", 1.2, MASK, B=x) for x in node.values)
    elif isinstance(node, ast.IfExp):
        yield new(node, "C if B else D", 1.1, MASK, B=node.test, C=node.orelse, D=node.body)
        yield from (new(node, "B", 1.4, MASK, B=x) for x in (node.body, node.orelse))
    elif isinstance(node, ast.Constant):
        yield from _constant(scene, node, s)


def _binary(scene: Scene, node: ast.BinOp) -> Iterator[Edit]:
    new, op = scene.source.replacing, type(node.op)
    a, b = node.left, node.right
    number = isinstance(b, ast.Constant) or _scalar(scene, b)
    for text, cost, family in BINARY.get(op, ()):
        if family == FACTOR and (number or _scalar(scene, a)):
            family = SCALE
        if text.startswith("A @") and not _matrices(scene, a, b):
            continue
        if family == TERM and text in "AB" and _tiny(scene, b if text == "A" else a):
            family = EPS
        yield new(node, text, cost, family, A=a, B=b)
    sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
    for x, y in ((a, b), (b, a)):  # (p + q) * y for p + q * y, and back
        if (
            op in (ast.Mult, ast.Div)
            and isinstance(x, ast.BinOp)
            and type(x.op) in (ast.Add, ast.Sub)
        ):
            if op is ast.Div and x is b:
                continue
            inner = sign[type(x.op)]
            family = EPS if _tiny(scene, x.right) else FACTOR
            yield new(node, f"P {inner} Q {sign[op]} Y", 1.4, family, P=x.left, Q=x.right, Y=y)
            yield new(node, f"P {sign[op]} Y {inner} Q", 1.4, family, P=x.left, Q=x.right, Y=y)
    if op in (ast.Add, ast.Sub):
        for x, other, left in ((b, a, False), (a, b, True)):
            if isinstance(x, ast.BinOp) and type(x.op) in (ast.Mult, ast.Div):
                p, q, r = (x.left, other, x.right) if left else (other, x.left, x.right)
                outer = sign[type(x.op)]
                yield new(node, f"(P {sign[op]} Q) {outer} R", 1.4, FACTOR, P=p, Q=q, R=r)
        yield from _eps(scene, node, a, b)
    buffers = a.elts if op is ast.Mult and isinstance(a, ast.List) else []
    if len(buffers) == 1 and not isinstance(buffers[0], ast.Constant):  # one, many times
        yield new(node, "[E for _ in range(N)]", 0.9, STALE, E=buffers[0], N=b)
    if op is ast.Pow and isinstance(b, ast.Constant | ast.UnaryOp):
        for power in ("-1", "2", "3", "0.5", "-0.5", "1.5", "-1.5", "-2", "-3"):
            if power != scene.source.segment(b):
                yield new(b, power, 1.2, FACTOR)
    if op is ast.Div and isinstance(a, ast.Constant) and isinstance(b, ast.Call):
        yield new(node, "P / np.sqrt(Q)", 1.5, SCALE, P=a, Q=b)


def _eps(scene: Scene, node: ast.BinOp, a: ast.expr, b: ast.expr) -> Iterator[Edit]:
    """sqrt(x) + eps for sqrt(x + eps), and back."""
    new = scene.source.replacing
    if isinstance(a, ast.Call) and len(a.args) == 1 and not a.keywords:
        yield new(node, "F(X + E)", 1.2, EPS, F=a.func, X=a.args[0], E=b)
        yield new(node, "np.maximum(X, E)", 1.5, EPS, X=a, E=b)
    parent, _ = scene.source.place[id(node)]
    if isinstance(parent, ast.Call) and parent.args[:1] == [node] and len(parent.args) == 1:
        yield new(parent, "F(X) + E", 1.2, EPS, F=parent.func, X=a, E=b)
    if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Pow):
        yield new(node, "(X + E) ** P", 1.3, EPS, X=a.left, E=b, P=a.right)
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow) and parent.left is node:
        yield new(parent, "X ** P + E", 1.3, EPS, X=a, E=b, P=parent.right)


def _constant(scene: Scene, node: ast.Constant, s: ast.stmt | None) -> Iterator[Edit]:
    new, c = scene.source.replacing, node.value
    parent, field = scene.source.place[id(node)]
    if isinstance(c, bool):
        yield new(node, repr(not c), 1.0, "wrong axis" if isinstance(parent, ast.keyword) else MASK)
        return
    if isinstance(c, str) and "->" in c:
        yield from _einsum(scene, node)
    if not isinstance(c, int | float):
        return
    index = _is_index(scene, node)
    if isinstance(parent, ast.Slice) and field == "step":
        yield new(node, f"{-c}", 1.0, FLIP)
        return
    power = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow)
    scale = FACTOR if power and parent.right is node else SCALE  # type: ignore[attr-defined]
    near: dict[float, str] = {-c: SIGN}
    if isinstance(c, int):
        near |= {c + 1: OFFSET if index else scale, c - 1: OFFSET if index else scale}
        near |= {k * c: scale for k in (2, 3, 4)}
    else:
        near |= dict.fromkeys((2 * c, c / 2, c * c, 1 - c, 3 * c), scale)
    near |= {k: scale for k in NUMBERS if k not in near}
    for value, family in near.items():
        if value != c:
            text = f"{value:g}" if abs(value) > 1e-4 or value == 0 else repr(value)
            yield new(node, text, 1.0, family if c == 0 or family != SIGN else SIGN)
    if c:
        yield new(node, f"{c / 2:g}", 1.0, scale)
        yield new(node, f"1 / {c}", 1.2, scale)
    for number in scene.numbers:
        if number != c and number not in NUMBERS:
            yield new(node, repr(number), 1.1, EPS if 0 < number < 1e-2 else scale)


def _is_index(scene: Scene, node: ast.AST) -> bool:
    at: ast.AST = node
    while id(at) in scene.source.place:
        at, field = scene.source.place[id(at)]
        if isinstance(at, ast.Subscript) and field == "slice":
            inner = at.value
            return not (isinstance(inner, ast.Attribute) and inner.attr == "shape")
        if isinstance(at, ast.Call) and isinstance(at.func, ast.Name) and at.func.id == "range":
            return True
    return False


def _einsum(scene: Scene, node: ast.Constant) -> Iterator[Edit]:
    """Exchange two letters of a part, or give a letter another's place."""
    text = str(node.value)
    left, right = text.replace(" ", "").split("->")
    parts = [*left.split(","), right]
    letters = sorted(set("".join(parts)))
    for p, part in enumerate(parts):
        options: list[tuple[float, str]] = []
        for i, j in itertools.combinations(range(len(part)), 2):
            new = list(part)
            new[i], new[j] = new[j], new[i]
            options.append((1.0, "".join(new)))
        for i, x in itertools.product(range(len(part)), letters):
            if x != part[i] and x not in part:
                options.append((1.2, part[:i] + x + part[i + 1 :]))
        options += [(1.4, "".join(o)) for o in itertools.permutations(part) if 2 < len(part) < 5]
        for cost, new_part in options:
            every = [*parts[:p], new_part, *parts[p + 1 :]]
            quoted = '"' + ",".join(every[:-1]) + "->" + every[-1] + '"'
            yield scene.source.replacing(node, quoted, cost, TRANSPOSED)
    for i, j in itertools.combinations(range(len(parts) - 1), 2):
        every = list(parts)
        every[i], every[j] = every[j], every[i]
        quoted = '"' + ",".join(every[:-1]) + "->" + every[-1] + '"'
        yield scene.source.replacing(node, quoted, 1.2, TRANSPOSED)


def _scalar(scene: Scene, node: ast.AST) -> bool:
    return scene.shape(node) == ()


def _tiny(scene: Scene, node: ast.AST) -> bool:
    x: Any = scene.value(node)
    if x is UNKNOWN:
        x = node.value if isinstance(node, ast.Constant) else 1
    return np.shape(x) == () and isinstance(x, float | np.floating) and 0 < abs(float(x)) < 0.2


def _matrices(scene: Scene, a: ast.AST, b: ast.AST) -> bool:
    x, y = scene.shape(a), scene.shape(b)
    return x is None or y is None or (len(x) > 0 and len(y) > 0)
