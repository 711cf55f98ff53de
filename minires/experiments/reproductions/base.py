"""What a reproduction is: arms that are run over seeds, the paper's numbers, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HOLDS, DIFFERS, NOT_COMPARABLE = "holds", "differs", "not comparable"


@dataclass(frozen=True)
class Form:
    """In which form a reproduction is asked for.

    full      the paper's settings, which may take days; else the short form, minutes
    data      "digits", "synthetic", "cifar10", "folder:PATH"; what is offered: Reproduction.data
    root      folder of a data set's files, None: where `data.load` looks
    out       folder of the results; full runs keep their checkpoints below it
    weights   {arm: file}: weights to load instead of training, where an arm says so
    note      what must be said of the data beside every result
    """

    full: bool = False
    data: str = "digits"
    root: str | None = None
    out: Path = Path("out")
    weights: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass
class Result:
    """What one run of an arm found.

    value        the number that is compared, None after divergence
    diverged_at  the step whose loss was NaN or infinite, or None
    seconds      of processor time: what the run takes on one core that is its own
    numbers      further numbers, columns of rows.csv
    points       what was measured along the run, rows of points.csv
    note         what a figure must say about the data
    """

    value: float | None
    diverged_at: int | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
    points: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""
    arm: str = ""
    seed: int = 0
    seconds: float = 0.0

    def to_document(self) -> dict[str, Any]:
        """Return it as plain values, see `from_document`."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Result:
        """Return what `to_document` gave. Raises TypeError for other keys."""
        return cls(**document)


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared: a net, or a way to train it.

    measure   seed ↦ Result
    paper     the paper's number, None if it gives none
    says      that number as text, e.g. "6.43 (6.61 ± 0.16)" or "fail"; default: the number
    settings  what a run depends on besides the seed: a finished run of others is not taken
    """

    name: str
    measure: Callable[[int], Result]
    paper: float | None = None
    says: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paper_text(self) -> str:
        return self.says or ("-" if self.paper is None else f"{self.paper:g}")


@dataclass(frozen=True)
class Verdict:
    """What comes of the comparison.

    kind       "holds", "differs" or "not comparable"
    headline   what our figure shows, its title
    text       the verdict in a sentence or two
    """

    kind: str
    headline: str
    text: str


class Found:
    """The results of a reproduction, by arm."""

    def __init__(self, arms: Sequence[Arm], results: Sequence[Result], note: str = "") -> None:
        self.arms, self.results, self._note = list(arms), list(results), note
        self.by_arm: dict[str, list[Result]] = {arm.name: [] for arm in arms}
        for result in results:
            self.by_arm[result.arm].append(result)

    def values(self, arm: str) -> list[float]:
        """Return the values of an arm's runs that did not diverge."""
        return [r.value for r in self.by_arm[arm] if r.value is not None]

    def level(self, arm: str, lost: float = math.inf) -> float:
        """Return an arm's mean, or `lost` if half of its runs or more diverged."""
        values = self.values(arm)
        return float(np.mean(values)) if 2 * len(values) > len(self.by_arm[arm]) else lost

    def numbers(self, arm: str, name: str) -> list[float]:
        """Return a further number of each of an arm's runs that has it."""
        found = [r.numbers.get(name) for r in self.by_arm[arm]]
        return [float(v) for v in found if v is not None]

    @property
    def diverged(self) -> int:
        """The number of runs that diverged."""
        return sum(r.value is None for r in self.results)

    @property
    def missing(self) -> list[str]:
        """The arms of which no run was finished."""
        return [name for name, found in self.by_arm.items() if not found]

    @property
    def seeds(self) -> int:
        return max((len(found) for found in self.by_arm.values()), default=0)

    @property
    def note(self) -> str:
        """What must be said about the data."""
        notes = [self._note, *(r.note for r in self.results)]
        return "; ".join(dict.fromkeys(note for note in notes if note))

    @property
    def said_note(self) -> str:
        """The same as a sentence, empty if there is none."""
        return f"Data: {self.note}." if self.note else ""


@dataclass(frozen=True)
class Reproduction:
    """An experiment of a paper that can be run again.

    name      as in `minires reproduce NAME`
    title     the question
    paper     citation with the table or figure
    theirs    what the paper's numbers are
    ours      what ours are; short form and full form
    short     what the short form does
    minutes   how long it takes, on one core
    full      what the full form does, and how long that takes
    data      what may be asked for; the first is the short form's default
    seeds     of the short form
    full_data what the full form takes
    weights   whether trained nets may be given in place of training some
    unit      of the values: "%" or "dB"
    arms      form ↦ arms. Raises ValueError for what is not offered
    verdict   form, found ↦ verdict; called when every arm has a finished run
    draw      form, found, verdict ↦ figure
    """

    name: str
    title: str
    paper: str
    theirs: str
    ours: tuple[str, str]
    short: str
    minutes: float
    full: str
    data: tuple[str, ...]
    arms: Callable[[Form], list[Arm]]
    verdict: Callable[[Form, Found], Verdict]
    draw: Callable[[Form, Found, Verdict], Any]
    seeds: int = 2
    full_data: str = "cifar10"
    weights: bool = False
    unit: str = "%"

    def measure(self, form: Form) -> str:
        """Return what our values are."""
        return self.ours[form.full]


# ---- what verdicts are made of ------------------------------------------------------------------
def ranks(values: Sequence[float]) -> list[float]:
    """Return ranks from 1, equal values sharing the mean of theirs."""
    found = np.asarray(values, float)
    return [float((found < v).sum() + ((found == v).sum() + 1) / 2) for v in found]


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Return Spearman's ρ of two lists; inf is the largest, and ties share their ranks.

    NaN if one of them has one value only.
    """
    x, y = np.array(ranks(a)), np.array(ranks(b))
    if x.std() == 0 or y.std() == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def ending(value: float) -> str:
    """Return "ends at 12 %", or "diverges" for an infinite value."""
    return f"ends at {percent(value)}" if math.isfinite(value) else "diverges"


def percent(value: float) -> str:
    """Return "0.4 %", "12 %"; "diverged" for an infinite value."""
    if not math.isfinite(value):
        return "diverged"
    return f"{value:.{0 if abs(value) >= 9.95 else 1}f} %"
