"""Names of gradients, and the user's own functions beneath what wraps them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from types import MethodType
from typing import Any

_BEFORE = r"(?:d|d_|dl_?d|dloss_?d|dj_?d|grad_?|grads_?|gradient_?|delta_?|g_)"
_AFTER = r"(?:_?grad|_?gradient|_bar|_delta|_d)"


def is_gradient_of(key: str, name: str) -> bool:
    """Whether `key` names the gradient of `name`: dx, d_x, dL_dx, grad_x, x_grad, …"""
    key, name = key.lower().lstrip("_"), re.escape(name.lower().lstrip("_"))
    return bool(name) and re.fullmatch(rf"{_BEFORE}{name}|{name}{_AFTER}", key) is not None


def is_upstream(name: str) -> bool:
    """Whether a parameter of this name is likely the gradient of an output: dy, dout, grad, dh."""
    usual = r"d_?[a-z]{1,2}\d?|d_?out(put)?s?|d_?next|g|delta|upstream|seed|cotangent"
    return re.fullmatch(rf"{usual}|grad\w*|\w+_grad|g_?out|d[A-Z]\w*|dl_?d\w+", name) is not None


def is_output_gradient(name: str) -> bool:
    """Whether a parameter after the first is likely another upstream: dh, dc, dout2, dc_next."""
    letters = r"d_?[hcyzaosqkv]\d?"
    return re.fullmatch(rf"{letters}|d_?out\w*|d\w+_next|grad_?\w*|\w+_grad", name) is not None


def plain(f: Any) -> Callable[..., Any]:
    """Return the function that the user wrote, freed of what wraps it."""
    while True:
        if isinstance(f, staticmethod | classmethod) or inspect.ismethod(f):
            f = f.__func__
        elif isinstance(f, functools.partial):
            f = f.func
        elif hasattr(f, "__wrapped__"):
            f = f.__wrapped__
        elif inspect.isfunction(vars(type(f)).get("__call__")):  # an object that may be called
            f = vars(type(f))["__call__"]
        else:
            return f  # type: ignore[no-any-return]


def in_place_of(f: Any, candidate: Callable[..., Any]) -> Callable[..., Any]:
    """Return `candidate`, written like `plain(f)`, as something to be called as `f` is."""
    if isinstance(f, functools.partial):
        return functools.partial(in_place_of(f.func, candidate), *f.args, **f.keywords)
    if inspect.ismethod(f):
        return MethodType(in_place_of(f.__func__, candidate), f.__self__)
    if not hasattr(f, "__wrapped__") and inspect.isfunction(vars(type(f)).get("__call__")):
        return MethodType(candidate, f)
    return candidate


def is_decorated(f: Any) -> bool:
    """Whether something that may do more than call it is wrapped around the user's function."""
    while True:
        if isinstance(f, staticmethod | classmethod) or inspect.ismethod(f):
            f = f.__func__
        elif isinstance(f, functools.partial):
            f = f.func
        else:
            return hasattr(f, "__wrapped__")


def title(f: Any, role: str = "") -> str:
    """Return what the user calls a function: `conv_backward`, `Linear.backward`.

    A lambda has no name: it is called by its role, "forward" or "backward".
    """
    inner = plain(f)
    name: str = getattr(inner, "__qualname__", "") or getattr(inner, "__name__", type(f).__name__)
    name = name.rsplit("<locals>.", 1)[-1]
    return (role or "the lambda") if name == "<lambda>" else name
