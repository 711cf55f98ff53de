"""Find which tests enter which functions, without tracing: the functions themselves report it.

`instrumented` puts a call before the first statement of chosen functions; that text then takes the
place of the source like a mutant does. Compiled code cannot report, so for a function that Numba
compiles the plain functions that call it do, directly or through other compiled ones.
"""

from __future__ import annotations

import ast
import builtins
import gc
import os
from collections.abc import Callable, Collection, Iterator
from types import FunctionType
from typing import Any

NAME = "__minires_reached__"
Spot = tuple[str, str, int]  # file, qualified name, first line with decorators


def report_to(function: Callable[[int, dict[str, Any]], None]) -> None:
    """Call `function(number, arguments)` at each entry of an instrumented function."""
    setattr(builtins, NAME, function)


def instrumented(text: str, numbers: dict[tuple[str, int], int]) -> str | None:
    """Return source in which the functions (qualified name, line) report their numbers.

    All else stays as it is written, so that nothing else is compiled differently.
    """
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    marks: list[tuple[int, int, str]] = []  # line, column, what to insert there
    for qualname, node in functions(ast.parse(text)):
        number = numbers.get((qualname, first_line(node)))
        if number is None:
            continue
        call = f"{NAME}({number}, locals())"
        if isinstance(node, ast.Lambda):
            marks.append((node.body.end_lineno or 0, node.body.end_col_offset or 0, "))[1]"))
            marks.append((node.body.lineno, node.body.col_offset, f"({call}, ("))
            continue
        body = node.body[int(ast.get_docstring(node) is not None) :]
        first = body[0] if body else node.body[0]
        line = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))])
        indent = lines[line - 1][: first.col_offset]
        if indent.strip():  # def f(x): return x
            marks.append((line, first.col_offset, f"{call}; "))
        else:
            marks.append((line, 0, f"{indent.decode()}{call}\n"))
    for line, column, new in sorted(marks, reverse=True):
        old = lines[line - 1]
        lines[line - 1] = old[:column] + new.encode() + old[column:]
    return b"".join(lines).decode() if marks else None


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (qualified name, node) of every function, method and lambda."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from functions(node, f"{prefix}{node.name}.<locals>.")
        elif isinstance(node, ast.Lambda):
            yield prefix + "<lambda>", node
            yield from functions(node, f"{prefix}<lambda>.<locals>.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def first_line(node: Any) -> int:
    """Return the line on which a function starts for Python: its first decorator's."""
    return int(min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]))


def entries(compiled: Any, function: FunctionType, mentioned: Any) -> list[Spot] | None:
    """Return the plain functions that call a compiled one; None if `function` is not compiled."""
    if id(function) not in compiled.of:
        return None
    known = compiled.callers([function])
    inside = {id(d.py_func) for d in known}
    targets = {id(d) for d in known}
    found = []
    for f in gc.get_objects():
        if type(f) is not FunctionType or id(f) in inside or not _may_name(f, known):
            continue
        if any(id(v) in targets for v in mentioned(f)):
            code = f.__code__
            file = os.path.realpath(code.co_filename)
            found.append((file, code.co_qualname, code.co_firstlineno))
    return found


def _may_name(f: FunctionType, dispatchers: Collection[Any]) -> bool:
    """Say cheaply whether `f` could mention one of them: among its globals, or closed over."""
    return f.__closure__ is not None or any(
        d.__name__ in f.__globals__ or d.py_func.__module__ in _modules(f) for d in dispatchers
    )


def _modules(f: FunctionType) -> set[str]:
    space = f.__globals__
    return {getattr(space.get(n), "__name__", "") for n in f.__code__.co_names if n in space}
