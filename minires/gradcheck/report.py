"""What a gradient check found: a row per tensor, the hygiene checks, a verdict, a printed table."""

from __future__ import annotations

import functools
import math
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..results import table
from . import owed, page
from .diagnosis import Diagnosis, diagnose
from .differences import AGREE
from .edits.tables import DETACHED, TERM
from .wrong_calls import described, diagnosed, of_subject

if TYPE_CHECKING:
    from .calls import Call
    from .calltest import Slip
    from .numeric import Comparison
    from .subject import Subject

PASS, FAIL, VACUOUS, UNDECIDED = "PASS", "FAIL", "VACUOUS", "UNDECIDED"
PATHS = frozenset({TERM, DETACHED})  # two words for something that has to be added
WIDTH = 92  # of a line: 100, less what pytest puts before those of an error


@dataclass
class Row:
    """The check of one tensor's gradient; the values are those of its worst element.

    checked, total   elements compared one by one, and elements of the tensor
    directions       directional derivatives compared besides
    kinks            elements left out: at a kink or at the edge of the domain
    rel              |analytic - numeric| / max(|analytic|, |numeric|); entries below 1/1000 of the
                     largest are shown only if they fail, for among them rel measures rounding
    where            index of the worst element, "direction k", or "all ones" (their sum)
    bound            what differences, by their own account, may be wrong by there
    ratio            median of analytic / numeric over the elements that are not tiny
    undecided        elements of which differences know less than 4 digits
    reason           why the verdict is UNDECIDED, or ""
    """

    tensor: str
    shape: tuple[int, ...]
    checked: int
    directions: int
    total: int
    kinks: int
    rel: float = 0.0
    where: str = "-"
    analytic: float = 0.0
    numeric: float = 0.0
    ratio: float | None = None
    verdict: str = PASS
    bound: float = 0.0
    undecided: int = 0
    reason: str = ""


@dataclass
class GradcheckReport:
    """The outcome of `gradcheck`; true if everything passed, a table when printed.

    rtol      the relative error that the caller allows besides the bound of the differences
    rows      one per checked tensor
    hygiene   failed hygiene checks, by name, with what was seen
    hints     likely mistakes, most specific first, as (family, sentence)
    taylor    the Taylor-remainder check, if asked for
    error     the exception that stopped the check, if one did
    reason    why nothing could be compared (an output that is not finite), or ""
    notes     what the reader should know (casts, sampling)
    elements  per tensor, the analytic and numeric derivative of each element; NaN: not compared
    """

    name: str
    rtol: float
    rows: list[Row] = field(default_factory=list)
    hygiene: dict[str, str] = field(default_factory=dict)
    hints: list[tuple[str, str]] = field(default_factory=list)
    taylor: Any = None
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    elements: list[Comparison] = field(default_factory=list, repr=False)
    subject: Subject | None = field(default=None, repr=False)
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether every row passed, every hygiene check held, and nothing was raised."""
        return (
            self.error is None
            and not self.hygiene
            and bool(self.rows or self.taylor)
            and all(row.verdict == PASS for row in self.rows)
            and (self.taylor is None or self.taylor.ok)
        )

    @property
    def verdict(self) -> str:
        """The worst that was found: FAIL, UNDECIDED (differences cannot tell), VACUOUS, PASS."""
        found = {row.verdict for row in self.rows}
        if self.taylor is not None:
            found.add(self.taylor.verdict)
        if self.error is None and self.reason:
            return UNDECIDED
        if self.error or self.hygiene or not found:
            return FAIL
        return next(v for v in (FAIL, UNDECIDED, VACUOUS, PASS) if v in found)

    def __bool__(self) -> bool:
        return self.ok

    @functools.cached_property
    def diagnosis(self) -> Diagnosis:
        """Changes of the backward pass with which its gradients are right, best first.

        Searched for at the first look (in print, too), and only if the check failed: a list of
        `Finding` with `.line`, `.before`, `.after`, `.family` and `.text`.
        """
        if self.subject is None or self.verdict != FAIL:
            return Diagnosis()
        if self.rows and not any(c.varies for c in self.elements):
            return Diagnosis()  # gradients of zero: nothing tells a right change from a wrong one
        return diagnosed(self.wrong_calls) if self.wrong_calls else diagnose(self.subject)

    @functools.cached_property
    def wrong_calls(self) -> list[tuple[Call, Slip]]:
        """The recorded operations whose own backward pass is wrong, in the order of forward.

        Looked for at the first look (in print, too), and only if the check of a composition or a
        Module failed: one vector-Jacobian test per operation.
        """
        if self.subject is None or self.verdict != FAIL or not self.rows:
            return []
        return [x for x in of_subject(self.subject) if not x[1].undecided]

    @property
    def max_rel(self) -> float:
        """The largest relative error of all rows."""
        return max((row.rel for row in self.rows), default=0.0)

    def __str__(self) -> str:
        lines = [f"gradcheck {self.name}: {self.verdict}"]
        if self.rows:
            lines.append(textwrap.indent(narrow([_cells(row) for row in self.rows]), "  "))
            allowed = f"{AGREE + self.rtol:.3g} max(|a|, |n|)".replace("e-0", "e-")
            lines.append(
                f"  rule: |a - n| <= bound + {allowed}; bound: the error of n; shown: the worst"
            )
            lines += [f"  undecided: {r.tensor}: {r.reason}" for r in self.rows if r.reason]
        for name, text in self.hygiene.items():
            reason = owed.why(name)
            lines.append(f"  hygiene: {name}: {text}" + (f" (why: {reason})" if reason else ""))
        if self.rows and not self.hygiene and self.error is None:
            lines.append(f"  hygiene: ok ({owed.ALL_KEPT})")
        if self.taylor is not None:
            lines.append(f"  {self.taylor}")
        if self.reason:
            lines.append(f"  undecided: {self.reason}")
        if self.error is not None:
            lines.append(f"  stopped by {self.error}")
        lines += [f"  hint: {text}" for text in self.spoken_hints()]
        if self.wrong_calls:
            lines.append(textwrap.indent("first wrong: " + described(*self.wrong_calls[0]), "  "))
            rest = dict.fromkeys(call.name for call, _ in self.wrong_calls[1:4])
            lines += [f"  also wrong: {name}" for name in rest]
        lines += [f"  note: {text}" for text in self.notes]
        lines += [textwrap.indent(text, "  ") for text in self.diagnosis.lines()]
        return "\n".join(map(wrapped, "\n".join(lines).splitlines()))

    def spoken_hints(self) -> list[str]:
        """Return the hints that are printed: beside a line that was found, no other guess."""
        return [text for _, text in self._spoken()]

    def _spoken(self) -> list[tuple[str, str]]:
        if not self.wrong_calls and not self.diagnosis:
            return self.hints
        kinds, line = frozenset[str](), ""
        if self.diagnosis:
            found, line = self.diagnosis[0].family, f"(line {self.diagnosis[0].number})"
            kinds = PATHS if found in PATHS else frozenset({found})
        return [
            (family, text)
            for family, text in self.hints
            if family == "vacuous" or (family in kinds and text.endswith(line))
        ]

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return page.fragment(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON, which knows no NaN: that is a string."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "rtol": self.rtol,
            "rows": [_plain(vars(row)) for row in self.rows],
            "hygiene": self.hygiene,
            "hints": [{"family": family, "text": text} for family, text in self._spoken()],
            "taylor": None if self.taylor is None else _plain(vars(self.taylor)),
            "wrong_calls": [f"{call.name}: {slip.text}" for call, slip in self.wrong_calls],
            "diagnosis": [finding.to_dict() for finding in self.diagnosis],
            "error": self.error,
            "reason": self.reason,
            "notes": self.notes,
        }


def wrapped(line: str) -> str:
    """Return a line of prose in lines that a terminal shows whole; source code stays as it is."""
    if len(line) <= WIDTH or re.match(r" *(\d+|->)? *\| ", line):
        return line
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line, WIDTH, subsequent_indent=indent + "  ", break_long_words=False, break_on_hyphens=False
    )


def narrow(cells: list[dict[str, str]]) -> str:
    """Return a table that ends, with its verdict, within a terminal of 100 columns.

    What says nothing is left out: kinks where there are none, one direction, a ratio of 1. Names
    or shapes that are longer still cost the columns that are easiest to do without, then letters.
    """
    silent = {"directions": {"0", "1"}, "kinks": {"0"}, "a / n": {"1", "-"}}
    spared = {k for k, usual in silent.items() if all(row[k] in usual for row in cells)}
    for column in ("", "a / n", "directions", "bound", "checked", "kinks", "shape"):
        spared.add(column)
        text = table([{k: x for k, x in row.items() if k not in spared} for row in cells])
        if max(map(len, text.splitlines())) + 2 <= WIDTH:
            return text
    room = WIDTH - 2 - max(map(len, text.splitlines())) + max(len(row["tensor"]) for row in cells)
    cut = [row | {"tensor": _cut(row["tensor"], max(room, 12))} for row in cells]
    return table([{k: x for k, x in row.items() if k not in spared} for row in cut])


def _cut(text: str, width: int) -> str:
    """Return a text without its middle, if it is too long."""
    return text if len(text) <= width else f"{text[: width - 9]}…{text[-8:]}"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    def plain(x: Any) -> Any:
        if isinstance(x, list | tuple):
            return [plain(item) for item in x]
        return str(x) if isinstance(x, float) and not math.isfinite(x) else x

    return {key: plain(x) for key, x in values.items()}


def _cells(row: Row) -> dict[str, str]:
    return {
        "tensor": row.tensor,
        "shape": "×".join(map(str, row.shape)) or "scalar",
        "checked": f"{row.checked}/{row.total}",
        "directions": str(row.directions),
        "kinks": str(row.kinks),
        "max rel err": f"{row.rel:.1e}",
        "where": row.where,
        "analytic": f"{row.analytic:+.6g}",
        "numeric": f"{row.numeric:+.6g}",
        "bound": f"{row.bound:.0e}",
        "a / n": "-" if row.ratio is None else f"{row.ratio:.4g}",
        "verdict": row.verdict,
    }
