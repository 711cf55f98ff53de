"""What a gradient check found: a row per tensor, the hygiene checks, a verdict, a printed table."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..results import table
from . import page

if TYPE_CHECKING:
    from .numeric import Comparison

PASS, FAIL, VACUOUS = "PASS", "FAIL", "VACUOUS"
VACUOUS_BELOW = 1e-6  # derivatives this small beside the norm of the upstream check nothing


@dataclass
class Row:
    """The check of one tensor's gradient; the values are those of its worst element.

    checked, total   elements compared one by one, and elements of the tensor
    directions       directional derivatives compared besides
    kinks            elements skipped because a kink lies within the step
    rel              |analytic - numeric| / max(|analytic|, |numeric|); entries below 1/1000 of the
                     largest are shown only if they fail, for among them rel measures rounding
    where            index of the worst element, "direction k", or "all ones" (their sum)
    ratio            median of analytic / numeric over the elements that are not tiny
    """

    tensor: str
    shape: tuple[int, ...]
    checked: int
    directions: int
    total: int
    kinks: int
    rel: float
    where: str
    analytic: float
    numeric: float
    ratio: float | None
    verdict: str


@dataclass
class GradcheckReport:
    """The outcome of `gradcheck`; true if everything passed, a table when printed.

    rows      one per checked tensor
    hygiene   failed hygiene checks, by name, with what was seen
    hints     likely mistakes, most specific first, as (family, sentence)
    taylor    the Taylor-remainder check, if asked for
    error     the exception that stopped the check, if one did
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
        """PASS, FAIL, or VACUOUS if nothing failed but some gradient was zero on both sides."""
        if self.ok:
            return PASS
        vacuous = any(row.verdict == VACUOUS for row in self.rows)
        failed = self.error or self.hygiene or any(row.verdict == FAIL for row in self.rows)
        if self.taylor is not None:
            vacuous = vacuous or self.taylor.verdict == VACUOUS
            failed = failed or self.taylor.verdict == FAIL
        return VACUOUS if vacuous and not failed else FAIL

    def __bool__(self) -> bool:
        return self.ok

    @property
    def max_rel(self) -> float:
        """The largest relative error of all rows."""
        return max((row.rel for row in self.rows), default=0.0)

    def __str__(self) -> str:
        lines = [f"gradcheck {self.name}: {self.verdict}"]
        if self.rows:
            lines.append(textwrap.indent(table([_cells(row) for row in self.rows]), "  "))
            lines.append(
                f"  rule: |a - n| <= {self.rtol:g} max(|a|, |n|) + 1e-7 max|n| + rounding; "
                "the worst is shown"
            )
        lines += [f"  hygiene: {name}: {text}" for name, text in self.hygiene.items()]
        if self.rows and not self.hygiene and self.error is None:
            lines.append("  hygiene: ok")
        if self.taylor is not None:
            lines.append(f"  {self.taylor}")
        if self.error is not None:
            lines.append(f"  stopped by {self.error}")
        lines += [f"  hint: {text}" for _, text in self.hints]
        lines += [f"  note: {text}" for text in self.notes]
        return "\n".join(lines)

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
            "hints": [{"family": family, "text": text} for family, text in self.hints],
            "taylor": None if self.taylor is None else _plain(vars(self.taylor)),
            "error": self.error,
            "notes": self.notes,
        }


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
        "a / n": "-" if row.ratio is None else f"{row.ratio:.4g}",
        "verdict": row.verdict,
    }
