"""An exercise: what the learner's function must do, a reference solution, and three hints.

Checks raise Wrong, and NotDone where there is no code yet; they hold under `python -O` too, which
removes assert statements.
"""

from __future__ import annotations

import linecache
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import environment
from .expect import (
    NotDone,
    Wrong,
    expect_array,
    expect_choice,
    expect_number,
    number,
    require,
    require_written,
)
from .interrupt import interrupted
from .learner import Learner, Raised, code_of, of_this_process
from .progress import file_option
from .wrong_line import wrong_line

__all__ = [
    "Exercise", "NotDone", "Result", "Wrong", "examine", "expect_array", "expect_choice",
    "expect_number", "number", "require", "require_written", "time_limit",
]  # fmt: skip

OF_MINIRES = "ok (the solution that comes with minires)"
KINDS = ("number", "line", "function", "experiment", "bug", "design")


@dataclass(frozen=True)
class Exercise:
    """`check(f)` raises Wrong, saying what is wrong with the learner's `f`.

    The learner's function may live in another process: what it is given and what it returns are
    plain values, namely None, numbers, text, lists, tuples, dictionaries and arrays of them. It
    may be given functions of such values too. The hints go from a nudge to almost the answer;
    `wrong` are typical wrong solutions, which the check must refuse. `points` are what a pass is
    worth where a lesson is graded; 0, as in most lessons: it is not.
    """

    check: Callable[[Callable[..., Any]], None]
    reference: Callable[..., Any]
    hints: tuple[str, str, str]
    kind: str = "function"
    wrong: tuple[Callable[..., Any], ...] = ()
    points: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.hints, str) or len(self.hints) != 3:
            raise ValueError(f"hints: expected three texts, got {self.hints!r}")
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.points < 0:
            raise ValueError(f"points: expected 0 or more, got {self.points}")


@dataclass(frozen=True)
class Result:
    """What a check found: the verdict is PASS, FAIL (wrong) or TODO (not written).

    `lineno` and `source` are the learner's own line, in a notebook of this cell; `shipped` is
    whether the function is the solution that comes with minires; `wrong` is what the hints say of
    the learner's own code (`WrongLine.kept`).
    """

    name: str
    verdict: str
    message: str
    lineno: int | None = None
    source: str = ""
    cell: int | None = None
    shipped: bool = False
    wrong: list[Any] = field(default_factory=list)

    def line(self, lesson: int, file: str | None = None, points: int = 0) -> str:
        """Return what to print, which names the hint of what is not solved in the file.

        `points` are what a pass is worth, if anything.
        """
        message = self.message.replace("\n", "\n       ")
        passed = self.verdict == "PASS"
        worth = f" ({points if passed else 0} of {points} points)" if points else ""
        text = f"[{self.verdict}] exercise {self.name}{worth}: {message}"
        if passed:
            return text
        if self.verdict == "FAIL" and self.lineno:
            text += f"\n       your {self.where}"
        return f"{text}\n       stuck? minires lessons hint {lesson} {self.name}{file_option(file)}"

    @property
    def where(self) -> str:
        """The learner's own line: "cell 3, line 47: return y"."""
        cell = "" if self.cell is None else f"cell {self.cell}, "
        return f"{cell}line {self.lineno}" + (f": {self.source}" if self.source else "")


def time_limit() -> float:
    """Return how many seconds an exercise's check may take (MINIRES_EXERCISE_SECONDS, or 20)."""
    return min(environment.seconds("MINIRES_EXERCISE_SECONDS", 20), 1e6)


def examine(name: str, exercise: Exercise, f: Callable[..., Any]) -> Result:
    """Check a learner's function in this process, whatever it does, within the time limit."""
    limit, learner = time_limit(), of_this_process(f)
    end = time.monotonic() + limit
    lineno, source = _definition(f)
    wrong: list[Any] = []
    try:
        with interrupted(lambda: end) as expired:
            verdict, message = judge(exercise, learner)
    except KeyboardInterrupt:
        if not expired.is_set():
            print(f"[STOP] exercise {name}: interrupted")
            raise
    if expired.is_set():
        verdict, message = "FAIL", stopped(limit)
    elif learner.raised and learner.raised.line:
        lineno = learner.raised.line
        source = _line(f, lineno)
    elif verdict == "FAIL" and (found := wrong_line(name, f)):
        lineno, message, wrong = found.line, found.told(message), found.kept()
        source = _line(f, lineno)
    return Result(name, verdict, message, lineno or None, source, wrong=wrong)


def _line(f: Any, lineno: int) -> str:
    """Return a line of the learner's file."""
    code = code_of(f)
    return linecache.getline(code.co_filename, lineno).strip() if code else ""


def judge(exercise: Exercise, learner: Learner) -> tuple[str, str]:
    """Return the verdict of an exercise's check and its message."""
    found: Exception | None = None
    try:
        exercise.check(learner)
    except Exception as error:  # Wrong, Raised, or what became of a value of an odd type
        found = error
    found = learner.wrong or found
    if found is None:
        return "PASS", "ok"
    if isinstance(found, NotDone):
        return "TODO", str(found)
    if isinstance(found, AssertionError | Raised):
        return "FAIL", str(found) or "an assertion failed"
    return "FAIL", f"what it returned cannot be checked ({type(found).__name__}: {found})"


def stopped(limit: float) -> str:
    """Return what is said of an exercise that does not end."""
    return f"stopped after {limit:g} s: does a loop run for ever?"


def _definition(f: Any) -> tuple[int, str]:
    """Return the line where a function is defined, and its text; 0 if unknown."""
    code = code_of(f)
    if code is None:
        return 0, ""
    for lineno in range(code.co_firstlineno, code.co_firstlineno + 20):
        text = linecache.getline(code.co_filename, lineno).strip()
        if text.startswith(("def ", "async def ")):
            return lineno, text
    return code.co_firstlineno, linecache.getline(code.co_filename, code.co_firstlineno).strip()
