"""The kind of mistake behind a term that is wrong, in the words of the diagnosis."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from .lacking import Fit
from .termtrial import Trial

Definitions = Mapping[str, ast.expr]


def of_coefficient(label: str) -> str:
    """Return the family of a term whose coefficient should be `label`."""
    if label == "-1":
        return "sign"
    size = label.removeprefix("-").strip("()")
    named = any(ch.isalpha() for ch in size) or (" / " in size and not size.startswith("1 / "))
    return "wrong scale" if named else "wrong factor"


def of_expression(fit: Fit, node: ast.expr | None, run: Trial, known: Definitions) -> str:
    """Return the family of a wrong expression, beside what it should be; "" if none is sure."""
    if any(mark in fit.told for mark in (" > ", " < ", "np.sign")):
        return "wrong mask/branch"
    if fit.told.isidentifier():
        return "wrong variable"
    mine = [] if node is None else names(node)
    behind = _behind(mine, known)
    theirs = names(ast.parse(fit.told, mode="eval").body)
    clear = all(n in known or n in run.arguments or n not in run.local for n in behind)
    if mine and clear and run.upstream in theirs and run.upstream not in behind:
        return "missing upstream dy"
    parts = [] if node is None else [node, *(known[n] for n in behind if n in known)]
    axes = _axes(" ".join(ast.unparse(part) for part in parts))
    if ".sum(" in fit.told and not axes:
        return "missing broadcast sum"
    if node is None or not clear:
        return ""
    if _axes(fit.told) - axes:
        return "wrong axis" if axes else "missing term"
    if len(fit.texts) == 1 and "@" in fit.told and sorted(mine) == sorted(theirs):
        return "transposed"
    if any(isinstance(n, ast.Constant) and 0 < _number(n) <= 0.1 for n in ast.walk(node)):
        return "eps placement"
    if set(mine) < set(theirs):
        return "missing term" if len(fit.texts) > 1 else "wrong factor"
    return "wrong variable" if set(theirs) - set(mine) else "wrong factor"


def _behind(given: Sequence[str], known: Definitions) -> set[str]:
    """Return names, and those of their definitions."""
    found: set[str] = set()
    waiting = list(given)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += names(known[name]) if name in known else []
    return found


def _axes(text: str) -> set[str]:
    return set(re.findall(r"axis=(-?\d+|\([^)]*\))", text))


def _number(node: ast.Constant) -> float:
    return float(node.value) if isinstance(node.value, int | float) else 0.0


def names(node: ast.AST) -> list[str]:
    """Return the names in a piece of source, in order, repeated as they are."""
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
