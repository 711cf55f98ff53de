"""A finding: the place of a mistake, what to write instead, and the rule behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..edits import Source
from ..edits.source import Span
from ..wording import near
from .rules import sentence

SHOWN = 3  # findings that a report prints


@dataclass
class Finding:
    """One change with which the gradients are right.

    line            of the function's source, as `inspect.getsource` counts from 1
    before, after   source text of that place, without its indent; `after` may have several lines
    family          what kind of mistake it is
    text            the rule, in the function's own names, with the lesson that teaches it
    edits           every (line, before, after), where one line is not enough
    function, file  whose source that is
    source          the whole function as it should be
    number          of the line in the file
    general         whether the change is right on other inputs, too
    """

    line: int
    before: str
    after: str
    family: str
    text: str
    edits: list[tuple[int, str, str]] = field(default_factory=list)
    function: str = ""
    file: str = ""
    source: str = field(default="", repr=False)
    number: int = 0
    general: bool = True

    def __str__(self) -> str:
        lines = [f"{near(self.file)}, line {self.number}, in {self.function}: {self.text}"]
        for line, before, after in self.edits:
            at = f"{line + self.number - self.line}"
            old, new = before.splitlines() or [""], after.splitlines() or ["(nothing)"]
            start, end = _changed(old[0], new[0] if len(new) == len(old) else old[0])
            lines.append(f"  {at:>5} | {old[0]}")
            if start < end:
                lines.append(f"        | {' ' * start}{'^' * (end - start)}")
            lines += [f"        | {more}" for more in old[1:]]
            lines += [f"     -> | {text}" for text in new]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values for JSON."""
        return {**vars(self), "edits": [list(e) for e in self.edits]}


class Diagnosis(list[Finding]):
    """Findings, best first; `note` says why there are none, or what else one should know."""

    def __init__(self, findings: Iterable[Finding] = (), note: str = "", tried: int = 0) -> None:
        super().__init__(findings)
        self.note, self.tried = note, tried

    def lines(self) -> Iterator[str]:
        """Yield what a report prints."""
        for k, finding in enumerate(self[:SHOWN]):
            said = "wrong" if k == 0 else "or else"
            yield f"{said}: {finding}"
        if len(self) > 1:
            yield "each of these changes alone makes the gradients right; the first is likeliest"
        if self.note:
            yield f"note: {self.note}"


def finding(
    source: Source,
    spans: tuple[Span, ...],
    family: str,
    function: str,
    place: tuple[str, int],
    general: bool = True,
) -> Finding:
    """Return the finding of an edit; `place` is the file and the line where its source begins."""
    edits = source.lines(spans)
    line, before, after = edits[0]
    text = sentence(source, family, line, before, after)
    file, first = place
    return Finding(
        line, before, after, family, text, edits, function, file, source.edited(spans),
        first + line - 1, general,
    )  # fmt: skip


def _changed(before: str, after: str) -> tuple[int, int]:
    """Return the part of `before` that differs from `after`, as positions."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    tail = 0
    while tail < min(len(before), len(after)) - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    end = len(before) - tail
    if before != after and end <= start:  # something is missing here
        start, end = max(start - 1, 0), min(start + 1, len(before))
    return start, end
