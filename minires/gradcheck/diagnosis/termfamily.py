"""The kind of mistake behind a term that is wrong, in the words of the diagnosis."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .expansion import Function
from .lacking import Fit
from .termtrial import Trial

Definitions = Mapping[str, ast.expr]


def of_coefficient(label: str, term: str) -> str:
    """Return the family of a term whose coefficient should be `label`."""
    if "//" in term and label not in ("-1", "0"):
        return "dtype or integer division"
    return {"-1": "sign", "0": ""}.get(label, "wrong scale")


def of_missing(fit: Fit, root: Function, target: str, run: Trial) -> tuple[str, str]:
    """Return the family of terms that are missing, and what is known of them, or ""."""
    if len(fit.texts) == 1 and not isinstance(root, ast.Lambda):
        for s in root.body:
            assigned = isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == target
            if assigned and _same(run.evaluate(s.value), run.evaluate(fit.told)):  # type: ignore[attr-defined]
                return "stale or overwritten buffer", f"line {s.lineno} had it, and is overwritten"
    if idle := unused(fit, root, run):
        return "detached path", f"{idle} is computed and not used"
    clear = len(fit.texts) == 1 or all(".mean(" in x for x in fit.texts)
    return "missing term" if clear else "", ""


def unused(fit: Fit, root: Function, run: Trial) -> str:
    """Return a name of a fit that the source computes and does not use, or ""."""
    used = [n.id for n in ast.walk(root) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    wanted = names(ast.parse(fit.told, mode="eval").body)
    idle = (n for n in wanted if n in run.local and n not in run.arguments and n not in used)
    return next(idle, "")


def _same(a: Any, b: Any) -> bool:
    return a is not None and b is not None and a.shape == b.shape and np.array_equal(a, b)


def of_expression(fit: Fit, node: ast.expr | None, run: Trial, known: Definitions) -> str:
    """Return the family of a wrong expression, beside what it should be; "" if none is sure."""
    if any(mark in fit.told for mark in (" > ", " < ", "np.sign")):
        return "wrong mask/branch"
    mine = [] if node is None else names(node)
    if fit.told.isidentifier():
        return "" if fit.told in mine else "wrong variable"
    behind = _behind(mine, known)
    theirs = names(ast.parse(fit.told, mode="eval").body)
    clear = all(n in known or n in run.arguments or n not in run.local for n in behind)
    if mine and clear and run.upstream in theirs and run.upstream not in behind:
        return "missing upstream dy"
    near = [known[n] for n in mine if n in known and n not in theirs]
    axes = _axes(" ".join(ast.unparse(part) for part in ([] if node is None else [node, *near])))
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
    return "wrong variable" if set(theirs) - behind else ""


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
