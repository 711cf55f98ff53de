"""Numeric gradients of the tensors of a subject, element by element or along directions.

Each derivative comes with a bound on its own error (`differences.py`); elements at a kink or at the
edge of the domain are noticed and counted instead of passed or failed by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..tensor import Array
from .differences import AGREE, FIRST, Derivative, Differences, Path
from .noise import scale, spread_of
from .subject import Subject

FAR = 1e8  # between the scales of two elements: a step that moves the larger is too long
DIRECTIONS = 8
SAMPLES = 32


@dataclass(frozen=True)
class Along:
    """Derivatives along one direction, and the bound of their difference."""

    label: str
    analytic: float
    numeric: float
    bound: float


@dataclass
class Comparison:
    """Analytic and numeric derivatives of one tensor, element by element or along directions.

    numeric   the shape of the tensor, NaN where not evaluated, at a kink, or without a derivative
    bound     the error that each numeric derivative may have, with the rounding of the analytic one
    rounding  of the analytic gradient
    kinks     how many evaluated elements lie at a kink or at the edge of the function's domain
    outside   of these, how many analytic values do not lie between the slopes of the two sides
    rough     how many elements have no derivative that differences could find
    along     what was compared along directions
    """

    name: str
    analytic: Array
    numeric: Array
    bound: Array
    rounding: Array
    kinks: int = 0
    outside: int = 0
    rough: int = 0
    evaluated: int = 0
    along: list[Along] = field(default_factory=list)

    @property
    def varies(self) -> bool:
        """Whether some derivative is not zero, as far as differences can tell."""
        seen = [abs(x.numeric) > x.bound for x in self.along]
        return bool((np.abs(self.numeric) > self.bound).any() or any(seen))


def compare(
    subject: Subject,
    v: Array,
    analytic: list[Array],
    max_elements: int,
    rng: np.random.Generator,
    own: list[Array] | None = None,
) -> list[Comparison]:
    """Difference every element if there are few; else a sample per tensor and random directions.

    One direction is always the all-ones vector of the tensor: shifting everything alike crosses no
    maximum's tie, so it sees a gradient that is given to several equal winners. `own`: see
    `rounding`.
    """
    differences = Differences(subject, v)
    own = rounding(subject, v, analytic) if own is None else own
    total = sum(a.size for a in subject.arrays)
    found = []
    for t, x in enumerate(subject.arrays):
        unknown = np.full(x.shape, np.nan)
        result = Comparison(subject.names[t], analytic[t], unknown, unknown.copy(), own[t])
        everything = total <= max_elements or x.size <= SAMPLES
        chosen = np.arange(x.size) if everything else rng.choice(x.size, SAMPLES, replace=False)
        paths = _Paths(subject, t)
        for i in chosen:
            index = tuple(int(k) for k in np.unravel_index(int(i), x.shape))
            _element(differences, paths, index, result)
        directions = [("all ones", np.ones(x.shape))] if paths.alike() else []
        if not everything:
            directions += [(f"direction {k}", paths.random(rng)) for k in range(DIRECTIONS)]
        for label, u in directions if x.size else []:
            _direction(differences, paths, label, u, result)
        found.append(result)
    return found


def rounding(subject: Subject, v: Array, analytic: list[Array]) -> list[Array]:
    """Return the rounding error of the analytic gradients: how they change with the last digits.

    All inputs are scaled alike, which breaks no tie and moves no zero.
    """
    found = [np.zeros(a.shape) for a in analytic]
    for factor in (1 + 2.0**-44, 1 - 2.0**-45, 1 + 3 * 2.0**-46):
        try:
            again = subject.gradients(v, layout=lambda a, f=factor: np.array(a * f))  # type: ignore[misc]
        except Exception:  # the hygiene probe of memory orders tells of it
            continue
        for error, a, b in zip(found, analytic, again, strict=True):
            change = np.abs(np.asarray(b) - a)
            np.maximum(error, np.where(np.isfinite(change), change, 0), out=error)
    return [8 * error for error in found]


class _Paths:
    """The lines along which one tensor is moved."""

    def __init__(self, subject: Subject, t: int) -> None:
        self.arrays, self.t = subject.arrays, t
        self.x = subject.arrays[t]
        self.unit = scale(self.x)
        self.spread = spread_of(self.x) if self.x.size else 1.0
        self.digit = np.spacing(2 * np.abs(self.x))

    def _moved(self, values: Array) -> list[Array]:
        arrays = list(self.arrays)
        arrays[self.t] = values
        return arrays

    def element(self, index: tuple[int, ...]) -> Path:
        def move(h: float) -> list[Array]:
            values = self.x.copy()
            values[index] += h
            return self._moved(values)

        unit = float(self.unit[index])
        return self._path(move, unit, 4 * float(self.digit[index]))

    def direction(self, u: Array) -> Path:
        """Return the line x + h u; entries of u are powers of two times small integers."""
        moving = u != 0
        least = 4 * float(np.max(self.digit[moving] / np.abs(u[moving]), initial=0))
        units = self.unit[moving] / np.abs(u[moving])
        return self._path(lambda h: self._moved(self.x + h * u), float(np.median(units)), least)

    def _path(self, move: object, unit: float, least: float) -> Path:
        unit = 2.0 ** round(math.log2(unit))
        most = 2.0 ** round(math.log2(max(unit, self.spread)))
        least = max(2.0 ** math.ceil(math.log2(least)) if least else 0.0, unit * 2.0**-44)
        first = min(max(unit * FIRST, least), max(most, least))
        return Path(move, first, least, max(most, least))  # type: ignore[arg-type]

    def alike(self) -> bool:
        """Whether one step can move all elements: not columns in units of 1e-9 and of 1e9."""
        return bool(self.unit.max(initial=0) <= FAR * self.unit.min(initial=math.inf))

    def random(self, rng: np.random.Generator) -> Array:
        """Return a random direction that moves each element on its own scale."""
        weights = rng.choice([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0], self.x.shape)
        return np.asarray(weights * self.unit)


def _element(d: Differences, paths: _Paths, index: tuple[int, ...], result: Comparison) -> None:
    a = float(result.analytic[index])
    found = d.along(paths.element(index), a)
    result.evaluated += 1
    if found.kind == "smooth":
        found = _of_changed(d, paths.t, index, a, found)
        result.numeric[index] = found.value
        result.bound[index] = found.bound + min(float(result.rounding[index]), AGREE * abs(a))
    elif found.kind == "rough":
        result.rough += 1
    else:
        result.kinks += 1
        between = abs(a - found.value) <= 1.1 * found.bound
        if found.kind == "kink" and math.isfinite(found.value) and not between:
            result.outside += 1


def _of_changed(
    d: Differences, t: int, index: tuple[int, ...], a: float, found: Derivative
) -> Derivative:
    """Take into account the outputs that no step changed, where it matters.

    Their last digits may hide a slope, which would be a part of `a`; only the gradient for the
    upstream without them tells whether that is so.
    """
    gap = abs(a - found.value)
    larger = max(abs(a), abs(found.value))
    if found.changed.all() or gap <= found.bound + AGREE * larger:
        return found
    if gap > found.bound + found.hidden:
        return found
    rest = float(d.subject.gradients(np.where(found.changed, 0.0, d.v))[t][index])
    if abs(rest) <= found.hidden:
        found.value += rest  # the part that differences cannot see is believed
        found.bound += abs(rest)
    return found


def _direction(d: Differences, paths: _Paths, label: str, u: Array, result: Comparison) -> None:
    a = float(np.sum(result.analytic * u))
    found = d.along(paths.direction(u), a)
    if found.kind == "smooth":
        # What cancels in the sum is rounded, too: equal to 8 digits of its terms is equal.
        bound = found.bound + AGREE * float(np.sum(np.abs(result.analytic * u)))
        result.along.append(Along(label, a, found.value, bound))
