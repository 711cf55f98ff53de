"""The engine: the chain rule, run backwards over a graph of recorded calls.

A `Node` is one call of a Function, or a leaf. `backward` visits the nodes from the loss towards the
leaves, every node after all of its consumers, and adds up what the consumers send: a value used
twice (the residual add!) receives both parts. Nothing recurses, so memory alone bounds the depth.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from minires_kernels.arrays import Array, as_array, device_of, is_array, read_only
from minires_kernels.backends import kernel_for

from .observe import tell, watchers

Hook = Callable[[Array], Array | None]

_recorded = itertools.count(1)


class Node:
    """One recorded call, or (without a function) a leaf.

    function, ctx   what computes the inputs' gradients, and what forward kept (None once freed)
    parents         the nodes of its inputs, None where no gradient is wanted
    like            shape, dtype and type of the value, which its gradient must have too
    versions        of each saved value: a counter of its updates, what it showed, and the shape
    hooks           functions that see, or replace, the gradient on its way
    keeper          weak reference to the Tensor that stores the gradient, or None
    """

    __slots__ = ("ctx", "function", "hooks", "index", "keeper", "like", "parents", "versions")

    def __init__(self, y: Array, function: Any = None, ctx: Any = None, parents: Any = ()) -> None:
        self.index = next(_recorded)
        self.function, self.ctx, self.parents = function, ctx, parents
        self.like = (y.shape, y.dtype, type(y))
        self.versions: tuple[tuple[list[int], int, tuple[int, ...]], ...] = ()
        self.hooks: list[Hook] = []
        self.keeper: weakref.ref[Any] | None = None

    @property
    def name(self) -> str:
        return self.function.__name__ if self.function else "leaf"

    def check_usable(self) -> None:
        """Raise RuntimeError if a call was freed, or a value that it saved has changed since."""
        if self.ctx is None:
            raise RuntimeError(
                f"backward: {self.name} was already freed by an earlier backward(), or one that "
                "failed; pass retain_graph=True to that call, or run the forward pass again"
            )
        for counter, count, shape in self.versions:
            if counter[0] != count:
                raise RuntimeError(
                    f"backward: a value that {self.name} saved, of shape {shape}, was updated in "
                    "place after the forward pass; call backward() before that (it may have been "
                    "an optimiser's step, update_(), or a cast)"
                )

    def hooked(self, dy: Array) -> Array:
        """Return the gradient as the hooks leave it."""
        for hook in list(self.hooks):
            if (changed := hook(read_only(dy))) is not None:
                dy = self.fitting(as_array(changed), "a gradient hook", f" for {self.name}")
        return dy

    def run(self, dy: Array) -> list[tuple[Node, Array]]:
        """Return the inputs that want a gradient, each with its own, un-broadcast and checked."""
        grads = self.function.backward(self.ctx, dy)
        if not isinstance(grads, tuple):
            grads = grads if isinstance(grads, list) and len(self.parents) > 1 else (grads,)
        if (n := len(grads)) != len(self.parents):
            raise RuntimeError(
                f"{self.name}.backward returned {n} gradients for {len(self.parents)} inputs; "
                "return one per positional input of forward"
            )
        sent = []
        for i, (parent, dx) in enumerate(zip(self.parents, grads, strict=True)):
            if parent is None:
                continue
            shape, dtype, kind = parent.like
            if isinstance(dx, np.generic):
                dx = np.asarray(dx)  # NumPy makes scalars of arrays without dimensions
            if type(dx) is not kind or dx.shape != shape or dx.dtype != dtype:
                if getattr(dx, "shape", None) == self.like[0] != shape:
                    dx = unbroadcast(dx, shape)
                dx = parent.fitting(dx, f"{self.name}.backward", f" for input {i}")
            sent.append((parent, dx))
        return sent

    def fitting(self, dx: Any, who: str, which: str) -> Array:
        """Return what `who` returned as a gradient of this node's value, or raise RuntimeError."""
        if not is_array(dx):
            raise RuntimeError(
                f"{who} returned {type(dx).__name__}{which}, which requires a gradient; return an "
                "array (zeros, if the derivative is zero)"
            )
        dx = as_array(dx)
        if (dx.shape, dx.dtype, type(dx)) != self.like:
            shape, dtype, kind = self.like
            place = "cpu" if kind is np.ndarray else "cuda"
            raise RuntimeError(
                f"{who} returned shape {dx.shape}, {dx.dtype}, on {device_of(dx)}{which}; "
                f"expected shape {shape}, {dtype}, on {place}, as the value is"
            )
        return dx  # type: ignore[no-any-return]


def unbroadcast(dy: Array, shape: tuple[int, ...]) -> Array:
    """Sum `dy` over the axes that broadcasting added or stretched, so that it has `shape`."""
    added = dy.ndim - len(shape)
    if added < 0:
        return dy  # wrong, and refused by whoever asked
    dy = dy.sum(axis=tuple(range(added))) if added else dy
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and dy.shape[i] != 1)
    return as_array(dy.sum(axis=stretched, keepdims=True) if stretched else dy)  # type: ignore[no-any-return]


def topological_order(root: Node) -> list[Node]:
    """Return the nodes under `root`, the last recorded first: each after all of its consumers."""
    place, stack = {root: float(root.index)}, [root]
    while stack:
        node = stack.pop()
        soonest = node.index - 0.5
        for parent in filter(None, node.parents):
            if parent.function is None:
                # A leaf belongs to no moment of the recording: it comes when its gradient is whole.
                place[parent] = min(soonest, place.get(parent, soonest))
            elif parent not in place:
                place[parent] = parent.index
                stack.append(parent)
    return sorted(place, key=place.__getitem__, reverse=True)


def backward(root: Node, dy: Array, retain_graph: bool = False) -> None:
    """Propagate `dy` from `root`; gradients reach their keepers only if the whole pass succeeds."""
    for node in (order := topological_order(root)):
        if node.function is not None:
            node.check_usable()
    flowing = {root: dy}  # the gradient of each node, as far as it has arrived
    ours: set[Node] = set()  # nodes to whose gradient nobody else refers: it may be written
    arrived: list[tuple[Any, Array, bool]] = []
    watched = watchers.get()
    for node in order:
        dy = flowing.pop(node)
        if watched:
            tell("passing", node, dy)
        if node.hooks:
            dy = node.hooked(dy)
        if node.keeper is not None and (keeper := node.keeper()) is not None:
            keeper.expect(node, dy)
            arrived.append((keeper, dy, node in ours and node.function is None and not node.hooks))
        if node.function is None:
            continue
        if not watched and (first := node.parents[0]) in ours:  # else each part is shown by itself
            node.ctx.onto = flowing.get(first)
        for parent, dx in node.run(dy):
            if watched:
                tell("giving", node, parent, dx)
            if parent not in flowing:
                flowing[parent] = dx
                if node.function.new_gradients:
                    ours.add(parent)
            elif dx is not node.ctx.onto:  # another consumer came before: the parts add up
                before, owned = flowing[parent], parent in ours
                (flowing[parent],) = kernel_for("add", dx).forward(before, dx, owned=owned)
                ours.add(parent)
        node.ctx.onto = None
        if not retain_graph:
            node.ctx, node.versions = None, ()  # frees what forward saved
    for keeper, dx, new in arrived:
        keeper.store(dx, new)
