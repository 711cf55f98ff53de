"""How many lines of code an implementation is: what its functions say and call in their package.

A line counts if it holds a token that is neither comment nor docstring. From the functions given,
names are followed to whatever functions and classes of the same package they may call; each line
counts once. Following is by name alone, so a fallback counts too. Module-level constants do not.
"""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
import types
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from minires_kernels.spec import Version

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source: str) -> set[int]:
    """Return the numbers of the lines that hold code: no blank lines, comments or docstrings."""
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            found -= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return found


@lru_cache
def _definitions(path: str) -> tuple[frozenset[int], list[tuple[int, int]]]:
    """Return the code lines of a file and the (first, last) line of each top-level definition."""
    source = Path(path).read_text(encoding="utf-8")
    spans = [
        (min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.end_lineno or 0)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return frozenset(code_lines(source)), spans


def lines_of(*functions: Any, package: str, without: str | None = None) -> int:
    """Count the lines of code of `functions` and of all in `package` that they reach.

    What is reached in or only through the module `without` is left out.
    """
    counted: set[tuple[str, int]] = set()
    for path, line in _reached(functions, package, without):
        code, spans = _definitions(path)
        for first, last in spans:
            if first <= line <= last:
                counted.update((path, n) for n in range(first, last + 1) if n in code)
    return len(counted)


def version_lines(version: Version, without: str | None = None) -> int:
    """Count the lines of one cpu version of a kernel, forward and backward, with its helpers."""
    functions = version.forward, version.backward
    return lines_of(*functions, package="minires_kernels.cpu", without=without)


def _plain(thing: Any) -> Any:
    """Return the Python function or class behind a compiled one, or `thing` itself."""
    for attribute in ("py_func", "_defn", "__wrapped__"):
        inner = getattr(thing, attribute, None)
        if isinstance(inner, types.FunctionType):
            return inner
    return getattr(thing, "func", thing) if not isinstance(thing, type) else thing  # partial


def _reached(
    functions: tuple[Any, ...], package: str, without: str | None
) -> Iterator[tuple[str, int]]:
    """Yield (file, first line) of each function and class reachable by name within `package`."""
    waiting, seen = [_plain(f) for f in functions], set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or not _inside(thing, package):
            continue
        if without is not None and _inside(thing, without):
            continue
        seen.add(id(thing))
        if isinstance(thing, types.FunctionType):
            yield thing.__code__.co_filename, thing.__code__.co_firstlineno
            waiting += map(_plain, _named(thing, package))
        elif isinstance(thing, type):
            path = inspect.getsourcefile(thing)
            if path is not None:
                yield path, inspect.getsourcelines(thing)[1]
            waiting += [_plain(f) for f in vars(thing).values()]


def _inside(thing: Any, package: str) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return module == package or module.startswith(package + ".")


def _named(function: Callable[..., Any], package: str) -> list[Any]:
    """Return what the names in a function's code mean, nested functions included."""
    codes, names = [function.__code__], set[str]()
    for code in codes:
        names.update(code.co_names)
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    space = function.__globals__
    found = [space[name] for name in names if name in space]
    for module in [m for m in found if isinstance(m, types.ModuleType)]:
        if module.__name__.startswith(package):
            found += [getattr(module, name) for name in names if hasattr(module, name)]
    found += [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    found += [v for v in found if isinstance(v, list | tuple) for v in v]
    return found


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
