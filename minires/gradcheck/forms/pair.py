"""A pair of plain functions: forward, and a backward pass written by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array, module_of, to_host

from ...engine import unbroadcast
from ...tensor import Array
from ..branches import observe_branches
from ..subject import Pair, Subject
from ..wording import Mismatch
from .arguments import Arguments, Leaf, slots
from .naming import argument_names, plain, title
from .results import as_gradient, matched


class PairSubject(Subject):
    """`forward(*inputs)` returns y, or (y, *saved); `backward(dy, *saved)` the inputs' gradients.

    Without saved values backward gets the inputs: `backward(dy, *inputs)`.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        inputs: Sequence[Any],
        names: Sequence[str] = (),
        branch: Callable[..., Array] | None = None,
    ) -> None:
        self.forward, self.backward, self.branch = forward, backward, branch
        self.name, self.who = title(backward), title(backward)
        names = list(names) or argument_names(forward, len(inputs))
        self.arguments = Arguments(inputs, names)
        self.notes = self.arguments.notes
        self.simple = True
        every = dict(enumerate(leaf.array for leaf in self.arguments.leaves))
        y, _ = self._forward(every, np.copy)
        self.outputs = Arguments([y], ["y"])
        self.chosen = self._differentiated(every)
        leaves = [self.arguments.leaves[i] for i in self.chosen]
        self.names, self.arrays = [x.name for x in leaves], [x.array for x in leaves]
        if not self.arrays:
            raise ValueError(
                f"{title(forward)}: there is no floating input to check; pass arrays of floats"
            )

    def _differentiated(self, every: dict[int, Array]) -> list[int]:
        """Return the leaves that backward has a gradient for, and those that it must have one for.

        A Python number without a gradient is an option.
        """
        try:
            raw = self._raw(self.backward, self._ones(), every, np.copy)
        except Exception:  # it is shown when the check itself meets it
            raw = {}
        chosen = []
        for i, leaf in enumerate(self.arguments.leaves):
            if i in raw or not leaf.optional:
                chosen.append(i)
            else:
                self.notes.append(f"{leaf.name} is an option: {self.who} has no gradient for it")
        return chosen

    # ---- running it -----------------------------------------------------------------------------
    def _given(self, arrays: Sequence[Array]) -> dict[int, Array]:
        return dict(zip(self.chosen, arrays, strict=True))

    def _forward(
        self, given: dict[int, Array], layout: Callable[[Array], Array]
    ) -> tuple[Any, tuple[Any, ...]]:
        """Run forward on fresh arguments; return its output, and what backward gets besides dy."""
        inputs = self.arguments.build(given, layout)
        result = self.forward(*inputs)
        if isinstance(result, tuple):
            return result[0], result[1:]
        return result, tuple(inputs)

    def _ones(self) -> Array:
        return np.ones_like(_laid_out([x.array for x in self.outputs.leaves]))

    def _upstream(self, v: Array, layout: Callable[[Array], Array]) -> Any:
        """Return v as the kind of thing that forward returned."""
        parts, start = {}, 0
        for i, leaf in enumerate(self.outputs.leaves):
            part = v.reshape(-1)[start : start + leaf.array.size].reshape(leaf.array.shape)
            parts[i], start = layout(part), start + leaf.array.size
        return self.outputs.build(parts, lambda a: a)[0]

    def _raw(
        self,
        backward: Callable[..., Any],
        v: Array,
        given: dict[int, Array],
        layout: Callable[[Array], Array],
    ) -> dict[int, Any]:
        """Return the gradients by leaf, as backward returned them."""
        _, saved = self._forward(given, layout)
        return matched(backward(self._upstream(v, layout), *saved), self.arguments, self.who)

    def value(self, arrays: Sequence[Array]) -> tuple[Array, bytes | None]:
        with observe_branches() as log:
            y, saved = self._forward(self._given(arrays), np.copy)
            if self.branch is not None:
                branch = self.branch
                log.branched(lambda: branch(*saved))
        return _laid_out(_floats(y, title(self.forward))), log.digest() if log.count else None

    def gradients(self, v: Array, layout: Callable[[Array], Array] = np.copy) -> list[Array]:
        raw = self._raw(self.backward, v, self._given(self.arrays), layout)
        return [self._fitted(raw, i, unbroadcast) for i in self.chosen]

    def _fitted(self, raw: dict[int, Any], i: int, summed: Any = None) -> Array:
        """Return one gradient as a float64 array of its input's shape, or raise Mismatch."""
        leaf: Leaf = self.arguments.leaves[i]
        if i not in raw:
            raise Mismatch(
                f"{self.who} returned None for {leaf.name}, a floating input; return its gradient "
                "(zeros, if the output does not depend on it)"
            )
        g = np.array(to_host(as_gradient(raw[i], leaf.name, self.who)), np.float64)
        shape = leaf.array.shape
        if summed is not None and g.shape != shape:
            g = summed(g, shape)
        if g.shape != shape:
            raise Mismatch(
                f"{self.who}: the gradient of {leaf.name} has shape {g.shape}, {leaf.name} has "
                f"shape {shape}; a gradient has its input's shape"
            )
        return g

    # ---- what else it owes ----------------------------------------------------------------------
    def conduct(self, v: Array) -> dict[str, str]:
        failed: dict[str, str] = {}
        inputs = self.arguments.build(self._given(self.arrays), np.copy)
        result = self.forward(*inputs)
        saved = result[1:] if isinstance(result, tuple) else tuple(inputs)
        self._untouched(inputs, failed)
        kept = [(a, to_host(a).copy()) for a in _arrays(saved)]
        dy = self._upstream(v, np.copy)
        before = [to_host(a).copy() for a in _arrays(dy)]
        raw = matched(self.backward(dy, *saved), self.arguments, self.who)
        self._untouched(inputs, failed)
        if not all(_same(a, b) for a, b in zip(_arrays(dy), before, strict=True)):
            failed["upstream unmodified"] = f"{self.who} modified dy in place"
        if "inputs unmodified" not in failed and not all(_same(a, b) for a, b in kept):
            failed["saved unmodified"] = (
                f"{self.who} modified an array that {title(self.forward)} had saved"
            )
        self._returned(raw, dy, failed)
        return failed

    def _untouched(self, inputs: list[Any], failed: dict[str, str]) -> None:
        for i, x in _leaves(inputs, self.arguments.trees):
            leaf = self.arguments.leaves[i]
            if not _same(x, leaf.array):
                failed.setdefault("inputs unmodified", f"{leaf.name} was modified in place")

    def _returned(self, raw: dict[int, Any], dy: Any, failed: dict[str, str]) -> None:
        """Look at shapes, dtypes and memory of what backward returned."""
        seen = [("dy", a) for a in _arrays(dy)]
        for i in self.chosen:
            name, shape = self.arguments.leaves[i].name, self.arguments.leaves[i].array.shape
            g: Any = raw.get(i)
            if not is_array(g):
                continue
            if g.shape != shape:
                failed["shapes"] = (
                    f"the gradient of {name} has shape {g.shape}, {name} has {shape}: sum over the "
                    "axes along which it was broadcast"
                )
            if g.dtype != np.float64:
                failed["dtype"] = f"the gradient of {name} is {g.dtype}, {name} is float64"
            for other, h in seen:
                if module_of(g).shares_memory(g, h):
                    failed["no aliasing"] = (
                        f"the gradient of {name} shares memory with {other}; return a copy"
                    )
            seen.append((f"the gradient of {name}", g))

    # ---- for a diagnosis ------------------------------------------------------------------------
    @property
    def pair(self) -> Pair:
        return Pair(plain(self.forward), plain(self.backward), self._try)

    def _try(self, candidate: Callable[..., Any], v: Array, arrays: Sequence[Array]) -> list[Array]:
        raw = self._raw(candidate, v, self._given(arrays), np.copy)
        return [self._fitted(raw, i) for i in self.chosen]


def _laid_out(outputs: Sequence[Array]) -> Array:
    """Return the only output as it is, several as one vector."""
    if len(outputs) == 1:
        return outputs[0]
    return np.concatenate([a.reshape(-1) for a in outputs])


def _floats(y: Any, who: str) -> list[Array]:
    """Return the output, or the floating parts of a nested one, as float64 arrays."""
    if isinstance(y, dict):
        return [a for part in y.values() for a in _floats(part, who)]
    if isinstance(y, list | tuple):
        return [a for part in y for a in _floats(part, who)]
    if isinstance(y, float | np.floating):
        return [np.array(y, np.float64)]
    if is_array(y) and y.dtype.kind == "f":
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
