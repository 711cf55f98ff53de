"""Forward and backward passes of a module, matched by their names."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

CONVENTION = (
    "f and f_backward, f_forward and f_backward, f_fwd and f_bwd, f and d_f, df, grad_f, f_grad or "
    "f_prime, forward and backward, or a class with forward and backward"
)

_FORWARD = ("forward", "fwd")
_BACKWARD = ("backward", "bwd", "backprop", "vjp")
_GRADIENT = ("grad", "gradient", "prime", "derivative", "deriv", "d")
_INPUTS = ("inputs", "make_inputs", "example_inputs", "get_inputs")


@dataclass(frozen=True)
class Pair:
    """What is checked: two functions, or a class (then `backward` is None)."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any] | None = None

    @property
    def spelled(self) -> str:
        """What a command line says after the file: "conv_forward,conv_backward"."""
        return ",".join(f.__name__ for f in (self.forward, self.backward) if f is not None)


def pairs(module: types.ModuleType) -> list[Pair]:
    """Return the pairs that a module defines itself, in the order of their backward passes."""
    functions = {name: f for name, f in _own(module) if inspect.isfunction(f)}
    forwards = [name for name in functions if set(_words(name)) & set(_FORWARD)]
    found = []
    for name, f in _own(module):
        if isinstance(f, type):
            if callable(getattr(f, "forward", None)) and callable(getattr(f, "backward", None)):
                found.append(Pair(name, f))
            continue
        if name not in functions or not (bases := _forwards_of(name)):
            continue
        base = next((b for b in bases if b in functions), "")
        if not base and len(forwards) == 1 and set(_words(name)) & set(_BACKWARD):
            base = forwards[0]  # `backward_fast` beside the only `forward`
        if base and base != name:
            found.append(Pair(name, functions[base], f))
    return found


def inputs_of(module: types.ModuleType, pair: Pair) -> tuple[str, Any] | None:
    """Return the name and value of what the module offers as inputs of a pair: a function or data.

    `relu_inputs` is for relu alone; `inputs`, `make_inputs` and `example_inputs` are for all.
    """
    words = _words(pair.forward.__name__)
    base = "_".join(w for w in words if w not in _FORWARD)
    for name in (*([f"{base}_{n}" for n in _INPUTS] if base else []), *_INPUTS):
        if hasattr(module, name):
            return name, getattr(module, name)
    return None


def _own(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the functions and classes that are written in the module, not imported into it."""
    for name, value in list(vars(module).items()):
        written = getattr(value, "__module__", None) == module.__name__
        if written and not name.startswith("__") and callable(value):
            yield name, value


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case: conv_backward, convBackward."""
    return [w.lower() for w in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def _forwards_of(backward: str) -> list[str]:
    """Return the names that the forward pass of a function called so may have, the likeliest first.

    Nothing if the name is not one of a backward pass.
    """
    for back in (*_BACKWARD, *_GRADIENT):
        match = re.search(rf"(^|_){back}(_|$)", backward, re.IGNORECASE)
        start, end = match.span() if match else (-1, -1)
        if match is None and back != "d":  # reluBackward
            camel = re.search(back.capitalize() + r"(?![a-z])", backward)
            start, end = camel.span() if camel else (-1, -1)
        if start < 0:
            continue
        before, after = backward[:start], backward[end:]
        same = [backward[start:end].replace(back, word) for word in _FORWARD]
        same += [backward[start:end].replace(back.capitalize(), word) for word in ("Forward",)]
        joined = [before + word + after for word in same]
        bare = "_".join(part for part in (before, after) if part)
        return [n for n in dict.fromkeys([*joined, bare]) if n and n != backward]
    if len(backward) > 1 and backward[0] == "d" and not backward.startswith("d_"):
        return [backward[1:]]  # df
    return []
