"""Edits modelled on what stands beside: the other's index, value, sign, window, or a second line.

Backward passes are full of lines that come in twos and threes. People exchange them, write one
like the other where it is not, or forget one.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from .scene import Scene, fits
from .source import Edit, Span
from .tables import AXIS, FLIP, PADDING, SIGN, STALE, TERM, VARIABLE
from .template import fill

NEAR = 4  # statements of a block that count as beside
LOOKED = 24  # mappings of one statement's names to another's


def beside(scene: Scene, s: ast.stmt) -> Iterator[Edit]:
    """Yield edits of a statement that its neighbours suggest."""
    block, k = scene.source.block[id(s)]
    for other in block[k + 1 : k + 1 + NEAR]:
        yield from _exchanged(scene, s, other)
    for other in (*block[max(k - NEAR, 0) : k], *block[k + 1 : k + 1 + NEAR]):
        yield from _like(scene, s, other)
    if isinstance(s, ast.Assign | ast.AugAssign):
        yield from _indices(scene, s)
    if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Subscript):
        yield from _second(scene, s, s.target)


def _exchanged(scene: Scene, s: ast.stmt, other: ast.stmt) -> Iterator[Edit]:
    """Exchange what differs at the same places of two statements: operators, arguments, flips."""
    a, b = getattr(s, "value", None), getattr(other, "value", None)
    if a is None or b is None or type(s) is not type(other):
        return
    x, y = [*ast.walk(a)], [*ast.walk(b)]
    sums = [n for n in (a, b) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Sub)]
    if len(sums) == 2 and type(a.op) is not type(b.op):
        yield Edit(1.35, SIGN, (_operator(scene, a, b), _operator(scene, b, a)))
    calls = [[n for n in nodes if isinstance(n, ast.Call)] for nodes in (x, y)]
    for p, q in zip(*calls, strict=False):
        if ast.dump(p.func) != ast.dump(q.func) or len(p.args) != len(q.args):
            continue
        if isinstance(s, ast.Expr):
            for m, n in zip(p.args, q.args, strict=True):
                yield from _swapped(scene, m, n)
    if axes := _keywords(scene, x, y):
        yield Edit(1.35, AXIS, axes)
    yield from _flips(scene, a, b)
    yield from _flips(scene, b, a)


def _operator(scene: Scene, a: ast.BinOp, b: ast.BinOp) -> Span:
    source = scene.source
    end, start = source.outer(a.left)[1], source.outer(a.right)[0]
    signs = ("-", "+") if isinstance(a.op, ast.Add) else ("+", "-")
    return end, start, source.text[end:start].replace(signs[1], signs[0])


def _swapped(scene: Scene, m: ast.expr, n: ast.expr) -> Iterator[Edit]:
    source = scene.source
    one, two = source.segment(m), source.segment(n)
    if one != two:
        yield Edit(1.35, VARIABLE, ((*source.span(m), two), (*source.span(n), one)))


def _keywords(scene: Scene, x: list[ast.AST], y: list[ast.AST]) -> tuple[Span, ...]:
    """Return the axes of two statements exchanged, where each has one of its own."""
    source, found = scene.source, []
    for nodes in (x, y):
        values = [n.value for n in nodes if isinstance(n, ast.keyword) and n.arg == "axis"]
        if len({source.segment(v) for v in values}) != 1:
            return ()
        found.append(values)
    one, two = source.segment(found[0][0]), source.segment(found[1][0])
    if one == two:
        return ()
    spans = [(*source.span(v), two) for v in found[0]] + [(*source.span(v), one) for v in found[1]]
    return tuple(spans)


def _flips(scene: Scene, a: ast.expr, b: ast.expr) -> Iterator[Edit]:
    """Let `b` run from the end instead of `a`: f(x[::-1])[::-1] and f(y) exchange their flips."""
    source = scene.source
    if not isinstance(a, ast.Subscript) or not isinstance(call := a.value, ast.Call):
        return
    if not isinstance(b, ast.Call) or not call.args or not b.args:
        return
    index, inner = source.segment(a.slice).replace(" ", ""), call.args[0]
    if "::-1" not in index or not isinstance(inner, ast.Subscript):
        return
    if source.segment(inner.slice).replace(" ", "") == index:
        plain = source.segment(inner.value)
        first = fill(f"B[{index}]", 0.0, B=source.piece(b.args[0]))
        end, after = source.span(b)[1], source.span(b)[1]
        start = source.span(a)
        text = source.text[start[0] : source.outer(inner)[0]] + plain
        text += source.text[source.span(inner)[1] : source.span(call)[1]]
        spans = ((*start, text), (*source.span(b.args[0]), first), (end, after, f"[{index}]"))
        yield Edit(1.5, FLIP, spans)


def _like(scene: Scene, s: ast.stmt, other: ast.stmt) -> Iterator[Edit]:
    """Give a statement the value of another one, with its own names in the place of the other's."""
    if not isinstance(s, ast.Assign) or not isinstance(other, ast.Assign):
        return
    if isinstance(other.value, ast.Name | ast.Constant | ast.Tuple):
        return
    source, visible = scene.source, scene.names(s)

    def arrays(node: ast.AST) -> list[str]:
        texts = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
        return list(dict.fromkeys(t for t in texts if isinstance(visible.get(t), np.ndarray)))

    theirs, mine = arrays(other.value), arrays(s.value)
    if not theirs or len(theirs) > 3 or not len(theirs) <= len(mine) <= 4:
        return
    start = source.span(other.value)[0]
    spots = [
        (source.span(n)[0] - start, n.id)
        for n in ast.walk(other.value)
        if isinstance(n, ast.Name) and n.id in theirs
    ]
    for names in itertools.islice(itertools.permutations(mine, len(theirs)), LOOKED):
        text, renamed = source.segment(other.value), dict(zip(theirs, names, strict=True))
        for at, name in sorted(spots, reverse=True):
            text = text[:at] + renamed[name] + text[at + len(name) :]
        if text != source.segment(s.value):
            yield source.replacing(s.value, "D", 1.5, TERM, D=text)


def _indices(scene: Scene, s: ast.Assign | ast.AugAssign) -> Iterator[Edit]:
    """Exchange the indices of what is written and what is read: a[k:] += b[:-k], and back."""
    source = scene.source
    target = s.target if isinstance(s, ast.AugAssign) else s.targets[0]
    if not isinstance(target, ast.Subscript):
        return
    mine = source.segment(target.slice)
    for n in ast.walk(s.value):
        if isinstance(n, ast.Subscript) and (text := source.segment(n.slice)) != mine:
            spans = ((*source.span(target.slice), text), (*source.span(n.slice), mine))
            yield Edit(1.3, FLIP, spans)


def _second(scene: Scene, s: ast.AugAssign, target: ast.Subscript) -> Iterator[Edit]:
    """Yield a second line like this one, at another index that is used, added or subtracted."""
    source = scene.source
    if not isinstance(s.op, ast.Add | ast.Sub):
        return
    name, value = source.segment(target.value), source.segment(s.value)
    shape = scene.shape(s.value)
    for text in scene.index_texts:
        if text == source.segment(target.slice):
            continue
        at = scene.evaluate(f"{name}[{text}]", s)
        if shape is None or not isinstance(at, np.ndarray | np.generic):
            continue
        if fits(shape, np.shape(at)):
            for sign in "-+":
                yield source.inserting(s, f"{name}[{text}] {sign}= {value}", 1.7, TERM)


def windows(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield windows that are moved or dilated on all their axes at once."""
    source = scene.source
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
        return
    ends = [
        (source.segment(p.lower), source.segment(p.upper), p)
        for p in node.slice.elts
        if isinstance(p, ast.Slice) and p.lower and p.upper and not p.step
    ]
    moved = [(a, b.replace(f"{a} + ", "", 1), p) for a, b, p in ends if b.startswith(f"{a} + ")]
    if len(moved) > 1:
        for c in scene.source_strides:
            texts = [f"{c} * {_product(a)} : {c} * {_product(a)} + {n}" for a, n, _ in moved]
            spans = [(*source.span(p), t) for (_, _, p), t in zip(moved, texts, strict=True)]
            yield Edit(1.4, PADDING, tuple(spans), node)


def _product(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def slices(scene: Scene, s: ast.stmt) -> Iterator[Edit]:
    """Yield slice(p, p + n) for slice(0, n) in this statement and its neighbours together."""
    source = scene.source
    block, k = source.block[id(s)]
    calls = [c for t in block[k : k + 2] for c in _from_zero(t)]
    if not calls or not _from_zero(s):
        return
    whole = [n for n, x in scene.names(s).items() if type(x) is int and 0 < x < 8]
    for p in ("1", "2", *whole):
        yield Edit(
            1.4,
            PADDING,
            tuple(
                span
                for c in calls
                for span in (
                    (*source.span(c.args[0]), p),
                    (source.span(c.args[1])[0], source.span(c.args[1])[0], f"{p} + "),
                )
            ),
        )


def _from_zero(s: ast.stmt) -> list[ast.Call]:
    found = []
    for n in ast.walk(s):
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "slice":
            first = n.args[0] if len(n.args) == 2 else None
            if isinstance(first, ast.Constant) and first.value == 0:
                found.append(n)
    return found


def states(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield the state of this step, qs[k] or hs[:, t], for a name that holds another step's."""
    if not isinstance(node, ast.Name) or s is None or scene.seen is None or scene.times(node) < 2:
        return
    shape, value = scene.shape(node), scene.value(node)
    if not shape or not isinstance(value, np.ndarray):
        return
    counter = _counter(scene, s)
    local = scene.seen.scope.get(scene.source.index[id(s)], {})
    kept = [n for n, x in local.items() if isinstance(x, list | tuple | np.ndarray)]
    for name in kept if counter else ():
        steps = (counter, f"{counter} - 1", f"{counter} + 1")
        for index in [form for k in steps for form in (f"[{k}]", f"[:, {k}]")]:
            x = scene.evaluate(name + index, s)
            if name != node.id and isinstance(x, np.ndarray) and x.shape == shape:
                yield scene.source.replacing(node, "D", 1.3, STALE, D=name + index)


def _counter(scene: Scene, s: ast.stmt) -> str:
    """Return the name of the number that the innermost loop around a statement counts."""
    at: ast.AST = s
    while id(at) in scene.source.place:
        at = scene.source.place[id(at)][0]
        if isinstance(at, ast.For) and isinstance(at.target, ast.Name):
            return at.target.id
    return ""
