"""Mistakes that people make in backward passes, as edits of a right one.

`mistakes(node)` walks a function's tree and yields (family, old node, new text): what to write in
place of the old node's source. A text may hold «A» and «B», which stand for the source of parts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

Found = Iterator[tuple[str, Any, str]]  # family, node to replace, text
SWAPS = [("sum", "mean"), ("max", "min"), ("argmax", "argmin"), ("maximum", "minimum"),
         ("zeros_like", "ones_like"), ("zeros", "ones"), ("sin", "cos"), ("floor", "ceil"),
         ("repeat", "tile"), ("tril", "triu"), ("var", "std")]  # fmt: skip
PLAIN = {"copy", "reshape", "transpose", "swapaxes", "conj", "squeeze", "flip"}  # may be left out
COMPARED = {ast.Gt: (">=", "<"), ast.GtE: (">", "<="), ast.Lt: ("<=", ">"),
            ast.LtE: ("<", ">="), ast.Eq: ("!=",), ast.NotEq: ("==",), ast.Is: ("is not",),
            ast.IsNot: ("is",)}  # fmt: skip


def mistakes(function: Any) -> Found:
    """Yield the single mistakes of a function, in the order of its source."""
    if isinstance(function, ast.Lambda):
        yield from _walk(function.body, function)
        return
    body = function.body[int(ast.get_docstring(function) is not None) :]
    for statement in body:
        yield from _walk(statement, function)


def _walk(node: Any, function: Any) -> Found:
    if isinstance(node, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.Global):
        return
    if isinstance(node, ast.If) and all(isinstance(s, ast.Raise) for s in node.body):
        return  # refuses arguments; computes nothing
    yield from _of(node, function)
    for name, child in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(
            node, ast.Call
        ):
            continue  # types, and the heads of inner functions
        if name == "slice" and isinstance(child, ast.Slice):
            yield from _slice(node, child)
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST):
                yield from _walk(part, function)


def _of(node: Any, function: Any) -> Found:
    rule = RULES.get(type(node))
    if rule is not None and not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        yield from rule(node, function)


def _binary(node: ast.BinOp, _: Any) -> Found:
    op = type(node.op)
    if op is ast.Add:
        yield "sign", node, "«A» - «B»"
        yield "missing term", node, "«A»"
        yield "missing term", node, "«B»"
    elif op is ast.Sub:
        yield "sign", node, "«A» + «B»"
        yield "missing term", node, "«A»"
        yield "missing term", node, "-«B»"
    elif op is ast.Mult:
        yield "wrong factor", node, "«A»"
        yield "wrong factor", node, "«B»"
    elif op is ast.Div:
        yield "wrong scale", node, "«A» * «B»"
        yield "wrong scale", node, "«A»"
    elif op is ast.MatMult:
        yield "transposed", node, "«B» @ «A»"
        for part, text in ((node.left, "«A».T @ «B»"), (node.right, "«A» @ «B».T")):
            if isinstance(part, ast.Name):
                yield "transposed", node, text
    elif op is ast.Pow:
        yield "wrong factor", node, "«A»"
    elif op is ast.FloorDiv:
        yield "off by one", node, "«A» // «B» + 1"
    elif op in (ast.BitAnd, ast.BitOr):
        yield "wrong mask/branch", node, f"«A» {'|' if op is ast.BitAnd else '&'} «B»"


def _unary(node: ast.UnaryOp, _: Any) -> Found:
    if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "sign", node, "«A»"
    elif isinstance(node.op, ast.Not | ast.Invert):
        yield "wrong mask/branch", node, "«A»"


def _compare(node: ast.Compare, _: Any) -> Found:
    if len(node.ops) == 1:
        for op in COMPARED.get(type(node.ops[0]), ()):
            yield "wrong mask/branch", node, f"«A» {op} «B»"


def _either(node: ast.BoolOp, _: Any) -> Found:
    if len(node.values) == 2:
        yield (
            "wrong mask/branch",
            node,
            f"«A» {'or' if isinstance(node.op, ast.And) else 'and'} «B»",
        )


def _choice(node: ast.IfExp, _: Any) -> Found:
    yield "wrong mask/branch", node, "«A»"
    yield "wrong mask/branch", node, "«B»"


def _constant(node: ast.Constant, _: Any) -> Found:
    value = node.value
    if isinstance(value, bool):
        yield "wrong variable", node, repr(not value)
    elif isinstance(value, int):
        yield "off by one", node, repr(value + 1)
        if value > 1:
            yield "off by one", node, repr(value - 1)
    elif isinstance(value, float):
        yield "wrong factor", node, repr(2 * value if value else 1.0)


def _attribute(node: ast.Attribute, _: Any) -> Found:
    if node.attr in ("T", "mT"):
        yield "transposed", node, "«A»"


def _call(node: ast.Call, _: Any) -> Found:
    f = node.func
    called = f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "")
    for pair in SWAPS:
        if called in pair and isinstance(f, ast.Attribute):
            family = "wrong scale" if pair == ("sum", "mean") else "wrong function"
            yield family, f, f"«A».{pair[1 - pair.index(called)]}"
    array = _argument(node)
    if array is not None and called in PLAIN:
        yield "order of reshape" if called != "copy" else "in-place modification", node, "«A»"
    if called in ("unbroadcast", "_unbroadcast") or (called == "sum" and array is not None):
        yield "missing broadcast sum", node, "«A»"
    if called in ("sqrt", "exp", "log", "tanh", "square", "abs", "where", "clip"):
        if node.args and called != "where":
            yield "wrong function", node, "«A»"
        elif called == "where" and len(node.args) == 3:
            yield "wrong mask/branch", node, "«1»"
            yield "wrong mask/branch", node, "«2»"
    if called == "range":
        yield "off by one", node.args[-1 if len(node.args) < 2 else 1], "«S» - 1"
        if len(node.args) > 1:
            yield "off by one", node.args[0], "«S» + 1"
    for k in node.keywords:
        yield from _keyword(k, called)


def _keyword(k: ast.keyword, called: str) -> Found:
    if k.arg == "keepdims" and isinstance(k.value, ast.Constant):
        yield "wrong axis", k.value, repr(not k.value.value)
    elif k.arg == "axis":
        if isinstance(k.value, ast.Tuple) and len(k.value.elts) > 1:
            rest = [ast.unparse(e) for e in k.value.elts]
            yield "wrong axis", k.value, f"({', '.join(rest[1:])},)"
            yield "wrong axis", k.value, f"({', '.join(rest[:-1])},)"
        elif not isinstance(k.value, ast.Constant):
            yield "wrong axis", k.value, "0"


def _argument(node: ast.Call) -> ast.expr | None:
    """Return the array of np.f(a, …) or a.f(…)."""
    f = node.func
    if isinstance(f, ast.Attribute) and not (
        isinstance(f.value, ast.Name) and f.value.id in ("np", "numpy", "xp", "anp", "math", "jnp")
    ):
        return f.value
    return node.args[0] if node.args else None


def _slice(node: ast.Subscript, part: ast.Slice) -> Found:
    if isinstance(node.ctx, ast.Load):
        yield "not flipped" if part.step is not None else "wrong stride/padding", node, "«A»"


def _name(node: ast.Name, function: Any) -> Found:
    names = [a.arg for a in function.args.args if a.arg not in ("self", "ctx", "cls", "g_ctx")]
    if names and node.id == names[0] and node.id in UPSTREAM:
        yield "missing upstream dy", node, f"(0 * {node.id} + 1)"


def _augmented(node: ast.AugAssign, _: Any) -> Found:
    if isinstance(node.op, ast.Add | ast.Sub):
        yield "not accumulated", node, "«A» = «B»"
        yield "sign", node, f"«A» {'-' if isinstance(node.op, ast.Add) else '+'}= «B»"
    else:
        yield "wrong factor", node, "pass"
    if isinstance(node.target, ast.Subscript):
        yield "detached path", node, "pass"


def _assign(node: ast.Assign, _: Any) -> Found:
    if isinstance(node.targets[0], ast.Subscript):
        yield "detached path", node, "pass"


def _statement(node: ast.Expr, _: Any) -> Found:
    if isinstance(node.value, ast.Call):
        yield "detached path", node, "pass"


def _return(node: ast.Return, _: Any) -> Found:
    value = node.value
    results = value.elts if isinstance(value, ast.Tuple) else [value]
    given = [r for r in results if r is not None and not isinstance(r, ast.Constant)]
    for r in given:
        if isinstance(r, ast.IfExp):
            yield "sign", r, "-(«A») if «C» else «B»"
        elif not isinstance(r, ast.Tuple | ast.Starred):
            yield "sign", r, "-«S»"
    if len(given) > 1:
        i, j = results.index(given[0]), results.index(given[1])
        texts = [f"«{k}»" for k in range(len(results))]
        texts[i], texts[j] = texts[j], texts[i]
        yield "wrong variable", value, ", ".join(texts)


def _if(node: ast.If, _: Any) -> Found:
    if not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield "wrong mask/branch", node.test, "not «S»"
    yield "wrong mask/branch", node.test, "False"
    yield "wrong mask/branch", node.test, "True"


UPSTREAM = {"dy", "g", "grad", "dout", "upstream", "grad_output", "dz", "d_out", "gy", "ans_grad"}
RULES: dict[type, Any] = {
    ast.BinOp: _binary, ast.UnaryOp: _unary, ast.Compare: _compare, ast.BoolOp: _either,
    ast.IfExp: _choice, ast.Constant: _constant, ast.Attribute: _attribute, ast.Call: _call,
    ast.Name: _name, ast.AugAssign: _augmented, ast.Assign: _assign, ast.Expr: _statement,
    ast.Return: _return, ast.If: _if,
}  # fmt: skip
