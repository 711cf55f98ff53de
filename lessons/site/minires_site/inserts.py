"""What hand-written pages leave to the build: a line `% insert: NAME` is replaced."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minires import results
from minires.lessons import glossary
from minires.lessons.files import LessonFile
from minires.lessons.kit import exercises

from . import figures

SITE = Path(__file__).parents[1]
_LINE = re.compile(r"^% insert: (\w+)$", re.M)


def anchor(term: str) -> str:
    """Return the name of the place where a lesson explains a term."""
    return "term-" + re.sub(r"\W+", "-", term.lower()).strip("-")


def course(lessons: list[LessonFile], app: Any) -> str:
    """Return the table of lessons."""
    rows = ["| Lesson | Minutes | Exercises | Needs |", "|---|--:|--:|---|"]
    rows += [
        f"| [{f.number}. {f.title}](/lessons/{f.path.stem}.ipynb) | {f.minutes} | "
        f"{len(exercises(f.number))} | {f.needs} |"
        for f in lessons
    ]
    return scroll(rows, "course")


def keys(lessons: list[LessonFile], app: Any) -> str:
    """Return the list of answer keys."""
    return "\n".join(
        f"- [Lesson {f.number}](answers/lesson_{f.number:02d}.md): {f.title}" for f in lessons
    )


def measured(lessons: list[LessonFile], app: Any) -> str:
    """Return what each lesson measures: the rows of the table of lessons/README.md."""
    text = results.read_text(SITE.parent / "README.md")
    found = re.search(r"^\| lesson \|.*?(?=\n\n)", text, re.M | re.S)
    if found is None:
        raise ValueError("lessons/README.md: expected a table whose first column is `lesson`")
    head, _, *rows = [line.strip("| ").split(" | ") for line in found[0].splitlines()]
    pages = {str(f.number): f.path.stem for f in lessons}
    lines = []
    for row in (dict(zip(head, cells, strict=True)) for cells in rows):
        number, _, question = row["lesson"].partition(". ")
        if number in pages:
            lines += [
                f"## Lesson {number}: {question}",
                "",
                f"{row['headline'][0].upper()}{row['headline'][1:]}.",
                "",
                f"- Measured: **{row['measured']}**",
                f"- Theory or paper: {row['theory or paper']}",
                f"- Verdict: {row['verdict']}",
                f'- <a href="lessons/{pages[number]}.html">The lesson</a> takes '
                f"{row['reading, min']} minutes to read, {row['with exercises, min']} with its "
                f"{row['exercises']} exercises; it runs in {row['running, s']} s",
                "",
            ]
    return "\n".join(lines)


def contrast(lessons: list[LessonFile], app: Any) -> str:
    """Return the course's one contrast as a figure."""
    folder = app.minires_figures["gradflow-56"].parent
    return figures.drawn(folder, "contrast", app.minires_front, "")


def terms(lessons: list[LessonFile], app: Any) -> str:
    """Return the glossary as a list of definitions, with links to the sentences."""
    pages = {f.number: f.path.stem for f in lessons}
    lines = []
    for entry in glossary.entries():
        if entry.lesson not in pages:
            continue
        said = re.sub(r"\*\*([^*]+)\*\*", r"*\1*", entry.sentence)
        where = f"lessons/{pages[entry.lesson]}.html#{anchor(entry.term)}"
        lines += [f"{entry.term}", f': {said} <a href="{where}">Lesson\u00a0{entry.lesson}</a>', ""]
    return "\n".join(lines)


def scroll(rows: list[str], kind: str = "") -> str:
    """Return a table that scrolls where it is too wide."""
    return "\n".join([f":::{{container}} scroll {kind}".rstrip(), "", *rows, "", ":::"])


INSERTS: dict[str, Callable[[list[LessonFile], Any], str]] = {
    "course": course, "keys": keys, "measured": measured, "contrast": contrast, "terms": terms,
}  # fmt: skip


def _read(app: Any, docname: str, source: list[str]) -> None:
    from .prepare import chosen

    def made(line: re.Match[str]) -> str:
        return INSERTS[line[1]](chosen(app), app)

    source[0] = _LINE.sub(made, source[0])


def setup(app: Any) -> None:
    """Replace when a page is read."""
    app.connect("source-read", _read)
