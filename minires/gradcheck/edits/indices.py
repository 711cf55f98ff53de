"""Edits of indices, slices, loops and sizes: offsets, strides, borders, order."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from .scene import UNKNOWN, Scene, fits
from .source import Edit
from .tables import ADDED, AXIS, FLIP, MASK, OFFSET, PADDING, SCALE, STALE, SUM, VARIABLE


def indices(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield edits of one index, slice or range."""
    new = scene.source.replacing
    if isinstance(node, ast.Subscript):
        yield from _subscript(scene, node)
    elif isinstance(node, ast.Slice):
        yield from _slice(scene, node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from _range(scene, node)
    elif isinstance(node, ast.Tuple | ast.List) and isinstance(
        getattr(node, "ctx", None), ast.Load
    ):
        for i, j in itertools.combinations(range(len(node.elts)), 2):
            yield _exchanged(scene, node, node.elts[i], node.elts[j], 1.2, VARIABLE)
        yield from _widths(scene, node)
    if _whole_number(scene, node) and not isinstance(node, ast.Constant):
        for text, cost in (("A - 1", 1.0), ("A + 1", 1.0)):
            yield new(node, text, cost, OFFSET)
        for k in (2, 3, 4):
            yield new(node, f"{k} * A", 1.2, PADDING)
        yield new(node, "A // 2", 1.3, PADDING)
        for name, x in scene.names(s).items():
            if (
                isinstance(x, int | np.integer)
                and not isinstance(x, bool)
                and x != scene.value(node)
            ):
                yield new(node, f"A__ * {name}", 1.3, PADDING)
                yield new(node, f"A__ + {name}", 1.4, OFFSET)
                yield new(node, f"A__ - {name}", 1.4, OFFSET)
                yield new(node, f"{name} - 1 - A__", 1.4, FLIP)


def _by_sample(
    scene: Scene, node: ast.expr, s: ast.stmt | None, parent: ast.BinOp
) -> Iterator[Edit]:
    """Yield arrays for a number by which something is multiplied or divided."""
    whole = scene.shape(parent)
    if not whole or not isinstance(parent.op, ast.Mult | ast.Div):
        return
    for name, x in scene.names(s).items():
        if isinstance(x, np.ndarray) and x.ndim and x.dtype.kind in "if":
            forms = {name: x.shape, f"{name}[:, None]": (x.shape[0], 1)} if x.ndim == 1 else {
                name: x.shape}  # fmt: skip
            for text, shape in forms.items():
                if fits(shape, whole):
                    yield scene.source.replacing(node, "D", 1.4, SCALE, D=text)


def _widths(scene: Scene, node: ast.Tuple | ast.List) -> Iterator[Edit]:
    """Yield a pair of widths, as of np.pad, with the same sum: (0, 2), (1, 1), (2, 0)."""
    pair = [e.value for e in node.elts if isinstance(e, ast.Constant) and type(e.value) is int]
    if len(pair) == len(node.elts) == 2 and isinstance(node, ast.Tuple) and 0 < sum(pair) < 8:
        for k in range(sum(pair) + 1):
            if k != pair[0]:
                new = f"({k}, {sum(pair) - k})"
                yield Edit(1.2, PADDING, ((*scene.source.span(node), new),), node)


def sizes(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield sizes of arrays for a whole number, and as a factor or divisor of other numbers."""
    new, source = scene.source.replacing, scene.source
    value = scene.value(node)
    parent, _ = source.place[id(node)]
    if isinstance(parent, ast.keyword) and parent.arg in ("axis", "keepdims"):
        return
    if isinstance(parent, ast.Attribute) and parent.attr in ("shape", "size"):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return
    if _whole_number(scene, node):
        for text, n in scene.sizes(s).items():
            if (n != value or scene.times(node) > 1) and text != source.segment(node):
                yield new(node, "D", 1.1 if n != value else 1.2, SCALE, D=text)
    count = _whole_number(scene, node) or (isinstance(s, ast.Assign) and s.value is node)
    if count and scene.times(node) > 1 and scene.shape(node) == ():  # of a part: end - start
        whole = [k for k, x in scene.names(s).items() if isinstance(x, int | np.integer)]
        for a, b in itertools.permutations(whole[:8], 2):
            yield new(node, "D", 1.5, SCALE, D=f"{a} - {b}")
    if scene.shape(node) == () and isinstance(parent, ast.BinOp):
        yield from _by_sample(scene, node, s, parent)
    if _whole_number(scene, node):
        return
    if isinstance(node, ast.Constant | ast.Tuple | ast.Slice | ast.Compare) or value is None:
        return
    if isinstance(value, np.ndarray) and value.dtype.kind != "f":
        return
    for text, _ in scene.sizes(s).items():
        cost = 1.3 + 0.1 * ("//" in text)
        yield new(node, f"A__ / {_bracketed(text)}", cost, SCALE)
        yield new(node, f"A__ * {_bracketed(text)}", cost, SCALE)
        yield new(node, f"A__ / ({text} - 1)", cost + 0.3, SCALE)
        yield new(node, f"A__ / np.sqrt({text})", cost + 0.3, SCALE)
        yield new(node, f"A__ * np.sqrt({text})", cost + 0.4, SCALE)
    for text in ("2 * A", "A / 2"):
        yield new(node, text, 1.2, SCALE)
    for text in ("3 * A", "A / 3", "4 * A", "A / 4"):
        yield new(node, text, 1.5, SCALE)


def _bracketed(text: str) -> str:
    return f"({text})" if "//" in text else text


def _whole_number(scene: Scene, node: ast.AST) -> bool:
    x = scene.value(node)
    if x is UNKNOWN:
        return isinstance(node, ast.Constant) and type(node.value) is int
    return isinstance(x, int | np.integer) and not isinstance(x, bool | np.bool_)


def _exchanged(
    scene: Scene, node: ast.AST, a: ast.expr, b: ast.expr, cost: float, family: str
) -> Edit:
    (p, q), (r, t) = scene.source.span(a), scene.source.span(b)
    text = scene.source.text
    return Edit(cost, family, ((p, q, text[r:t]), (r, t, text[p:q])), node)


def _subscript(scene: Scene, node: ast.Subscript) -> Iterator[Edit]:
    source, index = scene.source, node.slice
    new, store = source.replacing, isinstance(node.ctx, ast.Store)
    if not store:
        yield new(node, "B", 1.3, VARIABLE, B=node.value)
    if not store:
        yield from _strided(scene, node)
    if isinstance(index, ast.Tuple):
        for i, j in itertools.combinations(range(len(index.elts)), 2):
            yield _exchanged(scene, node, index.elts[i], index.elts[j], 1.1, AXIS)
        last = index.elts[-1]
        if isinstance(last, ast.Slice) and source.segment(last).replace(" ", "") == "::-1":
            yield Edit(1.1, FLIP, ((*source.span(last), "::-1, ::-1"),), node)
        return
    if isinstance(index, ast.Slice) and source.segment(index).replace(" ", "") == "::-1":
        yield Edit(1.1, FLIP, ((*source.span(index), "::-1, ::-1"),), node)
    inner = source.piece(node.value)
    if not store and isinstance(index, ast.Constant | ast.Name):
        yield new(node, "B.sum(axis=0)", 1.2, SUM, B=inner)
        if isinstance(index, ast.Name):
            yield new(node, f"B[np.argsort({index.id})]", 1.3, VARIABLE, B=inner)
    if not isinstance(index, ast.Slice):
        at = source.span(index)
        text = source.segment(index)
        yield Edit(1.2, AXIS, ((*at, f":, {text}"),), node)
        yield Edit(1.3, AXIS, ((*at, f"..., {text}"),), node)
        x = scene.value(index)
        if x is UNKNOWN or (isinstance(x, np.ndarray) and x.dtype.kind == "b"):
            yield new(index, "~A", 1.1, MASK)


def _strided(scene: Scene, node: ast.Subscript) -> Iterator[Edit]:
    """x[::2] + x[1::2] for x[::2]."""
    source, (start, _) = scene.source, scene.source.span(node)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for part in parts:
        if isinstance(part, ast.Slice) and part.step is not None and part.lower is None:
            at, text = source.span(part)[0] - start, source.segment(node)
            if source.segment(part.step) == "2":
                other = text[:at] + "1" + text[at:]
                yield source.replacing(node, "A + B", 1.4, ADDED, B=other)


def _slice(scene: Scene, node: ast.Slice) -> Iterator[Edit]:
    source = scene.source
    low, high, step = (
        None if x is None else source.segment(x) for x in (node.lower, node.upper, node.step)
    )

    def made(a: str | None, b: str | None, c: str | None) -> str:
        return f"{a or ''}:{b or ''}" + (f":{c}" if c else "")

    def edit(cost: float, family: str, a: str | None, b: str | None, c: str | None) -> Edit:
        return Edit(cost, family, ((*source.span(node), made(a, b, c)),), node)

    if low != high:
        yield edit(1.2, OFFSET, high, low, step)
    if step != "-1":
        yield edit(1.2, FLIP, low, high, "-1")
    if step is not None:
        yield edit(1.1, PADDING, low, high, None)
    for d in ("+ 1", "- 1"):
        if low and high:
            yield edit(1.1, OFFSET, _shifted(low, d), _shifted(high, d), step)
            yield edit(1.2, OFFSET, low, _shifted(high, d), step)
        if low and not high and d == "+ 1":
            yield edit(1.2, OFFSET, None if low == "1" else f"{low} - 1", "-1", step)
        if high and not low:
            yield edit(1.2, OFFSET, "1", _shifted(high, "+ 1"), step)
    if low:
        yield edit(1.3, OFFSET, None, high, step)
        if not high:
            yield edit(
                1.2, OFFSET, None, f"-{low}" if low.isidentifier() or low.isdigit() else None, step
            )
    if high:
        yield edit(1.3, OFFSET, low, None, step)
        if not low and high.startswith("-"):
            yield edit(1.2, OFFSET, high[1:], None, step)
    if not low and not high:
        for a, b in (("1", None), (None, "-1"), ("1", "-1")):
            yield edit(1.4, OFFSET, a, b, step)
    for text in scene.source_strides:
        if text != step and step is None:
            yield edit(1.4, PADDING, low, high, text)


def _shifted(text: str, d: str) -> str | None:
    """Return an index moved by "+ 1" or "- 1"; numbers are added, and -1 + 1 is the open end."""
    try:
        moved = int(text) + int(d.replace(" ", ""))
    except ValueError:
        return f"{text} {d}"
    return None if text.startswith("-") and moved == 0 else str(moved)


def _range(scene: Scene, node: ast.Call) -> Iterator[Edit]:
    source, new = scene.source, scene.source.replacing
    assert isinstance(node.func, ast.Name)
    args = [source.segment(a) for a in node.args]
    if node.func.id == "reversed" and len(args) == 1:
        yield new(node, "B", 1.0, STALE, B=node.args[0])
    elif node.func.id == "range" and 0 < len(args) < 4:
        parent, _ = source.place[id(node)]
        if not (
            isinstance(parent, ast.Call)
            and isinstance(parent.func, ast.Name)
            and parent.func.id == "reversed"
        ):
            nested = isinstance(source.place[id(parent)][0], ast.For)
            yield new(node, "reversed(A)", 1.15 if nested else 1.0, STALE)
        if len(args) == 1:
            yield new(node, f"range(1, {args[0]})", 1.1, OFFSET)
            yield new(node, f"range({args[0]} - 1)", 1.1, OFFSET)
            yield new(node, f"range({args[0]} + 1)", 1.1, OFFSET)
            yield new(node, f"range(1, {args[0]} + 1)", 1.3, OFFSET)
            yield new(node, f"range(0, {args[0]}, 2)", 1.5, PADDING)
        elif len(args) == 2:
            yield new(node, f"range({args[1]})", 1.1, OFFSET)
        else:
            for stop in ("-1", "0"):
                if args[1] != stop:
                    yield new(node, f"range({args[0]}, {stop}, {args[2]})", 1.1, OFFSET)
            yield new(node, f"range({args[0]}, {args[1]})", 1.2, PADDING)
