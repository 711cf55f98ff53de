"""A learner's copy of a lesson: an exercise put back as it was, and the solution of one."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..results import read_text
from .files import Part, lesson_file, parts, student_version


def solution(number: int, exercise: str) -> str:
    """Return the code that solves an exercise in the lesson that comes with minires."""
    lines = _part(read_text(lesson_file(number).path), exercise).lines
    return "\n".join(line for line in lines if "SOLUTION" not in line and "@lesson" not in line)


def cell(number: int, exercise: str) -> str:
    """Return the cell of an exercise as it stands in the lesson that comes with minires."""
    return "\n".join(_part(read_text(lesson_file(number).path), exercise).lines)


def restored(path: Path, number: int, exercises: list[str]) -> str:
    """Return a learner's script or notebook with these exercises as a student gets them.

    Raises ValueError for a file where one of them is missing; its code may be no Python.
    """
    text = read_text(path)
    theirs = student_version(read_text(lesson_file(number).path))
    if path.suffix == ".ipynb":
        return _in_notebook(path, text, {name: _part(theirs, name).lines for name in exercises})
    for name in exercises:
        try:
            part = _part(text, name)
        except LookupError:
            raise ValueError(_missing(path, number, name)) from None
        lines = text.split("\n")
        lines[part.line - 1 : part.line - 1 + len(part.lines)] = _part(theirs, name).lines
        text = "\n".join(lines)
    return text


def _in_notebook(path: Path, text: str, new: dict[str, list[str]]) -> str:
    try:
        document = json.loads(text)
        cells = [c for c in document["cells"] if c["cell_type"] == "code"]
        sources = ["".join(c["source"]) for c in cells]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected a Jupyter notebook ({error!r})") from None
    for name, lines in new.items():
        found = [c for c, source in zip(cells, sources, strict=True) if _is_of(source, name)]
        if not found:
            raise ValueError(_missing(path, int(name.split(".")[0]), name))
        found[0]["source"] = [line + "\n" for line in lines[:-1]] + lines[-1:]
        found[0].update(outputs=[], execution_count=None)
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _part(text: str, exercise: str) -> Part:
    """Return the cell of an exercise; raises LookupError if there is none."""
    for part in parts(text):
        if not part.markdown and _is_of("\n".join(part.lines), exercise):
            return part
    raise LookupError(exercise)


def _is_of(code: str, exercise: str) -> bool:
    return re.search(rf"\.exercise\(\s*['\"]{re.escape(exercise)}['\"]", code) is not None


def _missing(path: Path, number: int, exercise: str) -> str:
    return (
        f"{path} has no cell of exercise {exercise}; copy it from a new file: "
        f"minires lessons copy new {number} --student"
    )
