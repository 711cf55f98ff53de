"""Exercises that a file does not reach: where they stand, or what may stand in their place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from .units import Unit


def find(name: str, units: Sequence[Unit]) -> tuple[int, int] | None:
    """Return in which part and line of the file an exercise stands, by its text."""
    pattern = re.compile(rf"""\bexercise\(\s*(['"]){re.escape(str(name))}\1\s*\)""")
    for unit, at in enumerate(units):
        for line, text in enumerate(at.text.split("\n"), 1):
            if pattern.search(text.split("#")[0]):
                return unit, line
    return None


def likeliest(
    name: str, exercises: Iterable[str], unknown: Mapping[str, int]
) -> tuple[str, int] | None:
    """Return a name that is none of an exercise's, and its line, if this one seems to be meant."""
    known = list(exercises)
    meant = {}
    for other in unknown:
        if near := difflib.get_close_matches(other, known, 1, 0.5):
            meant[near[0]] = other
    return (meant[name], unknown[meant[name]]) if name in meant else None


def missing(name: str, units: Sequence[Unit], meant: tuple[str, int] | None, shipped: str) -> str:
    """Say that an exercise is not in the file, and what may be it; `shipped` is minires' own."""
    message = "not in this file"
    if meant:
        message += f"; is {meant[0]!r}, line {meant[1]}, meant to be it?"
    function = re.search(rf"""exercise\("{re.escape(name)}"\)\ndef (\w+)""", shipped, re.MULTILINE)
    if function is None:
        return message
    for at in units:
        for line, text in enumerate(at.text.split("\n"), 1):
            if re.match(rf"def {function[1]}\b", text):
                cell = "" if at.cell is None else f"cell {at.cell}, "
                message += (
                    f"; above `def {function[1]}` ({cell}line {line}) the line "
                    f'@lesson.exercise("{name}") is missing'
                )
    return message
