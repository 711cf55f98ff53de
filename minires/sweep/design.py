"""Designs: which combinations of values a sweep runs, and which of them are impossible."""

from __future__ import annotations

import itertools
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..store import Job
from .values import Listed, Range, Values

DESIGNS = ("grid", "random", "latin")
MOST = 1_000_000  # combinations of one design

Place = Callable[[str], str]  # the place of a field in the file or on the command line


@dataclass(frozen=True)
class Plan:
    """A task over a design of its settings, each with every seed.

    values    of the fields that were given; the others have the defaults of the task
    design    "grid": every combination; "random": each field drawn by itself; "latin": a Latin
              hypercube, in which each field takes `samples` values that share its range evenly
    exclude   combinations that are left out: those that match every field of one of these
    places    says where a field was given, for errors
    """

    task: str
    values: Mapping[str, Values]
    design: str = "grid"
    samples: int = 0
    draw_seed: int = 0
    seeds: Sequence[int] = (0,)
    exclude: Sequence[Mapping[str, Sequence[Any]]] = ()
    places: Place = field(default=lambda name: f"{name}: ", compare=False)

    def __post_init__(self) -> None:
        if self.design == "grid":
            for name, values in self.values.items():
                if isinstance(values, Range):
                    raise ValueError(
                        f"{self.places(name)}a grid needs points: give this range a count"
                        + ("" if values.log else " or a step")
                    )

    def size(self) -> int:
        """Return how many combinations there are, before any is left out, without seeds."""
        if self.design != "grid":
            return self.samples
        return math.prod(len(v.items) for v in self.values.values() if isinstance(v, Listed))

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Yield the given fields of every combination, in the order of the design.

        More samples of a random design begin with the fewer ones. ValueError for too many.
        """
        if self.size() > MOST:
            raise ValueError(
                f"the design has {self.size():,} combinations, at most {MOST:,} can be run: list "
                "fewer values, or draw some (design = 'random')"
            )
        if self.design == "grid":
            lists = [v.items for v in self.values.values() if isinstance(v, Listed)]
            for combination in itertools.product(*lists):
                yield dict(zip(self.values, combination, strict=True))
            return
        draws = {name: self._draws(name) for name in self.values}
        for i in range(self.samples):
            yield {name: values.at(draws[name][i]) for name, values in self.values.items()}

    def _draws(self, name: str) -> list[float]:
        """Return `samples` numbers in [0, 1) for a field, the same whatever other fields vary."""
        rng = np.random.default_rng([self.draw_seed, zlib.crc32(name.encode())])
        if self.design == "random":
            return [float(u) for u in rng.random(self.samples)]
        cells = rng.permutation(self.samples)
        return [float(u) for u in (cells + rng.random(self.samples)) / self.samples]

    def jobs(self) -> Drawn:
        """Return the runs of the design, and what was left out.

        Raises ValueError for a listed value that no combination can have, with the task's reason.
        """
        drawn, seen = Drawn(), set()
        tried: Counter[tuple[str, str]] = Counter()
        failed: Counter[tuple[str, str]] = Counter()
        reasons: dict[tuple[str, str], str] = {}
        for given in self.combinations():
            if any(_matches(given, rule) for rule in self.exclude):
                drawn.excluded += 1
                continue
            of = [(name, repr(value)) for name, value in given.items()]
            tried.update(of)
            try:
                found = [Job.of(self.task, seed=seed, **given) for seed in self.seeds]
            except (ValueError, TypeError) as error:
                drawn.impossible[str(error).partition(", got ")[0]] += 1
                failed.update(of)
                reasons.update({value: str(error) for value in of if value not in reasons})
                continue
            identity = repr(sorted(found[0].setting.items()))
            if identity in seen:
                drawn.repeated += 1
                continue
            seen.add(identity)
            drawn.jobs += found
        self._blame(tried, failed, reasons)
        return drawn

    def _blame(self, tried: Counter[Any], failed: Counter[Any], reasons: Mapping[Any, str]) -> None:
        """Raise for a listed value that is impossible beside all values of the other fields.

        If every combination is, a value whose reason names its field is the likely one.
        """
        wrong = [
            (name, value)
            for name, values in self.values.items()
            if isinstance(values, Listed)
            for value in map(repr, values.items)
            if tried[name, value] and tried[name, value] == failed[name, value]
        ]
        if not wrong:
            return
        named = [v for v in wrong if v[0] in reasons[v]]
        name, value = min(named or wrong, key=lambda v: len(self._items(v[0])) == 1)
        raise ValueError(
            f"{self.places(name)}{value} is possible in no combination: {reasons[name, value]}"
        )

    def _items(self, name: str) -> Sequence[Any]:
        values = self.values[name]
        return values.items if isinstance(values, Listed) else ()


@dataclass
class Drawn:
    """The runs of a design, in its order, and how many combinations were left out, and why."""

    jobs: list[Job] = field(default_factory=list)
    excluded: int = 0
    repeated: int = 0
    impossible: Counter[str] = field(default_factory=Counter)

    def left_out(self) -> list[str]:
        """Return a line for each reason."""
        lines = [f"{n} impossible: {reason}" for reason, n in self.impossible.most_common()]
        if self.excluded:
            lines.append(f"{self.excluded} excluded by the design")
        if self.repeated:
            lines.append(f"{self.repeated} the same as another")
        return lines


def _matches(given: Mapping[str, Any], rule: Mapping[str, Sequence[Any]]) -> bool:
    return all(name in given and given[name] in offered for name, offered in rule.items())
