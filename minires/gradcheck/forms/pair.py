"""A pair of plain functions, forward and backward, in any of the conventions people use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from ...tensor import Array
from .arguments import Arguments, nothing_floating
from .call import Call
from .convention import Convention, Reader, entries_of
from .handwritten import Given, HandWritten, Layout, Run, floats
from .kinds import to_host
from .naming import in_place_of, title
from .results import matched


class PairSubject(HandWritten):
    """`forward(*inputs, **options)` and `backward`, called as `Reader` finds it is meant to be.

    names    of the inputs, if not those of forward's arguments
    branch   branch(*saved) tells the choices made at kinks
    outputs  which of the values that forward returns are outputs: a number, indices or names
    wrt      the names of the inputs that backward returns gradients for
    """

    owns_upstream = True

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
        self.arguments = self.call = Call(forward, inputs, options or {}, names)
        self.leaves, self.notes = self.arguments.leaves, self.arguments.notes
        if not self.leaves:
            raise ValueError(nothing_floating(self.titles[0], self.arguments))
        self.wanted = self.asked_for(wrt or ())
        with self.running():
            self.convention = self._convention(outputs)
        self.takes_upstream = self.convention.takes_upstream
        self.set_up()

    def _convention(self, outputs: int | Collection[int | str] | None) -> Convention:
        """Return the convention; where several fit, one that agrees with differences if any does.

        Wrong code agrees under none: then it is the likeliest, or the first that runs.
        """
        result = self._result({}, np.copy)[1]
        reader = Reader(self.forward, self.backward, result, self.call.parameters, self.call.main)
        found = reader.read(outputs)
        marks = [self._works(convention) for convention in found] if len(found) > 1 else [0]
        best = found[marks.index(max(marks))]
        self.notes += reader.assumed(best)
        return best

    def _works(self, convention: Convention) -> int:
        """Return 0 if backward raises with this convention, 1 if it runs, 2 if it looks right."""
        self.convention = convention
        rng = np.random.default_rng(0)
        try:
            run = self.start({}, np.copy)
            values = Arguments(run.outputs, [f"output {i}" for i in range(len(run.outputs))])
            v = {i: rng.standard_normal(y.array.shape) for i, y in enumerate(values.leaves)}
            raw = {i: to_host(g) for i, g in run.back(None, values.build(v, np.copy)).items()}
            steps = {i: 1e-6 * rng.standard_normal(g.shape) for i, g in raw.items()}
            ends = []
            for sign in (1, -1):
                moved = {i: self.leaves[i].array + sign * u for i, u in steps.items()}
                outputs = self.start(moved, np.copy).outputs
                found = [a for y in outputs for a in floats(y)]
                ends.append(sum(float(np.sum(v[i] * a)) for i, a in enumerate(found)))
        except Exception:
            return 0
        analytic = sum(float(np.sum(raw[i] * u)) for i, u in steps.items())
        numeric = (ends[0] - ends[1]) / 2
        return 1 + (abs(analytic - numeric) <= 1e-3 * (abs(analytic) + abs(numeric)))

    def _result(self, given: Given, layout: Layout) -> tuple[list[Any], Any]:
        inputs = self.call.build(given, layout)
        return inputs, self.call.run(self.forward, inputs)

    def start(self, given: Given, layout: Layout) -> Run:
        inputs, result = self._result(given, layout)
        entries, convention = entries_of(result), self.convention
        by_name = dict(zip(self.call.parameters, inputs, strict=True))
        kept = tuple(x for i, x in enumerate(entries) if i not in convention.outputs)
        outputs = [entries[i] for i in convention.outputs]

        def back(candidate: Callable[..., Any] | None, dys: list[Any]) -> dict[int, Any]:
            upstreams = dict(zip(convention.outputs, dys, strict=True))
            given, by_keyword = convention.arguments(entries, by_name, upstreams)
            backward = self.backward
            if candidate is not None:
                backward = in_place_of(backward, candidate)
            return self.collect(backward(*given, **by_keyword))

        return Run(inputs, outputs, kept or tuple(inputs), back)

    def collect(self, result: Any) -> dict[int, Any]:
        """Match what backward returned with the leaves."""
        return matched(result, self.arguments, self.titles[1], self.wanted)
