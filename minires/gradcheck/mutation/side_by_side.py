"""Call the original and a mutant on the same arguments, and compare what comes back."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from .inputs import Call

MOST = 24  # comparisons of one mutant
CLOSE = 1e-9  # of the largest value


def differs(desk: Any, source: str, calls: Sequence[Call]) -> tuple[str | None, int]:
    """Return for which arguments the mutant gives other results, and after how many comparisons.

    None for the first if it gave the same on all that were tried, but for rounding.

    The arguments are those of calls that were seen, as they were and with other values.
    """
    compared = 0
    for call in calls:
        for what, arguments in _like(call):
            before = _results(desk, arguments)
            if before is None:
                continue
            if compared == MOST:
                return None, compared
            with desk.server.in_place(desk.file, desk.original, source):
                after = _results(desk, arguments)
            if after is None:
                return f"{what}, where it raises an error", compared
            if (how := _unlike(before, after)) is not None:
                return f"{what}: {how}", compared
            compared += 1
    return None, compared


def _like(call: Call) -> list[tuple[str, dict[str, Any]]]:
    rng = np.random.default_rng(0)
    arrays = {n: v for n, v in call.arguments.items() if _floats(v)}
    first = next(iter(arrays), None)
    found = [("on the arguments of your tests", call.arguments)]
    if first is not None:
        upstream = rng.standard_normal(arrays[first].shape).astype(arrays[first].dtype)
        found.append((f"for a random {first}", call.arguments | {first: upstream}))
    every = {n: rng.standard_normal(v.shape).astype(v.dtype) for n, v in arrays.items()}
    found.append(("for random arrays", call.arguments | every))
    single = {n: v.astype(np.float32) for n, v in arrays.items()}
    found.append(("for float32", call.arguments | single))
    return found


def _floats(v: Any) -> bool:
    return isinstance(v, np.ndarray) and v.dtype.kind == "f"


def _results(desk: Any, arguments: dict[str, Any]) -> list[Any] | None:
    """Return results and arguments after a call (which it may write to); None if it raises."""
    function = desk.function()
    if function is None:
        return None
    try:
        given = copy.deepcopy(arguments)
        value = getattr(function, "__func__", function)(**given)
    except Exception:
        return None
    results = list(value) if isinstance(value, tuple | list) else [value]
    arrays = [v for v in given.values() if isinstance(v, np.ndarray)]
    for r in [r for r in results if isinstance(r, np.ndarray)]:
        results.append(tuple(np.shares_memory(r, a) for a in arrays))
    return [*results, *arrays]


def _unlike(before: Sequence[Any], after: Sequence[Any]) -> str | None:
    if len(before) != len(after):
        return "another number of results"
    for a, b in zip(before, after, strict=True):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            if type(a) is not type(b) or (isinstance(a, int | float | str | tuple) and a != b):
                return "another kind of result, or one that shares memory with an argument"
        elif a.shape != b.shape or a.dtype != b.dtype:
            return f"{b.dtype}{b.shape} in place of {a.dtype}{a.shape}"
        elif a.dtype.kind in "fc" and a.size:
            if (np.isnan(a) != np.isnan(b)).any():
                return "NaN elsewhere"
            error, size = np.nanmax(np.abs(a - b), initial=0), np.nanmax(np.abs(a), initial=0)
            close = CLOSE if a.dtype == np.float64 else 1e-5
            if error > close * size:
                return f"by {error:.2g}, where the largest value is {size:.2g}"
        elif not np.array_equal(a, b):
            return "other integers"
    return None
