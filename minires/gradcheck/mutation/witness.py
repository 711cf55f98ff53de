"""For a mutant that survived: a test that fails on it, found by trying, or why there is none.

The user's tests run once more, and the arguments of the backward pass and of its forward pass are
noted. Other inputs of the same kind are derived from them (`inputs.py`), each as the text of a
test that calls the project's own checker. A test that passes on the original and fails on the
mutant is what the report prints. If there is none, the original and the mutant are called side by
side on the arguments noted, with other values.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .inputs import Call, Candidate, candidates, described
from .report import EQUIVALENT, Outcome, Witness
from .side_by_side import differs

if TYPE_CHECKING:
    from .run import Run
    from .workers import Worker

ENOUGH = 5  # tests that pass on the original before a mutant may be called equivalent
ALIKE = 8  # calls with the same results
MOST_CALLS = 12  # noted of a function


def look_for(run: Run, worker: Worker, outcomes: Sequence[Outcome], seconds: float) -> None:
    """Set the `witness` of survivors of one function, in a fork that may take `seconds`."""
    place = outcomes[0].mutant.place
    tests = run.selected(place)
    reply = worker.ask(
        do="call",
        module="minires.gradcheck.mutation.witness",
        path=str(Path(__file__).parents[3]),
        file=str(place.file),
        name=place.name,
        line=place.line,
        tests=tests,
        mutants={o.mutant.id: o.mutant.source for o in outcomes},
        original=outcomes[0].mutant.original,
        cpu=seconds,
        wall=4 * seconds + 20,
    )
    found = reply.get("witnesses", {})
    for o in outcomes:
        if o.mutant.id in found:
            o.witness = Witness(*found[o.mutant.id])


# ---- in the fork --------------------------------------------------------------------------------
def serve(server: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return {"witnesses": {id: (kind, text, code)}} for the mutants of one function."""
    desk = Desk(server, request)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        calls = desk.note_calls()
        tests = [t for t in candidates(calls, desk.module, desk.names) if desk.passes(t)]
        found = {}
        for name, source in request["mutants"].items():
            try:
                found[name] = desk.witness(source, tests, calls)
            except server.cannot_swap:
                continue
    return {"status": "passed", "witnesses": found}


class Desk:
    """One function in this process, its forward pass if it has one, and mutants in its place."""

    def __init__(self, server: Any, request: dict[str, Any]) -> None:
        self.server, self.request = server, request
        self.file, self.original = request["file"], request["original"]
        self.module = next(iter(server.modules_of([self.file])), "")
        spots = dict(server.functions_of(self.original))
        forward = forward_name(request["name"], list(spots))
        self.names = (request["name"], forward)
        self.spots = {request["name"]: request["line"]}
        if forward is not None:
            self.spots[forward] = spots[forward]

    def note_calls(self) -> dict[str, list[Call]]:
        """Run the tests, and return the calls of backward and forward with unlike shapes."""
        noted: dict[str, list[Call]] = {name: [] for name in self.spots}
        known: set[Any] = set()

        def entered(number: int, arguments: dict[str, Any]) -> None:
            name = list(self.spots)[number]
            if len(noted[name]) < MOST_CALLS:
                call = Call.of(arguments)
                if call is not None and (key := (name, call.kind())) not in known:
                    known.add(key)
                    noted[name].append(call)

        numbers = {(name, line): k for k, (name, line) in enumerate(self.spots.items())}
        with self.server.reporting(self.file, self.original, numbers, entered):
            self.server.run(self.request["tests"], stop=False)
        return noted

    def passes(self, test: Candidate) -> bool:
        """Say whether a test passes with what is in place now."""
        space: dict[str, Any] = {}
        try:
            exec(compile(test.code, "<test>", "exec"), space)
            space[test.name]()
        except Exception:
            return False
        return True

    def witness(
        self, source: str, tests: Sequence[Candidate], calls: dict[str, list[Call]]
    ) -> tuple[str, str, str]:
        """Return (kind, text, code) for one mutant."""
        with self.server.in_place(self.file, self.original, source):
            for test in tests:
                if not self.passes(test):
                    return "test", f"A test that fails on it ({test.what}):", test.code
        there, compared = differs(self, source, calls[self.names[0]])
        if there is not None:
            return "differs", f"It differs from the original {there}.", ""
        if len(tests) >= ENOUGH:
            return EQUIVALENT, f"as right as the original on {described(tests)}", ""
        if compared >= ALIKE:
            text = "the same results as the original, but for rounding, in"
            return EQUIVALENT, f"{text} {compared} calls with arguments like those of the tests", ""
        return "unknown", "No inputs were found to try it on.", ""

    def function(self) -> Any:
        """Return the backward pass as it can be called; None for one that is made by another."""
        thing: Any = sys.modules.get(self.module)
        for part in self.names[0].split("."):
            thing = getattr(thing, part, None)
        return thing if callable(thing) else None


def forward_name(backward: str, names: Sequence[str]) -> str | None:
    """Return the forward pass of relu_backward among `names`: relu_forward or relu."""
    prefix, _, own = backward.rpartition(".")
    prefix += "." if prefix else ""
    words = own.split("_")
    for k, word in enumerate(words):
        if word not in FORWARD and not (word == "d" and k < 2):
            continue
        rest = [w for j, w in enumerate(words) if j != k]
        for new in ([*words[:k], FORWARD.get(word, "forward"), *words[k + 1 :]], rest):
            name = prefix + "_".join(new)
            if name != backward and name in names:
                return name
    return None


FORWARD = {"backward": "forward", "bwd": "fwd", "grad": "forward", "gradient": "forward",
           "vjp": "forward", "backprop": "forward", "back": "forward"}  # fmt: skip
