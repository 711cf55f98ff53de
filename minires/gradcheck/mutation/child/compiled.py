"""Functions compiled by Numba: who calls whom, and how to make them forget what was compiled."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any


class Compiled:
    """All dispatchers (compiled functions) of this process, with what each of them calls."""

    def __init__(self) -> None:
        self.dispatchers: list[Any] = []
        self.ufuncs: list[Any] = []
        if "numba" in sys.modules:
            for thing in gc.get_objects():
                name = type(thing).__name__
                if name == "CPUDispatcher":
                    self.dispatchers.append(thing)
                elif name in ("DUFunc", "GUFunc"):
                    self.ufuncs.append(thing)
        self.of = {id(d.py_func): d for d in self.dispatchers}

    def callers(self, functions: Iterable[FunctionType]) -> list[Any]:
        """Return the dispatchers of `functions` and every one that calls those, however deeply."""
        ids = {id(f) for f in functions}
        if any(id(getattr(u, "py_func", u)) in ids for u in self.ufuncs):
            raise LookupError("a function of Numba's vectorize")
        reached = [d for d in self.dispatchers if id(d.py_func) in ids]
        known = {id(d) for d in reached} | ids
        found = reached
        while found:
            found = [
                d
                for d in self.dispatchers
                if id(d) not in known and any(id(v) in known for v in mentioned(d.py_func))
            ]
            known |= {id(d) for d in found}
            reached += found
        return reached

    def forget(self, functions: Iterable[FunctionType]) -> None:
        """Let `functions`, and what calls them, be compiled anew when called, and not be kept."""
        callers = self.callers(functions)
        if not callers:
            return
        from numba.core.caching import NullCache

        for d in callers:
            d._make_finalizer()()
            d._reset_overloads()
            d._can_compile = True
            d._cache = NullCache()


def mentioned(function: FunctionType) -> Iterator[Any]:
    """Yield the global, closed-over and module attribute values that a function's code names."""
    names = set(_names(function.__code__))
    space = function.__globals__
    for name in names:
        value = space.get(name)
        if isinstance(value, ModuleType):
            yield from (getattr(value, n, None) for n in names)
        elif isinstance(value, tuple | list):
            yield from value
        elif value is not None:
            yield value
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not yet assigned
            continue


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for c in code.co_consts:
        if isinstance(c, CodeType):
            yield from _names(c)
