"""What the terms of a gradient propose to write: edits for the search to try."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import numpy as np

from ..edits import Edit, Source
from ..edits.template import demanded, enclosed, piece
from ..subject import Pair, Subject
from . import goals
from .terms import regression, trial_of

COST = 1.6  # of a new expression; more if it is long


def proposals(
    subject: Subject, pair: Pair, source: Source, pulse: Callable[[], object]
) -> Iterator[Edit]:
    """Yield the replacements that the term regression found, for two upstreams."""
    try:
        runs = [trial_of(pair, goals.goal(subject, subject.arrays, k, pulse)) for k in (0, 1)]
        with np.errstate(all="ignore"):
            found = regression(source.root, runs, subject.names)
    except Exception:  # whatever the learner's code raises
        return
    for x in found:
        if x.node is not None and x.after and id(x.node) in source.place:
            family = x.family or "wrong factor"
            yield replacement(source, x.node, x.after, COST + 0.005 * len(x.after), family)


def replacement(source: Source, node: ast.expr, text: str, cost: float, family: str) -> Edit:
    """Put other text in the place of an expression, in parentheses where it needs them."""
    parent, name = source.place[id(node)]
    start, end = source.outer(node)
    new = enclosed(*piece(text), demanded(parent, name))
    return Edit(cost, family, ((start, end, new),), node)
