"""The user's arguments: which values in them are differentiated, and under which names.

An argument may be an array, a number, or a list, tuple or dict of such, to any depth. Its floating
arrays are the leaves, named like `x` or `params['W1']`; everything else is passed on as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tensor import Array, Tensor
from ..wording import described
from .kinds import copied, is_array, is_float_array, like, to_host


@dataclass(frozen=True)
class Leaf:
    """A floating value of an argument.

    name      as the user would write it
    array     a copy of the value, in float64
    original  the value itself, whose type is kept when it is rebuilt
    optional  whether it may be an option rather than a variable: a Python number, or within a dict
              that has also other things than arrays. It is one if backward has no gradient for it
    """

    name: str
    array: Array
    original: Any
    optional: bool

    def rebuilt(self, a: Array) -> Any:
        """Return `a` as the kind of thing that the user gave."""
        if isinstance(self.original, float | np.generic):
            return type(self.original)(a) if type(self.original) is float else np.float64(a)
        return like(a, self.original)


class Arguments:
    """The arguments of forward, as trees whose leaves can be exchanged.

    names   of the arguments
    trees   each with a Slot where a leaf is
    leaves  all that can be differentiated
    notes   what was done to them
    """

    def __init__(self, values: Sequence[Any], names: Sequence[str]) -> None:
        self.names = list(names)
        self.leaves: list[Leaf] = []
        self.notes: list[str] = []
        self.trees = [self._planted(x, name, False) for x, name in zip(values, names, strict=True)]

    def _planted(self, x: Any, name: str, optional: bool) -> Any:
        """Return a copy of `x` with a Slot in place of each leaf."""
        if isinstance(x, dict):
            mixed = optional or not all(_holds_arrays(value) for value in x.values())
            return {k: self._planted(value, f"{name}[{k!r}]", mixed) for k, value in x.items()}
        if isinstance(x, list | tuple):
            if x and all(type(value) is float for value in x):
                raise TypeError(f"{name} is a {type(x).__name__} of numbers; pass np.array({name})")
            items = [self._planted(value, f"{name}[{i}]", True) for i, value in enumerate(x)]
            return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
        if isinstance(x, Tensor):
            x = x.data
        if type(x) is float or isinstance(x, np.floating):
            return self._slot(Leaf(name, np.array(x, np.float64), x, type(x) is float))
        if not is_array(x):
            return copy.deepcopy(x) if isinstance(x, np.generic) else x
        host = to_host(x)
        if host.dtype.kind == "O":
            raise TypeError(f"{name} is an array of objects; pass one of floats, x.astype(float)")
        if host.dtype.kind == "c":
            self.notes.append(f"{name} is complex: it is not differentiated")
        if not is_float_array(x):
            return copied(x)
        if host.dtype != np.float64:
            self.notes.append(
                f"{name} was cast from {host.dtype} to float64: finite differences in lower "
                "precision measure rounding"
            )
        return self._slot(Leaf(name, host.astype(np.float64), x, optional))

    def _slot(self, leaf: Leaf) -> Slot:
        self.leaves.append(leaf)
        return Slot(len(self.leaves) - 1)

    def build(self, arrays: dict[int, Array], layout: Callable[[Array], Array]) -> list[Any]:
        """Return fresh arguments with these values of leaves, and the given ones elsewhere."""

        def leaf(i: int) -> Any:
            return self.leaves[i].rebuilt(layout(arrays.get(i, self.leaves[i].array)))

        return [grown(tree, leaf) for tree in self.trees]

    def grown(self, leaf: Callable[[int], Any], other: Callable[[Any], Any]) -> list[Any]:
        """Return arguments with `leaf(index)` for leaves and `other(x)` for all else."""
        return [grown(tree, leaf, other) for tree in self.trees]


@dataclass(frozen=True)
class Slot:
    """The place of a leaf in a tree."""

    index: int


def nothing_floating(title: str, arguments: Arguments) -> str:
    """Say what a function was given in which there is no floating array."""
    given = [f"{n} is {kind_of(x)}" for n, x in zip(arguments.names, arguments.trees, strict=True)]
    text = f"{title}: there is no floating input to check"
    if not given:
        return f"{text}; give its inputs after the functions"
    kinds = {a.dtype.kind for a in map(np.asarray, arguments.trees) if a.dtype.kind in "iubc"}
    todo = f"; pass arrays of floats, such as np.array({arguments.names[0]}, dtype=float)"
    if kinds & set("iub"):
        todo += " (whole numbers are taken for labels and sizes)"
    if "c" in kinds:
        todo = "; pass real and imaginary parts as two arrays of floats"
    return f"{text}: {', '.join(given)}{todo}"


def kind_of(x: Any) -> str:
    """Say what an input is, a number with its value."""
    return repr(x) if isinstance(x, int) else described(x)


def _holds_arrays(x: Any) -> bool:
    """Whether `x` is a floating array, or holds nothing else."""
    if isinstance(x, dict):
        return all(_holds_arrays(value) for value in x.values())
    if isinstance(x, list | tuple):
        return all(_holds_arrays(value) for value in x)
    return isinstance(x, Tensor | np.floating) or is_float_array(x)


def grown(tree: Any, leaf: Callable[[int], Any], other: Callable[[Any], Any] | None = None) -> Any:
    """Return a copy of a tree with `leaf(index)` in place of its Slots, and `other(x)` of the rest.

    By default of arrays a copy, and anything else as it is.
    """
    if isinstance(tree, Slot):
        return leaf(tree.index)
    if isinstance(tree, dict):
        return {k: grown(value, leaf, other) for k, value in tree.items()}
    if isinstance(tree, list | tuple):
        items = [grown(value, leaf, other) for value in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if other is not None:
        return other(tree)
    return copied(tree) if is_array(tree) else tree


def slots(tree: Any) -> Iterator[int]:
    """Yield the indices of a tree's leaves, in order."""
    if isinstance(tree, Slot):
        yield tree.index
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from slots(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from slots(value)


def within(name: str, whole: str) -> bool:
    """Whether a leaf is what `whole` names, or a part of it."""
    return name == whole or name.startswith((f"{whole}[", f"{whole}."))
