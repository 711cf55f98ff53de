"""Which runs are meant: "depth=20,56", "skip!=none", "test_error<0.1"."""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .stored import Stored

_FORM = re.compile(r"([A-Za-z_]\w*)\s*(!=|<=|>=|=|<|>)\s*(.*)", re.DOTALL)
HASHES = ("key", "code")  # some begin like numbers
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_JSON = {"true": True, "false": False, "null": None, "none": "none"}


class Filter(NamedTuple):
    """One condition; with "=" and "!=" there may be several values, of which one will do."""

    name: str
    relation: str
    values: list[Any]

    def fits(self, values: dict[str, Any]) -> bool:
        """Return whether values of a run fulfil it; a value that is missing fulfils only !=."""
        own = values.get(self.name)
        if self.relation in ("=", "!="):
            return any(self._same(own, value) for value in self.values) == (self.relation == "=")
        wanted = self.values[0]
        return isinstance(own, int | float) and _COMPARE[self.relation](own, wanted)

    def _same(self, own: Any, wanted: Any) -> bool:
        if self.name in HASHES:
            return str(own).startswith(wanted)
        return bool(own == wanted) or (isinstance(own, str) and own == str(wanted))


def parse(text: str) -> Filter:
    """Parse one condition. ValueError says what is expected."""
    found = _FORM.fullmatch(text.strip())
    if found is None or not found[3]:
        raise ValueError(
            f"expected a filter such as depth=20,56 or lr<0.1, got {text!r} (a store is named by "
            "--store DIR)"
        )
    name, relation, rest = found.groups()
    several = relation in ("=", "!=")
    # whole text first: a list such as steps=[0,5] has commas of its own
    parts = [rest] if not several or rest[0] in "[(" else rest.split(",")
    values = parts if name in HASHES else [_value(part) for part in parts]
    if not several and not isinstance(values[0], int | float):
        raise ValueError(f"{name}{relation}: expected a number, got {rest!r}")
    return Filter(name, relation, values)


def _value(text: str) -> Any:
    if text in _JSON:
        return _JSON[text]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return list(value) if isinstance(value, tuple) else value


def fits(values: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Return whether all of `where` is true: each value of a run is the one, or of the list."""
    return all(
        values.get(name) in (wanted if isinstance(wanted, list | tuple | set | range) else [wanted])
        for name, wanted in where.items()
    )


def values(run: Stored) -> dict[str, Any]:
    """Return all by which a run can be chosen: setting, summary, seed, task, code, key, seconds."""
    own = {"key": run.key, "task": run.task, "seed": run.seed, "code": run.code}
    return run.summary | run.setting | own | {"seconds": run.seconds, "when": run.made.get("when")}


def chosen(runs: Iterable[Stored], filters: Sequence[Filter]) -> list[Stored]:
    """Return the runs that fulfil all conditions. ValueError for a name that no run has."""
    have = [(run, values(run)) for run in runs]
    known = dict.fromkeys(name for _, own in have for name in own)
    for f in filters:
        if have and f.name not in known:
            near = difflib.get_close_matches(f.name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else f" (there are {', '.join(known)})"
            raise ValueError(f"{f.name}: no run has such a field{hint}")
    return [run for run, own in have if all(f.fits(own) for f in filters)]


def none_fits(runs: Iterable[Stored], texts: Sequence[str]) -> str:
    """Return why no run fulfils the conditions: the one that none does, and what there is."""
    have = [values(run) for run in runs]
    if not have:
        return "no run fits: there is none"
    for text in texts:
        f = parse(text)
        if not any(f.fits(own) for own in have):
            there = sorted({_shown(own.get(f.name)) for own in have}, key=_by_size)
            more = f", … ({len(there)} values)" if len(there) > 8 else ""
            return f"no run fits {text}: there {f.name} is {', '.join(there[:8])}{more}"
    return "no run fits all of " + " ".join(texts) + "; each of them fits some"


def _shown(value: Any) -> str:
    return "empty" if value is None else str(value)


def _by_size(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text
