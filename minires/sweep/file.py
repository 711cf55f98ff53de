"""A sweep's file, or its arguments: read, checked, and turned into a plan."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import results
from ..store import TASKS
from .design import DESIGNS, Plan
from .values import Values, parse

KEYS = ("task", "design", "samples", "draw_seed", "seeds", "setting", "exclude")
MOST_SEEDS = 10_000


class Source:
    """Where things were given: a file with its lines, the arguments, or Python."""

    def __init__(self, name: str = "", text: str = "", arguments: Iterable[str] = ()) -> None:
        self.name, self.arguments = name, set(arguments)
        self.lines = _lines(text)

    def at(self, key: str, table: str = "") -> str:
        """Return how an error about a key begins, e.g. "sweep.toml, line 7: lr: "."""
        said = f"{key}: " if key else ""
        if key in self.arguments or not self.name:
            return said
        line = self.lines.get((table, key)) or self.lines.get((table, ""))
        return f"{self.name}, line {line}: {said}" if line else f"{self.name}: {said}"


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the line of each (table, key) of a TOML text; tables of a list are exclude.0, …"""
    found: dict[tuple[str, str], int] = {}
    table, count = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]", line):
            table = re.sub("[\"']", "", head[2])
            if head[1] == "[[":
                table, count = f"{table}.{count}", count + 1
            found.setdefault((table, ""), number)
        elif key := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            path = [*filter(None, [table]), re.sub("[\"'\\s]", "", key[1])]
            where, _, name = ".".join(path).rpartition(".")
            found.setdefault((where, name), number)
    return found


def read(path: results.StrPath, changes: Mapping[str, Any] | None = None, **options: Any) -> Plan:
    """Return the plan of a TOML file; `changes` replaces fields of its setting.

    options   replace keys of the file's top level, e.g. seeds=5

    Raises ValueError that names file, line and field, and says what is offered; OSError if the file
    cannot be read.
    """
    text = results.read_text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}; the format is TOML: key = value") from None
    given = {k: v for k, v in options.items() if v is not None}
    source = Source(str(path), text, [*given, *(changes or {})])
    setting = document.get("setting", {})
    if not isinstance(setting, Mapping):
        raise ValueError(f"{source.at('setting')}expected a table, [setting], got {setting!r}")
    return plan({**document, **given, "setting": {**setting, **(changes or {})}}, source)


def plan(document: Mapping[str, Any], source: Source | None = None) -> Plan:
    """Return the plan of a sweep's document: what a TOML file holds, as Python values.

    keys   task; setting: {field: values}; design, samples, draw_seed; seeds; exclude: [{field: …}]

    Raises ValueError for what is not offered, naming what is.
    """
    source = source or Source()
    for key in document:
        if key not in KEYS:
            hint = "; fields of a net or its training belong below [setting]"
            known = any(key in task.fields for task in TASKS.values())
            raise ValueError(
                f"{source.at(key)}{_unknown(key, KEYS, 'a key of a sweep')}{hint if known else ''}"
            )
    task = _one_of(document, "task", tuple(TASKS), None, source)
    design = _one_of(document, "design", DESIGNS, "grid", source)
    samples = _integer(document, "samples", 1, 1 if design == "grid" else None, source)
    if design == "grid" and "samples" in document:
        raise ValueError(f"{source.at('samples')}a grid has all combinations; samples are drawn")
    setting = document.get("setting", {})
    return Plan(
        task,
        {name: _values(task, name, given, source) for name, given in setting.items()},
        design,
        0 if design == "grid" else samples,
        _integer(document, "draw_seed", 0, 0, source),
        _seeds(document.get("seeds", 1), source),
        _exclude(document.get("exclude", []), setting, source),
        lambda name: source.at(name, "setting"),
    )


def _values(task: str, name: str, given: Any, source: Source) -> Values:
    where, fields = source.at(name, "setting"), TASKS[task].fields
    if name == "seed":
        raise ValueError(f"{where}seeds = 3 (or a list of seeds), above [setting], gives the seeds")
    if name not in fields:
        raise ValueError(f"{where}{_unknown(name, tuple(fields), f'a field of {task}')}")
    try:
        return parse(given, fields[name].default)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None


def _seeds(given: Any, source: Source) -> tuple[int, ...]:
    seeds = list(range(min(given, MOST_SEEDS + 1))) if _is_integer(given) else given
    whole = isinstance(seeds, list | tuple) and all(_is_integer(s) and s >= 0 for s in seeds)
    if not whole or not seeds or len(set(seeds)) < len(seeds) or len(seeds) > MOST_SEEDS:
        raise ValueError(
            f"{source.at('seeds')}expected how many, or a list of different integers from 0 on "
            f"(at most {MOST_SEEDS:,}), got {given!r}"
        )
    return tuple(seeds)


def _exclude(
    given: Any, setting: Mapping[str, Any], source: Source
) -> list[Mapping[str, Sequence[Any]]]:
    if not isinstance(given, list) or not all(isinstance(rule, Mapping) for rule in given):
        raise ValueError(
            f"{source.at('exclude')}expected tables, [[exclude]], each with fields and the values "
            f"that are left out together, got {given!r}"
        )
    rules: list[Mapping[str, Sequence[Any]]] = []
    for i, rule in enumerate(given):
        if not rule:
            raise ValueError(f"{source.at('', f'exclude.{i}')}this [[exclude]] names no field")
        for name in rule:
            if name not in setting:
                what = _unknown(name, tuple(setting), "a field below [setting]")
                raise ValueError(f"{source.at(name, f'exclude.{i}')}{what}")
        rules.append({n: v if isinstance(v, list) else [v] for n, v in rule.items()})
    return rules


def _one_of(
    document: Mapping[str, Any], key: str, offered: Sequence[str], default: Any, source: Source
) -> str:
    value = document.get(key, default)
    if value is None:
        raise ValueError(f"{source.at(key)}missing; give one of {', '.join(offered)}")
    if value not in offered:
        raise ValueError(f"{source.at(key)}expected one of {', '.join(offered)}, got {value!r}")
    return str(value)


def _integer(
    document: Mapping[str, Any], key: str, least: int, default: int | None, source: Source
) -> int:
    value = document.get(key, default)
    if value is None:
        raise ValueError(f"{source.at(key)}missing; a design that draws says how many, e.g. 200")
    if not _is_integer(value) or value < least:
        raise ValueError(f"{source.at(key)}expected an integer of at least {least}, got {value!r}")
    return int(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _unknown(name: str, offered: Sequence[str], what: str) -> str:
    near = difflib.get_close_matches(name, offered, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(offered)}"
    return f"not {what}; {hint}"


def argument(text: str) -> tuple[str, Any]:
    """Return field and values of an argument such as depth=8,20,56 or lr={from=0.001, …}.

    The values are a TOML value, or words and numbers separated by commas. ValueError for others.
    """
    name, equals, values = text.partition("=")
    if not equals or not name.isidentifier() or not values.strip():
        raise ValueError(f"expected FIELD=VALUES, e.g. depth=8,20,56; got {text!r}")
    try:
        return name, tomllib.loads(f"x = {values}")["x"]
    except tomllib.TOMLDecodeError as error:
        if values.lstrip()[0] in "[{\"'":
            raise ValueError(f"{name}: {values!r} is no TOML value: {error}") from None
    found = [_word(word.strip()) for word in values.split(",")]
    return name, found if len(found) > 1 else found[0]


def _word(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def is_path(text: str) -> bool:
    """Tell whether an argument names a file rather than a task."""
    return text not in TASKS and (Path(text).suffix != "" or "/" in text or Path(text).exists())
