"""Edits of whole statements: = or +=, copies, order, deletion, a line more."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from .scene import Scene
from .source import Edit
from .tables import (
    ADDED,
    DTYPE,
    FACTOR,
    INPLACE,
    MASK,
    SCALE,
    SIGN,
    STALE,
    SUM,
    TERM,
    UPSTREAM,
    VARIABLE,
)
from .template import ATOM, fill

OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.Mod: "%",
}


def statements(scene: Scene, s: ast.stmt) -> Iterator[Edit]:
    """Yield edits that replace, delete, move or add a statement."""
    source = scene.source
    if isinstance(s, ast.Assign) and len(s.targets) == 1:
        yield from _assign(scene, s, s.targets[0])
    elif isinstance(s, ast.AugAssign):
        yield from _augmented(scene, s)
    elif isinstance(s, ast.For | ast.If | ast.While):
        yield from _compound(scene, s)
    elif isinstance(s, ast.Expr) and isinstance(s.value, ast.Call):
        yield from _add_at(scene, s, s.value)
    yield from _crossed(scene, s)
    if isinstance(s, ast.Return):
        yield from _returned(scene, s)
        return
    if not isinstance(s, ast.FunctionDef | ast.Pass) and not _docstring(s):
        block, k = source.block[id(s)]
        start, end = source.span(s)
        if len(block) == 1:
            yield Edit(1.6, VARIABLE, ((start, end, "pass"),))
        else:
            yield (
                Edit(1.5, VARIABLE, ((start, end, ""),))
                if k + 1 == len(block)
                else Edit(1.5, VARIABLE, ((start, source.span(block[k + 1])[0], ""),))
            )
        yield from _moved(scene, s, block, k)


def _crossed(scene: Scene, s: ast.stmt) -> Iterator[Edit]:
    """Exchange what two statements of a kind in one block write to: each has the other's."""
    source = scene.source
    block, k = source.block[id(s)]
    kind = type(s)
    if not isinstance(s, ast.Assign | ast.AugAssign):
        return
    for other in block[k + 1 : k + 4]:
        if type(other) is kind and type(s.value) is type(other.value):  # type: ignore[attr-defined]
            a, b = source.span(s.value), source.span(other.value)  # type: ignore[attr-defined]
            x, y = source.text[a[0] : a[1]], source.text[b[0] : b[1]]
            if x != y:
                yield Edit(1.4, VARIABLE, ((*a, y), (*b, x)))


def _docstring(s: ast.stmt) -> bool:
    return isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)


def _assign(scene: Scene, s: ast.Assign, target: ast.expr) -> Iterator[Edit]:
    source = scene.source
    left, right = source.segment(target), source.segment(s.value)
    if isinstance(target, ast.Name | ast.Subscript | ast.Attribute):
        again = isinstance(target, ast.Subscript) or scene.times(s.value) > 1
        yield source.restating(s, f"{left} += {right}", 1.0, ADDED if again else STALE)
        yield source.restating(s, f"{left} -= {right}", 1.4, SIGN)
        yield source.restating(s, f"{left} *= {right}", 1.4, VARIABLE)
    if isinstance(target, ast.Subscript):
        text = f"np.add.at({source.segment(target.value)}, {_index(scene, target)}, {right})"
        yield source.restating(s, text, 1.1, ADDED)
        if isinstance(s.value, ast.Subscript):  # a[i] = b for a = b[i], and back
            yield source.restating(
                s, f"{source.segment(target.value)} = {source.segment(s.value)}", 1.5, VARIABLE
            )
        base = target.value.id if isinstance(target.value, ast.Name) else ""
        x = scene.names(s).get(base)
        if isinstance(x, np.ndarray):
            yield source.inserting(s, f"{base} = {base}.copy()", 1.3, INPLACE)
            if x.dtype.kind in "iub":
                yield source.inserting(s, f"{base} = {base}.astype(float)", 1.3, DTYPE)
    elif isinstance(target, ast.Tuple):
        elements = [source.segment(e) for e in target.elts]
        for i, j in itertools.combinations(range(len(elements)), 2):
            new = list(elements)
            new[i], new[j] = new[j], new[i]
            yield Edit(1.2, VARIABLE, ((*source.span(target), ", ".join(new)),))


def _index(scene: Scene, target: ast.Subscript) -> str:
    text, has = scene.source.piece(target.slice)
    if isinstance(target.slice, ast.Slice):
        parts = [None if x is None else scene.source.segment(x)
                 for x in (target.slice.lower, target.slice.upper, target.slice.step)]  # fmt: skip
        return f"slice({', '.join(str(p) for p in parts)})"
    if isinstance(target.slice, ast.Tuple) and has < 14:
        if any(isinstance(x, ast.Slice) for x in target.slice.elts):
            return f"np.s_[{text}]"
        return f"({text})"
    return text


def _augmented(scene: Scene, s: ast.AugAssign) -> Iterator[Edit]:
    source = scene.source
    left, right = source.segment(s.target), source.segment(s.value)
    for sign, family in (("+", ADDED), ("-", SIGN), ("*", SCALE), ("/", SCALE)):
        if OPERATORS.get(type(s.op)) != sign:
            signs = isinstance(s.op, ast.Add | ast.Sub) and sign in "+-"
            yield source.restating(
                s, f"{left} {sign}= {right}", 1.0 if signs else 1.4, SIGN if signs else family
            )
    yield source.restating(s, f"{left} = {right}", 1.1, STALE)
    sign = OPERATORS.get(type(s.op), "+")
    bound = source.piece(s.value)
    yield source.restating(
        s, fill(f"{left} {sign} A", 0.0, A=bound).join((f"{left} = ", "")), 1.2, INPLACE
    )
    if isinstance(s.target, ast.Subscript):
        minus = "-" if isinstance(s.op, ast.Sub) else ""
        value = f"-({right})" if minus else right
        text = f"np.add.at({source.segment(s.target.value)}, {_index(scene, s.target)}, {value})"
        yield source.restating(s, text, 1.0, ADDED)
    base = s.target.value if isinstance(s.target, ast.Subscript) else s.target
    if isinstance(base, ast.Name) and isinstance(scene.names(s).get(base.id), np.ndarray):
        yield source.inserting(s, f"{base.id} = {base.id}.copy()", 1.25, INPLACE)
    if isinstance(s.target, ast.Name):
        value = fill(f"A {sign} B", 0.0, A=(s.target.id, ATOM), B=bound)
        yield from _elsewhere(scene, s, s.target.id, value)


def _elsewhere(scene: Scene, s: ast.AugAssign, name: str, value: str) -> Iterator[Edit]:
    """Change a name for one later line only: the others want what it was."""
    source = scene.source
    block, k = source.block[id(s)]
    later = [
        [n for n in ast.walk(t) if isinstance(n, ast.Name) and n.id == name] for t in block[k + 1 :]
    ]
    reads = [uses for uses in later if uses and all(isinstance(n.ctx, ast.Load) for n in uses)]
    for uses in reads if len(reads) > 1 else ():
        spans = [x for n in uses for x in source.replacing(n, "D", 1.2, INPLACE, D=value).spans]
        gone = (source.span(s)[0], source.span(block[k + 1])[0], "")
        yield Edit(1.2, INPLACE, (gone, *spans))


def _add_at(scene: Scene, s: ast.Expr, call: ast.Call) -> Iterator[Edit]:
    text = scene.source.segment(call.func)
    if text.endswith(("add.at", "subtract.at")) and len(call.args) == 3:
        other = "np.subtract.at" if "add.at" in text else "np.add.at"
        yield Edit(1.0, SIGN, ((*scene.source.span(call.func), other),))
        a, i, x = (scene.source.segment(n) for n in call.args)
        yield scene.source.restating(s, f"{a}[{i}] = {x}", 1.4, ADDED)
    for other in ("np.maximum.at", "np.put_along_axis"):
        if text == other and len(call.args) >= 3:
            yield Edit(1.2, ADDED, ((*scene.source.span(call.func), "np.add.at"),))


def _compound(scene: Scene, s: ast.For | ast.If | ast.While) -> Iterator[Edit]:
    """Take a branch always or never; let the last statement of a loop stand after it."""
    source = scene.source
    if isinstance(s, ast.If):
        for text in ("True", "False"):
            yield Edit(1.5, MASK, ((*source.span(s.test), text),))
        yield source.replacing(s.test, "not A", 1.1, MASK)


def _returned(scene: Scene, s: ast.Return) -> Iterator[Edit]:
    source = scene.source
    if isinstance(s.value, ast.Tuple):
        for e in s.value.elts:
            if isinstance(e, ast.Name):
                yield source.replacing(e, "A.copy()", 1.3, INPLACE)
        yield from _upstream(scene, s, s.value)


def _upstream(scene: Scene, s: ast.Return, value: ast.Tuple) -> Iterator[Edit]:
    """Multiply all that is returned by the upstream gradient of a number, which nobody used."""
    dy = scene.arguments[0] if scene.arguments else ""
    used = any(isinstance(n, ast.Name) and n.id == dy for n in scene.source.nodes)
    made = [e for e in value.elts if not isinstance(e, ast.Constant)]
    x = scene.names(s).get(dy)
    if used or not made or x is None or np.shape(x) != ():
        return
    if not any(isinstance(e, ast.Name) for e in made):
        edits = [scene.source.replacing(e, f"{dy} * A__", 1.1, UPSTREAM) for e in made]
        yield Edit(1.1, UPSTREAM, tuple(span for e in edits for span in e.spans))


def _moved(scene: Scene, s: ast.stmt, block: list[ast.stmt], k: int) -> Iterator[Edit]:
    """Move a statement up or down its block: a value was used before it was made, or after."""
    source = scene.source
    start, end = source.span(s)
    text = source.text[start:end]
    if k + 1 < len(block):
        gone = (start, source.span(block[k + 1])[0], "")
        pad = "\n" + source.indent(s)
        for j in range(k + 2, len(block) + 1):
            if j < len(block):
                place = source.span(block[j])[0]
                yield Edit(1.4 + 0.1 * (j - k - 2), STALE, (gone, (place, place, text + pad)))
            elif not isinstance(block[-1], ast.Return):
                place = source.span(block[-1])[1]
                yield Edit(1.5, STALE, (gone, (place, place, pad + text)))
    parent, _ = source.place[id(s)]
    if (
        isinstance(parent, ast.For | ast.While)
        and k > 0
        and isinstance(s, ast.Assign | ast.AugAssign | ast.Expr)
    ):
        outer = source.indent(parent)
        last = source.span(block[-1])[1]
        cut = source.span(block[k - 1])[1]
        spans = ((cut, end, ""), (last, last, "\n" + outer + text)) if s is not block[-1] else (
            (cut, end, "\n" + outer + text),)  # fmt: skip
        yield Edit(1.6, STALE, spans)  # out of the loop, after it
        top = source.span(parent)[0]
        yield Edit(1.6, STALE, ((cut, end, ""), (top, top, text + "\n" + outer)))


def inserted(scene: Scene, s: ast.stmt) -> Iterator[Edit]:
    """Yield lines that may be missing before a statement, of a kind that people forget."""
    source, names = scene.source, scene.names(s)
    arrays = {n: x for n, x in names.items() if isinstance(x, np.ndarray)}
    floats = {n: x for n, x in arrays.items() if x.dtype.kind == "f" and x.ndim}
    indices = dict.fromkeys(scene.index_texts)
    for name, x in floats.items():
        if name in scene.arguments and name not in scene.arguments[:1]:
            continue
        for text in indices:
            at = scene.evaluate(f"{name}[{text}]", s)
            if isinstance(at, np.ndarray | np.generic) and np.size(at):
                yield source.inserting(s, f"{name}[{text}] = 0", 1.7, MASK)
        if x.ndim == 2 and x.shape[0] == x.shape[1]:  # a diagonal counts once, or not at all
            diagonal = f"{name}[np.diag_indices(len({name}))]"
            for operation in ("*= 0.5", "*= 2", "= 0"):
                yield source.inserting(s, f"{diagonal} {operation}", 1.7, FACTOR)
        for other, y in arrays.items():
            if y.dtype.kind == "b" and y.shape == x.shape:
                yield source.inserting(s, f"{name}[~{other}] = 0", 1.7, MASK)
                yield source.inserting(s, f"{name}[{other}] = 0", 1.8, MASK)
            if other != name and y.shape == x.shape and y.dtype.kind == "f":
                yield source.inserting(s, f"{name} += {other}", 1.7, TERM)
                yield source.inserting(s, f"{name} *= {other}", 1.8, FACTOR)
                yield source.inserting(s, f"{name} -= {other}", 1.9, TERM)
            if y.dtype.kind == "f" and 0 < y.ndim < x.ndim and name not in scene.arguments:
                for axis in range(x.ndim):
                    if x.shape[:axis] + x.shape[axis + 1 :] == y.shape:
                        yield source.inserting(s, f"{name} = {name}.sum(axis={axis})", 1.7, SUM)
        for text in scene.sizes(s):
            yield source.inserting(s, f"{name} /= {text}", 1.8, SCALE)
