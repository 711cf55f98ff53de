"""Code with a backward pass written by hand: what its forms have in common."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...engine import unbroadcast
from ...grad_mode import enable_grad
from ...tensor import Array
from ..branches import observe_branches
from ..subject import Pair, Subject
from ..wording import Mismatch
from .arguments import Arguments, Leaf, nothing_floating, slots, within
from .kinds import (
    is_array,
    is_float_array,
    is_jax_array,
    precise,
    share_memory,
    to_host,
)
from .naming import is_decorated, plain
from .repeat import SameRandomNumbers
from .results import TARGETS, as_gradient

Given = dict[int, Array]  # values of leaves, by index
Layout = Callable[[Array], Array]


@dataclass
class Run:
    """One forward pass, and the way back from it.

    inputs   what forward was given, as trees like those of Arguments
    outputs  the values that it returned, in order
    saved    what backward gets besides the upstreams
    back     back(candidate or None, upstreams) returns the gradients by leaf, as they came
    """

    inputs: list[Any]
    outputs: list[Any]
    saved: Any
    back: Callable[[Callable[..., Any] | None, list[Any]], dict[int, Any]]


class HandWritten(Subject):
    """A forward and a backward pass in the user's words: `titles` are what they call them.

    A subclass sets forward, backward, titles, arguments and notes, then calls `set_up`; it says in
    `start` how to run them. leaves are those of the arguments, then any that it adds; wanted are
    those that the caller asked for, if any.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    titles: tuple[str, str]
    arguments: Arguments
    leaves: list[Leaf]
    wanted: list[int]
    branch: Callable[..., Array] | None = None
    takes_upstream: bool = True
    owns_upstream: bool = False  # may write over dy: whoever calls it gives dy away

    def __init__(self) -> None:
        self.random = SameRandomNumbers()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """The state in which the user's code runs: the same random numbers, and float64 in JAX."""
        with self.random, precise(any(is_jax_array(x.original) for x in self.leaves)):
            yield

    @abstractmethod
    def start(self, given: Given, layout: Layout) -> Run:
        """Run forward on fresh copies, with these values of the leaves."""

    def set_up(self) -> None:
        """Run once, to see what the outputs are and which leaves backward has gradients for."""
        with self.running():
            outputs = self.start({}, np.copy).outputs
        self.outputs = Arguments(outputs, [f"output {i}" for i in range(len(outputs))])
        self._find_inert()
        self.chosen = self.wanted or self._differentiated()
        self.names = [self.leaves[i].name for i in self.chosen]
        self.arrays = [self.leaves[i].array for i in self.chosen]
        if not self.arrays:
            raise ValueError(nothing_floating(self.titles[0], self.arguments))

    def _find_inert(self) -> None:
        """Make options of the dicts and lists that the output does not depend on.

        Such are the running statistics of a batch norm that trains.
        """
        for tree in self.arguments.trees:
            moved = list(slots(tree)) if isinstance(tree, dict | list | tuple) else []
            if not moved or any(self.leaves[i].optional for i in moved):
                continue
            with self.running():
                given = {i: 1.1 * self.leaves[i].array + 0.1 for i in moved}
                outputs = self.start(given, np.copy).outputs
            after = [a for output in outputs for a in floats(output)]
            if all(map(np.array_equal, after, [leaf.array for leaf in self.outputs.leaves])):
                for i in moved:
                    self.leaves[i] = replace(self.leaves[i], optional=True)

    def asked_for(self, wrt: Collection[str]) -> list[int]:
        """Return the leaves that the caller named."""
        wanted = [wrt] if isinstance(wrt, str) else list(wrt)
        names = [leaf.name for leaf in self.leaves]
        for name in wanted:
            if not any(within(n, name) for n in names):
                raise ValueError(f"wrt={name!r}: the floating inputs are {', '.join(names)}")
        return [i for i, n in enumerate(names) if any(within(n, w) for w in wanted)]

    def _differentiated(self) -> list[int]:
        """Return the leaves that backward has a gradient for, and those that it owes one.

        A Python number without a gradient is an option, and so are a dict of several things and the
        targets of a loss.
        """
        try:
            raw = self._raw(None, self._ones(), {}, np.copy)
        except Exception:  # it is shown when the check itself meets it
            raw = {}
        chosen = []
        for i, leaf in enumerate(self.leaves):
            target = leaf.name in TARGETS and raw and self._ones().size == 1
            if i in raw or not (leaf.optional or target):
                chosen.append(i)
            else:
                self.notes.append(
                    f"{leaf.name} is taken as an option: {self.titles[1]} has no gradient for it"
                )
        return chosen

    # ---- running it -----------------------------------------------------------------------------
    def _given(self, arrays: Sequence[Array]) -> Given:
        return dict(zip(self.chosen, arrays, strict=True))

    def _ones(self) -> Array:
        return np.ones_like(_laid_out([x.array for x in self.outputs.leaves]))

    def _upstreams(self, v: Array, layout: Layout) -> list[Any]:
        """Return v as the kinds of things that forward returned."""
        parts, start = {}, 0
        for i, leaf in enumerate(self.outputs.leaves):
            if len(self.outputs.leaves) == 1:  # its size may be another, for inputs of another
                part = v
            else:
                part = v.reshape(-1)[start : start + leaf.array.size].reshape(leaf.array.shape)
            parts[i], start = part, start + leaf.array.size
        return self.outputs.build(parts, layout)

    def _raw(
        self, candidate: Callable[..., Any] | None, v: Array, given: Given, layout: Layout
    ) -> dict[int, Any]:
        """Return the gradients by leaf, as backward returned them."""
        with self.running(), enable_grad():
            raw = self.start(given, layout).back(candidate, self._upstreams(v, layout))
        if self.takes_upstream:
            return raw
        return {i: self._times(v, i, g) for i, g in raw.items()}

    def _times(self, v: Array, i: int, g: Any) -> Any:
        """Return v times a gradient that backward gave for dy = 1."""
        leaf, who = self.leaves[i], self.titles[1]
        g = np.asarray(to_host(as_gradient(g, leaf.name, who)))
        if v.size != 1 and g.shape != v.shape:
            raise Mismatch(
                f"{who} takes no upstream, and the derivative with respect to {leaf.name} has "
                f"shape {g.shape}, the output {v.shape}: only an elementwise derivative may be "
                f"multiplied by dy; give {who} the argument dy"
            )
        return (v if v.size != 1 else float(v.reshape(-1)[0])) * g

    def value(self, arrays: Sequence[Array]) -> tuple[Array, bytes | None]:
        with self.running(), observe_branches() as log:
            run = self.start(self._given(arrays), np.copy)
            if self.branch is not None:
                branch = self.branch
                log.branched(lambda: branch(*run.saved))
        y = _laid_out([a for output in run.outputs for a in floats(output)])
        return y, log.digest() if log.count else None

    def gradients(self, v: Array, layout: Layout = np.copy) -> list[Array]:
        raw = self._raw(None, v, self._given(self.arrays), layout)
        return [self._fitted(raw, i, unbroadcast) for i in self.chosen]

    def _fitted(
        self, raw: dict[int, Any], i: int, summed: Any = None, shape: tuple[int, ...] | None = None
    ) -> Array:
        """Return one gradient as a float64 array of its input's shape, or raise Mismatch."""
        leaf, who = self.leaves[i], self.titles[1]
        if i not in raw:
            raise Mismatch(
                f"{who} returned no gradient of {leaf.name}, a floating input; return it "
                "(zeros, if the output does not depend on it), or name the inputs to check by wrt="
            )
        g = np.array(to_host(as_gradient(raw[i], leaf.name, who)), np.float64)
        shape = leaf.array.shape if shape is None else shape
        if summed is not None and g.shape != shape:
            g = summed(g, shape)
        if g.shape != shape:
            raise Mismatch(
                f"{who}: the gradient of {leaf.name} has shape {g.shape}, {leaf.name} has "
                f"shape {shape}; a gradient has its input's shape"
            )
        return g

    # ---- what else it owes ----------------------------------------------------------------------
    def conduct(self, v: Array) -> dict[str, str]:
        failed: dict[str, str] = {}
        with self.running(), enable_grad():
            run = self.start(self._given(self.arrays), np.copy)
            self._untouched(run.inputs, failed)
            kept = [(a, to_host(a).copy()) for a in _arrays(run.saved)]
            dys = self._upstreams(v, np.copy)
            before = [to_host(a).copy() for a in _arrays(dys)]
            raw = run.back(None, dys)
        self._untouched(run.inputs, failed)
        if not all(_same(a, b) for a, b in zip(_arrays(dys), before, strict=True)):
            self._wrote_over_upstream(failed)
        if "inputs unmodified" not in failed and not all(_same(a, b) for a, b in kept):
            failed["saved unmodified"] = (
                f"{self.titles[1]} modified an array that {self.titles[0]} had saved"
            )
        self._returned(raw, dys, failed)
        return failed

    def _wrote_over_upstream(self, failed: dict[str, str]) -> None:
        text = f"{self.titles[1]} modified dy in place"
        if self.owns_upstream:
            self.notes.append(
                f"{text}: right, as long as nobody else needs that dy; in y = f(x) + x the "
                "shortcut does"
            )
        else:
            failed["upstream unmodified"] = text

    def _untouched(self, inputs: list[Any], failed: dict[str, str]) -> None:
        for i, x in _leaves(inputs, self.arguments.trees):
            leaf = self.leaves[i]
            if i in self.chosen and not _same(x, leaf.array):
                failed.setdefault("inputs unmodified", f"{leaf.name} was modified in place")

    def _returned(self, raw: dict[int, Any], dys: Any, failed: dict[str, str]) -> None:
        """Look at shapes, dtypes and memory of what backward returned."""
        seen = [("dy", a) for a in _arrays(dys)]
        for i in self.chosen:
            name, shape = self.leaves[i].name, self.leaves[i].array.shape
            g: Any = raw.get(i)
            if not is_array(g):
                continue
            if tuple(g.shape) != shape:
                failed["shapes"] = (
                    f"the gradient of {name} has shape {tuple(g.shape)}, {name} has {shape}: sum "
                    "over the axes along which it was broadcast"
                )
            if (dtype := to_host(g).dtype) != np.float64:
                failed["dtype"] = f"the gradient of {name} is {dtype}, {name} is float64"
            for other, h in seen:
                if share_memory(g, h):
                    self.notes.append(
                        f"the gradient of {name} shares memory with {other}: right, as long as "
                        "nobody adds to it in place"
                    )
            seen.append((f"the gradient of {name}", g))

    # ---- for a diagnosis ------------------------------------------------------------------------
    @property
    def pair(self) -> Pair | None:
        backward = plain(self.backward)
        if is_decorated(self.backward) and not self._same_without(backward):
            return None  # a change within would be judged by what the decorator makes of it
        return Pair(plain(self.forward), backward, self._try)

    def _same_without(self, backward: Callable[..., Any]) -> bool:
        """Whether the user's function gives the same gradients without its decorators."""
        try:
            found = self._try(backward, self._ones(), self.arrays)
            return all(map(np.array_equal, found, self.gradients(self._ones())))
        except Exception:
            return False

    def _try(self, candidate: Callable[..., Any], v: Array, arrays: Sequence[Array]) -> list[Array]:
        """Return the gradients of another backward at other inputs, which may have other shapes."""
        raw = self._raw(candidate, v, self._given(arrays), np.copy)
        shapes = [a.shape for a in arrays]
        return [self._fitted(raw, i, shape=s) for i, s in zip(self.chosen, shapes, strict=True)]


def _laid_out(outputs: Sequence[Array]) -> Array:
    """Return the only output as it is, several as one vector."""
    if len(outputs) == 1:
        return outputs[0]
    return np.concatenate([a.reshape(-1) for a in outputs])


def floats(y: Any) -> list[Array]:
    """Return the floating parts of an output as float64 arrays."""
    if isinstance(y, dict):
        return [a for part in y.values() for a in floats(part)]
    if isinstance(y, list | tuple):
        return [a for part in y for a in floats(part)]
    if isinstance(y, float | np.floating):
        return [np.array(y, np.float64)]
    if is_float_array(y):
        return [np.asarray(to_host(y), np.float64)]
    return []


def _arrays(tree: Any) -> list[Any]:
    """Return all arrays in nested lists, tuples and dicts."""
    if isinstance(tree, dict):
        return [a for part in tree.values() for a in _arrays(part)]
    if isinstance(tree, list | tuple):
        return [a for part in tree for a in _arrays(part)]
    return [tree] if is_array(tree) else []


def _leaves(values: Any, trees: Any) -> list[tuple[int, Any]]:
    """Pair the leaves of built arguments with their indices."""
    found: dict[int, Any] = {}

    def walk(x: Any, tree: Any) -> None:
        if not isinstance(tree, dict | list | tuple):
            for index in slots(tree):
                found[index] = x
        elif isinstance(tree, dict):
            for k in tree:
                walk(x.get(k), tree[k])
        else:
            for a, b in zip(x, tree, strict=False):
                walk(a, b)

    walk(values, trees)
    return list(found.items())


def _same(a: Any, b: Array) -> bool:
    a = to_host(a) if is_array(a) else np.asarray(a)
    return np.array_equal(a, b, equal_nan=b.dtype.kind in "fc")
