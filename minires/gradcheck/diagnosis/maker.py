"""From an edited source to a function that runs in a namespace of its own."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from typing import Any, cast

from ..edits import NoSource, Probe, Source, instrumented
from ..edits.source import FLAGS, Span


class Maker:
    """The user's backward pass and the functions of the same module that it calls.

    `sources[0]` is backward's own; an edit of another is a helper's, seen by backward alone.
    """

    def __init__(self, backward: Callable[..., Any]) -> None:
        self.functions = [backward]
        self.sources = [Source.of(backward)]
        self.outer = outer(backward)
        own = getattr(backward, "__module__", None)
        for _ in range(2):  # helpers, and their helpers
            called = {n for s in self.sources for n in _called(s)}
            for name in sorted(called):
                f = self.outer.get(name)
                known = any(f is g for g in self.functions)
                if isinstance(f, types.FunctionType) and f.__module__ == own and not known:
                    try:
                        source = Source.of(f)
                    except NoSource:
                        continue
                    self.functions.append(f)
                    self.sources.append(source)

    @property
    def names(self) -> list[str]:
        """The functions' names, as the user wrote them."""
        return [
            getattr(f, "__qualname__", f.__name__).split("<locals>.")[-1] for f in self.functions
        ]

    def make(self, changes: dict[int, tuple[Span, ...]]) -> Callable[..., Any]:
        """Return backward with the spans of each source replaced; raises what compiling raises."""
        space = dict(self.outer)
        if set(changes) - {0}:  # every helper anew, so that all of them see the edited one
            for k in range(len(self.sources) - 1, 0, -1):
                self._define(k, changes.get(k, ()), space)
        return self._define(0, changes.get(0, ()), space)

    def _define(self, k: int, spans: tuple[Span, ...], space: dict[str, Any]) -> Callable[..., Any]:
        source, old = self.sources[k], self.functions[k]
        code = compile(source.program(spans), "<edited>", "exec", FLAGS, dont_inherit=True)
        exec(code, space)
        return cast(Callable[..., Any], _like(space[source.name], old))

    def probed(self, probe: Probe, k: int = 0) -> Callable[..., Any]:
        """Return backward, of which source k reports its values to the probe."""
        space = {**self.outer, "__probe__": probe}
        exec(instrumented(self.sources[k]), space)
        made = _like(space[self.sources[k].name], self.functions[k])
        if k:
            code = compile(self.sources[0].program(), "<edited>", "exec", FLAGS, dont_inherit=True)
            exec(code, space)
            made = _like(space[self.sources[0].name], self.functions[0])
        return cast(Callable[..., Any], made)


def outer(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's globals and closure, in a dict of their own."""
    found = dict(getattr(function, "__globals__", {}))
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars if code else (), cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not yet filled
            continue
    return found


def _like(made: Any, old: Any) -> Any:
    if isinstance(made, types.FunctionType):
        made.__defaults__ = old.__defaults__
        made.__kwdefaults__ = old.__kwdefaults__
    return made


def _called(source: Source) -> list[str]:
    calls = (n.func for n in source.nodes if isinstance(n, ast.Call))
    return [f.id for f in calls if isinstance(f, ast.Name)]
