"""Copies and pickles of tensors: with values, gradient and hooks, and without a history."""

from __future__ import annotations

from typing import Any, cast

from .tensor import Tensor


def state_of(t: Tensor) -> dict[str, Any]:
    """Return all attributes, those of a subclass too, and the hooks in the place of the node."""
    if t.node is not None and t.node.function is not None:
        raise RuntimeError(
            f"a tensor with a history ({t.node.name}) cannot be copied or pickled, since its graph "
            "would have to be; use .detach()"
        )
    named, slots = cast(tuple[Any, dict[str, Any]], object.__getstate__(t))
    return (named or {}) | slots | {"node": [] if t.node is None else t.node.hooks}


def set_state(t: Tensor, state: dict[str, Any]) -> None:
    """Take over what `state_of` has returned, or a copy of it."""
    for name, value in (state | {"node": None}).items():
        setattr(t, name, value)
    if state["node"]:
        t.own_node().hooks = state["node"]  # handles copied with the tensor hold this list


def shallow(t: Tensor) -> Tensor:
    """Return a tensor of the same memory, with hooks of its own."""
    twin = type(t).__new__(type(t))
    state = state_of(t)
    set_state(twin, state | {"node": list(state["node"])})
    return twin
