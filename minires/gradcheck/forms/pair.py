"""A pair of plain functions, forward and backward, in any of the conventions people use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array, to_host

from ...tensor import Array
from .arguments import Arguments, slots
from .convention import Convention, Reader, entries_of
from .handwritten import Given, HandWritten, Layout, Run
from .naming import title
from .results import matched
from .signature import argument_names


class PairSubject(HandWritten):
    """`forward(*inputs, **options)` and `backward`, called as `Reader` finds it is meant to be.

    names    of the inputs, if not those of forward's arguments
    branch   branch(*saved) tells the choices made at kinks
    outputs  which of the values that forward returns are outputs: a number, indices or names
    wrt      the names of the inputs that backward returns gradients for
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        inputs: Sequence[Any],
        options: dict[str, Any] | None = None,
        names: Sequence[str] = (),
        branch: Callable[..., Array] | None = None,
        outputs: int | Collection[int | str] | None = None,
        wrt: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.forward, self.backward, self.branch = forward, backward, branch
        self.titles = title(forward, "forward"), title(backward, "backward")
        self.name = self.titles[1]
        self.given = len(inputs)
        positional, by_name = _bound(forward, list(inputs), options or {})
        own = argument_names(forward, len(positional))
        self.count, self.keywords = len(positional), list(by_name)
        self.parameters = [*own, *by_name]  # as forward calls them, which may not be `names`
        shown = [*(names or own), *by_name]
        self.arguments = Arguments([*positional, *by_name.values()], shown)
        self.leaves, self.notes = self.arguments.leaves, self.arguments.notes
        self.wanted = self.asked_for(wrt or ())
        with self.random:
            self.convention = self._convention(outputs)
        self.set_up()

    def _convention(self, outputs: int | Collection[int | str] | None) -> Convention:
        """Return the likeliest convention that works: backward runs, and gives 0 for dy = 0."""
        result = self._result({}, np.copy)[1]
        reader = Reader(self.forward, self.backward, result, self.parameters, self._main())
        found = reader.read(outputs)
        marks = [self._works(convention) for convention in found] if len(found) > 1 else [0]
        best = found[marks.index(max(marks))]
        self.notes += reader.assumed(best)
        return best

    def _works(self, convention: Convention) -> int:
        """Return 0 if backward raises with this convention, 1 if it runs, 2 if it is linear."""
        self.convention = convention
        try:
            run = self.start({}, np.copy)
            names = [f"output {i}" for i in range(len(run.outputs))]
            zeros = Arguments(run.outputs, names).build({}, np.zeros_like)
            gradients = run.back(None, zeros).values()
        except Exception:
            return 0
        return 1 if any(np.any(to_host(g)) for g in gradients if is_array(g)) else 2

    def _main(self) -> list[str]:
        """Return the arguments that are no options: given by position, or floating arrays."""
        leaves = self.arguments.leaves
        return [
            name
            for i, (name, tree) in enumerate(
                zip(self.parameters, self.arguments.trees, strict=True)
            )
            if i < self.given or not all(leaves[slot].optional for slot in slots(tree))
        ]

    def _result(self, given: Given, layout: Layout) -> tuple[list[Any], Any]:
        inputs = self.arguments.build(given, layout)
        options = dict(zip(self.keywords, inputs[self.count :], strict=True))
        return inputs, self.forward(*inputs[: self.count], **options)

    def start(self, given: Given, layout: Layout) -> Run:
        inputs, result = self._result(given, layout)
        entries, convention = entries_of(result), self.convention
        by_name = dict(zip(self.parameters, inputs, strict=True))
        kept = tuple(x for i, x in enumerate(entries) if i not in convention.outputs)
        outputs = [entries[i] for i in convention.outputs]

        def back(candidate: Callable[..., Any] | None, dys: list[Any]) -> dict[int, Any]:
            upstreams = dict(zip(convention.outputs, dys, strict=True))
            given, by_keyword = convention.arguments(entries, by_name, upstreams)
            return self.collect((candidate or self.backward)(*given, **by_keyword))

        return Run(inputs, outputs, kept or tuple(inputs), back)

    def collect(self, result: Any) -> dict[int, Any]:
        """Match what backward returned with the leaves."""
        return matched(result, self.arguments, self.titles[1], self.wanted)


def _bound(
    forward: Callable[..., Any], inputs: list[Any], options: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments by position and by name, those by name in forward's order."""
    try:
        bound = inspect.signature(forward).bind(*inputs, **options)
    except TypeError as error:
        raise TypeError(
            f"{title(forward, 'forward')}: {error} (the options that check_backward does not know "
            "itself go to forward)"
        ) from None
    except ValueError:  # a builtin
        return inputs, options
    return list(bound.args), bound.kwargs
