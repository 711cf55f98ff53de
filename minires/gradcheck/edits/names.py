"""Edits that draw on other values: a name for a name, a factor more, what forward computes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from .arrays import _indexing
from .scene import UNKNOWN, Scene, fits
from .source import Edit
from .tables import EPS, FACTOR, MASK, OFFSET, PADDING, SCALE, SLOPES, TERM, UPSTREAM, VARIABLE


def names(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield another name of the same kind for a name."""
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    parent, field = scene.source.place[id(node)]
    if isinstance(parent, ast.Call) and field == "func":
        return
    mine, x = scene.shape(node), scene.value(node)
    if mine is None and scene.seen is not None:
        return
    dy = scene.arguments[:1]
    counted = isinstance(parent, ast.Call) and getattr(parent.func, "id", "") == "len"
    for name, other in scene.names(s).items():
        if name == node.id:
            continue
        shape = None if other is UNKNOWN else np.shape(other)
        if counted and shape:
            yield scene.source.replacing(node, "D", 1.2, SCALE, D=name)
        elif shape == mine or mine is None or shape is None:
            yield scene.source.replacing(
                node, "D", 1.1 if name not in dy else 1.15, VARIABLE, D=name
            )
        elif mine and shape and (fits(shape, mine) or fits(mine, shape)):
            yield scene.source.replacing(node, "D", 1.25, VARIABLE, D=name)
        elif shape == () and mine and not isinstance(x, int):
            yield scene.source.replacing(node, "D", 1.5, VARIABLE, D=name)
    if isinstance(x, np.ndarray) and x.ndim == 2:
        for name, other in scene.names(s).items():
            if name != node.id and np.shape(other) == x.shape[::-1] and x.shape[0] != x.shape[1]:
                yield scene.source.replacing(node, "D.T", 1.3, VARIABLE, D=name)


def attributes(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield self.x for self.y, and cache["x"] for cache["y"]."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        owner = scene.source.segment(node.value)
        for other in scene.members.get(owner, ()):
            if other != node.attr:
                end = scene.source.span(node)[1]
                yield Edit(1.1, VARIABLE, ((end - len(node.attr), end, other),), node)
    if isinstance(node, ast.Subscript) and isinstance(key := node.slice, ast.Constant):
        owner = scene.source.segment(node.value)
        for other in scene.members.get(owner, ()) if isinstance(key.value, str) else ():
            if other != key.value:
                yield Edit(1.1, VARIABLE, ((*scene.source.span(key), f'"{other}"'),), node)


def factors(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield an expression times, or divided by, something that the function has."""
    value = scene.value(node)
    if not isinstance(value, np.ndarray | float | np.floating) or _indexing(scene, node):
        return
    value = np.asarray(value)
    if value.dtype.kind != "f" or isinstance(node, ast.Constant):
        return
    new, dy = scene.source.replacing, scene.arguments[:1]
    names = dict(scene.names(s))
    if scene.times(node) > 1:
        names |= _items(scene, s)
    for name, other in names.items():
        shape = np.shape(other)
        if scene.source.segment(node) == name or isinstance(other, int | np.integer | bool):
            continue
        forms = [(name, shape)]
        if shape and len(shape) < value.ndim:
            forms.append((f"{name}[..., None]", (*shape, 1)))
            if value.ndim == len(shape) + 2:
                forms.append((f"{name}[..., None, None]", (*shape, 1, 1)))
            if len(shape) == 1 and value.ndim > 2:
                forms.append((f"{name}[:, None, None]", (*shape, 1, 1)))
        for form, full in forms:
            if not (fits(full, value.shape) or value.ndim == 0 or fits(value.shape, full)):
                continue
            family = (
                UPSTREAM if name.partition("[")[0] in dy else (SCALE if shape == () else FACTOR)
            )
            far = 0.0 if fits(full, value.shape) else 0.3
            far += 0.3 * (form != name and fits(shape, value.shape))
            if family == UPSTREAM and not _gradient(s, node):
                far += 0.3
            yield new(node, f"A__ * {form}", 1.4 + far, family)
            yield new(node, f"A__ / {form}", 1.5 + far, family)
            if shape and value.ndim and fits(full, value.shape):
                for slope in SLOPES:
                    yield new(node, slope, 2.2, FACTOR, D=form)
            if full and fits(full, value.shape) and name not in dy:
                yield new(node, f"A__ + {form}", 1.6, TERM)
                yield new(node, f"A__ - {form}", 1.7, TERM)


def _items(scene: Scene, s: ast.stmt | None) -> dict[str, Any]:
    """Return what the function reads of arrays, such as dy[i], as seen at a statement."""
    reads = (
        n for n in scene.source.nodes
        if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Load)
        and isinstance(n.value, ast.Name) and not isinstance(n.slice, ast.Constant)
    )  # fmt: skip
    texts = dict.fromkeys(scene.source.segment(n) for n in reads)
    found = {text: scene.evaluate(text, s) for text in list(texts)[:12]}
    return {
        text: x for text, x in found.items()
        if isinstance(x, np.ndarray | np.floating) and np.asarray(x).dtype.kind == "f"
    }  # fmt: skip


def _gradient(s: ast.stmt | None, node: ast.AST) -> bool:
    """Whether a statement seems to make a gradient: its name says so, or it is returned."""
    targets = s.targets if isinstance(s, ast.Assign) else []
    name = targets[0].id.lower() if targets and isinstance(targets[0], ast.Name) else "d"
    return name.startswith(("d", "g")) or "grad" in name or "delta" in name


def models(scene: Scene, node: ast.expr, s: ast.stmt | None) -> Iterator[Edit]:
    """Yield what forward computes, where its shape is that of an expression."""
    value = scene.value(node)
    if not isinstance(value, np.ndarray | float | np.generic) or isinstance(node, ast.Constant):
        return
    new, shape = scene.source.replacing, np.shape(value)
    targets = s.targets if isinstance(s, ast.Assign) else []
    own = scene.source.segment(targets[0]) if targets and s is not None and s.value is node else "?"  # type: ignore[attr-defined]
    mine = scene.source.segment(node)
    kind = np.asarray(value).dtype.kind
    for text, x, given in scene.theirs(s):
        if text == mine:
            continue
        if np.shape(x) == shape and np.asarray(x).dtype.kind == kind:
            if given == own:
                yield new(node, "D", 1.0, _family(kind, mine, text), D=text)
            else:
                yield new(node, "D", 1.4 + 0.003 * len(text), _family(kind, mine, text), D=text)
        if kind == "f" and "[" in text and np.shape(x) and fits(np.shape(x), shape):
            yield new(node, f"A__ * ({text})", 1.7, FACTOR)


def _family(kind: str, before: str, after: str) -> str:
    """Name the difference between an expression and forward's."""
    if kind == "b" or "where(" in after or "tril" in after:
        return MASK
    if kind in "iu":
        return PADDING if "*" in after and "*" not in before else OFFSET
    tiny = [re.findall(r"\beps\w*|\b0?\.\d+|\b\d+e-\d+", text) for text in (before, after)]
    if tiny[1] and (tiny[0] == tiny[1] or "eps" in "".join(tiny[0] + tiny[1])):
        return EPS
    return VARIABLE
