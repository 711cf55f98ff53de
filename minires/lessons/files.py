"""Lesson files: finding them, reading their headers, student versions, notebooks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..results import read_text

_PACKAGE = Path(__file__).parents[1]
_SOLUTION = re.compile(
    r"^(?P<indent> *)# BEGIN SOLUTION\n.*?^ *# END SOLUTION\n", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class LessonFile:
    """A lesson script and what its header says."""

    number: int
    path: Path
    title: str
    minutes: int
    seconds: int  # of running, on two slow cores
    needs: str


def folder() -> Path:
    """Return the folder of the lessons: beside the package in a source tree, else inside it."""
    source = _PACKAGE.parent / "lessons"
    return source if any(source.glob("lesson_*.py")) else _PACKAGE / "_lessons"


def lesson_files() -> list[LessonFile]:
    """Return all lessons, by number."""
    found = []
    for path in sorted(folder().glob("lesson_*.py")):
        header = dict(re.findall(r"^# (\w+): *(.*)$", read_text(path).split("# %%")[0], re.M))
        number = int(path.name.split("_")[1])
        found.append(
            LessonFile(
                number,
                path,
                header["title"],
                int(header["minutes"]),
                int(header.get("seconds", 0)),
                header["needs"],
            )
        )
    return found


def lesson_file(number: int) -> LessonFile:
    """Return one lesson; raises ValueError that lists the others."""
    files = {f.number: f for f in lesson_files()}
    if number not in files:
        raise ValueError(f"no lesson {number}; there are {', '.join(map(str, files))}")
    return files[number]


def source(path: Path) -> str:
    """Return the code of a script, or of a notebook's code cells without its % and ! lines.

    Raises ValueError for what is neither.
    """
    try:
        text = read_text(path)
        if path.suffix != ".ipynb":
            return text
        codes = [
            "".join(cell["source"])
            for cell in json.loads(text)["cells"]
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: expected a lesson as a Python script or a Jupyter notebook ({error!r})"
        ) from None
    return re.sub(r"^[ \t]*(%{1,2}|!)\w.*$", "", "\n".join(codes) + "\n", flags=re.MULTILINE)


def student_version(text: str) -> str:
    """Return the script with every solution replaced by a TODO that returns None."""
    return _SOLUTION.sub(r"\g<indent># TODO: your code here\n\g<indent>return None\n", text)


def cells(text: str) -> list[tuple[bool, list[str]]]:
    """Split a py:percent script into (is markdown, lines); the header becomes a title cell."""
    found: list[tuple[bool, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("# %%"):
            found.append(("[markdown]" in line, []))
        elif found:
            found[-1][1].append(line)
    result = []
    for markdown, lines in found:
        body = "\n".join(re.sub(r"^# ?", "", x) if markdown else x for x in lines).strip("\n")
        if body:
            result.append((markdown, body.splitlines()))
    return result


def notebook(text: str) -> str:
    """Return the script as a notebook (nbformat 4.5), without outputs."""
    entries: list[dict[str, Any]] = []
    for i, (markdown, lines) in enumerate(cells(text)):
        entry: dict[str, Any] = {
            "cell_type": "markdown" if markdown else "code",
            "id": f"cell-{i:03d}",
            "metadata": {},
            "source": [line + "\n" for line in lines[:-1]] + lines[-1:],
        }
        if not markdown:
            entry |= {"outputs": [], "execution_count": None}
        entries.append(entry)
    document = {
        "cells": entries,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
