"""Which line of a learner's backward pass is wrong, and what kind of mistake it is.

For the exercises of `passes.py`: the pass is compared with differences, and where the diagnosis of
gradient checks finds a change that makes it right, its place and kind are told; the change itself
is kept for the last hint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..gradcheck import check_backward
from ..gradcheck.diagnosis import diagnose
from .learner import code_of
from .passes import PASSES

SECONDS = 3.0  # of processor time
LONGEST = 1000  # characters of a change that is kept
KINDS = {
    "sign": "a sign",
    "missing term": "a term is missing, or not added",
    "detached path": "a way by which the input reaches the output is left out",
    "stale or overwritten buffer": "a value that has been overwritten, or belongs to another step",
    "not accumulated": "something is replaced that should be added to",
    "wrong scale": "a constant factor, as from a mean or a sum",
    "transposed": "the order of a product, or a transpose",
    "not flipped": "the direction: something runs forwards that should run backwards",
    "off by one": "an index is off by one",
    "wrong stride/padding": "the stride or the padding",
    "missing broadcast sum": "what was used several times has to be added up",
    "wrong mask/branch": "the mask, or the branch that is taken",
    "missing upstream dy": "the chain rule: where is the upstream gradient?",
    "not finite": "a division by zero, or a number that is too large",
    "wrong axis": "the axis",
    "wrong variable": "a value stands here in another one's place",
    "wrong factor": "a factor: one too many, one that is missing, or another one",
    "eps placement": "where the small number is added",
    "order of reshape": "the order in which numbers are arranged anew",
    "dtype or integer division": "whole numbers where fractions are needed",
    "in-place modification": "it changes an array that it was given",
}


@dataclass(frozen=True)
class WrongLine:
    """A line of the learner's file, the kind of mistake, and other lines that could be changed.

    `before` and `after` are the text there and what to write instead, "" if that is not sure.
    """

    line: int
    family: str
    others: tuple[int, ...] = ()
    before: str = ""
    after: str = ""

    def kept(self) -> list[Any]:
        """Return what a progress file keeps for the hints."""
        return [self.line, self.family, self.before, self.after]

    def told(self, message: str) -> str:
        """Return an exercise's message with the kind of mistake; the line stands below it."""
        also = f" (or line {' or '.join(map(str, self.others))})" if self.others else ""
        return (
            f"{message}\nbeside differences of the forward pass, this line is wrong{also}: "
            f"{KINDS[self.family]}"
        )


def wrong_line(name: str, f: Callable[..., Any], apart: bool = True) -> WrongLine | None:
    """Return which line of an exercise's function is wrong; None if nothing is sure.

    The search runs changed copies of it, `apart` in a process of their own where there are any.
    """
    passes, code = PASSES.get(name), code_of(f)
    if passes is None or code is None:
        return None
    try:
        with np.errstate(all="ignore"):
            inputs = passes.inputs(np.random.default_rng(3))
            report = check_backward(passes.forward, f, *inputs)
            if report.verdict != "FAIL" or report.error or report.subject is None:
                return None
            found = [
                x for x in diagnose(report.subject, SECONDS, apart) if x.function == code.co_name
            ]
    except Exception:  # a learner's code may raise anything, and no line is named then
        return None
    if not found or found[0].family not in KINDS:
        return None
    others = tuple(x.number for x in found[1:3] if x.number != found[0].number)
    first = found[0]
    alone = len(first.edits) == 1
    texts = _texts(first.before, first.after) if alone else ("", "")
    return WrongLine(first.number, first.family, others, *texts)


def own_hint(kept: Any, level: int) -> str:
    """Return what the second or third hint adds of the learner's own code; "" if nothing is kept.

    The second names the line and the kind of mistake, the third shows the change.
    """
    if level < 2 or not (isinstance(kept, list) and len(kept) == 4):
        return ""
    line, family, before, after = kept
    found = received(line, family, [], range(1, 10**6), before, after)
    if found is None:
        return ""
    text = f"In your code, line {found.line}: {KINDS[found.family]}"
    if level < 3 or not found.after:
        return text
    return "\n".join([
        text,
        *(f"     | {x}" for x in found.before.splitlines()),
        *(f"  -> | {x}" for x in found.after.splitlines()),
    ])  # fmt: skip


def _texts(before: Any, after: Any) -> tuple[str, str]:
    """Return two texts if they are short and have nothing that a terminal would obey."""
    for x in (before, after):
        plain = isinstance(x, str) and len(x) <= LONGEST and x.replace("\n", "").isprintable()
        if not plain:
            return "", ""
    return before, after


def received(
    line: Any, family: Any, others: Any, within: range, before: Any = "", after: Any = ""
) -> WrongLine | None:
    """Return what another process has found, if it is what it should be."""
    lines = [line, *others] if isinstance(others, list | tuple) else [None]
    if (
        not isinstance(family, str)
        or family not in KINDS
        or not all(type(n) is int and n in within for n in lines)
    ):
        return None
    return WrongLine(line, family, tuple(others[:2]), *_texts(before, after))
