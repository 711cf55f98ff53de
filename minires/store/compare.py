"""Two sets of runs, setting by setting: the difference, its spread over seeds, and the verdict.

Twins of one seed have the same weights and batches, so differences are taken within seeds where
both sides have some in common; else between the means.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .stored import Stored

# Student's t: 95 % of a distribution with 1, 2, … degrees of freedom lie within ± t.
_T = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
      2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
      2.052, 2.048, 2.045, 2.042)  # fmt: skip
QUANTITIES = ("test_error", "train_error", "train_loss", "loss", "dx_factor", "decades_lost")
Group = dict[int, Stored]


@dataclass(frozen=True)
class Difference:
    """One quantity of one setting, on both sides.

    a, b     values by seed; runs that diverged have none
    lost     how many runs of each side have none
    same     whether all runs have the same bits
    twins    whether differences are those of common seeds
    change   mean of b - a; None if a side has no value
    margin   half of its 95 % interval; None if it cannot be told, with one value
    """

    setting: dict[str, Any]
    quantity: str
    a: dict[int, float]
    b: dict[int, float]
    lost: tuple[int, int]
    same: bool

    @property
    def twins(self) -> bool:
        return bool(set(self.a) & set(self.b))

    @property
    def change(self) -> float | None:
        if not self.a or not self.b:
            return None
        return statistics.fmean(self._changes()) if self.twins else _mean(self.b) - _mean(self.a)

    @property
    def margin(self) -> float | None:
        if self.twins:
            changes = self._changes()
            n = len(changes)
            return None if n < 2 else _t(n - 1) * statistics.stdev(changes) / math.sqrt(n)
        if min(len(self.a), len(self.b)) < 2:
            return None
        parts = [statistics.variance(v.values()) / len(v) for v in (self.a, self.b)]
        # fewest degrees of freedom that Welch's test can have: a cautious interval
        return _t(min(len(self.a), len(self.b)) - 1) * math.sqrt(sum(parts))

    def _changes(self) -> list[float]:
        return [self.b[seed] - self.a[seed] for seed in sorted(set(self.a) & set(self.b))]

    def verdict(self) -> str:
        """Return what can be said of it, in words."""
        change, margin = self.change, self.margin
        if self.same:
            return "the same bits"
        if change is None:
            return "one side has no value"
        if change == 0 and (margin in (None, 0)):
            return "equal"
        if margin is None:
            return "one seed: no spread to judge by"
        if abs(change) <= margin:
            return "within noise"
        return "b is larger" if change > 0 else "b is smaller"


def compare(a: Iterable[Stored], b: Iterable[Stored]) -> list[Difference]:
    """Compare two sets of runs: settings that are alike but for what the sets differ in.

    A field in which the sets differ, each having one value, is what is compared (skip, code);
    all others must agree. Raises ValueError if no setting of one side is on the other, or a side
    has two runs of one setting and seed.
    """
    a, b = list(a), list(b)
    for side, runs in (("first", a), ("second", b)):
        if not runs:
            raise ValueError(f"no run fits the {side} of the two that are to be compared")
    aside = differing(a, b)
    groups = [_groups(runs, aside, side) for side, runs in (("first", a), ("second", b))]
    common = [name for name in groups[0] if name in groups[1]]
    if not common:
        raise ValueError(
            "no setting of the first is in the second: nothing to compare "
            f"(they differ in {', '.join(sorted(aside)) or 'more than one field'})"
        )
    return [
        difference
        for name in common
        for difference in _differences(groups[0][name], groups[1][name], aside)
    ]


def differing(a: Sequence[Stored], b: Sequence[Stored]) -> set[str]:
    """Return the fields of the setting in which each side has one value, and not the same."""
    names = dict.fromkeys(name for run in (*a, *b) for name in run.setting)
    sides = [{n: {repr(run.setting.get(n)) for run in side} for n in names} for side in (a, b)]
    return {
        n for n in names
        if len(sides[0][n]) == 1 == len(sides[1][n]) and sides[0][n] != sides[1][n]
    }  # fmt: skip


def _groups(runs: Sequence[Stored], aside: set[str], side: str) -> dict[str, Group]:
    found: dict[str, Group] = {}
    for run in runs:
        setting = {n: v for n, v in run.setting.items() if n not in aside}
        group = found.setdefault(repr((run.task, sorted(setting.items()))), {})
        if run.seed in group:
            other = group[run.seed]
            what = "two codes" if other.code != run.code else "more than it says"
            raise ValueError(
                f"the {side} has {what} for one setting and seed ({other.key}, {run.key}); "
                "choose by code=… or another field"
            )
        group[run.seed] = run
    return found


def _differences(a: Group, b: Group, aside: set[str]) -> list[Difference]:
    one = next(iter(a.values()))
    setting = {n: v for n, v in one.setting.items() if n not in aside}
    same = a.keys() == b.keys() and all(
        a[s].digest_of_results() == b[s].digest_of_results() for s in a
    )
    found = []
    for quantity in QUANTITIES:
        x, y = _values(a, quantity), _values(b, quantity)
        if x or y:
            lost = (len(a) - len(x), len(b) - len(y))
            found.append(Difference(setting, quantity, x, y, lost, same))
    return found


def _values(group: Group, quantity: str) -> dict[int, float]:
    """Return finite numbers by seed. Those of runs that diverged are no data."""
    found = {}
    for seed, run in group.items():
        value = run.summary.get(quantity)
        if isinstance(value, int | float) and math.isfinite(value):
            found[seed] = float(value)
    return found


def _mean(values: dict[int, float]) -> float:
    return statistics.fmean(values.values())


def _t(degrees: int) -> float:
    return _T[degrees - 1] if degrees <= len(_T) else 1.96 + 2.5 / degrees
