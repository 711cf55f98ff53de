"""The glossary of the course: each term with the sentence of the lesson that explains it.

A lesson prints a term **bold** in the sentence that says what it is, and nothing else.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from ..results import read_text
from . import files

_TERM = re.compile(r"\*\*([^*]+)\*\*")
_END = re.compile(r"[.!?][)*_\"']*(\s+)(?=[A-Z*$\"`(_])")
_ABBREVIATION = re.compile(r"(?:\b(?:al|e\.g|i\.e|vs|cf|eq|Eq|Fig|no|approx)|\b[A-Z])\.$")


@dataclass(frozen=True)
class Entry:
    """A term, the sentence that explains it, and its lesson."""

    term: str
    sentence: str
    lesson: int


def entries() -> list[Entry]:
    """Return the terms of all lessons in alphabetical order."""
    found = [entry for lesson in files.lesson_files() for entry in of_lesson(lesson)]
    return sorted(found, key=lambda e: (e.term.lower(), e.lesson))


def of_lesson(lesson: files.LessonFile) -> list[Entry]:
    """Return the terms of one lesson in the order in which it explains them."""
    found = []
    for markdown, lines in files.cells(read_text(lesson.path)):
        for paragraph in _paragraphs(lines) if markdown else []:
            for sentence in sentences(paragraph):
                for term in _TERM.findall(sentence):
                    found.append(Entry(term.strip(), sentence, lesson.number))
    return found


def sentences(paragraph: str) -> list[str]:
    """Split a paragraph at the ends of its sentences."""
    found, start = [], 0
    for end in _END.finditer(paragraph):
        if not _ABBREVIATION.search(paragraph[: end.start() + 1]):
            found.append(paragraph[start : end.start(1)])
            start = end.end()
    return [*found, paragraph[start:]]


def _paragraphs(lines: list[str]) -> list[str]:
    """Join the lines of each paragraph and of each item of a list."""
    found = [""]
    for line in lines:
        item = re.match(r"\s*(?:[-*]|\d+\.)\s+(?=\S)", line)
        if not line.strip() or item or line.startswith("#"):
            found.append(line[item.end() :] if item else line)
        elif found[-1].startswith("#"):  # a heading with no blank line below
            found.append(line.strip())
        else:
            found[-1] = f"{found[-1]} {line.strip()}".strip()
    return [p for p in found if p and not p.startswith("#")]


def matching(text: str) -> list[Entry]:
    """Return the entries whose term holds a text, in any case; all for an empty one.

    Raises ValueError that names terms which are spelled alike.
    """
    known = entries()
    found = [e for e in known if text.strip().lower() in e.term.lower()]
    if not found:
        near = difflib.get_close_matches(text.lower(), [e.term.lower() for e in known], cutoff=0.5)
        also = f"; did you mean {', '.join(near)}?" if near else ""
        raise ValueError(f"no term {text!r} in the glossary{also}")
    return found


def item(entry: Entry) -> str:
    """Return an entry in Markdown."""
    text = _TERM.sub(lambda m: f"*{m.group(1)}*", entry.sentence)
    return f"- **{entry.term}** (lesson {entry.lesson}). {text}"


def page() -> str:
    """Return the glossary as a Markdown page."""
    lines = [
        "# Glossary",
        "",
        "Each term with the sentence of the lesson that explains it. The page is made from the",
        "lessons: `minires lessons glossary --page`.",
        "",
    ]
    return "\n".join([*lines, *map(item, entries())]) + "\n"
