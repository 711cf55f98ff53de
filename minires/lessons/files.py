"""Lesson files: finding them, reading their headers, student versions, notebooks."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..results import read_text

_PACKAGE = Path(__file__).parents[1]
_MAGIC = re.compile(r"^[ \t]*(%{1,2}|!)\w.*$", re.MULTILINE)
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


def student_version(text: str) -> str:
    """Return the script with every solution replaced by a TODO that returns None."""
    return _SOLUTION.sub(r"\g<indent># TODO: your code here\n\g<indent>return None\n", text)


@dataclass(frozen=True)
class Part:
    """A cell: prose without its comment signs, or code; its tags.

    line   where it begins in a script; in a notebook its number, from 1
    """

    markdown: bool
    lines: list[str]
    tags: list[str]
    line: int


def parts(text: str) -> list[Part]:
    """Split a py:percent script into its cells; what stands before the first is left out."""
    lines = text.split("\n")  # as Python counts them: a form feed ends none
    starts = [i for i, line in enumerate(lines) if line.startswith("# %%")]
    found = []
    for start, end in itertools.pairwise([*starts, len(lines)]):
        mark, body = lines[start], lines[start + 1 : end]
        markdown = "[markdown]" in mark
        if markdown:
            body = [re.sub(r"^# ?", "", line) for line in body]
        first = next((i for i, line in enumerate(body) if line), 0)
        body = "\n".join(body).strip("\n").split("\n")
        tags = re.search(r"tags=\[(.*?)\]", mark)
        found.append(
            Part(markdown, body, re.findall(r"[\w-]+", tags[1]) if tags else [], start + 2 + first)
        )
    return [part for part in found if any(part.lines)]


def cells(text: str) -> list[tuple[bool, list[str]]]:
    """Return (is markdown, lines) of each cell of a script."""
    return [(part.markdown, part.lines) for part in parts(text)]


def notebook_parts(path: Path) -> list[Part]:
    """Return the cells of a notebook, with empty lines for those that begin with % or !.

    Raises ValueError for what is no notebook.
    """
    text, found = read_text(path), []
    try:
        for i, cell in enumerate(json.loads(text)["cells"], 1):
            source, kind = "".join(cell["source"]), cell["cell_type"]
            tags = list(cell.get("metadata", {}).get("tags", ()))
            if kind == "code":
                source = _MAGIC.sub("", source)
            if kind in ("code", "markdown"):
                found.append(Part(kind == "markdown", source.split("\n"), tags, i))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: expected a Jupyter notebook ({error!r})") from None
    return found


def notebook(text: str) -> str:
    """Return the script as a notebook (nbformat 4.5), without outputs."""
    entries: list[dict[str, Any]] = []
    for i, part in enumerate(parts(text)):
        entry: dict[str, Any] = {
            "cell_type": "markdown" if part.markdown else "code",
            "id": f"cell-{i:03d}",
            "metadata": {"tags": part.tags} if part.tags else {},
            "source": [line + "\n" for line in part.lines[:-1]] + part.lines[-1:],
        }
        if not part.markdown:
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
