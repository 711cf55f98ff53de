"""What a learner has done: one file of JSON in the learner's folder, written whole.

{"2": {"predictions": {"factor": 0.5}, "solved": ["2.1"], "hints": {"2.2": 1},
       "place": "Exercise 2.2: ...", "read": false, "seconds": {"3f2a...": 12.1}}}
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .. import results
from .files import folder, lesson_file

NAME = "progress.json"


@dataclass
class Record:
    """What was done of one lesson."""

    predictions: dict[str, float | str] = field(default_factory=dict)
    solved: list[str] = field(default_factory=list)  # exercises, by the learner's own code
    hints: dict[str, int] = field(default_factory=dict)  # exercise -> how many were shown
    solutions: list[str] = field(default_factory=list)  # exercises whose solution was looked up
    place: str = ""  # the heading where reading goes on
    read: bool = False  # to the end
    wrong: dict[str, list[Any]] = field(default_factory=dict)  # exercise -> its line, for hints
    seconds: dict[str, float] = field(default_factory=dict)  # what a cell took, by its code

    def forget(self, exercise: str) -> None:
        """Forget what was done of one exercise."""
        self.hints.pop(exercise, None)
        self.wrong.pop(exercise, None)
        for names in (self.solved, self.solutions):
            if exercise in names:
                names.remove(exercise)


class Progress:
    """The file of progress in a folder. Each change reads it, and writes it whole.

    A file that is damaged, or that holds something else, is an error, never overwritten.
    """

    def __init__(self, learners_folder: Path) -> None:
        """Take the folder `answers` in the learner's folder, or MINIRES_ANSWERS."""
        self.path = Path(os.environ.get("MINIRES_ANSWERS") or learners_folder / "answers") / NAME

    def of(self, lesson: int) -> Record:
        """Return what was done of a lesson."""
        return self._record(self._read().get(str(lesson), {}))

    def change(self, lesson: int, **values: Any) -> Record:
        """Set fields of a lesson's record: a dictionary is added to, a list gains what it lacks."""
        everything = self._read()
        record = self._record(everything.get(str(lesson), {}))
        before = json.dumps(asdict(record))
        for name, value in values.items():
            old = getattr(record, name)
            if isinstance(old, dict):
                value = old | value
            elif isinstance(old, list):
                value = old + [v for v in value if v not in old]
            setattr(record, name, value)
        if json.dumps(asdict(record)) != before:
            self._write(everything | {str(lesson): asdict(record)})
        return record

    def note(self, lesson: int, wrong: Mapping[str, list[Any]]) -> None:
        """Keep what is wrong in exercises, for their hints; forget it where nothing is known."""
        old = self.of(lesson).wrong
        if new := {name: found for name, found in wrong.items() if found != old.get(name, [])}:
            self.change(lesson, wrong=new)

    def forget(self, lesson: int, exercise: str | None = None) -> None:
        """Forget a lesson, or one exercise of it."""
        everything = self._read()
        record = self._record(everything.pop(str(lesson), {}))
        if exercise is not None:
            record.forget(exercise)
            everything[str(lesson)] = asdict(record)
        if self.path.exists():
            self._write(everything)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(results.read_text(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.path} cannot be read ({error}); mend or remove it") from None
        if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
            raise ValueError(f"{self.path} does not hold progress of lessons; mend or remove it")
        return found

    def _record(self, found: dict[str, Any]) -> Record:
        record = Record()
        for one in fields(Record):
            value = found.get(one.name, getattr(record, one.name))
            if type(value) is not type(getattr(record, one.name)):
                raise ValueError(f"{self.path}: {one.name!r} is {value!r}; mend or remove the file")
            setattr(record, one.name, value)
        return record

    def _write(self, everything: dict[str, Any]) -> None:
        ordered = {k: everything[k] for k in sorted(everything, key=lambda k: (len(k), k))}
        try:
            results.write_text(self.path, results.to_json(ordered))
        except OSError as error:
            text = f"{error}; work in a folder of your own, or set MINIRES_ANSWERS to one"
            raise type(error)(text) from None


def file_option(file: str | Path | None) -> str:
    """Return the option with which a command finds the progress beside a file, if it needs one."""
    if file is None or os.path.realpath(learners_folder(file)) == os.path.realpath(""):
        return ""
    path, here = Path(file), Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f" --file {shlex.quote(str(shown))}"


def run_command(number: int, learners: Path) -> str:
    """Return the command that reads a lesson: the learner's copy, if the folder has one."""
    copy = learners / lesson_file(number).path.name
    own = f" --file {shlex.quote(str(copy))}" if copy.is_file() else ""
    return f"minires lessons run {number}{own}"


def learners_folder(file: str | Path | None) -> Path:
    """Return where a lesson's file writes: beside itself if it is the learner's; or the folder.

    The lessons that come with minires, and cells without a file, write to the current folder.
    """
    if file is None:
        return Path()
    parent = Path(file) if Path(file).is_dir() else Path(file).parent
    ours = os.path.realpath(parent) == os.path.realpath(folder())
    return Path() if ours else parent
