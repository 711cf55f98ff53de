"""What a function's signature and source tell of it: its parameters, and the names it returns."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .naming import plain


@dataclass(frozen=True)
class Signature:
    """The parameters of a function, self left out.

    names     those that may be given by position, in order
    required  how many of them must be given
    anything  whether it takes any number (*args)
    keywords  those that must be given by keyword, and have no default
    by_name   all that may be given by name; None if any may (**kwargs)
    """

    names: list[str] = field(default_factory=list)
    required: int = 0
    anything: bool = False
    keywords: list[str] = field(default_factory=list)
    by_name: list[str] | None = None

    def fits(self, n: int) -> bool:
        """Whether the function can be called with n arguments by position."""
        return self.required <= n and (self.anything or n <= len(self.names))


def signature_of(f: Callable[..., Any]) -> Signature:
    """Return the signature of `f`; of a builtin, which tells nothing, one that takes anything."""
    if isinstance(f, np.ufunc):
        names = ["x", "y", "z"][: f.nin]
        return Signature(names, len(names), by_name=[])
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return Signature(anything=True, by_name=[])
    p = inspect.Parameter
    positional = [x for x in parameters if x.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    any_name = any(x.kind is p.VAR_KEYWORD for x in parameters)
    named = [x for x in parameters if x.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return Signature(
        [x.name for x in positional],
        sum(x.default is p.empty for x in positional),
        any(x.kind is p.VAR_POSITIONAL for x in parameters),
        [x.name for x in parameters if x.kind is p.KEYWORD_ONLY and x.default is p.empty],
        None if any_name else [x.name for x in named],
    )


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Name `count` arguments as `f` does; "input 3" where it has no name for one."""
    names = signature_of(f).names[:count]
    return names + [f"input {i}" for i in range(len(names), count)]


def returned_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the `count` values that `f` returns, "" where its source has none."""
    for value in reversed(_returned(f)):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
        if len(parts) == count:
            return [x.id if isinstance(x, ast.Name) else "" for x in parts]
    return [""] * count


def _returned(f: Callable[..., Any]) -> list[ast.expr]:
    """Return the expressions that `f` returns; those of functions within it are not its own."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(plain(f))))
    except (OSError, TypeError, SyntaxError):  # no file, no Python, or a lambda amid a call
        return []
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return []
    found, waiting = [], list(tree.body[0].body)
    while waiting:
        node: ast.AST = waiting.pop(0)
        if isinstance(node, ast.Return) and node.value is not None:
            found.append(node.value)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting += [x for x in ast.iter_child_nodes(node) if isinstance(x, ast.stmt)]
    return found
