"""The values of one field: listed, or a range that is cut into points or drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCALES = ("linear", "log")
KEYS = ("from", "to", "count", "step", "scale", "integer")
DIGITS = 4  # of numbers that are computed, so that tables and file names stay readable
MOST = 100_000  # points of one range


@dataclass(frozen=True)
class Listed:
    """Values as they were given, in order."""

    items: tuple[Any, ...]

    def at(self, u: float) -> Any:
        """Return the value at u in [0, 1): each takes an equal part of the interval."""
        return self.items[min(int(u * len(self.items)), len(self.items) - 1)]


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included, evenly spaced in the number or its logarithm."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def at(self, u: float) -> Any:
        """Return the number at u in [0, 1); all integers of a range take parts of their own."""
        low, high = self.low, self.high
        if not self.integer:
            return self._rounded(u)
        if self.log:  # the part of integer n is [log n, log(n + 1))
            value = low * ((high + 1) / low) ** u
        else:
            value = low + u * (high + 1 - low)
        return int(min(max(math.floor(value), low), high))

    def points(self, count: int) -> Listed:
        """Return `count` numbers at even distances, the ends among them; equal integers once."""
        shares = [0.0] if count == 1 else [i / (count - 1) for i in range(count)]
        found = [round(self._value(u)) if self.integer else self._rounded(u) for u in shares]
        return Listed(tuple(dict.fromkeys(found)))

    def _value(self, u: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** u)
        return self.low + u * (self.high - self.low)

    def _rounded(self, u: float) -> float:
        """Return the ends as they were given, all between with few digits and within the ends."""
        if u in (0.0, 1.0):
            return float((self.low, self.high)[int(u)])
        return min(max(float(f"{self._value(u):.{DIGITS}g}"), self.low), self.high)


Values = Listed | Range


def parse(given: Any, default: Any) -> Values:
    """Return the values that a TOML value stands for: a list, a table (a range), or one alone.

    default   of the field: where it is a list, a list of lists has several values; where it is an
              integer, so are the numbers of a range

    Raises ValueError, which the caller completes with the place and the field.
    """
    if isinstance(given, Mapping):
        return _range(given, default)
    if not isinstance(given, list | tuple):
        return Listed((given,))
    if isinstance(default, list | tuple) and not any(isinstance(v, list | tuple) for v in given):
        return Listed((list(given),))
    if not given:
        raise ValueError("expected at least one value, got an empty list")
    repeated = [v for i, v in enumerate(given) if v in given[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is given twice")
    return Listed(tuple(given))


def _range(given: Mapping[str, Any], default: Any) -> Values:
    example = "e.g. { from = 0.001, to = 1.0, count = 7, scale = 'log' }"
    for key in given:
        if key not in KEYS:
            raise ValueError(f"a range has {', '.join(KEYS)}, and no {key!r}; {example}")
    if not {"from", "to"} <= set(given):
        raise ValueError(f"a range has both ends, from and to; {example}")
    low, high = (_number(given[key], key) for key in ("from", "to"))
    scale = given.get("scale", "linear")
    if scale not in SCALES:
        raise ValueError(f"scale: expected one of {', '.join(SCALES)}, got {scale!r}")
    whole = isinstance(low, int) and isinstance(high, int)
    integer = given.get("integer", whole and _is_integer(default))
    if not isinstance(integer, bool):
        raise ValueError(f"integer: expected true or false, got {integer!r}")
    if integer and not whole:
        raise ValueError(f"a range of integers has integers as its ends, got {low} and {high}")
    if low > high:
        raise ValueError(f"from is {low}, above to, {high}")
    if scale == "log" and low <= 0:
        raise ValueError(f"a range on a log scale begins above 0, got from = {low}")
    return _cut(given, Range(low, high, scale == "log", integer))


def _cut(given: Mapping[str, Any], whole: Range) -> Values:
    """Return the points that count or step ask for, or the range itself."""
    if {"count", "step"} <= set(given):
        raise ValueError("a range has a count or a step, not both")
    if "count" in given:
        count = given["count"]
        if not _is_integer(count) or not 1 <= count <= MOST:
            raise ValueError(f"count: expected an integer from 1 to {MOST}, got {count!r}")
        return whole.points(count)
    if "step" not in given:
        return whole
    step = _number(given["step"], "step")
    if whole.log:
        raise ValueError("a range on a log scale has a count, and no step")
    if step <= 0 or (whole.integer and not isinstance(step, int)):
        kind = "a positive integer" if whole.integer else "a positive number"
        raise ValueError(f"step: expected {kind}, got {step}")
    steps = (whole.high - whole.low) / step
    if steps >= MOST:
        raise ValueError(f"step: {step} gives more than {MOST} values")
    found = [whole.low + i * step for i in range(math.floor(steps + 1e-9) + 1)]
    return Listed(tuple(v if whole.integer else float(f"{v:.12g}") for v in found))


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key}: expected a number, got {value!r}")
    return value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
