"""One function that returns a loss and its gradients: `loss, dx = softmax_loss(x, y)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from types import MethodType
from typing import Any

import numpy as np

from ..wording import Mismatch, described
from .arguments import Leaf
from .call import Call
from .convention import is_floating
from .handwritten import Given, HandWritten, Layout, Run
from .kinds import is_array, to_host
from .naming import title
from .results import matched
from .state import Parameter, copied, floats_of, returned_parameters, told, value_at


class TogetherSubject(HandWritten):
    """`f(*inputs)` returns a number and then gradients: of the inputs, in order or by name.

    Fewer gradients than inputs are for the inputs of their shapes. Of a method they may be for the
    arrays that its object keeps, by name, such as `self.params['W1']`.
    """

    takes_upstream = False

    def __init__(
        self,
        f: Callable[..., Any],
        inputs: Sequence[Any],
        options: dict[str, Any],
        wrt: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.forward = self.backward = f
        self.name = title(f, "the lambda")
        self.titles = self.name, self.name
        self.owner = f.__self__ if inspect.ismethod(f) else None
        self.arguments = self.call = Call(f, inputs, options)
        self.leaves, self.notes = self.arguments.leaves, self.arguments.notes
        self.kept: dict[int, Parameter] = {}
        with self.running():
            gradients = self._result({}, np.copy)[2]
        self._find_parameters(gradients)
        self.wanted = self.asked_for(wrt or ()) or self._by_shape(gradients)
        self.set_up()
        self.notes.append(f"{self.name} returns its gradients with its value: they are for dy = 1")

    def _result(
        self, given: Given, layout: Layout, f: Callable[..., Any] | None = None
    ) -> tuple[list[Any], Any, Any]:
        """Return what `f` was given, its value and its gradients."""
        inputs, run = self.call.build(given, layout), f or self.forward
        if self.owner is not None:
            values = {p.path: layout(given[i]) for i, p in self.kept.items() if i in given}
            method = self.forward.__func__ if f is None else f  # type: ignore[attr-defined]
            run = MethodType(method, copied(self.owner, values))
        value, *gradients = self.call.run(run, inputs)
        return inputs, value, gradients[0] if len(gradients) == 1 else tuple(gradients)

    def _find_parameters(self, gradients: Any) -> None:
        before = {} if self.owner is None else floats_of(self.owner)
        for p in returned_parameters(before, [], gradients, 0) if before else []:
            array = np.array(before[p.path], np.float64)
            self.kept[len(self.leaves)] = p
            self.leaves.append(Leaf(told(p.path), array, before[p.path], False))

    def _by_shape(self, gradients: Any) -> list[int]:
        """Return the leaves that fewer gradients than inputs are for: those of their shapes."""
        if self.kept:
            return list(self.kept)
        try:
            matched(gradients, self.arguments, self.name)
            return []
        except Mismatch:
            given = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
        chosen: list[int] = []
        for g in given:
            shape = np.shape(to_host(g)) if is_array(g) else np.shape(g)
            left = range(chosen[-1] + 1 if chosen else 0, len(self.leaves))
            fitting = [i for i in left if self.leaves[i].array.shape == shape]
            if not fitting:
                raise Mismatch(
                    f"{self.name} returned a gradient that is {described(g)}, and no input has its "
                    f"shape: {', '.join(f'{x.name} {x.array.shape}' for x in self.leaves)}"
                )
            chosen.append(fitting[0])
        names = ", ".join(self.leaves[i].name for i in chosen)
        self.notes.append(f"by their shapes the gradients are taken for those of {names}")
        return chosen

    def start(self, given: Given, layout: Layout) -> Run:
        inputs, value, gradients = self._result(given, layout)

        def back(candidate: Callable[..., Any] | None, dys: list[Any]) -> dict[int, Any]:
            found = gradients
            if candidate is not None:
                again, found = self._result(given, layout, candidate)[1:]
                if not np.array_equal(to_host(again), to_host(value)):
                    raise Mismatch("the candidate returns another value, too")
            if self.kept:
                parts = {i: value_at(found, p.gradient) for i, p in self.kept.items()}
                return {i: g for i, g in parts.items() if g is not None}
            return matched(found, self.arguments, self.name, self.wanted)

        return Run(inputs, [value], (), back)


def returns_gradients(f: Any, inputs: Sequence[Any], options: dict[str, Any]) -> bool:
    """Whether `f`, tried on arrays, returns a number followed by gradients."""
    try:
        call = Call(f, inputs, options)
        result = call.run(f, call.build({}, np.copy))
    except Exception:  # it does not take arrays
        return False
    if not isinstance(result, tuple | list) or len(result) < 2:
        return False
    value, *rest = result
    is_number = not isinstance(value, dict | list | tuple) and np.size(value) == 1
    return is_number and is_floating(value) and all(map(is_floating, rest))
