"""Run other source than what a file holds, without writing to the file or reading old byte code.

Modules imported from now on: `install` gives Python's own loader of source files another
`get_code`, which compiles the given text. So no `.pyc` is read or written for such a file.
Modules imported before: `swap` compiles the file and the given text, walks both in parallel, and
gives every living function whose code differs the other code. Decorators, aliases
(`from layers import f`) and instances made earlier see it, because the function stays the same
object. What this cannot do (a change of a default, a class attribute, the set of closed-over
names) raises `CannotSwap`; a new process does that.
Functions compiled by Numba, and all compiled functions that call them, forget what was compiled
and are no longer kept on disk; see `compiled.py`.
"""

from __future__ import annotations

import functools
import gc
import importlib.machinery
import inspect
import linecache
import os
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

real_path = functools.cache(os.path.realpath)  # asks the disk once for each name
Key = tuple[str, str, int]  # file, qualified name, first line
_texts: dict[str, str] = {}  # file -> what to run in its place
_get_code: Any = importlib.machinery.SourceFileLoader.get_code


class CannotSwap(Exception):
    """The change is not in the code of functions that exist."""


def install(texts: dict[str, str]) -> None:
    """Compile `texts[file]` when the file is imported; tracebacks and `inspect` show that text."""
    _texts.clear()
    _texts.update({real_path(file): text for file, text in texts.items()})
    setattr(importlib.machinery.SourceFileLoader, "get_code", _substituted)  # noqa: B010
    for file in loaded(list(_texts)):
        _show(file, _texts[real_path(file)])


def _substituted(loader: Any, fullname: str) -> CodeType | None:
    text = _texts.get(real_path(loader.path))
    if text is None:
        return _get_code(loader, fullname)  # type: ignore[no-any-return]
    _show(loader.path, text)
    return compile(text, loader.path, "exec", dont_inherit=True)


def _show(file: str, text: str) -> None:
    """Keep the text where tracebacks and `inspect.getsource` look; without a time: for good."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)


def loaded(files: list[str]) -> dict[str, str]:
    """Return {file as its module has it: module} of those files that are imported."""
    real = {real_path(f) for f in files}
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and real_path(file) in real:
            found[file] = name
    return found


class Living:
    """The functions of some files that exist in this process."""

    def __init__(self, files: list[str]) -> None:
        self.files = {real_path(f) for f in files}
        real: dict[str, str] = {}
        gc.unfreeze()  # else what was set aside (by a conftest, say) is not listed
        self.functions: dict[Key, list[FunctionType]] = {}
        for f in gc.get_objects():
            if type(f) is FunctionType:
                name = f.__code__.co_filename
                file = real.get(name) or real.setdefault(name, real_path(name))
                if file in self.files:
                    self.functions.setdefault(_key(f.__code__, file), []).append(f)

    def of(self, code: CodeType, file: str) -> list[FunctionType]:
        """Return the functions that run this code."""
        found = self.functions.get(_key(code, file), ())
        return [f for f in found if same(f.__code__, code)]


def _key(code: CodeType, file: str) -> Key:
    return real_path(file), code.co_qualname, code.co_firstlineno


def same(a: CodeType, b: CodeType) -> bool:
    """Say whether two code objects do the same at the same place of a file."""
    return behaviour(a) == behaviour(b) and list(a.co_positions()) == list(b.co_positions())


def _nested(code: CodeType) -> list[CodeType]:
    return [c for c in code.co_consts if isinstance(c, CodeType)]


def _own(code: CodeType) -> tuple[Any, ...]:
    """Return what code does, without the functions defined in it."""
    constants = tuple("code" if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_name, code.co_code, constants, names, code.co_exceptiontable


def behaviour(code: CodeType) -> tuple[Any, ...]:
    """Return what code does, wherever it stands in its file."""
    return (*_own(code), tuple(behaviour(c) for c in _nested(code)))


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType, bool]]:
    """Yield the (old, new) codes of functions that differ, and whether it is an outermost one."""
    inside = bool(old.co_flags & inspect.CO_OPTIMIZED)  # a function, neither class nor module
    a, b = _nested(old), _nested(new)
    if len(a) != len(b) or (not inside and _own(old) != _own(new)):
        raise CannotSwap("the change is outside of functions, or of which functions there are")
    for x, y in zip(a, b, strict=True):
        if behaviour(x) != behaviour(y):
            if x.co_flags & inspect.CO_OPTIMIZED:
                yield x, y, not inside
            yield from _changed(x, y)


def swap(living: Living, file: str, old: str, new: str) -> list[FunctionType]:
    """Give the functions of `file` that differ between two texts the new code; return them.

    Raises CannotSwap, with nothing changed, if that would not be the whole change.
    """
    pairs = list(_changed(*(compile(t, file, "exec", dont_inherit=True) for t in (old, new))))
    found: list[tuple[FunctionType, CodeType]] = []
    for before, after, outermost in pairs:
        functions = living.of(before, file)
        if outermost and not functions:
            raise CannotSwap(f"no function {before.co_qualname} is alive")
        if functions and before.co_freevars != after.co_freevars:
            raise CannotSwap(f"{before.co_qualname} closes over other names")
        found += [(f, after) for f in functions]
    for f, code in found:
        f.__code__ = code
    return [f for f, _ in found]
