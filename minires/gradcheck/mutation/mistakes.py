"""Mistakes that no edit of the model makes, because it mends: something right is left out.

`mistakes(node)` walks a function's tree and yields (family, old node, new text): what to write in
place of the old node's source. A text may hold «A» and «B», which stand for the source of parts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

Found = Iterator[tuple[str, Any, str]]  # family, node to replace, text
UPSTREAM = {"dy", "g", "grad", "dout", "upstream", "grad_output", "dz", "d_out", "gy"}


def mistakes(function: Any) -> Found:
    """Yield the single mistakes of a function, in the order of its source."""
    if isinstance(function, ast.Lambda):
        yield from _walk(function.body, _upstream(function))
        return
    body = function.body[int(ast.get_docstring(function) is not None) :]
    for statement in body:
        yield from _walk(statement, _upstream(function))


def refuses(node: Any) -> bool:
    """Say whether a statement only refuses arguments, and computes nothing."""
    if isinstance(node, ast.If):
        return all(isinstance(s, ast.Raise) for s in node.body)
    return isinstance(node, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.Global)


def _upstream(function: Any) -> str:
    """Return the name of the gradient that a function gets, of the outer or an inner lambda."""
    inner = [n for n in ast.walk(function) if isinstance(n, ast.Lambda | ast.FunctionDef)]
    names = [a.arg for f in inner for a in f.args.args]
    return next((n for n in names if n in UPSTREAM), "")


def _walk(node: Any, upstream: str) -> Found:
    if refuses(node):
        return
    if isinstance(node, ast.Name):
        if node.id == upstream and isinstance(node.ctx, ast.Load):
            yield "missing upstream dy", node, f"(0 * {node.id} + 1)"
    elif type(node) in RULES:
        yield from RULES[type(node)](node)
    for name, child in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        if name == "args" and isinstance(child, ast.arguments):
            continue  # the head of an inner function
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST):
                yield from _walk(part, upstream)


def _call(node: ast.Call) -> Found:
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if called in ("unbroadcast", "_unbroadcast", "sum") and argument(node) is not None:
        yield "missing broadcast sum", node, "«A»"
    if called == "range":
        yield "off by one", node.args[-1 if len(node.args) < 2 else 1], "«S» - 1"
        if len(node.args) > 1:
            yield "off by one", node.args[0], "«S» + 1"


def argument(node: ast.Call) -> ast.expr | None:
    """Return the array of np.f(a, …) or a.f(…)."""
    f = node.func
    if isinstance(f, ast.Attribute) and not (
        isinstance(f.value, ast.Name) and f.value.id in ("np", "numpy", "xp", "anp", "math", "jnp")
    ):
        return f.value
    return node.args[0] if node.args else None


def _augmented(node: ast.AugAssign) -> Found:
    yield "not accumulated", node, "«A» = «B»"
    yield "detached path", node, "pass"


def _assign(node: ast.Assign) -> Found:
    if isinstance(node.targets[0], ast.Subscript):
        yield "detached path", node, "pass"


def _statement(node: ast.Expr) -> Found:
    if isinstance(node.value, ast.Call):
        yield "detached path", node, "pass"


def _return(node: ast.Return) -> Found:
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


def _if(node: ast.If) -> Found:
    yield "wrong mask/branch", node.test, "False"
    yield "wrong mask/branch", node.test, "True"


RULES: dict[type, Any] = {
    ast.Call: _call, ast.AugAssign: _augmented, ast.Assign: _assign, ast.Expr: _statement,
    ast.Return: _return, ast.If: _if,
}  # fmt: skip
