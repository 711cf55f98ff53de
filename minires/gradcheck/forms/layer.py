"""Objects with a forward and a backward method that keep their parameters and gradients."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Collection, Sequence
from types import MethodType
from typing import Any

import numpy as np

from ...tensor import Array
from ..wording import Mismatch
from .arguments import Arguments, Leaf, slots
from .call import Call
from .convention import Reader, entries_of, is_floating
from .handwritten import Given, HandWritten, Layout, Run
from .naming import is_gradient_of, title
from .results import matched
from .state import (
    Parameter,
    Path,
    copied,
    floats_of,
    parameters,
    returned_parameters,
    told,
    value_at,
)

METHODS = (  # what people call the two passes
    ("forward", "backward"),
    ("fprop", "bprop"),
    ("forward_pass", "backward_pass"),
    ("forward_propagation", "backward_propagation"),
    ("forward_prop", "backward_prop"),
    ("forward", "backprop"),
    ("forward", "backpropagate"),
    ("__call__", "backward"),
)
OUTPUTS = ("output", "outputs", "out", "y", "a", "A", "result")  # where forward may leave it


def methods_of(layer: Any) -> tuple[str, str] | None:
    """Return the names of an object's passes, or None if it has none."""
    for forward, backward in METHODS:
        if all(inspect.ismethod(getattr(layer, name, None)) for name in (forward, backward)):
            return forward, backward
    return None


class LayerSubject(HandWritten):
    """A layer: `layer.forward(x)`, then `layer.backward(dy)`, on a fresh copy for every evaluation.

    Its parameters are the floating arrays that it keeps and whose gradients it keeps, too, after
    backward: under a name like dW or W_grad, or in a dict or list like grads. forward may leave
    its output, and backward the gradient of an input, as attributes.
    """

    owns_upstream = True

    def __init__(
        self,
        layer: Any,
        methods: tuple[str, str],
        inputs: Sequence[Any],
        options: dict[str, Any],
        names: Sequence[str] = (),
        outputs: int | Collection[int | str] | None = None,
        wrt: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.layer, self.methods = layer, methods
        self.forward, self.backward = (getattr(layer, name) for name in methods)
        self.titles = title(self.forward), title(self.backward)
        self.name = f"{type(layer).__name__}.{methods[1]}"
        self.arguments = self.call = Call(self.forward, inputs, options, names)
        self.leaves, self.notes = self.arguments.leaves, self.arguments.notes
        self.kept: dict[int, Parameter] = {}
        self.zeros: dict[Path, Array] = {}  # gradients of earlier runs, lest they add up
        self._inputs_with_leaves = sum(any(True for _ in slots(t)) for t in self.call.trees)
        self.result: Any = None  # what backward returned last
        self.wanted: list[int] = []
        with self.running():
            result = self._forward({}, np.copy)[2]
        call = self.call
        reader = Reader(self.forward, self.backward, result, call.parameters, call.main)
        self.convention = reader.read(outputs)[0]
        self.notes += reader.assumed(self.convention)
        self._find_parameters()
        self.wanted = self.asked_for(wrt or ())
        self.takes_upstream = self.convention.takes_upstream
        self.set_up()

    # ---- running it -----------------------------------------------------------------------------
    def _forward(self, given: Given, layout: Layout) -> tuple[Any, list[Any], Any]:
        """Return a fresh layer, what forward was given, and its output, returned or left."""
        values = {p.path: layout(given[i]) for i, p in self.kept.items() if i in given}
        layer = copied(self.layer, {k: z.copy() for k, z in self.zeros.items()} | values)
        inputs = self.arguments.build(given, layout)
        return layer, inputs, self._output(layer, inputs)

    def _output(self, layer: Any, inputs: list[Any]) -> Any:
        result = self.call.run(getattr(layer, self.methods[0]), inputs)
        left = [getattr(layer, n) for n in OUTPUTS if is_floating(getattr(layer, n, None))]
        if result is None and not left:
            raise TypeError(
                f"{self.titles[0]} returned None, and the object has no attribute `{OUTPUTS[0]}` "
                "with its output; does its `return` miss?"
            )
        return left[0] if result is None else result

    def start(self, given: Given, layout: Layout) -> Run:
        layer, inputs, result = self._forward(given, layout)
        return self._run(layer, inputs, result)

    def _run(self, layer: Any, inputs: list[Any], result: Any) -> Run:
        entries, convention = entries_of(result), self.convention
        by_name = dict(zip(self.call.parameters, inputs, strict=True))
        kept = [x for i, x in enumerate(entries) if i not in convention.outputs]

        def back(candidate: Callable[..., Any] | None, dys: list[Any]) -> dict[int, Any]:
            upstreams = dict(zip(convention.outputs, dys, strict=True))
            given, by_keyword = convention.arguments(entries, by_name, upstreams)
            backward = getattr(layer, self.methods[1])
            if candidate is not None:
                backward = MethodType(candidate, layer)
            return self._collect(layer, backward(*given, **by_keyword))

        return Run(inputs, [entries[i] for i in convention.outputs], kept, back)

    # ---- its parameters -------------------------------------------------------------------------
    def _find_parameters(self) -> None:
        """Run both passes and see which arrays have got a gradient."""
        before = floats_of(self.layer)
        with self.running():
            layer, inputs, result = self._forward({}, np.copy)
            run = self._run(layer, inputs, result)
            ones = Arguments(run.outputs, ["y"] * len(run.outputs)).build({}, np.ones_like)
            with contextlib.suppress(Exception):  # it is shown when the check itself meets it
                run.back(None, ones)
        found = parameters(before, floats_of(layer))
        found += returned_parameters(before, found, self.result, self._inputs_with_leaves)
        for p in found:
            value, name = before[p.path], told(p.path)
            name = f"self.{name}" if name in self.arguments.names else name
            if p.gradient in before and not p.returned:
                self.zeros[p.gradient] = np.zeros(np.shape(before[p.gradient]))
            self.kept[len(self.leaves)] = p
            self.leaves.append(Leaf(name, np.array(value, np.float64), value, False))
        self._tell(before, found)

    def _tell(self, before: dict[Path, Any], found: list[Parameter]) -> None:
        """Note where gradients were found, and which arrays have none."""
        pairs = [f"{p.told()} for {told(p.path)}" for p in found]
        if pairs:
            self.notes.append(f"gradients found by name and shape: {', '.join(pairs)}")
        known = {id(before[p.path]) for p in found}
        known |= {id(before[p.gradient]) for p in found if p.gradient in before}
        self._tell_others(before, known)

    def _tell_others(self, before: dict[Any, Any], known: set[Any]) -> None:
        """Note the arrays without a gradient on which the output depends."""
        with self.running():
            first = entries_of(self._forward({}, np.copy)[2])
        for path, value in before.items():
            if id(value) in known or not isinstance(value, np.ndarray) or not value.size:
                continue
            with self.running():
                layer = copied(self.layer, {path: 1.1 * np.asarray(value, np.float64) + 0.1})
                moved = entries_of(self._output(layer, self.call.build({}, np.copy)))
            pairs = zip(first, moved, strict=False)
            if any(is_floating(a) and not np.array_equal(a, b) for a, b in pairs):
                name = told(path)
                self.notes.append(
                    f"not checked: {name}, on which the output depends; no gradient of it was "
                    f"found after {self.titles[1]} (d{path[-1][1]}, {path[-1][1]}_grad, grads[…])"
                )

    def _collect(self, layer: Any, result: Any) -> dict[int, Any]:
        """Return the gradients by leaf, from what backward returned and what it left."""
        found: dict[int, Any] = {}
        self.result = result
        for i, p in self.kept.items():
            g = value_at(result if p.returned else layer, p.gradient)
            if g is not None:
                found[i] = g
        count = self._inputs_with_leaves
        if isinstance(result, dict) and any(p.returned for p in self.kept.values()):
            with contextlib.suppress(Mismatch):  # of parameters only
                return found | matched(result, self.arguments, self.titles[1], self.wanted)
            return found
        if isinstance(result, tuple | list) and any(p.returned for p in self.kept.values()):
            result = tuple(result[:count])
        if result is not None:
            return found | matched(result, self.arguments, self.titles[1], self.wanted)
        for i, leaf in enumerate(self.leaves):
            left = [n for n in vars(layer) if i not in self.kept and is_gradient_of(n, leaf.name)]
            if left:
                found[i] = getattr(layer, left[0])
        if not found:
            raise Mismatch(
                f"{self.titles[1]} returned nothing (None), and the object keeps no gradient under "
                "a name like dx or dW; does its `return` miss?"
            )
        return found
