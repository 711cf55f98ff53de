"""Edits of arrays: transposes, flips, sums, reshapes, copies, and calls of NumPy."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .scene import Scene
from .source import Edit

AXIS, TRANSPOSED, FLIP, SUM = "wrong axis", "transposed", "not flipped", "missing broadcast sum"
ORDER, INPLACE, DTYPE = "order of reshape", "in-place modification", "dtype or integer division"
SCALE, FACTOR, FINITE, MASK = "wrong scale", "wrong factor", "not finite", "wrong mask/branch"
VARIABLE, PADDING = "wrong variable", "wrong stride/padding"

WRAPS = [  # least and most dimensions, cost, template, family
    (1, 9, 1.2, "A.copy()", INPLACE), (1, 9, 1.4, "A[::-1]", FLIP), (2, 2, 1.0, "A.T", TRANSPOSED),
    (2, 9, 1.4, "A[:, ::-1]", FLIP), (3, 9, 1.3, "A[..., ::-1]", FLIP),
    (2, 2, 1.3, "A[::-1, ::-1]", FLIP), (3, 9, 1.3, "A[..., ::-1, ::-1]", FLIP),
    (2, 2, 1.6, "np.rot90(A)", FLIP),
    (1, 9, 1.3, "A.sum(axis=0)", SUM), (2, 9, 1.3, "A.sum(axis=1)", SUM), (1, 9, 1.4, "A.sum()", SUM),
    (3, 9, 1.3, "A.sum(axis=-1)", SUM), (3, 9, 1.3, "A.sum(axis=(0, 1))", SUM),
    (4, 9, 1.3, "A.sum(axis=(0, 2, 3))", SUM), (4, 9, 1.3, "A.sum(axis=(2, 3))", SUM),
    (3, 9, 1.3, "A.sum(axis=(1, 2))", SUM), (3, 9, 1.3, "A.sum(axis=(0, 2))", SUM),
    (2, 9, 1.5, "A.mean(axis=0)", SUM), (1, 9, 1.6, "A.mean()", SUM),
    (1, 9, 1.3, "A[..., None]", AXIS), (1, 9, 1.3, "A[:, None]", AXIS), (1, 9, 1.4, "A[None]", AXIS),
    (2, 9, 1.4, "A[:, :, None, None]", AXIS), (1, 9, 1.5, "A[None, :, None, None]", AXIS),
]  # fmt: skip
WITHIN = [  # cost, template, family
    (1.6, "np.sqrt(A)", FACTOR), (1.5, "A**2", FACTOR), (1.6, "1 / A", FACTOR), (1.6, "1 - A", FACTOR),
    (1.7, "A**3", FACTOR), (1.8, "np.exp(A)", FACTOR), (1.8, "np.log(A)", FACTOR),
    (1.6, "np.sign(A)", FACTOR), (1.6, "np.abs(A)", FACTOR), (1.6, "A > 0", MASK),
    (1.7, "np.where(A > 0, A, 1)", FINITE), (1.7, "np.maximum(A, 1e-12)", FINITE),
    (1.8, "np.where(A == 0, 1, A)", FINITE), (1.8, "np.nan_to_num(A)", FINITE),
    (1.9, "np.clip(A, -500, 500)", FINITE), (1.8, "np.tanh(A)", FACTOR),
    (1.8, "1 / (1 + np.exp(-A))", FACTOR), (1.8, "np.maximum(A, 0)", MASK), (1.7, "np.conj(A)", SUM),
]  # fmt: skip
SWAPS = [
    ("sum", "mean", SCALE), ("max", "min", MASK), ("argmax", "argmin", MASK), ("sin", "cos", FACTOR),
    ("maximum", "minimum", MASK), ("log", "exp", FACTOR), ("correlate", "convolve", FLIP),
    ("tril", "triu", MASK), ("floor", "ceil", "off by one"), ("repeat", "tile", ORDER),
    ("var", "std", FACTOR), ("cumsum", "cumprod", FACTOR), ("zeros_like", "ones_like", SCALE),
    ("sinh", "cosh", FACTOR), ("tanh", "cosh", FACTOR), ("arcsin", "arccos", FACTOR), ("tanh", "sinh", FACTOR),
    ("round", "floor", "off by one"), ("zeros", "ones", SCALE), ("dot", "outer", TRANSPOSED),
    ("hstack", "vstack", AXIS), ("concatenate", "stack", AXIS), ("flip", "roll", FLIP),
    ("exp", "expm1", FACTOR), ("log", "log1p", FACTOR), ("fliplr", "flipud", FLIP), ("sqrt", "square", FACTOR),
    ("abs", "sign", FACTOR), ("logical_and", "logical_or", MASK), ("cos", "tan", FACTOR),
    ("greater", "less", MASK), ("norm", "sum", FACTOR), ("inv", "pinv", TRANSPOSED),
    ("floor", "round", "off by one"), ("ceil", "round", "off by one"), ("empty_like", "zeros_like", "stale or overwritten buffer"),
    ("empty", "zeros", "stale or overwritten buffer"), ("argsort", "sort", VARIABLE),
]  # fmt: skip
REDUCTIONS = ("sum", "mean", "max", "min", "argmax", "argmin", "prod", "std", "var", "any", "all", "norm")
AXED = (*REDUCTIONS, "cumsum", "cumprod", "flip", "concatenate", "stack", "split", "repeat",
        "take_along_axis", "put_along_axis", "roll", "diff", "expand_dims", "squeeze", "softmax",
        "sort", "argsort", "take", "array_split", "swapaxes", "moveaxis")  # fmt: skip
MODULES = ("np", "numpy", "math", "scipy", "linalg", "special", "signal")


def axes(ndim: int) -> list[str]:
    """Return the axes arguments for so many dimensions; negative for the last one alone."""
    found = [str(k) for k in range(ndim)] + ["-1"] * (ndim > 0)
    for count in (2, 3):
        found += [str(c) for c in itertools.combinations(range(ndim), count)]
    return found + ["None"]


def arrays(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield an array expression within something: transposed, flipped, summed, copied, shaped."""
    new, shape = scene.source.replacing, scene.shape(node)
    if isinstance(node, ast.Constant | ast.Tuple | ast.List | ast.Slice | ast.Compare) or _indexing(scene, node):
        return
    ndim = 2 if shape is None else len(shape)
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
        if other and shape is not None and other != shape and int(np.prod(other)) == int(np.prod(shape)):
            yield new(node, f"A.reshape({name}.shape)", 1.4, ORDER)
    x = scene.value(node)
    if isinstance(x, np.ndarray) and x.dtype.kind in "iub":
        yield new(node, "A.astype(float)", 1.2, DTYPE)


def calls(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield edits of a call: another function, axis, keepdims, order, arguments exchanged."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield scene.source.replacing(node, "B", 1.0, TRANSPOSED, B=node.value)
    if not isinstance(node, ast.Call):
        return
    new, source = scene.source.replacing, scene.source
    f, args = node.func, node.args
    called = f.attr if isinstance(f, ast.Attribute) else (f.id if isinstance(f, ast.Name) else "")
    method = isinstance(f, ast.Attribute) and not (
        isinstance(f.value, ast.Name | ast.Attribute) and source.segment(f.value).split(".")[-1] in MODULES
    )
    if isinstance(f, ast.Attribute):
        end = source.span(f)[1]
        for a, b, family in SWAPS:
            if called in (a, b):
                other = b if called == a else a
                yield Edit(1.0, family, ((end - len(called), end, other),), node)
    inner = f.value if method and isinstance(f, ast.Attribute) else (args[0] if args else None)
    if inner is not None and not isinstance(inner, ast.Constant) and called not in ("zeros", "range"):
        families = {"copy": INPLACE, "transpose": TRANSPOSED, "swapaxes": TRANSPOSED, "int": DTYPE,
                    "flip": FLIP, "astype": DTYPE, "round": DTYPE, "reshape": ORDER, "sum": SUM}  # fmt: skip
        yield new(node, "B", 1.1, families.get(called, FACTOR), B=inner)
    data = None if inner is None else scene.shape(inner)
    given = {k.arg: k for k in node.keywords}
    yield from _axes(scene, node, called, method, data, given)
    yield from _keywords(scene, node, called, given)
    for i, j in itertools.combinations(range(len(args)), 2):
        (a, b), (c, d) = source.span(args[i]), source.span(args[j])
        spans = ((a, b, source.text[c:d]), (c, d, source.text[a:b]))
        family = {"where": MASK, "reshape": ORDER, "transpose": TRANSPOSED, "correlate": FLIP}
        yield Edit(1.1, family.get(called, TRANSPOSED if called in ("dot", "outer") else VARIABLE), spans, node)
    if called in ("transpose",) and len(args) > 2:
        for p in itertools.permutations(range(len(args))):
            text = ", ".join(map(str, p))
            at = source.span(args[0])[0], source.span(args[-1])[1]
            yield Edit(1.1, TRANSPOSED, ((*at, text),), node)
        if method:
            yield new(node, "B.transpose(np.argsort((C)))".replace("(C)", "(" + ", ".join(
                source.segment(a) for a in args) + ",)"), 1.2, TRANSPOSED, B=f.value)  # type: ignore[attr-defined]
    if called == "reshape":
        yield from _reshapes(scene, node, method, inner)


def _axes(scene: Scene, node: ast.Call, called: str, method: bool, data: Any, given: dict[Any, Any]) -> Iterator[Edit]:
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
    elif called in AXED and len(node.args) <= (0 if method else 1):
        for text in options[:-1]:
            yield Edit(1.2, AXIS if called not in ("sum",) else SUM, ((end, end, f"{comma}axis={text}"),), node)
            if called in REDUCTIONS:
                yield Edit(1.3, AXIS, ((end, end, f"{comma}axis={text}, keepdims=True"),), node)
    elif node.args:
        last = node.args[-1]
        for text in options:
            if text != source.segment(last):
                yield Edit(1.1, AXIS, ((*source.span(last), text),), node)
    if "axis" in given and "keepdims" not in given and called in REDUCTIONS:
        yield Edit(1.1, AXIS, ((end, end, ", keepdims=True"),), node)
    if called in ("var", "std"):
        if "ddof" not in given:
            yield Edit(1.0, SCALE, ((end, end, f"{comma}ddof=1"),), node)


def _keywords(scene: Scene, node: ast.Call, called: str, given: dict[Any, Any]) -> Iterator[Edit]:
    source = scene.source
    for k in node.keywords:
        start, end = source.span(k)
        while source.text[start - 1] in " \n":
            start -= 1
        start -= source.text[start - 1] == ","
        family = {"dtype": DTYPE, "axis": AXIS, "keepdims": AXIS, "order": ORDER, "ddof": SCALE}
        if source.text[start] == "," :
            yield Edit(1.1, family.get(k.arg or "", MASK), ((start, end, ""),), node)
        if k.arg == "mode" and isinstance(k.value, ast.Constant):
            for text in ("valid", "same", "full", "constant", "edge", "reflect", "wrap", "symmetric"):
                yield Edit(1.1, PADDING, ((*source.span(k.value), f'"{text}"'),), node)
        if k.arg == "order" and isinstance(k.value, ast.Constant):
            for text in "CF":
                yield Edit(1.0, ORDER, ((*source.span(k.value), f'"{text}"'),), node)
        if k.arg == "dtype":
            yield Edit(1.0, DTYPE, ((*source.span(k.value), "float"),), node)
    end = source.span(node)[1] - 1
    if called in ("zeros_like", "zeros", "empty", "full", "array", "full_like", "ones", "ones_like", "empty_like", "eye"):
        if "dtype" not in given:
            yield Edit(1.2, DTYPE, ((end, end, ", dtype=float"),), node)
    if called in ("reshape", "ravel", "flatten") and "order" not in given:
        comma = ", " if node.args else ""
        yield Edit(1.2, ORDER, ((end, end, f'{comma}order="F"'),), node)
    if called in ("convolve", "correlate"):
        for flip in ("B[::-1]", "B[..., ::-1]"):
            yield from (source.replacing(a, flip, 1.2, FLIP, B=a) for a in node.args[:2])


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
            yield new(node, "B.reshape(C).T", 1.4, ORDER, B=inner, C=f"{source.segment(node)}.shape[::-1]")


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
