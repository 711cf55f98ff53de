"""How what the user's code did is told: in their words, and at their line."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array


class Mismatch(Exception):
    """What the user's code returned does not fit; the text says what came and what to do."""


def raised(error: Exception, backward: Any = None) -> str:
    """Return the type, message and place of what the user's code raised.

    The place is the last line of theirs, not that of a library which they called; what was raised
    about the result of `backward` is placed where that is defined.
    """
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if not _is_library(f.filename)]
    if theirs and not isinstance(error, Mismatch):
        place = f" ({near(theirs[-1].filename)}, line {theirs[-1].lineno})"
        return f"{type(error).__name__}: {error}{place}"
    code = getattr(backward, "__code__", None)
    place = "" if code is None else f" ({near(code.co_filename)}, line {code.co_firstlineno})"
    return f"{error}{place}"


def of_their_code(error: Exception) -> bool:
    """Whether the user's code raised it, itself or in a library, and not minires about it."""
    here = Path(__file__).parents[1]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(here):
            return False
        if not _is_library(frame.filename):
            return True
    return False


def near(filename: str) -> str:
    """Return the name of a file from here, if it lies in or below the working directory."""
    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        return filename
    inside = os.path.isabs(filename) and Path(filename).is_relative_to(here)
    return os.path.relpath(filename, here) if inside else filename


def _is_library(filename: str) -> bool:
    """Whether a file belongs to this package, to the standard library or to an installed one."""
    path = Path(filename)
    here = Path(__file__).parents[1]
    installed = {"site-packages", "dist-packages", "minires_kernels"}
    standard = Path(traceback.__file__).parent
    return path.is_relative_to(here) or path.parent == standard or bool(installed & set(path.parts))


def not_finite(subject: Any, y: Any) -> str:
    """Say that forward gave NaN or infinite values, how many, and where the first of them is."""
    forward = getattr(subject, "titles", ("the forward pass",))[0]
    bad = np.argwhere(~np.isfinite(y))
    first = "(" + ", ".join(str(int(k)) for k in bad[0]) + ")"
    where = f" for {len(bad)} of {y.size} outputs, first at {first}" if y.ndim else ""
    return f"{forward} gives NaN or infinite values{where}; choose inputs for which it does not"


def described(x: Any) -> str:
    """Say what `x` is: "an array of shape (2, 3)", "a list of 2", "None"."""
    if x is None:
        return "None"
    if is_array(x):
        return f"an array of shape {x.shape}" + ("" if x.dtype.kind == "f" else f", {x.dtype}")
    kind = type(x).__name__
    if isinstance(getattr(x, "shape", None), tuple) and x.shape:
        return f"a {kind} of shape {tuple(x.shape)}"
    kind = f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
    return f"{kind} of {len(x)}" if isinstance(x, list | tuple | dict) else kind


def count(n: int, what: str) -> str:
    """Return "1 gradient", "2 gradients"."""
    return f"{n} {what}" + ("" if n == 1 else "s")


def is_number(x: Any) -> bool:
    """Whether `x` is a real number and not a truth value."""
    return isinstance(x, int | float | np.integer | np.floating) and not isinstance(x, bool)
