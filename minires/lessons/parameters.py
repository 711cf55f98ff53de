"""A lesson's parameters, as they are given on a command line: depths=8,20 or --depths=8,20."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from typing import Any

SWITCHES = ("--fast", "--full")


def read(arguments: Sequence[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values given in `arguments`; SystemExit lists the parameters for a wrong one.

    A parameter has the type of its default. Numbers are positive, and a tuple takes one value or
    several.
    """
    values = {}
    for argument in arguments:
        if argument in SWITCHES:
            continue
        name, _, text = argument.removeprefix("--").partition("=")
        if not text or name not in defaults:
            known = ", ".join(f"{k}={_shown(v)}" for k, v in defaults.items())
            given = argument.removeprefix("--")
            raise SystemExit(f"unknown parameter {given!r}; this lesson has {known or 'none'}")
        values[name] = _parse(name, text, defaults[name])
    return values


def _parse(name: str, text: str, default: Any) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = text
    several = isinstance(default, tuple)
    items = tuple(value) if several and isinstance(value, tuple | list) else (value,)
    kind = type(default[0] if several else default)
    right = [type(v) is kind or (kind is float and type(v) is int) for v in items]
    if not items or not all(right) or (kind in (int, float) and not 0 < min(items) < math.inf):
        words = {int: "positive whole number", float: "positive number"}.get(kind, kind.__name__)
        raise SystemExit(
            f"{name}: expected a {words}{', or several' if several else ''}, "
            f"e.g. {name}={_shown(default)}; got {text}"
        )
    return items if several else value


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
