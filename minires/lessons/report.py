"""What checking a learner's file found, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .exercise import Exercise, Result
from .units import Unit

UNFINISHED = "its cell did not run to its end: "  # of an exercise, before what happened


@dataclass(frozen=True)
class Problem:
    """A cell that did not run to its end: where, and why."""

    unit: int
    start: int  # its first line
    lineno: int  # where it stopped
    message: str


@dataclass
class Report:
    """What a file solved: a result per exercise of the lesson, and the cells that did not run."""

    file: str
    lesson: int
    exercises: dict[str, Exercise]
    units: list[Unit]
    results: dict[str, Result] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """Return how many exercises have each verdict."""
        verdicts = [r.verdict for r in self.results.values()]
        return {v: verdicts.count(v) for v in ("PASS", "FAIL", "TODO")}

    def points(self) -> tuple[int, int]:
        """Return the points that were earned, and how many there are; (0, 0) if none are given."""
        passed = [name for name, r in self.results.items() if r.verdict == "PASS"]
        worth = {name: exercise.points for name, exercise in self.exercises.items()}
        return sum(worth[name] for name in passed), sum(worth.values())

    def passed(self) -> bool:
        """Return whether all is solved, and every cell ran."""
        return not self.problems and all(r.verdict == "PASS" for r in self.results.values())

    def told(self, problem: Problem) -> str:
        """Return the lines to print on a problem."""
        unit = self.units[problem.unit]
        cell = f"the cell at line {problem.start}" if unit.cell is None else f"cell {unit.cell}"
        message = problem.message.replace("\n", "\n       ")
        source = unit.line(problem.lineno)
        text = f"{cell} did not run to its end: {message}"
        if problem.lineno != problem.start:
            text += f"\n       your line {problem.lineno}: {source}"
        return text

    def text(self, ours: bool = False) -> str:
        """Return what to print; `ours` if it is the file that comes with minires."""
        found = list(self.results.values())
        yours = f"For yours: minires lessons check {self.lesson} --file FILE"
        lines = [f"The solutions that come with minires. {yours}"] if ours else []
        lines += [r.line(self.lesson, self.file, self.exercises[r.name].points) for r in found]
        said = [result.message for result in found if result.message.startswith(UNFINISHED)]
        lines += [self.told(p) for p in self.problems if UNFINISHED + p.message not in said]
        solved, theirs = self.counts()["PASS"], sum(r.shipped for r in found)
        if theirs == solved > 0:
            by = f", by the solutions that come with minires. {yours}"
        else:
            by = f", {theirs} of them by solutions that come with minires" if theirs else ""
        earned, most = self.points()
        total = f", {earned} of {most} points" if most else ""
        return "\n".join([*lines, f"{solved} of {len(found)} solved{total}{by}"])

    def summary(self) -> dict[str, Any]:
        """Return the report as what JSON can hold; see `minires lessons check --help`."""
        return {
            "lesson": self.lesson,
            "file": self.file,
            "seconds": self.seconds,
            "passed": self.passed(),
            "counts": self.counts(),
            "points": self.points()[0],
            "most_points": self.points()[1],
            "exercises": [
                {
                    "name": result.name,
                    "kind": self.exercises[result.name].kind,
                    "state": result.verdict,
                    "message": result.message,
                    "line": result.lineno,
                    "cell": result.cell,
                    "shipped": result.shipped,
                    "points": self.exercises[result.name].points,
                }
                for result in self.results.values()
            ],
            "problems": [
                {
                    "line": problem.lineno,
                    "cell": self.units[problem.unit].cell,
                    "message": problem.message,
                }
                for problem in self.problems
            ],
        }
