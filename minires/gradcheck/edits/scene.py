"""What the edits of a function may draw on: names, shapes, sizes, and what forward computes."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .source import Source
from .values import KINDS, Seen

Shape = tuple[int, ...]
UNKNOWN: Any = object()


def fits(small: Shape, large: Shape) -> bool:
    """Return whether one shape broadcasts to another."""
    if len(small) > len(large):
        return False
    return all(a in (1, b) for a, b in zip(small[::-1], large[::-1], strict=False))


class Scene:
    """One function, the values of a run of it (if there was one) and forward's source (if any)."""

    def __init__(
        self, source: Source, seen: Seen | None = None, model: Source | None = None
    ) -> None:
        self.source, self.seen, self.model = source, seen, model
        self.used = {n.id for n in source.nodes if isinstance(n, ast.Name)} | set(self.arguments)
        theirs = model.nodes if model is not None else []
        known = set() if seen is None else set(seen.outer)
        self.used |= {n.id for n in theirs if isinstance(n, ast.Name) and n.id in known}
        both = [*source.nodes, *theirs]
        constants = (n.value for n in both if isinstance(n, ast.Constant))
        self.numbers = sorted({c for c in constants if type(c) is int or type(c) is float})
        self._scopes: dict[int, dict[str, Any]] = {}
        self._model: dict[int, list[tuple[str, Any, str]]] = {}

    @property
    def _sources(self) -> list[Source]:
        return [self.source] if self.model is None else [self.source, self.model]

    @functools.cached_property
    def source_strides(self) -> list[str]:
        """How a stride may be written: 2, 3, and names that speak of strides."""
        words = {n for n in self.used if n.lower() in ("s", "stride", "step", "dilation", "d")}
        return ["2", "3", *sorted(words)]

    @functools.cached_property
    def index_texts(self) -> list[str]:
        """The indices that the function and forward use, as texts."""
        found: dict[str, None] = {}
        for source in self._sources:
            for n in source.nodes:
                if isinstance(n, ast.Subscript) and not isinstance(n.slice, ast.Constant):
                    found[" ".join(source.segment(n.slice).split())] = None
        return list(found)

    @functools.cached_property
    def members(self) -> dict[str, list[str]]:
        """The attributes and keys that are used of each object: {"self": ["x", "w"]}."""
        found: dict[str, dict[str, None]] = {}
        for source in self._sources:
            for n in source.nodes:
                if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name):
                    found.setdefault(n.value.id, {})[n.attr] = None
                elif isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant):
                    found.setdefault(source.segment(n.value), {})[str(n.slice.value)] = None
        return {k: list(v) for k, v in found.items() if k not in ("np", "numpy", "math")}

    @functools.cached_property
    def arguments(self) -> list[str]:
        a = self.source.root.args
        return [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)]

    def value(self, node: ast.AST) -> Any:
        """Return the value that an expression had, or UNKNOWN."""
        if self.seen is None:
            return UNKNOWN
        return self.seen.values.get(self.source.index.get(id(node), -1), UNKNOWN)

    def shape(self, node: ast.AST) -> Shape | None:
        x = self.value(node)
        return np.shape(x) if isinstance(x, KINDS) else None

    def times(self, node: ast.AST) -> int:
        return 0 if self.seen is None else self.seen.times.get(self.source.index[id(node)], 0)

    def names(self, s: ast.AST | None) -> dict[str, Any]:
        """Return the numbers and arrays that a statement can see, arguments first."""
        key = -1 if s is None else self.source.index[id(s)]
        if key not in self._scopes:
            if self.seen is None:
                found = dict.fromkeys(self._loaded(), UNKNOWN)
            else:
                here = self.seen.scope.get(key) or self.seen.scope.get(-1) or {}
                every = {**self.seen.outer, **here}
                found = {n: x for n, x in every.items() if n in self.used or n in here}
                found = {n: x for n, x in found.items() if isinstance(x, KINDS)}
            first = [n for n in self.arguments if n in found]
            self._scopes[key] = {n: found[n] for n in [*first, *found]}
        return self._scopes[key]

    def _loaded(self) -> list[str]:
        stored = {
            n.id
            for n in self.source.nodes
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        return [*self.arguments, *sorted(stored - set(self.arguments))]

    def sizes(self, s: ast.AST | None) -> dict[str, int]:
        """Return how the sizes of the visible arrays are written, two texts for each number."""
        found: dict[str, int] = {}
        names = self.names(s)
        taken: dict[int, int] = {}
        for name, x in names.items():
            if isinstance(x, int | np.integer) and not isinstance(x, bool | np.bool_) and x > 1:
                found[name] = int(x)
                taken[int(x)] = taken.get(int(x), 0) + 1
        for name, x in names.items():
            if isinstance(x, np.ndarray) and x.ndim:
                texts = {f"{name}.shape[{k}]": n for k, n in enumerate(x.shape)}
                texts |= {f"{name}.size": x.size} if x.ndim > 1 else {}
                if x.ndim > 3:
                    texts[f"{name}[0, 0].size"] = int(np.prod(x.shape[2:]))
                if x.ndim > 2:
                    texts |= {f"{name}.size // {name}.shape[{k}]": x.size // n
                              for k, n in enumerate(x.shape) if n}  # fmt: skip
                for text, n in texts.items():
                    if n > 1 and taken.get(n, 0) < 2:
                        found[text] = int(n)
                        taken[n] = taken.get(n, 0) + 1
        return found

    def evaluate(self, text: str, s: ast.AST | None) -> Any:
        """Evaluate an expression with what a statement can see; UNKNOWN if that fails."""
        if self.seen is None:
            return UNKNOWN
        key = -1 if s is None else self.source.index[id(s)]
        try:
            code = compile(text, "<term>", "eval")
            found = eval(code, dict(self.seen.outer), dict(self.seen.scope.get(key, {})))
        except Exception:  # whatever an expression in another place may raise
            return UNKNOWN
        return found if isinstance(found, KINDS) else UNKNOWN

    def theirs(self, s: ast.AST | None) -> list[tuple[str, Any, str]]:
        """Return forward's expressions that make sense at a statement: text, value, name given."""
        key = -1 if s is None else self.source.index[id(s)]
        if key not in self._model:
            self._model[key] = list(self._evaluated(s)) if self.model is not None else []
        return self._model[key]

    def _evaluated(self, s: ast.AST | None) -> Iterator[tuple[str, Any, str]]:
        assert self.model is not None
        seen = set()
        for node in self.model.nodes:
            for text, given in self._useful(node):
                if text not in seen and len(text) < 120:
                    seen.add(text)
                    x = self.evaluate(text, s)
                    if x is not UNKNOWN:
                        yield text, x, given

    def _useful(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        assert self.model is not None
        kinds = ast.BinOp | ast.Call | ast.Compare | ast.Subscript | ast.UnaryOp | ast.Attribute
        if not isinstance(node, kinds) or not isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            return
        text = " ".join(self.model.segment(node).split())
        owner = self.model.owner.get(id(node))
        given = ""
        if isinstance(owner, ast.Assign) and owner.value is node:
            given = ast.unparse(owner.targets[0])
        yield text, given
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            operands = [self.model.piece(a) for a in node.args]
            if node.func.attr == "maximum" and len(operands) == 2:
                yield f"{operands[0][0]} > {operands[1][0]}", ""
