"""What an object keeps: its floating arrays by path, and which of them is whose gradient.

A path is a chain of attributes and keys, told like `W`, `params['W1']` or `layers[0].W`.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ...tensor import Array
from .naming import is_gradient_of

Path = tuple[tuple[str, Any], ...]  # ("attribute", name) or ("key", key)
GRADIENTS = re.compile(r"d_?params?|d_?weights|_?grads?|_?gradients?|d", re.IGNORECASE)
VALUES = ("data", "value", "val", "array", "values", "w", "v")  # of an object that has a grad
MOST_DEEP = 8


def floats_of(owner: Any) -> dict[Path, Any]:
    """Return the floating arrays and numbers that `owner` keeps, at any depth, by path."""
    return {
        path: value
        for path, value in _walk(owner, (), set())
        if type(value) is float
        or isinstance(value, np.floating)
        or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
    }


def _walk(x: Any, path: Path, seen: set[int]) -> Iterator[tuple[Path, Any]]:
    if id(x) in seen or len(path) > MOST_DEEP:
        return
    if isinstance(x, dict | list | tuple) or _is_users(x):
        seen.add(id(x))
        for step, value in _parts(x):
            yield from _walk(value, (*path, step), seen)
    elif path:
        yield path, x


def _parts(x: Any) -> Iterator[tuple[tuple[str, Any], Any]]:
    if isinstance(x, dict):
        yield from ((("key", k), value) for k, value in x.items())
    elif isinstance(x, list | tuple):
        yield from ((("key", i), value) for i, value in enumerate(x))
    else:
        slots = [k for kind in type(x).__mro__ for k in getattr(kind, "__slots__", ())]
        names = [*getattr(x, "__dict__", {}), *slots]
        yield from ((("attribute", k), getattr(x, k)) for k in names if hasattr(x, k))


def _is_users(x: Any) -> bool:
    """Whether this is an object whose attributes may hold parameters."""
    if isinstance(x, type | ModuleType) or inspect.isroutine(x):
        return False
    return hasattr(x, "__dict__") or hasattr(type(x), "__slots__")


def told(path: Path) -> str:
    """Return a path as the user would write it."""
    text = ""
    for kind, step in path:
        text += f".{step}" if kind == "attribute" else f"[{step!r}]"
    return text.removeprefix(".")


def value_at(owner: Any, path: Path) -> Any:
    """Return what lies at a path, or None."""
    for kind, step in path:
        try:
            owner = getattr(owner, step) if kind == "attribute" else owner[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            return None
    return owner


@dataclass(frozen=True)
class Parameter:
    """A floating value that an object keeps, and where its gradient is after backward.

    returned   whether `gradient` leads into what backward returned, rather than into the object
    """

    path: Path
    gradient: Path
    returned: bool = False

    def told(self) -> str:
        """Say where the gradient is."""
        return ("returned" if self.returned else "") + told(self.gradient)


def parameters(before: dict[Path, Any], after: dict[Path, Any]) -> list[Parameter]:
    """Match what an object kept before a run with the gradients that it keeps afterwards."""
    found: list[Parameter] = []
    known: set[int] = set()
    gradients: set[Path] = set()
    for path, value in before.items():
        matches = [other for other in after if other != path and _is_gradient(other, path)]
        matches.sort(key=lambda other: np.shape(after[other]) != np.shape(value))
        if not matches or id(value) in known:
            continue
        if isinstance(value, np.ndarray):
            known.add(id(value))  # self.params = [self.W, self.b] is one W, not two
        gradients.add(matches[0])
        found.append(Parameter(path, matches[0]))
    return [p for p in found if p.path not in gradients]


def returned_parameters(
    before: dict[Path, Any], found: list[Parameter], result: Any, inputs: int
) -> list[Parameter]:
    """Match what backward returned beyond the gradients of `inputs` with what the object keeps.

    By name where it is a dict, by shape and order otherwise.
    """
    known = {id(before[p.path]) for p in found}
    free = {
        path: value
        for path, value in before.items()
        if isinstance(value, np.ndarray) and id(value) not in known
    }
    several = isinstance(result, tuple | list) and len(result) > inputs
    if not (several or isinstance(result, dict)):
        return []
    matches: list[Parameter] = []
    for place, g in floats_of(result).items():
        if several and place[0][1] < inputs:
            continue
        name = place[-1][1]
        for path, value in free.items():
            named = not isinstance(name, str) or _matches(name, path[-1][1])
            if named and np.shape(value) == np.shape(g):
                matches.append(Parameter(path, place, returned=True))
                free = {p: v for p, v in free.items() if v is not value}
                break
    return matches


def _is_gradient(other: Path, path: Path) -> bool:
    """Whether `other` is, by its name, the gradient of what lies at `path`."""
    *above, (kind, last) = path
    *around, (_, name) = other
    if around == above:  # dW beside W; grad beside data
        if isinstance(last, str) and isinstance(name, str):
            its_own = last in VALUES and name in ("grad", "gradient", "g")
            return its_own or any(is_gradient_of(name, form) for form in _numbers(last))
        return False
    if around and around[:-1] == above and _is_gradients(around[-1][1]):  # grads['W'] beside W
        return _matches(name, last)
    same_place = len(around) == len(above) > 0 and around[:-1] == above[:-1]
    if same_place and kind == "key" and isinstance(around[-1][1], str):  # beside params['W']
        group, grads = str(above[-1][1]), around[-1][1]
        return (_is_gradients(grads) or is_gradient_of(grads, group)) and _matches(name, last)
    if len(path) > 1 and kind == "key" and around == above[:-1] and isinstance(name, str):
        return isinstance(last, str) and is_gradient_of(name, last)  # dW beside params['W']
    return False


def _numbers(name: str) -> list[str]:
    """Return a name in the singular and the plural: grad_weights is that of weight, too."""
    return [name, f"{name}s", f"{name}es", *(name.removesuffix(end) for end in ("s", "es"))]


def _matches(name: Any, last: Any) -> bool:
    if isinstance(name, str) and isinstance(last, str):
        return name == last or is_gradient_of(name, last)
    return bool(name == last)


def _is_gradients(name: Any) -> bool:
    return isinstance(name, str) and GRADIENTS.fullmatch(name) is not None


def copied(owner: Any, values: dict[Path, Array]) -> Any:
    """Return a deep copy of `owner` with these values at these paths, in float64 throughout.

    An array that is kept in two places is exchanged in both.
    """
    kept = floats_of(owner)
    memo: dict[int, Any] = {}
    for old in kept.values():
        if isinstance(old, np.ndarray):
            memo.setdefault(id(old), np.array(old, np.float64))
    for path, new in values.items():
        if isinstance(kept[path], np.ndarray):
            memo[id(kept[path])] = new
    twin = copy.deepcopy(owner, memo)
    for path, new in values.items():
        if not isinstance(kept[path], np.ndarray):
            holder, (kind, step) = value_at(twin, path[:-1]), path[-1]
            number = float(new) if type(kept[path]) is float else np.float64(new)
            if kind == "attribute":
                setattr(holder, step, number)
            else:
                holder[step] = number
    return twin
