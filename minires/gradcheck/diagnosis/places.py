"""What a change means by its place: in an index, a condition, an axis, an array that is made, ...

Each rule takes a change, what the names stand for and the place, and returns a family or "".
"""

from __future__ import annotations

import ast
import re

from ..edits.tables import (
    AXIS,
    DTYPE,
    EPS,
    FINITE,
    FLIP,
    INPLACE,
    MAKERS,
    MASK,
    OFFSET,
    ORDER,
    PADDING,
    REDUCTIONS,
    SCALE,
    SIGN,
    STALE,
    SUM,
    TRANSPOSED,
    VARIABLE,
)  # fmt: skip
from .differing import Change, holds
from .roles import Roles, called, constant, names

GUARDS = ("where", "maximum", "clip", "nan_to_num", "minimum", "logaddexp", "expit", "logsumexp")
SHIFTS = ("pad", "stride", "dilation", "step", "hop")
TURNS = ("flip", "fliplr", "flipud", "rot90")
ORDERS = ("reshape", "ravel", "flatten", "repeat", "tile", "stack")


def place(c: Change) -> str:
    """Return the role of the changed place: index, condition, axis, shape, power, or ""."""
    for node, name in reversed(c.path):
        if isinstance(node, ast.Subscript) and name == "slice":
            counting = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
            return "count" if counting else "index"
        if isinstance(node, ast.Call) and called(node) in ("range", "pad"):
            return "index"
        if isinstance(node, ast.Call) and called(node) == "astype" and name == "args":
            return "dtype"
        if isinstance(node, ast.Compare | ast.BoolOp) or (
            isinstance(node, ast.If | ast.While | ast.IfExp) and name == "test"
        ):
            return "condition"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and name == "right":
            return "power"
        if isinstance(node, ast.keyword):
            return {"axis": "axis", "dtype": "dtype", "keepdims": "axis", "out": "out"}.get(
                node.arg or "", ""
            )
    return ""


def index(c: Change, roles: Roles) -> str:
    """Return what a change in an index means."""
    texts = [ast.unparse(n) if n is not None else "" for n in (c.old, c.new)]
    around = [n for n, name in c.path if isinstance(n, ast.Subscript) and name == "slice"]
    base = ast.unparse(around[-1].value) if around else ""
    words = {w.lower() for t in texts for w in re.findall(r"[A-Za-z_]\w*", t)}
    words |= {w.lower() for n, _ in c.path if isinstance(n, ast.BinOp) for w in names(n)}
    if texts[0].count("::-1") != texts[1].count("::-1"):
        return FLIP
    if "-1" in texts and any(name == "step" for _, name in c.path):
        return FLIP
    if isinstance(c.new, ast.Compare | ast.BoolOp | ast.Invert) or "~" in "".join(texts):
        return MASK
    if any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in (c.old, c.new)):
        return VARIABLE
    if texts[0] == "-1" and isinstance(c.new, ast.Name):
        return STALE
    padded = base.lower().startswith("pad") or any(
        isinstance(n, ast.Call) and called(n) == "pad" for n, _ in c.path
    )
    if padded or any(w.startswith(SHIFTS) for w in words) or any(n == "step" for _, n in c.path):
        return PADDING
    if c.kind == "factor":
        return PADDING
    if isinstance(c.old, ast.Name) and isinstance(c.new, ast.Name):
        strided = roles.multiplied(c.old.id) != roles.multiplied(c.new.id)
        return PADDING if strided else VARIABLE
    if isinstance(c.old, ast.Slice) and isinstance(c.new, ast.Slice):
        low, high = c.old.lower, c.old.upper
        turned = (c.new.upper, c.new.lower)
        ends = [(None if x is None else ast.unparse(x)) for x in (low, high, *turned)]
        if ends[:2] == ends[2:] and constant(low or high) is None:
            return VARIABLE  # the other part
    if isinstance(c.old, ast.Tuple) or c.kind == "order":
        return AXIS if c.kind == "order" else ""
    return OFFSET


def guarded(c: Change, roles: Roles, place: str) -> str:
    """A guard around what is divided by, or given to log and exp."""
    if c.new is None or (c.old is None and c.kind != "term"):
        return ""
    within = [called(n) for n, _ in c.path if isinstance(n, ast.Call)]
    risky = bool({"log", "exp", "sqrt", "log1p", "power"} & set(within))
    if c.kind == "term":
        return FINITE if within[-1:] == ["exp"] and c.sign < 0 and _largest(c.new, roles) else ""
    assert c.old is not None
    if isinstance(c.new, ast.Call) and called(c.new) in GUARDS and holds(c.new, c.old):
        masked = called(c.new) in ("where", "maximum") and constant(c.new.args[-1]) == 0
        shut = called(c.new) == "where" and re.search(r"\binf\b", ast.unparse(c.new))
        return "" if masked or shut else FINITE
    if risky and isinstance(c.new, ast.Call) and called(c.new) in ("abs", "minimum"):
        return FINITE
    return ""


def _largest(node: ast.AST, roles: Roles) -> bool:
    """Whether a piece is a maximum, by its definition."""
    return any(isinstance(n, ast.Call) and called(n) in ("max", "amax") for n in roles.behind(node))


def array(c: Change, roles: Roles, place: str) -> str:
    """An array of whole numbers where fractions are needed, a buffer that is shared."""
    made = [n for n, _ in c.path if isinstance(n, ast.Call) and called(n) in MAKERS]
    texts = [ast.unparse(n) if n is not None else "" for n in (c.old, c.new)]
    if place == "dtype" or "dtype" in texts[0] + texts[1] or "astype" in texts[0] + texts[1]:
        return DTYPE
    kinds = [type(getattr(n, "value", None)) for n in (c.old, c.new)]
    if kinds == [int, float] and constant(c.old) == constant(c.new):
        return DTYPE
    if made and (place != "axis") and isinstance(c.old, ast.Constant):
        return DTYPE if isinstance(constant(c.new), float) else ""
    whole = [n for n in (c.old,) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.FloorDiv)]
    if whole and isinstance(c.new, ast.BinOp) and isinstance(c.new.op, ast.Div):
        return DTYPE
    if "//" in texts[0] and "//" not in texts[1] and texts[0].replace("//", "/") == texts[1]:
        return DTYPE
    if all(isinstance(n, ast.Call) and called(n) in MAKERS for n in (c.old, c.new)):
        return DTYPE
    if isinstance(c.new, ast.ListComp):
        return STALE
    return ""


def axis(c: Change, roles: Roles, place: str) -> str:
    """Another axis, or a sum over one that is missing."""
    calls = [n for n, _ in c.path if isinstance(n, ast.Call)]
    if isinstance(c.old, ast.Call) and isinstance(c.new, ast.Call):
        if called(c.old) == called(c.new) in (*REDUCTIONS, "roll", "cumsum", "flip"):
            given = [{k.arg for k in n.keywords} for n in (c.old, c.new)]
            if ("keepdims" in given[0]) != ("keepdims" in given[1]):
                return AXIS
        if {called(c.old), called(c.new)} == {"sum", "mean"}:
            return SCALE
        if called(c.new) == "sum" and called(c.old) in ("take", "copy"):
            return SUM
    if isinstance(c.new, ast.Call) and called(c.new) in ("sum", "mean") and c.old is not None:
        if called(c.old) in ("sum", "mean") and "axis" in ast.unparse(c.old):
            return AXIS if "axis" in ast.unparse(c.new) else SUM
        taken = isinstance(c.old, ast.Subscript) and holds(c.new, c.old.value)
        if taken or holds(c.new, c.old):
            return SUM
    assert c.old is not None
    assert c.new is not None
    texts = [ast.unparse(n) for n in (c.old, c.new)]
    if isinstance(c.new, ast.Subscript) and holds(c.new, c.old) and "None" in texts[1]:
        return AXIS
    single = isinstance(c.old, ast.Subscript) and constant(c.old.slice) is not None
    if calls and called(calls[-1]) == "sum" and single and holds(c.old, c.new):
        return SUM  # not of one of the copies
    both = "sum" in _calls(c.old) & _calls(c.new)
    if both and "axis=" in texts[0] and "axis=" not in texts[1]:
        return SUM
    reducing = calls and called(calls[-1]) in REDUCTIONS
    summing = bool(calls) and called(calls[-1]) == "sum"
    if place == "axis" and summing and isinstance(c.new, ast.Constant) and c.new.value is None:
        return SUM
    if place == "axis" or (reducing and _axes(c.old) and _axes(c.new)):
        more = _axes(c.old) < _axes(c.new) and reducing and called(calls[-1]) == "sum"
        kept = any(k.arg == "keepdims" for k in calls[-1].keywords) if calls else False
        return SUM if more and not kept else AXIS
    return ""


def _axes(node: ast.AST | None) -> set[int]:
    """Return the axes that are written out: 1 or (0, 2); none of another expression."""
    try:
        value = ast.literal_eval(ast.unparse(node)) if isinstance(node, ast.expr) else ()
    except (ValueError, SyntaxError, TypeError):
        return set()
    axes = value if isinstance(value, tuple) else (value,)
    return set(axes) if all(isinstance(axis, int) for axis in axes) else set()


def order(c: Change, roles: Roles, place: str) -> str:
    """Transposes, products of matrices, and reshapes."""
    calls = [called(n) for n, _ in c.path if isinstance(n, ast.Call)]
    olds, news = _calls(c.old), _calls(c.new)
    if c.new is not None and ({"swapaxes", "transpose", "T", "mT"} & (olds ^ news)):
        many = re.search(r"transpose\(\(?\s*\d+, \d+, \d+", ast.unparse(c.new))
        return ORDER if many or "reshape" in olds & news else TRANSPOSED
    if calls and calls[-1] == "transpose":
        return ORDER
    if calls and calls[-1] in ORDERS and (c.kind != "other" or not _values(c)):
        return ORDER
    if {"reshape", "ravel"} & (olds ^ news) and c.old is not None and c.new is not None:
        return ORDER
    both = [n for n in (c.old, c.new) if isinstance(n, ast.Call)]
    if len(both) == 2 and called(both[0]) == called(both[1]) in ORDERS:
        return ORDER
    if c.kind == "order" and isinstance(c.old, ast.Call):
        if called(c.old) == "transpose" and len(c.old.args) > 2:
            return ORDER
        swapped = {"reshape": ORDER, "cross": SIGN, "where": MASK, "correlate": FLIP,
                   "convolve": FLIP, "subtract": SIGN}  # fmt: skip
        return swapped.get(called(c.old), TRANSPOSED)
    if c.old is not None and isinstance(c.new, ast.BinOp) and matmul(c.old):
        return TRANSPOSED if sorted(names(c.old)) == sorted(names(c.new)) else ""
    return ""


def _values(c: Change) -> bool:
    """Whether a change in a reshape is of the array that it is given."""
    node, name = next((n, name) for n, name in reversed(c.path) if isinstance(n, ast.Call))
    return name == "func" or any(
        isinstance(n, ast.keyword) for n, _ in c.path if n is not node and holds(node, n)
    )


def _calls(node: ast.AST | None) -> set[str]:
    if node is None:
        return set()
    found = {called(n) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return found | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def condition(c: Change, roles: Roles, place: str) -> str:
    """Another condition, or another choice."""
    if place == "condition":
        return MASK
    both = [n for n in (c.old, c.new) if n is not None]
    if any(isinstance(n, ast.Compare | ast.BoolOp | ast.IfExp) for n in both):
        return MASK
    if any(isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.Invert | ast.Not) for n in both):
        return MASK
    if any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.BitAnd | ast.BitOr) for n in both):
        return MASK
    if {"tril", "triu", "where"} & (_calls(c.new) - _calls(c.old)):
        return MASK
    words = {called(n) for n in both}
    choosing = ({"maximum", "minimum"}, {"max", "min"}, {"argmax", "argmin"}, {"tril", "triu"})
    if len(both) == 2 and words in choosing:
        return MASK
    return ""


def flipped(c: Change, roles: Roles, place: str) -> str:
    """Another direction."""
    texts = [ast.unparse(n) if n is not None else "" for n in (c.old, c.new)]
    if ("::-1" in texts[0]) != ("::-1" in texts[1]):
        return FLIP
    olds, news = _calls(c.old), _calls(c.new)
    if set(TURNS) & (olds ^ news) or {"reversed"} & (olds ^ news):
        return FLIP
    if olds ^ news == {"correlate", "convolve"}:
        return FLIP
    return ""


def epsilon(c: Change, roles: Roles, place: str) -> str:
    """A small number that keeps a denominator from zero, elsewhere or of another size."""
    if place in ("power", "count", "axis"):
        return ""
    olds, news = roles.epsilons(c.old), roles.epsilons(c.new)
    if c.kind == "term":
        bare = c.piece if isinstance(c.piece, ast.Constant | ast.Name | ast.BinOp) else None
        return EPS if bare is not None and roles.epsilon(bare) else ""
    if (olds or news) and isinstance(c.old, ast.Constant | ast.Name):
        return EPS
    return EPS if olds and news and c.kind == "other" else ""


def copied(c: Change, roles: Roles, place: str) -> str:
    """A copy, so that nobody else's array is written to."""
    if place == "out" or any(k.arg == "out" for k in getattr(c.old, "keywords", [])):
        return INPLACE
    if isinstance(c.new, ast.Call) and called(c.new) in ("copy", "array", "deepcopy"):
        return INPLACE if c.old is not None and holds(c.new, c.old) else ""
    return ""


def matmul(node: ast.AST) -> bool:
    """Whether a piece is a product of matrices."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
