"""One mistake made several times: the same edit in a statement, and in the lines like it.

People write a line and copy it; what is wrong in the one is wrong in the other. Lines of a block
are alike if they differ only in names, numbers and indices, and so are the elements of a tuple.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Sequence
from typing import Any

from ..edits import Edit, Scene, Source

AGAIN, COPIED = 0.25, 0.15  # dearer: the same edit several times in one line, in several lines
COPY = 1.45  # the cost up to which edits are made in several lines
NEAR = 4  # statements of a block that count as copies

Costed = tuple[float, int, Edit]


def repeated(scene: Scene, k: int, edits: Sequence[Costed], most: float) -> list[Costed]:
    """Return the edits of one place made wherever the same is wrong: up to `most` in one line."""
    source, few = scene.source, []
    for cost, _, e in edits:
        if len(e.spans) == 1 and cost <= COPY and e.spans[0][1] > e.spans[0][0]:
            few.append((cost, e))
    within: dict[Any, list[tuple[float, Edit]]] = {}
    beside: dict[Any, list[tuple[float, Edit]]] = {}
    heads = {source.header(s): s for s in source.statements()}
    kin = _kin(source)
    for cost, e in few:
        a, b, new = e.spans[0]
        s = heads.get((a, b)) if e.node is None else source.owner.get(id(e.node))
        if e.node is not None and cost <= most:
            within.setdefault((id(s), source.text[a:b], new), []).append((cost, e))
        if s is not None:
            path, tupled = _path(source, e.node, s)
            group = kin.get(id(s), id(s) if tupled else None)
            if group is not None:
                what = _change(source.text[a:b], new)
                beside.setdefault((group, path, what), []).append((cost, e))
    found = []
    groups = [(AGAIN, g) for g in within.values()] + [(COPIED, g) for g in beside.values()]
    for more, several in groups:
        made = list({e.spans: (cost, e) for cost, e in several[::-1]}.values())[::-1]
        if len(made) > 1 and not any(
            e.overlaps(f) for (_, e), (_, f) in itertools.combinations(made, 2)
        ):
            cost = max(c for c, _ in made) + more
            spans = tuple(span for _, e in made for span in e.spans)
            found.append((cost, k, Edit(cost, made[0][1].family, spans, None)))
    return list({x[2].spans: x for x in found[::-1]}.values())[::-1]


def _kin(source: Source) -> dict[int, int]:
    """Return a number for each statement that has others like it nearby."""
    found: dict[int, int] = {}
    for s in source.statements():
        block, k = source.block[id(s)]
        mine = _skeleton(s)
        for t in block[k + 1 : k + 1 + NEAR] if mine else ():
            if id(t) not in found and _skeleton(t) == mine:
                found[id(t)] = found.setdefault(id(s), id(s))
    return found


def _skeleton(node: ast.AST) -> str:
    """Return a statement without its names, numbers and indices; empty for a compound one."""
    if isinstance(node, ast.stmt) and not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
        return ""
    if isinstance(node, ast.Name | ast.Constant | ast.expr_context):
        return "x"
    children = [
        child
        for field, child in ast.iter_fields(node)
        if not (isinstance(node, ast.Subscript) and field == "slice")
    ]
    parts = [
        _skeleton(c)
        for child in children
        for c in (child if isinstance(child, list) else [child])
        if isinstance(c, ast.AST)
    ]
    name = getattr(node, "attr", None) or getattr(node, "arg", None) or type(node).__name__
    return f"{name}({','.join(parts)})"


def _path(source: Source, node: ast.AST | None, s: ast.stmt) -> tuple[str, bool]:
    """Return where an expression stands in a statement, and whether within a tuple's element."""
    parts, tupled = [], False
    while node is not None and node is not s:
        parent, field = source.place[id(node)]
        children = getattr(parent, field, None)
        if isinstance(parent, ast.Tuple):
            indexing = source.place[id(parent)][1] == "slice"
            tupled, children = tupled or not indexing, children if indexing else None
        if isinstance(children, list):
            field += str(next(i for i, c in enumerate(children) if c is node))
        parts.append(field)
        node = parent
    return "/".join(parts), tupled


def _change(old: str, new: str) -> str:
    """Return a change without what is changed: "@[::-1]", or "+" where only that is added."""
    inner = re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w(])", "@", new, count=1)
    if "@" in inner and inner != new:
        return inner
    start, end = shared_ends(old, new)
    return f"{old[start : len(old) - end]} > {new[start : len(new) - end]}"


def shared_ends(old: str, new: str) -> tuple[int, int]:
    """Return how many characters two texts have in common at the start and at the end."""
    most = min(len(old), len(new))
    start = next((i for i in range(most) if old[i] != new[i]), most)
    return start, next((i for i in range(most - start) if old[-1 - i] != new[-1 - i]), most - start)
