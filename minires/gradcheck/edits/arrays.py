"""Edits of arrays: transposes, flips, sums, reshapes, copies, and calls of NumPy."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .scene import Scene
from .source import Edit, Source
from .tables import (
    AXED,
    AXIS,
    DTYPE,
    EXCHANGED,
    FACTOR,
    FLIP,
    KEYWORDS,
    MAKERS,
    MASK,
    MODULES,
    ORDER,
    PADDING,
    REDUCTIONS,
    SCALE,
    SUM,
    SWAPS,
    TRANSPOSED,
    UNCALLED,
    VARIABLE,
    WITHIN,
    WRAPS,
)
from .template import fill

VIEWS = ("reshape", "ravel", "transpose", "swapaxes", "asarray", "squeeze", "atleast_2d")


def axes(ndim: int) -> list[str]:
    """Return the axes arguments for so many dimensions; negative for the last one alone."""
    found = [str(k) for k in range(ndim)] + ["-1"] * (ndim > 0)
    for count in (2, 3):
        found += [str(c) for c in itertools.combinations(range(ndim), count)]
    return [*found, "None"]


def arrays(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield an array expression within something: transposed, flipped, summed, copied, shaped."""
    new, shape = scene.source.replacing, scene.shape(node)
    if isinstance(node, ast.Constant | ast.Tuple | ast.List | ast.Slice | ast.Compare) or _indexing(
        scene, node
    ):
        return
    ndim = 2 if shape is None else len(shape)
    parent, _ = scene.source.place[id(node)]
    if isinstance(parent, ast.keyword) and parent.arg == "out":
        return
    view = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in VIEWS
    kept = isinstance(parent, ast.Call) and getattr(parent.func, "attr", "") == "append"
    if (isinstance(parent, ast.Assign) or kept) and (
        view or isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
    ):
        yield new(node, "A.copy()", 0.95, "in-place modification")
    for least, most, cost, text, family in WRAPS:
        if least <= ndim <= most and not (text.startswith("-") and isinstance(node, ast.UnaryOp)):
            yield new(node, text, cost, family)
    yield new(node, "-A", 1.05, "sign")
    if ndim > 2:
        for a, b in itertools.combinations(range(ndim), 2):
            yield new(node, f"A.swapaxes({a}, {b})", 1.3, TRANSPOSED)
        for p in list(itertools.permutations(range(ndim)))[1:] if ndim < 5 else ():
            if sum(i != k for k, i in enumerate(p)) > 2:
                yield new(node, "A.transpose(" + ", ".join(map(str, p)) + ")", 1.4, TRANSPOSED)
    for k in range(ndim):
        yield new(node, f"A.sum(axis={k}, keepdims=True)", 1.3, SUM)
    yield from (new(node, text, cost, family) for cost, text, family in WITHIN)
    for name, x in scene.names(s).items():
        other = np.shape(x) if isinstance(x, np.ndarray) else None
        if (
            other
            and shape is not None
            and other != shape
            and int(np.prod(other)) == int(np.prod(shape))
        ):
            yield new(node, f"A__.reshape({name}.shape)", 1.4, ORDER)
    x = scene.value(node)
    if isinstance(x, np.ndarray) and x.dtype.kind in "iub":
        yield new(node, "A.astype(float)", 1.2, DTYPE)


def calls(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield edits of a call: another function, axis, keepdims, order, arguments exchanged."""
    new, source = scene.source.replacing, scene.source
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield new(node, "B", 1.0, TRANSPOSED, B=node.value)
    if not isinstance(node, ast.Call):
        return
    f, args = node.func, node.args
    called = f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "")
    method = isinstance(f, ast.Attribute) and not _module(source, f.value)
    inner = f.value if method and isinstance(f, ast.Attribute) else (args[0] if args else None)
    if isinstance(f, ast.Attribute):
        end = source.span(f)[1]
        for a, b, family in SWAPS:
            if called in (a, b):
                other = b if called == a else a
                yield Edit(1.0, family, ((end - len(called), end, other),), node)
    plain = inner is not None and not isinstance(inner, ast.Constant | ast.Starred)
    if plain and called not in ("zeros", "range"):
        yield new(node, "B", 1.1, UNCALLED.get(called, FACTOR), B=inner)
    data = None if inner is None else scene.shape(inner)
    given = {k.arg: k for k in node.keywords}
    yield from _axes(scene, node, called, method, data, given)
    yield from _keywords(scene, node, called, given)
    for i, j in itertools.combinations(range(len(args)), 2):
        (a1, a2), (b1, b2) = source.span(args[i]), source.span(args[j])
        spans = ((a1, a2, source.text[b1:b2]), (b1, b2, source.text[a1:a2]))
        yield Edit(1.1, EXCHANGED.get(called, VARIABLE), spans, node)
    if called == "take" and "axis" in given and inner is not None:
        axis = source.segment(given["axis"].value)
        yield new(node, f"B.sum(axis={axis}, keepdims=True)", 1.3, SUM, B=inner)
    if called == "transpose" and len(args) > 2:
        yield from _transposes(scene, node, inner if method else None)
    if called == "reshape":
        yield from _reshapes(scene, node, method, inner)


def _module(source: Source, node: ast.AST) -> bool:
    plain = isinstance(node, ast.Name | ast.Attribute)
    return plain and source.segment(node).split(".")[-1] in MODULES


def _transposes(scene: Scene, node: ast.Call, inner: ast.AST | None) -> Iterator[Edit]:
    """Every order of the axes, and the inverse of the one given."""
    source = scene.source
    span = source.span(node.args[0])[0], source.span(node.args[-1])[1]
    for p in itertools.permutations(range(len(node.args))):
        yield Edit(1.1, TRANSPOSED, ((*span, ", ".join(map(str, p))),), node)
    if inner is not None:
        order = f"({source.text[span[0] : span[1]]})"
        yield source.replacing(node, f"B.transpose(np.argsort({order}))", 1.2, TRANSPOSED, B=inner)


def _axes(
    scene: Scene, node: ast.Call, called: str, method: bool, data: Any, given: dict[Any, Any]
) -> Iterator[Edit]:
    source = scene.source
    if called not in AXED:
        return
    ndim = 4 if data is None else len(data)
    if called in ("concatenate", "stack") and data is not None:
        ndim = max(len(data) - 1, 1)
    options = axes(ndim)
    end = source.span(node)[1] - 1
    comma = ", " if node.args or node.keywords else ""
    if "axis" in given:
        old = given["axis"].value
        for text in options:
            if text != source.segment(old):
                yield Edit(1.0, AXIS, ((*source.span(old), text),), node)
        if "keepdims" not in given and called in REDUCTIONS:
            yield Edit(1.1, AXIS, ((end, end, ", keepdims=True"),), node)
    elif len(node.args) <= (0 if method else 1):
        for text in options[:-1]:
            more = f"{comma}axis={text}"
            yield Edit(1.2, AXIS if called != "sum" else SUM, ((end, end, more),), node)
            if called in REDUCTIONS:
                yield Edit(1.3, AXIS, ((end, end, f"{more}, keepdims=True"),), node)
    elif node.args:
        last = node.args[-1]
        for text in options:
            if text != source.segment(last):
                yield Edit(1.1, AXIS, ((*source.span(last), text),), node)
    if called in ("var", "std") and "ddof" not in given:
        yield Edit(1.0, SCALE, ((end, end, f"{comma}ddof=1"),), node)


MODES = ("valid", "same", "full", "constant", "edge", "reflect", "wrap", "symmetric")
VALUES = {"mode": [f'"{m}"' for m in MODES], "order": ['"C"', '"F"'], "dtype": ["float"]}
OTHERS = {"mode": PADDING, "order": ORDER, "dtype": DTYPE}


def _keywords(scene: Scene, node: ast.Call, called: str, given: dict[Any, Any]) -> Iterator[Edit]:
    source = scene.source
    for k in node.keywords:
        start, end = source.span(k)
        while source.text[start - 1] in " \n":
            start -= 1
        if source.text[start - 1] == ",":
            yield Edit(
                0.9 if k.arg == "out" else 1.1,
                KEYWORDS.get(k.arg or "", MASK),
                ((start - 1, end, ""),),
                node,
            )
        for text in VALUES.get(k.arg or "", []):
            yield Edit(1.1, OTHERS[k.arg or ""], ((*source.span(k.value), text),), node)
    end = source.span(node)[1] - 1
    comma = ", " if node.args else ""
    if called in MAKERS and "dtype" not in given:
        yield Edit(1.0, DTYPE, ((end, end, f"{comma}dtype=float"),), node)
    if called in ("reshape", "ravel", "flatten") and "order" not in given:
        yield Edit(1.2, ORDER, ((end, end, f'{comma}order="F"'),), node)
    if called in ("convolve", "correlate"):
        for flip in ("B[::-1]", "B[..., ::-1]"):
            yield from (source.replacing(a, flip, 1.2, FLIP, B=a) for a in node.args[:2])
    first = _first(source, node)
    if called in ("cumsum", "cumprod", "correlate", "convolve", "accumulate") and first is not None:
        for index in ("[::-1]", "[:, ::-1]", "[..., ::-1]"):
            (a, b), (c, d) = source.outer(first), source.span(node)
            inner = (
                source.text[c:a] + fill(f"B{index}", 0.0, B=source.piece(first)) + source.text[b:d]
            )
            yield source.replacing(node, "D", 1.3, FLIP, D=inner + index)


def _first(source: Source, node: ast.Call) -> ast.expr | None:
    """Return the array that a function takes first, or that a method is called on."""
    f = node.func
    if isinstance(f, ast.Attribute) and source.segment(f.value).split(".")[0] not in MODULES:
        return f.value
    return node.args[0] if node.args else None


def _reshapes(scene: Scene, node: ast.Call, method: bool, inner: ast.AST | None) -> Iterator[Edit]:
    """Axes exchanged before a reshape; or reshaped with two sizes exchanged, and exchanged back."""
    new, source = scene.source.replacing, scene.source
    args = node.args if method else node.args[1:]
    if len(args) == 1 and isinstance(args[0], ast.Tuple):
        args = args[0].elts
    texts = [source.segment(a) for a in args]
    if len(texts) > 1 and inner is not None:
        for i, j in itertools.combinations(range(len(texts)), 2):
            t = list(texts)
            t[i], t[j] = t[j], t[i]
            yield new(node, f"B.reshape({', '.join(t)}).swapaxes({i}, {j})", 1.3, ORDER, B=inner)
            yield new(node, f"B.reshape({', '.join(t)})", 1.3, ORDER, B=inner)
        for p in itertools.permutations(range(len(texts))) if 2 < len(texts) < 5 else ():
            if sum(i != k for k, i in enumerate(p)) > 2:  # three axes in turn
                t = [texts[k] for k in p]
                back = ", ".join(str(p.index(k)) for k in range(len(p)))
                yield new(node, f"B.reshape({', '.join(t)}).transpose({back})", 1.4, ORDER, B=inner)
    shape = scene.shape(node)
    if shape is not None and len(shape) == 2:
        name = source.segment(inner) if inner is not None else ""
        if name:
            yield new(
                node, "B.reshape(C).T", 1.4, ORDER, B=inner, C=f"{source.segment(node)}.shape[::-1]"
            )


def _indexing(scene: Scene, node: ast.AST) -> bool:
    """Whether an expression only says a shape or an index."""
    source = scene.source
    at: ast.AST = node
    while id(at) in source.place:
        parent, name = source.place[id(at)]
        if isinstance(parent, ast.stmt):
            return isinstance(parent, ast.For) and name == "iter"
        if isinstance(parent, ast.Subscript) and name == "slice":
            return scene.shape(node) in (None, ())
        if isinstance(parent, ast.Attribute) and parent.attr in ("shape", "size", "ndim", "dtype"):
            return True
        if isinstance(parent, ast.keyword) and parent.arg in ("axis", "keepdims", "dtype"):
            return True
        at = parent
    return False
