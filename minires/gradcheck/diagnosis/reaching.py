"""Which code of a learner reaches outside of its process: it is not run out of its turn."""

from __future__ import annotations

import ast
from collections.abc import Iterable

REACHING = {
    "open", "os", "sys", "subprocess", "shutil", "pathlib", "Path", "socket", "eval", "exec",
    "__import__", "requests", "urllib", "save", "savez", "savetxt", "tofile", "dump", "input",
    "fork", "exit", "_exit", "quit", "system", "kill", "unlink", "remove", "rename", "mkdir",
    "rmtree", "write", "writelines", "write_text", "write_bytes", "threading", "multiprocessing",
}  # fmt: skip
CHANGING = {
    "append", "extend", "insert", "pop", "popitem", "clear", "update", "setdefault", "add",
    "discard", "sort", "reverse", "fill", "resize", "put", "send", "next", "setattr", "print",
}  # fmt: skip


def reached(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the names by which code may reach files, processes or the network."""
    return sorted(_names(nodes) & REACHING)


def repeatable(expression: ast.AST) -> bool:
    """Whether an expression may be evaluated once more: it changes nothing, as far as names tell.

    A method of these names on a module, such as np.add, is a function of its arguments.
    """
    nodes = list(ast.walk(expression))
    if _names(nodes) & REACHING or any(isinstance(n, STATEFUL) for n in nodes):
        return False
    return not any(_called(n) in CHANGING for n in nodes if isinstance(n, ast.Call))


STATEFUL = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
MODULES = {"np", "numpy", "xp", "cp", "jnp"}


def _called(call: ast.Call) -> str:
    f = call.func
    if isinstance(f, ast.Attribute):
        of_module = isinstance(f.value, ast.Name) and f.value.id in MODULES
        return "" if of_module and f.attr not in ("put", "fill", "resize") else f.attr
    return f.id if isinstance(f, ast.Name) else ""


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    found: set[str] = set()
    for n in nodes:
        if isinstance(n, ast.Name):
            found.add(n.id)
        elif isinstance(n, ast.Attribute):
            found.add(n.attr)
    return found
