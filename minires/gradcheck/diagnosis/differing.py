"""Where two versions of a function differ: the smallest pairs of pieces, and what is around them.

Sums are compared term by term and products factor by factor, whatever their order of evaluation:
`a * b` and `a * b * c` differ by a factor more, not by two operands.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Path = tuple[tuple[ast.AST, str], ...]  # (node, its field), the outermost first
Signed = list[tuple[int, ast.expr]]


@dataclass(frozen=True)
class Change:
    """One difference.

    kind    "term" or "factor": something more or less in a sum or product (old or new is None);
            "sign"; "statement": one more or less; "order": two exchanged; "other": one for another
    old, new   the pieces; `whole` is the sum, product or statement of the old version they are in
    path    the old version's nodes around the piece
    sign    of a term in its sum (+1, -1), of a factor +1, of a divisor -1
    """

    kind: str
    old: ast.AST | None
    new: ast.AST | None
    path: Path
    whole: ast.AST
    sign: int = 1

    @property
    def piece(self) -> ast.AST:
        """The piece that is there, the new one if both are."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found


def differences(old: ast.AST, new: ast.AST, path: Path = ()) -> list[Change]:
    """Return what has to be changed in `old` for `new`, in the order of the source."""
    if same(old, new):
        return []
    for way in (_sums, _products):
        both = isinstance(old, ast.expr) and isinstance(new, ast.expr)
        if both and (found := way(old, new, path)) is not None:  # type: ignore[arg-type]
            return found
    if type(old) is not type(new) or isinstance(old, ast.Name | ast.Constant):
        return [Change("other", old, new, path, old)]
    if _apart(old, new):
        return [Change("other", old, new, path, old)]
    found = []
    for name in old._fields:
        a, b = getattr(old, name), getattr(new, name)
        inner = (*path, (old, name))
        if isinstance(a, list) and isinstance(b, list):
            if any(isinstance(x, ast.stmt) for x in [*a, *b]):
                found += list(_blocks(a, b, inner))
            elif len(a) == len(b) and all(isinstance(x, ast.AST) for x in [*a, *b]):
                if _exchanged(a, b):
                    return [Change("order", old, new, path, old)]
                for x, y in zip(a, b, strict=True):
                    found += differences(x, y, inner)
            elif not _alike(a, b):
                return [Change("other", old, new, path, old)]
        elif isinstance(a, ast.AST) and isinstance(b, ast.AST):
            found += differences(a, b, inner)
        elif (a is None) != (b is None) or (not isinstance(a, ast.AST) and a != b):
            return [Change("other", old, new, path, old)]
    return found


def _apart(old: ast.AST, new: ast.AST) -> bool:
    """Whether two pieces of one type have nothing in common that is worth comparing."""
    if isinstance(old, ast.Call) and isinstance(new, ast.Call):
        return _called(old.func) != _called(new.func)
    if isinstance(old, ast.Subscript) and isinstance(new, ast.Subscript):
        return not (same(old.value, new.value) or same(old.slice, new.slice))
    return False


def _called(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ast.dump(node)


def same(a: ast.AST, b: ast.AST) -> bool:
    """Whether two pieces are written alike."""
    return ast.dump(a) == ast.dump(b)


def holds(outer: ast.AST, inner: ast.AST) -> bool:
    """Whether a piece has another one in it."""
    wanted = ast.dump(inner)
    return any(type(n) is type(inner) and ast.dump(n) == wanted for n in ast.walk(outer))


def terms(node: ast.expr, sign: int = 1) -> Signed:
    """Return the terms of a sum with their signs."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        second = -sign if isinstance(node.op, ast.Sub) else sign
        return [*terms(node.left, sign), *terms(node.right, second)]
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    if negative and not isinstance(node.operand, ast.Constant):  # type: ignore[attr-defined]
        return terms(node.operand, -sign)  # type: ignore[attr-defined]
    return [(sign, node)]


def factors(node: ast.expr, over: int = 1) -> Signed:
    """Return the factors of a product (+1) and its divisors (-1)."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        second = -over if isinstance(node.op, ast.Div) else over
        return [*factors(node.left, over), *factors(node.right, second)]
    return [(over, node)]


def _alike(a: Sequence[object], b: Sequence[object]) -> bool:
    def text(xs: Sequence[object]) -> list[object]:
        return [ast.dump(x) if isinstance(x, ast.AST) else x for x in xs]

    return text(a) == text(b)


def _exchanged(a: Sequence[ast.AST], b: Sequence[ast.AST]) -> bool:
    x, y = [ast.dump(n) for n in a], [ast.dump(n) for n in b]
    return x != y and sorted(x) == sorted(y)


def _rest(a: Signed, b: Signed) -> tuple[Signed, Signed]:
    """Return what each has that the other lacks."""
    left = list(b)
    mine = []
    for sign, node in a:
        k = next((k for k, (s, n) in enumerate(left) if s == sign and same(n, node)), None)
        if k is None:
            mine.append((sign, node))
        else:
            left.pop(k)
    return mine, left


def _sums(old: ast.expr, new: ast.expr, path: Path) -> list[Change] | None:
    a, b = terms(old), terms(new)
    if len(a) == len(b) == 1 and a[0][0] == b[0][0]:
        return None
    gone, come = _rest(a, b)
    within = (*path, (old, "term"))
    if len(gone) == len(come) and all(
        any(s == -t and same(x, y) for t, y in come) for s, x in gone
    ):
        return [Change("sign", gone[0][1], come[0][1], within, old, come[0][0])] if gone else []
    if not gone or not come:
        return [
            *(Change("term", x, None, within, old, s) for s, x in gone),
            *(Change("term", None, x, within, old, s) for s, x in come),
        ]
    if len(gone) == len(come) == 1:
        if gone[0][0] != come[0][0] and len(a) == len(b) == 1:
            inner = differences(gone[0][1], come[0][1], within)
            return [Change("sign", old, new, path, old), *inner]
        return differences(gone[0][1], come[0][1], within)
    return [Change("other", old, new, path, old)] if len(a) == len(b) > 1 else None


def _products(old: ast.expr, new: ast.expr, path: Path) -> list[Change] | None:
    a, b = factors(old), factors(new)
    if len(a) == len(b) == 1:
        return None
    gone, come = _rest(a, b)
    within = (*path, (old, "factor"))
    if not gone or not come:
        return [
            *(Change("factor", x, None, within, old, s) for s, x in gone),
            *(Change("factor", None, x, within, old, s) for s, x in come),
        ]
    for few, many, more in ((come, gone, True), (gone, come, False)):
        if len(few) == 1 < len(many) and (rest := _beside(many, few[0])) is not None:
            return [
                Change("term", None if more else x, x if more else None, within, old, s)
                for s, x in rest
            ]
    if len(gone) == len(come) == 1:
        if gone[0][0] == come[0][0]:
            return differences(gone[0][1], come[0][1], within)
        return [Change("factor", gone[0][1], come[0][1], within, old, come[0][0])]
    if len(gone) == len(come) and _exchanged([x for _, x in gone], [x for _, x in come]):
        return [Change("factor", gone[0][1], come[0][1], within, old, come[0][0])]
    if len(a) == len(b) == len(gone):
        return None
    if len(gone) == len(come):
        found = []
        for (s, x), (t, y) in zip(gone, come, strict=True):
            found += [Change("factor", x, y, within, old, t)] if s != t else differences(
                x, y, within
            )  # fmt: skip
        return found
    return [Change("other", old, new, path, old)]


def _beside(product: Signed, total: tuple[int, ast.expr]) -> Signed | None:
    """Return the other terms of a sum that has a product among its terms."""
    every = terms(total[1]) if total[0] > 0 else []
    for k, (_, x) in enumerate(every):
        if _rest(product, factors(x)) == ([], []):
            return [*every[:k], *every[k + 1 :]]
    return None


def _blocks(a: Sequence[ast.stmt], b: Sequence[ast.stmt], path: Path) -> Iterator[Change]:
    """Compare two lists of statements."""
    x, y = [ast.dump(s) for s in a], [ast.dump(s) for s in b]
    if x == y:
        return
    if sorted(x) == sorted(y):
        k = next(k for k in range(len(x)) if x[k] != y[k])
        yield Change("order", a[k], b[k], path, a[k])
        return
    for tag, i, j, k, m in difflib.SequenceMatcher(None, x, y, autojunk=False).get_opcodes():
        if tag == "replace":
            for old, new in zip(a[i:j], b[k:m], strict=False):
                yield from differences(old, new, path)
        near = a[min(j, len(a) - 1)]
        for s in a[i + (m - k) * (tag == "replace") : j] if tag != "equal" else ():
            yield Change("statement", s, None, path, s)
        for s in b[k + (j - i) * (tag == "replace") : m] if tag != "equal" else ():
            yield Change("statement", None, s, path, near)
