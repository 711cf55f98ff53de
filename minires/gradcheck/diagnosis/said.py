"""What the terms of the learner's source say of a failed check, tensor by tensor."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ...tensor import Array
from ..edits.source import Source
from ..numeric import Comparison, compare
from ..subject import Pair, Subject
from .terms import TermFinding, regression, trial

MOST_ELEMENTS = 1500  # of all tensors: the differences are taken for a second upstream too

Said = dict[str, list[tuple[str, str]]]


def sentences(
    subject: Subject, v: Array, found: Sequence[Comparison], failed: Collection[str]
) -> Said:
    """Return (family, sentence) for those failed tensors whose terms are sure, by their names.

    The sentence ends with the line in the file, as that of a finding does.
    """
    said: Said = {}
    code = subject.pair and getattr(subject.pair.backward, "__code__", None)
    above = code.co_firstlineno - 1 if code else 0
    for x in findings(subject, v, found):
        if x.tensor in failed:
            line = f" (line {above + x.line})" if x.line else ""
            said.setdefault(x.tensor, []).append((x.family or "fact", x.text + line))
    return said


def findings(subject: Subject, v: Array, found: Sequence[Comparison]) -> list[TermFinding]:
    """Run the term regression on what a check found; a second upstream must agree."""
    pair = subject.pair
    if pair is None or sum(a.size for a in subject.arrays) > MOST_ELEMENTS:
        return []
    try:
        root = Source.of(pair.backward).root
        first = trial(pair, v, subject.arrays, *_numbers(found))
        told = regression(root, [first], subject.names)
        if not told:
            return []
        w = np.asarray(np.random.default_rng(2).standard_normal(v.shape))
        other = compare(subject, w, subject.gradients(w), MOST_ELEMENTS, np.random.default_rng(3))
        second = trial(pair, w, subject.arrays, *_numbers(other))
        return regression(root, [first, second], subject.names)
    except Exception:  # whatever the learner's code may raise: the check has told
        return []


def _numbers(found: Sequence[Comparison]) -> tuple[list[Array], list[Array]]:
    return [c.numeric for c in found], [c.bound for c in found]


__all__ = ["Pair", "findings", "sentences"]
