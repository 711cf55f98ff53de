"""Checking a learner's file: its exercises, whatever the file does.

The file runs in a process of its own (`worker.py`), cell by cell. This one holds the checks and the
reference solutions, calls the learner's functions over there, and decides every verdict.
"""

from __future__ import annotations

import difflib
import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import environment
from ..results import read_text
from . import files, kit
from .channel import Broken, Channel
from .exercise import OF_MINIRES, Exercise, Result, judge, stopped, time_limit
from .expect import Wrong
from .guard import limited_memory
from .interrupt import interrupted
from .learner import Learner, Raised
from .passes import PASSES
from .process import Process, TimeUp
from .report import UNFINISHED, Problem, Report
from .units import units
from .unreached import find, likeliest, missing
from .wrong_line import received

MOST_ENDLESS = 3  # cells of a file: what follows them is not run
START_S = 30.0  # for the other process to begin, also on a machine that is busy
LOOKING_S = 15.0  # for the line of one exercise that is wrong
GRACE_S = 2.0  # how much later than the other process this one is interrupted


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; the text says during what."""


class _Finished(BaseException):
    """The file has been run to its end."""


class _NoSuchLesson(BaseException):
    """The file is not one of this lesson; the text says what it is."""


def cell_limit() -> float:
    """Return how long a cell may take outside of exercises (MINIRES_CELL_SECONDS, or 120 s)."""
    return min(environment.seconds("MINIRES_CELL_SECONDS", 120), 1e6)


def check_file(
    path: Path, number: int | None = None, doing: Callable[[str], None] = lambda what: None
) -> Report:
    """Check the exercises of a file, which is one of the lesson of this number.

    `doing` is told what is being done, all the time. What does not end in time, or ends its
    process, is skipped when the file is run once more.
    Raises ValueError for a file that is no such lesson, and Interrupted after Ctrl-C.
    """
    if not path.is_file():
        raise ValueError(f"{path} is {'a folder' if path.is_dir() else 'no file that is there'}")
    checker, begun = _Checker(path, number, doing), time.monotonic()
    try:
        with limited_memory(), interrupted(lambda: checker.deadline + GRACE_S) as expired:
            while not checker.run(expired):
                pass
        report = checker.report()
    except KeyboardInterrupt:
        raise Interrupted(checker.doing()) from None
    except _NoSuchLesson as error:
        raise ValueError(f"{path} {error}") from None
    report.seconds = round(time.monotonic() - begun, 2)
    return report


class _Checker:
    """What is known of a file so far, and what the process that runs it may call."""

    def __init__(self, path: Path, number: int | None, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.path, self.units = path, units(path)
        self.number = number
        self.exercises: dict[str, Exercise] = {}
        self.results: dict[str, Result] = {}
        self.problems: dict[tuple[int, int], Problem] = {}
        self.unknown: dict[str, int] = {}  # names that are no exercises: their lines
        self.skip: list[tuple[int, int]] = []
        self.endless = 0  # cells
        self.deadline = self.cell_deadline = math.inf
        self.cells: list[tuple[int, int]] = []
        self.places: dict[str, tuple[int, int]] = {}
        self.running = ""  # the exercise that is being checked
        self.looking = ""  # the exercise whose wrong line is being looked for
        self.learner: Learner | None = None

    def run(self, expired: threading.Event) -> bool:
        """Run the file in a new process; return whether it came to its end."""
        self.cells, self.places, self.learner = [], {}, None
        self.running = self.looking = ""
        self.deadline = self.cell_deadline = time.monotonic() + max(cell_limit(), START_S)
        process = Process()
        names = ("begin", "lesson", "cell", "problem", "exercise", "line", "reference", "end")
        self.channel = Channel(
            lambda: process.receive(self.deadline),
            process.send,
            {name: getattr(self, f"_{name}") for name in names},
            self._describe,
            (TimeUp, _Finished, _NoSuchLesson, KeyboardInterrupt),
        )
        try:
            self.channel.serve()
        except _Finished:
            return True
        except (TimeUp, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt) and not expired.is_set():
                raise
            self.deadline = math.inf
            expired.clear()
            self._blame("", process.where())
        except Broken as error:
            self.deadline = math.inf
            ended = process.ended() if str(error) == "the end" else ""
            self._blame(ended or f"it sent {error}: does it write to file descriptors?", [])
        finally:
            process.close()
        return self.endless >= MOST_ENDLESS

    def doing(self) -> str:
        """Return what is being done."""
        if self.running:
            return f"exercise {self.running}"
        if not self.cells:
            return "the script"
        unit, line = self.cells[-1]
        cell = self.units[unit].cell
        return f"the cell at line {line}" if cell is None else f"cell {cell}"

    def report(self) -> Report:
        """Return what was found, after the last run."""
        if not self.exercises:  # its Lesson(N) was not reached
            found = re.search(r"\bLesson\(\s*(\d+)", "\n".join(u.text for u in self.units))
            if found is None:
                first = next(iter(self.problems.values()), None)
                why = first.message if first else "no Lesson(N) in it"
                raise _NoSuchLesson(f"does not start a lesson: {why}")
            self._lesson(int(found[1]))
        results = {n: self.results.get(n) or self._missing(n) for n in self.exercises}
        problems = [self.problems[place] for place in sorted(self.problems)]
        return Report(
            str(self.path), self.number or 0, self.exercises, self.units, results, problems
        )

    def _blame(self, how: str, frames: list[tuple[str, int]]) -> None:
        """Note why the process does not go on: the exercise or the cell that was running."""
        names = [u.name.encode("ascii", "backslashreplace").decode() for u in self.units]
        places = [(names.index(f), line) for f, line in frames if f in names]
        if self.looking:
            return  # nothing more is said of this one
        if self.running:
            unit, line = places[0] if places else self.places[self.running]
            message = how or stopped(time_limit())
            self.results[self.running] = self._result(self.running, "FAIL", message, unit, line)
        elif self.cells:
            unit, start = self.cells[-1]
            line = places[0][1] if places and places[0][0] == unit else start
            self.endless += not how
            message = how or f"it has not ended after {cell_limit():g} s"
            if self.endless >= MOST_ENDLESS:
                message += f"; {MOST_ENDLESS} cells are like this: what follows was not run"
            self.problems[unit, start] = Problem(unit, start, line, message)
            self.skip.append((unit, start))
        else:
            raise _NoSuchLesson(f"could not be run: {how or 'its process does not begin'}")

    def _describe(self, error: BaseException) -> list[Any]:
        if self.learner is not None and isinstance(error, Wrong):
            self.learner.wrong = error  # by a function that a check has lent
        if isinstance(error, Raised):  # by a learner's function that this one has called
            return [error.kind, error.text, error.unit, error.line]
        return [type(error).__name__, str(error)]

    def _begin(self) -> dict[str, Any]:
        return {
            "file": str(self.path),
            "folder": str(self.path.absolute().parent),
            "units": [(u.name, u.text) for u in self.units],
            "script": self.path.suffix != ".ipynb",
            "skip": self.skip,
        }

    def _lesson(self, number: int) -> list[str]:
        if self.number is None:
            self.number = number
        if number != self.number:
            if self.exercises:
                raise ValueError(f"this file is checked as lesson {self.number}")
            raise _NoSuchLesson(f"is lesson {number}, not {self.number}")
        try:
            self.exercises = kit.exercises(number)
        except ModuleNotFoundError:
            raise _NoSuchLesson(f"is lesson {number}, which there is not") from None
        return list(self.exercises)

    def _cell(self, unit: int, start: int) -> None:
        place = self._place(unit, start)
        if self.running or (self.cells and place <= self.cells[-1]):
            raise Broken("cells in another order")
        self.cells.append(place)
        self.deadline = self.cell_deadline = time.monotonic() + cell_limit()
        self.tell(self.doing())

    def _problem(self, unit: int, start: int, kind: str, text: str, at: int, line: int) -> None:
        place = self._place(unit, start)
        if self.running or not self.cells or place != self.cells[-1]:
            raise Broken("a problem of another cell")
        message = str(Raised(str(kind), str(text)))
        line = line if at == unit and type(line) is int and line > 0 else start
        self.problems[place] = Problem(*place, line, message)

    def _place(self, unit: int, line: int) -> tuple[int, int]:
        if type(unit) is int and type(line) is int and 0 <= unit < len(self.units):
            return unit, line
        raise Broken("a place that is none")

    def _exercise(self, name: str, unit: int, line: int, kind: str, f: Any) -> bool | str:
        """Check an exercise; return whether the learner's function is to be used.

        "look" asks for the line that is wrong, too.
        """
        if self.running or self.looking:
            raise RuntimeError("exercises are checked one after the other")
        place = (self._find(name) or self.cells[-1]) if unit < 0 else self._place(unit, line)
        if name not in self.exercises:
            self.unknown.setdefault(str(name), place[1])
            near = difflib.get_close_matches(str(name), self.exercises, 1, 0.5)
            meant = f": did you mean {near[0]!r}?" if near else ""
            known = ", ".join(self.exercises) or "none before its Lesson(N)"
            raise ValueError(f"no exercise {name!r} (there are {known}){meant}")
        if name in self.places:
            self.results[name] = self._twice(name, place)
            return False
        self.places[name] = place
        if name in self.results:  # known from an earlier run
            return self.results[name].verdict == "PASS"
        if f is None or kind == "class":
            what = "a class" if kind == "class" else f"a value ({kind})"
            message = f"expected a function below @lesson.exercise({name!r}), got {what}"
            self.results[name] = self._result(name, "FAIL", message, *place)
            return False
        begun = time.monotonic()
        self.running, self.deadline = name, begun + time_limit()
        self.learner = Learner(f, getattr(f, "__name__", name))
        self.tell(self.doing())
        verdict, message = judge(self.exercises[name], self.learner)
        raised = self.learner.raised
        if verdict == "FAIL" and raised and 0 <= raised.unit < len(self.units) and raised.line > 0:
            place = raised.unit, raised.line
        self.results[name] = self._result(name, verdict, message, *place)
        self.running, self.learner = "", None
        self.channel.forget()
        self.cell_deadline += time.monotonic() - begun
        self.deadline = self.cell_deadline
        self.tell(self.doing())
        if verdict == "FAIL" and name in PASSES and not raised:
            self.looking, self.deadline = name, time.monotonic() + LOOKING_S
            self.cell_deadline += LOOKING_S
            return "look"
        return verdict == "PASS"

    def _line(self, name: str, line: int, family: str, others: list[int], *texts: str) -> None:
        """Note which line of a wrong exercise is wrong, as the other process has found."""
        if name != self.looking:
            raise Broken("a line of another exercise")
        self.looking, self.deadline = "", self.cell_deadline
        unit, start = self.places[name]
        at, result = self.units[unit], self.results[name]
        end = start + at.function(start)[1].count("\n") + 1
        if found := received(line, family, others, range(start, end), *texts[:2]):
            result = replace(result, message=found.told(result.message), wrong=found.kept())
            self.results[name] = replace(result, lineno=found.line, source=at.line(found.line))

    def _reference(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Return what the reference solution returns; only of an exercise that has been decided."""
        if self.running:
            raise ValueError(
                f"exercise {name} is not solved yet; its reference solution cannot be used while "
                f"exercise {self.running} is checked"
            )
        if name not in self.results or self.results[name].verdict == "PASS":
            raise ValueError(f"exercise {name} has not been checked yet")
        return self.exercises[name].reference(*arguments, **named)

    def _end(self) -> None:
        raise _Finished

    def _result(self, name: str, verdict: str, message: str, unit: int, line: int) -> Result:
        at = self.units[unit]
        definition, text = at.function(line)
        if not text or line != self.places[name][1]:  # a line within the function
            definition = line
        shipped = verdict == "PASS" and "BEGIN SOLUTION" in text and text in self._shipped()
        if shipped:
            message = OF_MINIRES
        return Result(name, verdict, message, definition, at.line(definition), at.cell, shipped)

    def _twice(self, name: str, place: tuple[int, int]) -> Result:
        lines = [self.units[unit].function(line)[0] for unit, line in (self.places[name], place)]
        cells = [self.units[unit].cell for unit, _ in (self.places[name], place)]
        if cells[0] is None:
            where = f"at lines {lines[0]} and {lines[1]}"
        else:
            where = f"in cells {cells[0]} and {cells[1]}"
        message = f"it stands twice in this file, {where}: keep one of them"
        return self._result(name, "FAIL", message, place[0], lines[1])

    def _missing(self, name: str) -> Result:
        """Return the result of an exercise that was never reached."""
        found = self._find(name)
        if found is not None:
            return self._not_reached(name, *found)
        shipped, meant = self._shipped(), likeliest(name, self.exercises, self.unknown)
        return Result(name, "TODO", missing(name, self.units, meant, shipped))

    def _find(self, name: str) -> tuple[int, int] | None:
        return find(name, self.units)

    def _not_reached(self, name: str, unit: int, line: int) -> Result:
        at = self.units[unit]
        starts = [place for place in self.cells if place[0] == unit and place[1] <= line]
        starts += [place for place in self.problems if place[0] == unit and place[1] <= line]
        problem = self.problems.get(max(starts, default=(unit, 0)))
        if problem is None:
            message = "its line @lesson.exercise was never reached: is it under an `if`?"
            return Result(name, "FAIL", message, line, at.line(line), at.cell)
        where = problem.lineno
        message = UNFINISHED + problem.message
        return Result(name, "FAIL", message, where, at.line(where), at.cell)

    def _shipped(self) -> str:
        try:
            return read_text(files.lesson_file(self.number or 0).path)
        except ValueError:
            return ""
