"""What kind of mistake an edit mends: its family, from what the changed piece does there.

The same change of characters means different things in different places: a 1 for a 2 is an axis,
an index, a count or a factor. So the place decides first (an index, a condition, an axis, an
array that is made), then what was changed in it.
"""

from __future__ import annotations

import ast
from collections import Counter

from ..edits import Source
from ..edits.source import Span
from ..edits.tables import (
    ADDED,
    FACTOR,
    FINITE,
    INPLACE,
    MASK,
    PADDING,
    SCALE,
    SIGN,
    STALE,
    TERM,
    TRANSPOSED,
    UPSTREAM,
    VARIABLE,
)  # fmt: skip
from . import places
from .differing import Change, differences, holds, same
from .roles import Roles, constant, names, slicing

WHOLE = (places.array, places.axis, places.order, places.condition, places.flipped, places.copied)


def family_of(
    source: Source,
    spans: tuple[Span, ...],
    given: str,
    model: Source | None = None,
    finite: bool = True,
) -> str:
    """Return the family of the mistake that an edit mends; `given` where nothing else is sure.

    `model` is forward; `finite` says whether the wrong gradients are.
    """
    try:
        new = Source(source.edited(spans)).root
    except ValueError:
        return given
    old = source.root
    roles = Roles(old, model.root if model is not None else None)
    changes = differences(old, new)
    if whole := _together(changes):
        return whole
    if not finite:
        return FINITE
    found = [f for c in changes if (f := _one(c, roles, given))]
    return Counter(found).most_common(1)[0][0] if found else given


def _together(changes: list[Change]) -> str:
    """What only the whole edit shows: two pieces that are exchanged."""
    if len(changes) == 2 and all(c.kind == "other" for c in changes):
        a, b = changes
        pieces = [ast.dump(n) for n in (a.old, b.new, a.new, b.old) if n is not None]
        if len(pieces) == 4 and pieces[0] == pieces[1] and pieces[2] == pieces[3]:
            nodes = [{id(n) for n, _ in x.path if places.matmul(n)} for x in (a, b)]
            return TRANSPOSED if nodes[0] & nodes[1] else VARIABLE
    return ""


def _one(c: Change, roles: Roles, given: str) -> str:
    if c.kind == "statement":
        return _statement(c, roles, given)
    if isinstance(c.old, ast.stmt) and isinstance(c.new, ast.stmt):
        return _restated(c.old, c.new, c, roles)
    place = places.place(c) or ("index" if _makes_index(c, roles) else "")
    if place == "index":
        return places.index(c, roles)
    whole = c.kind in ("other", "order")
    rules = WHOLE if whole else (places.condition,)
    for rule in (places.guarded, *rules, places.epsilon):
        if said := rule(c, roles, place):
            return str(said)
    if c.kind == "sign":
        return SIGN
    if c.kind == "term":
        return _term(c, roles) if c.new is not None else TERM
    if c.kind == "factor":
        return _factor(c, roles)
    return _other(c, roles, given)


def _makes_index(c: Change, roles: Roles) -> bool:
    """Whether a number is changed in what is used as an index: a, b = 2 * i, 2 * j."""
    s = next((n for n, _ in c.path if isinstance(n, ast.Assign)), None)
    numeric = isinstance(c.piece, ast.Constant | ast.Name) and c.kind in ("term", "factor", "other")
    if s is None or not numeric or roles.carriers(s.value) or isinstance(c.old, ast.Call):
        return False
    made = set(names(s.targets[0]))
    return isinstance(s.targets[0], ast.Name | ast.Tuple) and made <= roles.indices


def _statement(c: Change, roles: Roles, given: str) -> str:
    """A statement more, or one less."""
    if c.new is None:
        s = c.old
        if isinstance(s, ast.AugAssign):
            return _augmented(s, c, roles) or given
        return given
    s = c.new
    if isinstance(s, ast.AugAssign):
        return _augmented(s, c, roles) or given
    if not isinstance(s, ast.Assign):
        return given
    target, value = s.targets[0], s.value
    if isinstance(target, ast.Subscript) and constant(value) == 0:
        masked = not slicing(target.slice)
        return MASK if masked else STALE
    if isinstance(target, ast.Name) and holds(value, ast.Name(target.id, ast.Load())):
        inner = ast.Name(target.id, ast.Load())
        pair = Change("other", inner, value, (*c.path, (s, "value")), s)
        more = differences(inner, value, pair.path)
        return next((f for x in more if (f := _one(x, roles, given))), given)
    return given


def _augmented(s: ast.AugAssign, c: Change, roles: Roles) -> str:
    if isinstance(s.op, ast.Add | ast.Sub):
        return roles.path_or_term([s.value], roles.made(ast.unparse(s.target)), c)
    if isinstance(s.op, ast.Mult | ast.Div):
        sign = 1 if isinstance(s.op, ast.Mult) else -1
        if isinstance(s.target, ast.Subscript) and constant(s.value) is not None:
            return FACTOR  # of some elements only
        return _factor(Change("factor", None, s.value, c.path, s.target, sign), roles)
    return ""


def _restated(old: ast.stmt, new: ast.stmt, c: Change, roles: Roles) -> str:
    """One statement in place of another: = and +=, np.add.at, reordered ones."""
    if c.kind == "order":
        return INPLACE if "out=" in ast.unparse(old) + ast.unparse(new) else STALE
    if isinstance(old, ast.For):
        return ""
    text = ast.unparse(new)
    if ".at(" in text and isinstance(old, ast.AugAssign | ast.Assign):
        return ADDED
    if isinstance(old, ast.Assign) and isinstance(new, ast.AugAssign):
        if not isinstance(new.op, ast.Add | ast.Sub):
            return FACTOR
        keyed = isinstance(new.target, ast.Subscript) and not slicing(new.target.slice)
        looped = any(isinstance(n, ast.For | ast.While) for n, _ in c.path)
        return ADDED if keyed or looped else STALE
    if isinstance(old, ast.AugAssign) and isinstance(new, ast.AugAssign):
        return SIGN if isinstance(new.op, ast.Add | ast.Sub) else ""
    if isinstance(old, ast.AugAssign) and isinstance(new, ast.Assign):
        return INPLACE if holds(new.value, _loaded(old.target)) else STALE
    if isinstance(old, ast.Assign) and len(old.targets) > 1:
        return STALE  # two names for one array
    if isinstance(old, ast.Assign) and isinstance(new, ast.Assign):
        return VARIABLE if isinstance(old.targets[0], ast.Tuple) else ""
    return ""


def _loaded(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


# ---- terms, factors, names -----------------------------------------------------------------------
def _term(c: Change, roles: Roles) -> str:
    assert isinstance(c.new, ast.expr)
    if roles.count(c.whole):
        return SCALE
    if _strided(c.new) and not roles.carriers(c.whole):
        return PADDING
    if isinstance(c.whole, ast.Constant) or constant(c.whole) == 1:
        return VARIABLE if not isinstance(c.new, ast.Constant) else FACTOR
    if _parts(c.whole, c.new):
        return ADDED
    return roles.path_or_term([c.new], [c.whole], c)


def _strided(node: ast.AST) -> bool:
    return any(n.lower().startswith(places.SHIFTS) for n in names(node))


def _parts(a: ast.AST, b: ast.AST) -> bool:
    """Whether two pieces are parts of one array."""
    if not (isinstance(a, ast.Subscript) and isinstance(b, ast.Subscript)):
        return False
    return same(a.value, b.value) and slicing(b.slice)


def _factor(c: Change, roles: Roles) -> str:
    """What a factor that is missing, too many or upside down stands for."""
    piece = c.piece
    if c.old is None and roles.carriers(piece) and not roles.carriers(c.whole):
        return UPSTREAM
    if roles.mask(piece):
        return MASK
    if roles.count(piece):
        return SCALE
    if _strided(piece) and not roles.carriers(c.whole):
        return PADDING
    value = constant(piece)
    if value == -1:
        return SIGN
    if value is not None:
        return FACTOR if roles.power(value) else SCALE
    return SCALE if roles.scalar(piece) else FACTOR


def _other(c: Change, roles: Roles, given: str) -> str:
    a, b = c.old, c.new
    place = places.place(c)
    if place == "power":
        base = c.path[-1][0].left if isinstance(c.path[-1][0], ast.BinOp) else None
        return SCALE if base is not None and roles.number(base) else FACTOR
    if place == "count":
        return SCALE
    if a is None or b is None:
        return given
    if isinstance(a, ast.Name) and roles.mask(a):
        return MASK
    x, y = constant(a), constant(b)
    if y == 1 and roles.carriers(a):
        return FACTOR  # the upstream gradient once too often
    if x is not None and y is not None:
        return SIGN if x == -y else FACTOR if roles.power(y) else SCALE
    if isinstance(a, ast.expr) and isinstance(b, ast.expr):
        parent = c.path[-1][0] if c.path else None
        whole = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.FloorDiv | ast.Mod)
        if roles.count(a) and roles.count(b) and not whole:
            return SCALE
        if any(isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name)
               and roles.counted(s.targets[0].id) for s, _ in c.path):  # fmt: skip
            return SCALE
        if roles.carriers(b) and not roles.carriers(c.whole) and given == UPSTREAM:
            return UPSTREAM
    if isinstance(a, ast.Name | ast.Attribute) and isinstance(b, ast.Name | ast.Attribute):
        functions = any(isinstance(n, ast.Call) and f == "func" for n, f in c.path[-2:])
        if functions:
            return given
        if isinstance(a, ast.Name) and isinstance(b, ast.Name):
            target = next((s.targets[0] for s, _ in c.path if isinstance(s, ast.Assign)), None)
            carried = isinstance(target, ast.Name) and target.id == b.id
            if carried or (roles.overwritten(a.id) and not roles.overwritten(b.id)):
                return STALE
        return VARIABLE
    if isinstance(a, ast.Name) and isinstance(b, ast.BinOp) and isinstance(b.op, ast.Pow):
        return FACTOR
    if isinstance(a, ast.BinOp) and isinstance(b, ast.BinOp) and isinstance(a.op, ast.Pow):
        return FACTOR
    return given
