"""What the commands share: types of arguments, offered values, a progress bar."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

# As in minires.gradflow.experiment, which imports too much to load for --help; a test compares.
ARCHS, DATA = ("mlp", "conv"), ("digits", "synthetic")
SKIPS, NORMS = ("none", "identity", "preact"), ("none", "bn")
INITS = ("he", "xavier", "default", "orthogonal")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "identity")


def integers(text: str) -> list[int]:
    """Parse "8,20,56"."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected integers separated by commas, e.g. 8,20,56; got {text!r}"
        ) from None
    if min(found) < 0:
        raise argparse.ArgumentTypeError(f"expected no negative number, got {text!r}")
    if len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(f"a number is given twice in {text!r}")
    return found


def choices(offered: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a parser of comma-separated names out of `offered`."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        for name in found:
            if name not in offered:
                raise argparse.ArgumentTypeError(
                    f"{name!r} is not among {', '.join(offered)} (several: separate by commas)"
                )
        if len(set(found)) != len(found):
            raise argparse.ArgumentTypeError(f"a name is given twice in {text!r}")
        return found

    return names


def positive_int(text: str) -> int:
    """Parse an integer of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text!r}")
    return int(text)


def positive_float(text: str) -> float:
    """Parse a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value


def branch_scale(text: str) -> float | str:
    """Parse a number, "1/sqrt(blocks)" or "skipinit"."""
    if text in ("1/sqrt(blocks)", "skipinit"):
        return text
    try:
        return positive_float(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected a positive number, 1/sqrt(blocks) or skipinit; got {text!r}"
        ) from None


def progress_bar(jobs: list[Any]) -> Any:
    """Show a bar on standard error, if that is a terminal."""
    from tqdm import tqdm

    return tqdm(jobs, desc="nets", unit="net", file=sys.stderr, disable=None, leave=False)
