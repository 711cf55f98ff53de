"""What the names of a backward pass stand for: gradients, masks, counts, small numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ..edits.tables import DETACHED, REDUCTIONS, TERM
from .differing import Change, factors, terms

Function = ast.FunctionDef | ast.Lambda
MASKING = ("where", "tril", "triu", "logical_and", "logical_or", "isfinite")
COUNTING = ("len", "size", "prod", "ndim", "bincount", "count_nonzero")


class Roles:
    """The names of one backward pass, beside its forward pass."""

    def __init__(self, root: Function, model: Function | None) -> None:
        self.root, self.model = root, model
        self.defined: dict[str, list[ast.expr]] = {}
        self.line: dict[str, int] = {}  # of the last assignment
        for node in ast.walk(root):
            for name, value in _assigned(node):
                self.defined.setdefault(name, []).append(value)
                self.line[name] = getattr(node, "lineno", 0)
        self.theirs: dict[str, list[ast.expr]] = {}
        for node in ast.walk(model) if model is not None else ():
            for name, value in _assigned(node):
                self.theirs.setdefault(name, []).append(value)
        given = [a.arg for a in root.args.args if a.arg not in ("self", "ctx", "cls")]
        self.indices = {
            n for s in ast.walk(root) if isinstance(s, ast.Subscript) for n in names(s.slice)
        }
        self.upstream = given[0] if given else ""
        self.flowing = {self.upstream}
        while grown := {
            n
            for n, values in self.defined.items()
            if n not in self.flowing and any(self.carriers(v) for v in values)
        }:
            self.flowing |= grown

    # ---- gradients ------------------------------------------------------------------------------
    def carriers(self, node: ast.AST) -> set[str]:
        """Return the names in a piece that were made of the upstream gradient."""
        if isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "ndim", "dtype"):
            return set()
        if isinstance(node, ast.Name):
            return self.flowing & {node.id}
        sized = isinstance(node, ast.Call) and called(node) in ("len", "zeros_like", "range")
        inner = [] if sized else ast.iter_child_nodes(node)
        return set().union(*(self.carriers(n) for n in inner))

    def made(self, target: str) -> list[ast.expr]:
        """Return what a target is made of elsewhere."""
        return self.defined.get(target.split("[")[0], [])

    def path_or_term(self, new: Sequence[ast.expr], old: Sequence[ast.AST], c: Change) -> str:
        """Is what lacks a way of its own (another gradient), or a term of the same product?"""
        mine = set().union(*(self.carriers(x) for x in old)) if old else set()
        theirs = set().union(*(self.carriers(x) for x in new))
        if any(self._carried(name, c) for name in theirs):
            return TERM  # what the next step of a loop left
        if theirs - mine:
            return DETACHED
        flows = (x for n in new for x in ast.walk(n) if isinstance(x, ast.Call))
        spread = any(
            called(x) in REDUCTIONS and self.carriers(x) and "keepdims" in ast.unparse(x)
            for x in flows
        )
        return DETACHED if spread else TERM

    def _carried(self, name: str, c: Change) -> bool:
        loops = [n for n, _ in c.path if isinstance(n, ast.For | ast.While)]
        at = getattr(c.whole, "lineno", 0)
        return any(
            at < self.line.get(name, 0) <= (loop.end_lineno or 0) for loop in loops
        ) and name not in {a.arg for a in self.root.args.args}

    # ---- what stands behind a name --------------------------------------------------------------
    def behind(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the pieces of an expression, and of what its names were assigned."""
        waiting, seen = [node], set()
        while waiting:
            for n in ast.walk(waiting.pop()):
                yield n
                if isinstance(n, ast.Name) and n.id not in seen:
                    seen.add(n.id)
                    waiting += self.defined.get(n.id, []) or self.theirs.get(n.id, [])

    def _values(self, node: ast.AST) -> list[ast.AST]:
        """Return an expression, or what a name was assigned (here, or in forward)."""
        if isinstance(node, ast.Name):
            found = self.defined.get(node.id) or self.theirs.get(node.id)
            return [*found] if found else [node]
        return [node]

    def overwritten(self, name: str) -> bool:
        """Whether a name is given another value on the way: an argument, or in a loop."""
        arguments = {a.arg for a in self.root.args.args}
        return len(self.defined.get(name, [])) + (name in arguments) > 1

    def multiplied(self, name: str) -> bool:
        """Whether a name is an index that was made by a product: s = stride * o."""
        return any(
            isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)
            for value in self.defined.get(name, [])
            for n in ast.walk(value)
        )

    def mask(self, node: ast.AST) -> bool:
        """Whether a piece lets values through: a comparison, or a name for one."""
        for x in self._values(node):
            if isinstance(x, ast.Compare | ast.BoolOp):
                return True
            if isinstance(x, ast.BinOp) and isinstance(x.op, ast.BitAnd | ast.BitOr):
                return True
            if isinstance(x, ast.Call) and called(x) in MASKING:
                return True
            if (
                isinstance(x, ast.Call)
                and called(x) == "astype"
                and isinstance(x.func, ast.Attribute)
            ):
                return self.mask(x.func.value)
        words = ("mask", "keep", "live", "active", "valid")
        named = isinstance(node, ast.Name) and not node.id.isupper()
        return (
            isinstance(node, ast.Name) and named and node.id.lower().lstrip("_").startswith(words)
        )

    def count(self, node: ast.AST, depth: int = 3) -> bool:
        """Whether a piece is a number of elements: a size, or made of sizes."""
        if isinstance(node, ast.BinOp):
            sides = (node.left, node.right)
            numbers = [constant(x) is not None for x in sides]
            counts = [self.count(x, depth) for x in sides]
            return any(counts) and all(c or n for c, n in zip(counts, numbers, strict=True))
        if isinstance(node, ast.Call):
            inner = node.func.value if isinstance(node.func, ast.Attribute) else node
            return called(node) in COUNTING or (
                called(node) == "sum" and self.mask(inner)
            ) or (called(node) in ("max", "maximum", "float", "int") and any(
                self.count(a, depth) for a in node.args))  # fmt: skip
        if isinstance(node, ast.Attribute):
            return node.attr in ("size", "ndim")
        if isinstance(node, ast.Subscript):
            shape = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
            lengths = isinstance(node.value, ast.Name) and self.counted(node.value.id)
            return shape or lengths
        if isinstance(node, ast.Name):
            if self.counted(node.id):
                return True
            return depth > 0 and any(
                self.count(x, depth - 1) for x in self._values(node) if x is not node
            )
        return False

    def counted(self, name: str) -> bool:
        word = name.lower()
        sized = any(
            isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Tuple)
            and name in names(n.targets[0])
            and ast.unparse(n.value).endswith(".shape")
            for r in (self.root, self.model)
            if r is not None
            for n in ast.walk(r)
        )
        return sized or word.startswith(("count", "length", "len_", "num_", "n_", "area", "size"))

    # ---- numbers --------------------------------------------------------------------------------
    def number(self, node: ast.AST) -> bool:
        """Whether a piece is made of numbers only."""
        return not names(node) and any(isinstance(n, ast.Constant) for n in ast.walk(node))

    def scalar(self, node: ast.AST) -> bool:
        """Whether a piece is a constant by its looks: REG, a number's root, an outer name."""
        arguments = {a.arg for r in (self.root, self.model) if r is not None for a in r.args.args}
        return all(
            n.isupper() or (n not in arguments and all(self._plain(x) for x in self._behind(n)))
            for n in names(node)
            if n not in ("np", "numpy", "math")
        )

    def _behind(self, name: str) -> list[ast.expr]:
        return self.defined.get(name) or self.theirs.get(name) or []

    def _plain(self, node: ast.AST) -> bool:
        """Whether an expression is made of numbers and sizes: 1 / np.sqrt(x.shape[1])."""
        if constant(node) is not None or self.count(node):
            return True
        if isinstance(node, ast.BinOp):
            return self._plain(node.left) and self._plain(node.right)
        rooted = isinstance(node, ast.Call) and called(node) in ("sqrt", "float") and node.args
        return bool(rooted) and all(self._plain(x) for x in node.args)  # type: ignore[attr-defined]

    def power(self, value: float) -> bool:
        """Whether forward has a number as an exponent, and nowhere as a factor."""
        if self.model is None:
            return False
        every = [n for n in ast.walk(self.model) if isinstance(n, ast.BinOp)]
        powers = [constant(n.right) for n in every if isinstance(n.op, ast.Pow)]
        scales = [
            constant(x)
            for n in every
            for _, x in factors(n)
            if isinstance(n.op, ast.Mult | ast.Div)
        ]
        return value in powers and value not in scales

    def epsilon(self, node: ast.AST) -> bool:
        """Whether a piece is a small number that is added to something, or named eps."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            return self.epsilon(node.left)
        if isinstance(node, ast.Name):
            return node.id.lower().startswith(("eps", "tiny", "delta_"))
        value = constant(node)
        return value is not None and isinstance(value, float) and 0 < abs(value) <= 0.5

    def epsilons(self, node: ast.AST | None) -> set[str]:
        """Return the small numbers that are terms of sums in a piece; the piece, if it is one."""
        if node is None:
            return set()
        found = {ast.unparse(node)} if isinstance(node, ast.Name) and self.epsilon(node) else set()
        for n in ast.walk(node):
            if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add):
                found |= {ast.unparse(x) for _, x in terms(n) if self.epsilon(x)}
        return found


def names(node: ast.AST) -> list[str]:
    """Return the names in a piece."""
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]


def called(node: ast.AST) -> str:
    """Return the last word of what a call calls: "sum" of np.sum(x) and of x.sum()."""
    f = node.func if isinstance(node, ast.Call) else None
    return f.attr if isinstance(f, ast.Attribute) else f.id if isinstance(f, ast.Name) else ""


def constant(node: ast.AST | None) -> float | int | None:
    """Return the value of a number, with its sign; None of anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    return None


def slicing(index: ast.AST) -> bool:
    """Whether an index takes a range of elements."""
    return any(isinstance(n, ast.Slice) for n in ast.walk(index))


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else []
            for k, part in enumerate(parts):
                value = values[k] if len(values) == len(parts) and len(parts) > 1 else node.value
                base = part.value if isinstance(part, ast.Subscript) else part
                if isinstance(base, ast.Name):
                    yield base.id, value
    elif isinstance(node, ast.AugAssign):
        base = node.target.value if isinstance(node.target, ast.Subscript) else node.target
        if isinstance(base, ast.Name):
            yield base.id, node.value
    elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
        yield node.target.id, node.iter
