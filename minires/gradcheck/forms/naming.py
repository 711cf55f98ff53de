"""Names of gradients, and the user's own functions beneath what wraps them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

_BEFORE = r"(?:d|d_|dl_?d|dloss_?d|dj_?d|grad_?|grads_?|gradient_?|delta_?|g_)"
_AFTER = r"(?:_?grad|_?gradient|_bar|_delta|_d)"


def is_gradient_of(key: str, name: str) -> bool:
    """Whether `key` names the gradient of `name`: the name itself, dx, d_x, grad_x, x_grad, …"""
    key, name = key.lower(), re.escape(name.lower())
    return re.fullmatch(rf"{_BEFORE}?{name}|{name}{_AFTER}", key) is not None


def plain(f: Any) -> Callable[..., Any]:
    """Return the function that the user wrote, freed of what wraps it."""
    while True:
        if isinstance(f, staticmethod | classmethod) or inspect.ismethod(f):
            f = f.__func__
        elif isinstance(f, functools.partial):
            f = f.func
        elif hasattr(f, "__wrapped__"):
            f = f.__wrapped__
        elif not inspect.isroutine(f) and not isinstance(f, type) and callable(f):
            f = type(f).__call__
        else:
            return f  # type: ignore[no-any-return]


def title(f: Any) -> str:
    """Return what the user calls a function: `conv_backward`, `Linear.backward`."""
    inner = plain(f)
    name = getattr(inner, "__qualname__", type(f).__name__)
    return name.rsplit("<locals>.", 1)[-1]


def parameter_names(f: Any) -> list[str]:
    """Return the names of the arguments that `f` takes by position, without self and ctx."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # a builtin
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds]


def argument_names(f: Any, count: int) -> list[str]:
    """Name `count` arguments as `f` does; "input 3" where it has no name for one."""
    names = parameter_names(f)[:count]
    return names + [f"input {i}" for i in range(len(names), count)]
