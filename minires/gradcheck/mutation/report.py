"""What a mutation run found: the score, the survivors, and what would kill them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...results import table
from .generate import Mutant

KILLED, SURVIVED, EQUIVALENT, ERROR = "killed", "survived", "equivalent", "error"
DEAD = (KILLED, "crash", "timeout")


@dataclass
class Witness:
    """Why a survivor matters or not.

    kind   "test" (a test that fails on it), "differs" (inputs on which it differs, in words) or
           "equivalent" (no input tried tells it from the original)
    text   one sentence
    code   the test, ready to be pasted
    """

    kind: str
    text: str
    code: str = ""


@dataclass
class Outcome:
    """What became of a mutant: `test` failed on it with `message`; `tests` were to be run."""

    mutant: Mutant
    status: str
    test: str = ""
    message: str = ""
    seconds: float = 0.0
    tests: int = 0
    witness: Witness | None = None

    @property
    def verdict(self) -> str:
        """KILLED, crash, timeout, SURVIVED, EQUIVALENT or ERROR."""
        if self.status == SURVIVED and self.witness and self.witness.kind == EQUIVALENT:
            return EQUIVALENT
        return self.status

    def row(self) -> dict[str, Any]:
        """Return plain values; `of` takes them back."""
        m = self.mutant
        before, after = m.change()
        row = {
            "id": m.id, "file": _shown(m.place.file), "function": m.place.name, "line": m.line,
            "family": m.family, "before": before, "after": after, "status": self.verdict,
            "test": self.test, "message": self.message, "seconds": round(self.seconds, 3),
            "tests": self.tests,
        }  # fmt: skip
        if self.witness is not None:
            row |= {"reason": self.witness.text, "kills": self.witness.code}
        return row

    @classmethod
    def of(cls, mutant: Mutant, row: dict[str, Any]) -> Outcome:
        """Return the outcome that a row tells of."""
        status, witness = row["status"], None
        if "reason" in row:
            kind = EQUIVALENT if status == EQUIVALENT else "test" if row["kills"] else "differs"
            witness = Witness(kind, row["reason"], row["kills"])
        status = SURVIVED if status == EQUIVALENT else status
        return cls(
            mutant, status, row["test"], row["message"], row["seconds"], row["tests"], witness
        )


@dataclass
class MutationReport:
    """All outcomes of a run. `planned` mutants were to be run, of `generated`."""

    outcomes: Sequence[Outcome]
    generated: int
    planned: int
    seconds: float = 0.0
    interrupted: bool = False
    notes: Sequence[str] = field(default_factory=list)

    def of(self, *verdicts: str) -> list[Outcome]:
        """Return the outcomes with one of these verdicts."""
        return [o for o in self.outcomes if o.verdict in verdicts]

    @property
    def score(self) -> float | None:
        """killed / (killed + survived); None if nothing was run. Equivalent ones do not count."""
        dead, alive = len(self.of(*DEAD)), len(self.of(SURVIVED))
        return dead / (dead + alive) if dead + alive else None

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each function: how many mutants, and what became of them."""
        groups: dict[tuple[str, str], list[Outcome]] = {}
        for o in self.outcomes:
            groups.setdefault((_shown(o.mutant.place.file), o.mutant.place.name), []).append(o)
        return [_row(file, name, group) for (file, name), group in groups.items()]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "score": self.score,
            "generated": self.generated,
            "run": len(self.outcomes),
            "counts": _counts(self.outcomes),
            "interrupted": self.interrupted,
            "notes": list(self.notes),
            "functions": self.rows(),
            "mutants": [o.row() for o in self.outcomes],
        }

    def __str__(self) -> str:
        parts = [table(self.rows())] if self.outcomes else []
        told: dict[str, str] = {}  # a test that kills several is printed once
        for o in self.of(SURVIVED):
            advice = _advice(o, told)
            parts.append(f"survived: {_title(o)}\n{o.mutant.diff()}\n{advice}".rstrip())
        for o in self.of(ERROR):
            parts.append(f"not run: {_title(o)}\n{o.message.strip()}")
        if equal := self.of(EQUIVALENT):
            lines = [f"  {_title(o)}\n    {o.witness.text}" for o in equal if o.witness]
            parts.append("probably equivalent, not counted:\n" + "\n".join(lines))
        parts += self.notes
        return "\n\n".join([*parts, self.summary()])

    def summary(self) -> str:
        """Return one line: the score, and of what."""
        c = _counts(self.outcomes)
        dead = sum(c[k] for k in DEAD)
        text = "no mutant was run"
        if self.score is not None:
            text = f"mutation score {self.score:.1%}: {dead} killed"
            how = [f"{c[k]} by {k}" for k in DEAD[1:] if c[k]]
            text += f" ({', '.join(how)})" if how else ""
            text += f", {c[SURVIVED]} survived"
        text += f", {c[EQUIVALENT]} probably equivalent" if c[EQUIVALENT] else ""
        text += f", {c[ERROR]} could not be run" if c[ERROR] else ""
        if len(self.outcomes) < self.generated:
            text += f"; {len(self.outcomes)} of {self.generated} mutants were run"
        return text + (" before it was interrupted" if self.interrupted else "")


def _row(file: str, name: str, group: Sequence[Outcome]) -> dict[str, Any]:
    c = _counts(group)
    dead = sum(c[k] for k in DEAD)
    counted = dead + c[SURVIVED]
    score = f"{dead / counted:.0%}" if counted else None
    return {
        "file": file, "function": name, "mutants": len(group), "killed": dead,
        "survived": c[SURVIVED], "equivalent": c[EQUIVALENT], "score": score,
    }  # fmt: skip


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    names = (*DEAD, SURVIVED, EQUIVALENT, ERROR)
    return {name: sum(o.verdict == name for o in outcomes) for name in names}


def _shown(file: Path) -> str:
    """Return a path as the user would type it from the current folder."""
    try:
        return file.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.as_posix()


def _title(o: Outcome) -> str:
    m = o.mutant
    before, after = m.change()
    place = f"{_shown(m.place.file)}:{m.line} {m.place.name} ({m.family})"
    return f"{place}: {before} -> {after}" if o.verdict == EQUIVALENT else place


def _advice(o: Outcome, told: dict[str, str]) -> str:
    if o.witness is None:
        return o.message
    first = told.setdefault(o.witness.code, _title(o))
    if o.witness.code and first != _title(o):
        return f"The test printed for {first} fails on it, too."
    indented = "\n".join("    " + line if line else "" for line in o.witness.code.splitlines())
    return f"{o.witness.text}\n\n{indented}".rstrip()
