"""How plausible it is that an edit is the one, beyond what its kind says."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..edits import Edit, Scene, Source
from ..edits.tables import AXIS, FINITE, INPLACE, SUM
from .holes import Holes

RETURNED = 0.35  # dearer: an edit of a bare name in `return`
COPIED = 1.2  # dearer: an edit of a statement that forward has, too
SHARED = 1.5  # dearer: an edit in a function that forward calls, too
SIZES = 0.15  # dearer: an edit of a line that reads a size
ALIAS = -0.2  # an edit of a line that only gives a value another name, as if something was left out
STORED = 0.3  # dearer: an edit of the array that is written to, as in x[::-1][t] = 0
TWIN = 0.1  # dearer: an edit of a line that is repeated, rather than of its repetition
LATER = 0.3  # dearer: a guard elsewhere than where a value is first not finite
IDLE = 0.3  # cheaper: an edit that uses what the function computes and does not use
VALUES = 0.15  # dearer: an edit of a line that makes no gradient: nothing of upstream is in it
HELPER = 0.3  # dearer: an edit in a function that backward calls


WORD = re.compile(r"[^\W\d]\w*")


class Plausibility:
    """Adds to the cost of the edits of one function.

    helper   whether backward only calls it; `name` tells whether forward does, too
    shared   functions that forward calls: what they do is probably right
    """

    def __init__(
        self, scene: Scene, helper: bool, name: str, shared: Sequence[Source] = ()
    ) -> None:
        self.scene = scene
        self.base = 0.0
        if helper:
            theirs = [] if scene.model is None else scene.model.nodes
            both = any(isinstance(n, ast.Name) and n.id == name for n in theirs)
            self.base = SHARED if both else HELPER
        self.copied = _copied(scene, shared)
        self.plain = _plain(scene)
        self.idle = _idle(scene)
        self.twins = _twins(scene)
        self.origin = _origin(scene)

    def cost(self, edit: Edit) -> float:
        """Return the cost of an edit in its place."""
        found = edit.cost + self.base
        if _returned(self.scene, edit):
            found += RETURNED
        s = self.scene.source.owner.get(id(edit.node))
        if edit.family == INPLACE:  # a copy is wanted where a view is made, whoever else makes one
            return found
        if any(a <= edit.spans[0][0] < b for a, b in self.copied):
            found += COPIED
        if s in self.twins:
            found += TWIN
        alias = isinstance(s, ast.Assign) and isinstance(s.value, ast.Name)
        if edit.family == FINITE and self.origin not in (None, s) and not alias:
            found += LATER
        if _stored(self.scene, edit):
            found += STORED
        if _of_shape(self.scene, edit):
            found += SIZES
        if alias:
            found += ALIAS
        elif s in self.plain:
            found += VALUES
        return found - IDLE * self.uses_idle(edit)

    def uses_idle(self, edit: Edit) -> bool:
        """Whether an edit uses a name that the function gives a value and never uses."""
        return any(self.idle & set(WORD.findall(new)) for _, _, new in edit.spans)


def cleared(scene: Scene, edit: Edit, spots: Holes) -> bool:
    """Whether an edit is within an expression that is surely not at fault alone."""
    at = None if edit.family in (AXIS, SUM) else edit.node  # these give a value of another shape
    while at is not None and not isinstance(at, ast.stmt) and spots.cleared:
        if id(at) in spots.cleared:
            return True
        at = scene.source.place.get(id(at), (None, ""))[0]
    return False


def _returned(scene: Scene, edit: Edit) -> bool:
    """Whether an edit is of a name in `return`, or of a sum of it: where that is made is better.

    Unless it is no gradient yet, as its name says.
    """
    node, place = edit.node, scene.source.place
    parent = place.get(id(node), (None, ""))[0]
    while isinstance(parent, ast.Tuple | ast.Attribute | ast.Call) and not isinstance(
        node, ast.BinOp
    ):
        if isinstance(parent, ast.Call) and not isinstance(parent.func, ast.Attribute):
            break
        parent = place[id(parent)][0]
    if not isinstance(parent, ast.Return) or not isinstance(
        node, ast.Name | ast.Tuple | ast.Attribute | ast.Call
    ):
        return False
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return isinstance(node, ast.Tuple) or any(_speaks(name) for name in names)


def _stored(scene: Scene, edit: Edit) -> bool:
    """Whether an edit is of the array whose items are assigned."""
    parent, name = scene.source.place.get(id(edit.node), (None, ""))
    stored = isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store)
    return stored and name == "value"


def _speaks(name: str) -> bool:
    """Whether a name is that of a gradient."""
    return name.lower().startswith(("d", "g")) or "grad" in name.lower()


def _twins(scene: Scene) -> set[ast.stmt]:
    """Return the statements that are repeated later in their block, or whose value is."""
    source, found = scene.source, set()

    def texts(s: ast.stmt) -> set[str]:
        value = s.value if isinstance(s, ast.Assign) else None
        long = isinstance(value, ast.BinOp | ast.Call)
        return {source.segment(s)} | ({source.segment(value)} if long and value else set())

    for s in source.statements():
        block, k = source.block[id(s)]
        if any(texts(t) & texts(s) for t in block[k + 1 :]):
            found.add(s)
    return found


def _origin(scene: Scene) -> ast.stmt | None:
    """Return the first statement in which a value is not finite."""
    for s in scene.source.statements():
        for node in ast.walk(s):
            x = scene.value(node) if isinstance(node, ast.expr) else None
            if isinstance(x, np.ndarray | float) and not _finite(np.asarray(x)):
                return scene.source.owner.get(id(node))
    return None


def _finite(x: Any) -> bool:
    return x.dtype.kind != "f" or bool(np.isfinite(x).all())


def _idle(scene: Scene) -> set[str]:
    """Return the names that a function gives values and never uses; sizes come unasked."""
    nodes = [n for n in scene.source.nodes if isinstance(n, ast.Name)]
    used = {n.id for n in nodes if isinstance(n.ctx, ast.Load)}
    sizes = {
        e.id
        for s in scene.source.statements()
        if isinstance(s, ast.Assign) and scene.source.segment(s.value).endswith(".shape")
        for t in s.targets
        for e in ast.walk(t)
        if isinstance(e, ast.Name)
    }
    return {n.id for n in nodes if isinstance(n.ctx, ast.Store)} - used - sizes - {"_"}


def _plain(scene: Scene) -> set[ast.stmt]:
    """Return the assignments that neither use upstream, or what is made of it, nor name it."""
    made = set(scene.arguments[:1])
    statements = [s for s in scene.source.statements() if isinstance(s, ast.Assign)]
    plain: set[ast.stmt] = set()
    for s in statements:
        names = {n.id for n in ast.walk(s.value) if isinstance(n, ast.Name)}
        targets = {n.id for t in s.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        if names & made or any(_speaks(t) for t in targets):
            made |= targets
        else:
            plain.add(s)
    return plain


def _of_shape(scene: Scene, edit: Edit) -> bool:
    """Whether an edit is of a line such as n = x.shape[0]."""
    s = scene.source.owner.get(id(edit.node))
    text = scene.source.segment(s.value) if isinstance(s, ast.Assign) else ""
    return text.startswith("len(") or (".shape" in text and len(text) < 24)


def _copied(scene: Scene, shared: Sequence[Source]) -> list[tuple[int, int]]:
    """Return the spans of the statements that forward has, too, or whose value it computes."""
    if scene.model is None:
        return []
    theirs = {
        " ".join(text.segment(n).split())
        for text in (scene.model, *shared)
        for n in text.nodes
        if hasattr(n, "lineno")
    }
    source, found = scene.source, []
    for s in source.statements():
        value = getattr(s, "value", None)
        texts = {" ".join(source.segment(s).split())}
        if isinstance(s, ast.Assign) and isinstance(value, ast.Call | ast.BinOp | ast.Subscript):
            texts.add(" ".join(source.segment(value).split()))
        if texts & theirs:
            found.append(source.span(s))
    return found
