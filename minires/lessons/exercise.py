"""An exercise: what the learner's function must do, a reference solution, and a hint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array


@dataclass(frozen=True)
class Exercise:
    """`check(f)` raises AssertionError saying what is wrong with the learner's `f`."""

    check: Callable[[Callable[..., Any]], None]
    reference: Callable[..., Any]
    hint: str


def expect_array(found: Any, expected: Array, what: str = "the result", rtol: float = 1e-6) -> None:
    """Assert that `found` is close to `expected`, naming the worst entry."""
    assert found is not None, "the function returned None: write your code below TODO"
    found = np.asarray(found)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    difference = np.abs(found - expected)
    scale = np.abs(expected).max()
    if not (difference <= rtol * scale).all():
        difference = np.where(np.isfinite(difference), difference, np.inf)
        i = np.unravel_index(int(difference.argmax()), expected.shape)
        where = tuple(int(k) for k in i)
        raise AssertionError(
            f"{what}: worst entry {where}: yours {found[i]:+.6g}, expected {expected[i]:+.6g}"
        )


def expect_number(found: Any, expected: float, rtol: float = 0.02, what: str = "answer") -> None:
    """Assert that a number is within a relative tolerance of the expected one."""
    assert found is not None, "the function returned None: write your code below TODO"
    try:
        value = float(found)
    except (TypeError, ValueError):
        raise AssertionError(f"{what}: expected a number, got {found!r}") from None
    assert abs(value - expected) <= rtol * abs(expected), (
        f"{what}: yours {value:.6g}, expected {expected:.6g} within {100 * rtol:g} %"
    )


def expect_choice(found: Any, expected: Any, why: str) -> None:
    """Assert that a choice is the expected one; `why` explains without giving it away."""
    assert found is not None, "the function returned None: write your code below TODO"
    assert found == expected, f"yours {found!r}: {why}"
