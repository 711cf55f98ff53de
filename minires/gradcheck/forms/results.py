"""What a backward pass returned, matched with the arguments that it differentiates.

Gradients may come as an array, a tuple, a list or a dict; by position, with None for what has no
gradient or with that left out; by name, as `w`, `dw`, `grad_w`, `w_grad` and the like.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..wording import Mismatch, count, described, is_number
from .arguments import Arguments, Slot, slots
from .kinds import is_array
from .naming import is_gradient_of

TARGETS = {"t", "target", "targets", "label", "labels", "y_true", "truth"}  # of a loss


def matched(
    result: Any, arguments: Arguments, who: str, wanted: Collection[int] = ()
) -> dict[int, Any]:
    """Return what backward returned for each leaf, as it came; a leaf without gradient is absent.

    `wanted` are the leaves that were asked for. Raises Mismatch, in the user's words, if the
    gradients cannot be told apart.
    """
    if result is None:
        raise Mismatch(f"{who} returned nothing (None); does its `return` miss?")
    found: dict[int, Any] = {}
    trees = dict(zip(arguments.names, arguments.trees, strict=True))
    if isinstance(result, dict):
        for index, g in _by_name(result, list(slots(arguments.trees)), arguments, who):
            found[index] = g
        return found
    group = [name for name, tree in trees.items() if any(True for _ in slots(tree))]
    if len(group) == 1 and _same_shape(result, trees[group[0]]):
        _place(result, trees[group[0]], group[0], arguments, who, found)
        return found
    several = isinstance(result, tuple | list) and not _is_nested_numbers(result)
    given = list(result) if several else [result]
    for names in _groups(arguments, trees, wanted):
        if len(names) == len(given):
            for name, g in zip(names, given, strict=True):
                _place(g, trees[name], name, arguments, who, found)
            return found
    if len(given) == len(arguments.leaves):
        return {i: g for i, g in enumerate(given) if g is not None}
    raise Mismatch(
        f"{who} returned {count(len(given), 'gradient')} for {count(len(group), 'input')} "
        f"({', '.join(group)}); return one for each, in this order, or a dict by name; inputs "
        "that shall not be differentiated are left out by wrt= (the names of the others)"
    )


def _groups(
    arguments: Arguments, trees: dict[str, Any], wanted: Collection[int]
) -> list[list[str]]:
    """Return the lists of arguments that gradients by position may be for, likeliest first."""
    every = list(trees)
    with_leaves = [n for n in every if any(True for _ in slots(trees[n]))]
    sure = [
        n for n in with_leaves if not all(arguments.leaves[i].optional for i in slots(trees[n]))
    ]
    no_targets = [n for n in sure if n not in TARGETS]
    asked = [n for n in with_leaves if not set(wanted).isdisjoint(slots(trees[n]))]
    return [every, with_leaves, sure, asked, no_targets]


def _place(
    g: Any, tree: Any, name: str, arguments: Arguments, who: str, found: dict[int, Any]
) -> None:
    """Enter the gradient of one argument; None says that it has none."""
    if g is None:
        return
    if isinstance(tree, Slot):
        found[tree.index] = g
    elif isinstance(g, dict):
        for index, part in _by_name(g, list(slots(tree)), arguments, who):
            found[index] = part
    elif isinstance(tree, dict | list | tuple):
        parts = list(tree.values()) if isinstance(tree, dict) else list(tree)
        if not isinstance(g, list | tuple) or len(g) != len(parts):
            raise Mismatch(
                f"{who}: the gradient of {name} is {described(g)}; {name} is a "
                f"{type(tree).__name__} of {len(parts)}, so return such a {type(tree).__name__}"
            )
        for i, (part, branch) in enumerate(zip(g, parts, strict=True)):
            _place(part, branch, f"{name}[{i}]", arguments, who, found)


def _by_name(
    result: dict[Any, Any], wanted: Sequence[int], arguments: Arguments, who: str
) -> list[tuple[int, Any]]:
    """Match the keys of a dict of gradients with the leaves `wanted`."""
    found: list[tuple[int, Any]] = []
    flat = dict(_flat(result))
    for index in wanted:
        leaf = arguments.leaves[index]
        keys = [
            k
            for k in flat
            if k in (names := _short_names(leaf.name)) or any(is_gradient_of(k, n) for n in names)
        ]
        if keys and flat[keys[0]] is not None:
            found.append((index, flat[keys[0]]))
    if not found:
        inputs = ", ".join(arguments.leaves[i].name for i in wanted)
        raise Mismatch(
            f"{who} returned a dict with {', '.join(map(repr, flat))}, which are not the names of "
            f"the inputs ({inputs}); use those names, or 'd' and the name"
        )
    return found


def _flat(result: dict[Any, Any]) -> list[tuple[str, Any]]:
    """Return the entries of nested dicts, by the last key."""
    entries: list[tuple[str, Any]] = []
    for key, value in result.items():
        entries += _flat(value) if isinstance(value, dict) else [(str(key), value)]
    return entries


def _short_names(name: str) -> list[str]:
    """Return `params['W1']` as it is, and W1."""
    if not name.endswith("]"):
        return [name]
    return [name, name.rsplit("[", 1)[1].rstrip("]").strip("'\"")]


def _same_shape(result: Any, tree: Any) -> bool:
    """Whether a result is for the only argument itself, a list, tuple or dict."""
    return (
        isinstance(tree, list | tuple)
        and isinstance(result, list | tuple)
        and len(tree) == len(result)
        and not (len(result) == 1 and isinstance(result[0], list | tuple))
    )


def _is_nested_numbers(result: Any) -> bool:
    """Whether this is an array written as lists: that is one gradient, and refused as such."""
    return (
        isinstance(result, list)
        and bool(result)
        and all(
            isinstance(x, list) or (isinstance(x, int | float) and len(result) > 1) for x in result
        )
    )


def as_gradient(g: Any, name: str, who: str) -> Any:
    """Return a gradient as an array, or raise Mismatch with what it is instead."""
    if is_number(g):
        return np.asarray(g)
    if not is_array(g):
        raise Mismatch(f"{who}: the gradient of {name} is {described(g)}; return an array")
    return g
