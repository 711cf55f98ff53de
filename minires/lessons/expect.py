"""What checks require of a learner's answer, and messages that name what is likely wrong with it.

No message gives the answer away, but for the worst entry of an array.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..tensor import Array


class Wrong(AssertionError):
    """The learner's function does not do what it should; the message says how."""


class NotDone(Wrong):
    """The learner's function has not been written yet."""


def require(condition: Any, message: str) -> None:
    """Raise Wrong with the message unless the condition holds."""
    if not condition:
        raise Wrong(message)


def require_written(found: Any) -> None:
    """Raise NotDone for None, which a function without code returns."""
    if found is None:
        raise NotDone("the function returned None: write your code below TODO")


def expect_number(
    found: Any,
    expected: float,
    rtol: float = 0.02,
    what: str = "answer",
    mistakes: Mapping[str, float] | None = None,
) -> None:
    """Require that a number is within a relative tolerance of the expected one.

    `mistakes` maps what a learner may have got wrong to the number that this gives.
    """
    require_written(found)
    value = number(found)
    if value is None:
        raise Wrong(f"{what}: expected a number, got {described(found)}")
    if _near(value, expected, rtol):
        return
    likely = [text for text, wrong in (mistakes or {}).items() if _near(value, wrong, rtol)]
    if not likely and expected and _near(-value, expected, rtol):
        likely = ["look at its sign"]
    elif not likely and expected and any(_near(value, expected * s, rtol) for s in (100, 0.01)):
        likely = ["is a percentage asked for, or a fraction?"]
    raise Wrong(f"{what}: yours {value:.6g} is not right{_because(likely)}")


def expect_array(
    found: Any,
    expected: Any,
    what: str = "the result",
    rtol: float = 1e-6,
    mistakes: Mapping[str, Any] | None = None,
    given: Any = None,
) -> None:
    """Require that `found` is close to `expected`, naming the worst entry.

    Lists and tuples of numbers count as arrays. `rtol` is relative to the largest expected entry.
    `mistakes` maps what a learner may have got wrong to the array that this gives; `given`, what
    the function was given, is shown.
    """
    require_written(found)
    expected = np.asarray(expected, dtype=np.float64)
    for_input = "" if given is None else f" (given {shown(given)})"
    values = _as_array(found)
    if values is None or values.shape != expected.shape:
        wanted = f"an array of shape {expected.shape}" if expected.ndim else "a number"
        raise Wrong(f"{what}: expected {wanted}, got {described(found)}{for_input}")
    difference = _difference(values, expected)
    if _within(difference, expected, rtol):
        return
    likely = [
        text
        for text, wrong in (mistakes or {}).items()
        if np.shape(wrong) == values.shape
        and _within(_difference(values, np.asarray(wrong, dtype=np.float64)), expected, rtol)
    ]
    i = np.unravel_index(int(difference.argmax()), expected.shape)
    where = f" worst entry {tuple(map(int, i))}:" if i else ""  # none where there are no axes
    raise Wrong(
        f"{what}:{where} yours {values[i]:+.6g}, expected {expected[i]:+.6g}{for_input}"
        + _because(likely)
    )


def expect_choice(
    found: Any,
    expected: Any,
    why: str,
    synonyms: Iterable[Any] = (),
    mistakes: Mapping[str, Any] | None = None,
) -> None:
    """Require that a choice is the expected one, or a synonym; `why` helps without giving it away.

    Case, blanks, hyphens, British and American spelling make no difference, nor do list, tuple and
    array. `mistakes` maps what a learner may have got wrong to the choice that this gives.
    """
    require_written(found)
    mine = _spelled(found)
    if any(_same(mine, _spelled(right)) for right in (expected, *synonyms)):
        return
    if type(expected) is bool and not isinstance(mine, bool):
        raise Wrong(f"expected True or False, got {described(found)}: {why}")
    if isinstance(expected, str) and not isinstance(mine, str):
        raise Wrong(f"expected a word in quotes, got {described(found)}: {why}")
    likely = [text for text, w in (mistakes or {}).items() if _same(mine, _spelled(w))]
    raise Wrong(f"yours {shown(found)} is not right: {'; '.join(likely) or why}")


def number(value: Any) -> float | None:
    """Return a finite number, or text such as "1e-8" or "30 %" as one; None if it is none."""
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    elif isinstance(value, bool | np.bool_ | complex | list | tuple | dict):
        return None
    elif isinstance(value, np.ndarray):
        return number(value.item()) if value.ndim == 0 else None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def shown(value: Any, room: int = 120) -> str:
    """Return a value as it would be typed, cut where it is long."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    text = re.sub(r"np\.\w+\(([^()]*)\)", r"\1", repr(value))  # np.float64(0.5)
    text = re.sub(r"-?\d+\.\d{7,}(e[+-]?\d+)?", lambda m: f"{float(m[0]):.6g}", text)
    return text if len(text) <= room else text[: room - 1] + "…"


def described(value: Any) -> str:
    """Return what kind of value it is, and the value: "the list [1, 2]"."""
    if isinstance(value, np.ndarray) and value.ndim:
        kind = "" if value.dtype.kind in "biuf" else f" of {value.dtype.name} numbers"
        return f"an array{kind} of shape {value.shape}"
    if isinstance(value, np.ndarray | np.generic):
        value = value.item()
    if isinstance(value, bool):
        return f"the truth value {value}"
    if isinstance(value, list | tuple | dict | str | complex):
        names = {str: "text", dict: "dictionary", complex: "complex number"}
        if isinstance(value, list | tuple):
            shapes = [str(v.shape) for v in value if isinstance(v, np.ndarray)]
            if shapes and len(shapes) == len(value):
                kind = type(value).__name__
                return f"a {kind} of {len(shapes)} arrays, of shapes {', '.join(shapes)}"
        return f"the {names.get(type(value), type(value).__name__)} {shown(value)}"
    if callable(value):
        return f"the function {getattr(value, '__name__', '')}: call it".replace(" :", ":")
    return shown(value)


def _because(likely: list[str]) -> str:
    return f": {'; '.join(likely)}" if likely else ""


def _near(value: float, expected: float, rtol: float) -> bool:
    return abs(value - expected) <= rtol * abs(expected) + 1e-300


def _as_array(found: Any) -> Array | None:
    """Return real numbers as an array of float64; None for what is no such thing."""
    try:
        values = np.asarray(found)
        if values.dtype.kind in "biuf":
            return values.astype(np.float64)
        if values.dtype.kind == "O":  # whole numbers beyond 64 bits
            return np.asarray([float(v) for v in values.ravel()]).reshape(values.shape)
    except (TypeError, ValueError, OverflowError):
        pass
    return None


def _difference(values: Array, expected: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(values - expected)
    return np.where(np.isfinite(difference), difference, np.inf)


def _within(difference: Array, expected: Array, rtol: float) -> bool:
    return bool((difference <= rtol * np.abs(expected).max(initial=0)).all())


def _spelled(value: Any) -> Any:
    """Return a choice in one spelling: lower case, American, tuples, no NumPy."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, str):
        text = " ".join(re.split(r"[\s_\-‐–]+", value.strip().strip(".!\"'").lower())).strip()
        return _american(text)
    if isinstance(value, list | tuple):
        return tuple(_spelled(v) for v in value)
    return value


def _american(text: str) -> str:
    text = re.sub(r"is(e|ed|es|er|ers|ing|ation|ations)\b", r"iz\1", text)
    text = re.sub(r"yse(d|s|r)?\b", r"yze\1", text)
    text = re.sub(r"our(s|ed|ing|al)?\b", r"or\1", text)
    text = re.sub(r"([aeiou])ll(ed|ing|er)\b", r"\1l\2", text)
    return re.sub(r"\b(cent|met)re(s?)\b", r"\1er\2", text)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return type(a) is type(b) and a == b
