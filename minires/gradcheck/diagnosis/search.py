"""The search: edits in the order of their cost, tried one by one and then in pairs."""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tensor import Array
from ..edits import Edit, NoSource, Probe, Scene, Seen, Source, edits_of
from ..edits.source import Span
from ..subject import Pair, Subject
from . import goals
from .holes import Holes, Prober, holes
from .maker import Maker
from .synthesis import synthesised
from .trial import Goal, run

MARGIN = 0.8  # how much dearer than the cheapest fix another may be to be looked for
COPIED = 1.2  # dearer: an edit of a statement that forward has, too
SHARED = 1.5  # dearer: an edit in a function that forward calls, too
HELPER = 0.3  # dearer: an edit in a function that backward calls
RETURNED = 0.35  # dearer: an edit of a bare name in `return`
LEAN = 1.3  # the cost up to which edits are tried in pairs


@dataclass
class Fix:
    """Edits with which backward is right: spans for each source, and how likely they are."""

    cost: float
    family: str
    changes: dict[int, tuple[Span, ...]]
    general: bool = True

    @property
    def length(self) -> int:
        """How many characters change."""
        return sum(len(new) + b - a for spans in self.changes.values() for a, b, new in spans)


class Search:
    """Looks for edits of a pair's backward that agree with numeric gradients."""

    def __init__(
        self,
        subject: Subject,
        pair: Pair,
        late: Callable[[], bool],
        beat: Callable[[int], bool] = lambda k: True,
    ) -> None:
        self.subject, self.pair, self._late, self.beat = subject, pair, late, beat
        self.told: Callable[[Fix], None] = lambda fix: None
        self.maker = Maker(pair.backward)
        self.goals = [goals.goal(subject, subject.arrays, 0, self._pulse)]
        self.more: list[Goal | None] | None = None
        self.found: list[Fix] = []
        self.partial: list[tuple[float, int, Edit, list[float]]] = []
        self.tried = 0
        self.seen: set[str] = set()
        self.cleared: set[int] = set()
        self.guard = Guard()
        grads = run(pair, self.guard.around(pair.backward), self.goals[0])
        self.writes = self.guard.wrote
        self.errors = self._errors(grads)

    def _pulse(self) -> None:
        self.beat(-1)

    def _errors(self, grads: list[Array] | None) -> list[float]:
        if grads is None:
            return [np.inf] * len(self.goals[0].arrays)
        return self.goals[0].errors(grads)

    @property
    def right(self) -> bool:
        return max(self.errors) <= 1 and not self.writes

    def scenes(self) -> list[tuple[Scene, Holes]]:
        """Run each source once with its values recorded, and look for what may be at fault."""
        model, found = _model(self.pair.forward), []
        for k, source in enumerate(self.maker.sources):
            probe = Probe()
            probe.seen = seen = Seen(outer=self.maker.outer)
            try:
                probed = self.maker.probed(probe, k)
            except (SyntaxError, ValueError, KeyError):
                found.append((Scene(source, None, model), Holes()))
                continue
            grads = run(self.pair, probed, self.goals[0])
            scene, probe.seen = Scene(source, seen, model), None
            self._bind(scene, seen)
            empty = Holes()
            if grads is not None and not self.writes and all(e < np.inf for e in self.errors):
                again = functools.partial(run, self.pair, probed, self.goals[0])
                prober = Prober(probe, again, self.goals[0], self._pulse, self._late)
                empty = holes(scene, prober, grads)
            found.append((scene, empty))
        return found

    def _bind(self, scene: Scene, seen: Seen) -> None:
        """Give a lambda, which has no statements, the names of its arguments."""
        for node in scene.source.nodes:
            if isinstance(node, ast.Name) and node.id in scene.arguments:
                seen.scope.setdefault(-1, {})[node.id] = scene.value(node)

    # ---- trying ---------------------------------------------------------------------------------
    def attempt(
        self, changes: dict[int, tuple[Span, ...]], cost: float, family: str
    ) -> list[float] | None:
        """Return the errors with some edits made, or None if it does not run; keep a fix."""
        key = "\0".join(f"{k}{self.maker.sources[k].edited(s)}" for k, s in changes.items())
        if key in self.seen:
            return None
        self.seen.add(key)
        self.tried += 1
        if not self.beat(self.tried):
            return None
        try:
            candidate = self.maker.make(changes)
        except (SyntaxError, ValueError, TypeError, NameError, AttributeError, RecursionError):
            return None
        grads = run(self.pair, self.guard.around(candidate), self.goals[0])
        if grads is None or self.guard.wrote:
            return None
        errors = self.goals[0].errors(grads)
        if max(errors) <= 1:
            self._keep(candidate, changes, cost, family)
        return errors

    def _keep(
        self, candidate: Any, changes: dict[int, tuple[Span, ...]], cost: float, family: str
    ) -> None:
        """Veto by another upstream; doubt by moved inputs, which may break a constraint."""
        if self.more is None:
            self.more = [
                goals.goal(self.subject, self.subject.arrays, 1, self._pulse),
                self._elsewhere(),
            ]
        second, elsewhere = self.more
        assert second is not None
        grads = run(self.pair, candidate, second)
        if grads is None or max(second.errors(grads)) > 1:
            return
        general = True
        if elsewhere is not None:
            grads = run(self.pair, candidate, elsewhere)
            general = grads is not None and max(elsewhere.errors(grads)) <= 1
        fix = Fix(cost + (0.0 if general else 1.0), family, dict(changes), general)
        self.found.append(fix)
        self.told(fix)

    def _elsewhere(self) -> Goal | None:
        try:
            return goals.goal(self.subject, goals.moved(self.subject.arrays), 2, self._pulse)
        except Exception:  # forward may refuse other inputs
            return None

    @property
    def best(self) -> float:
        return min((f.cost for f in self.found), default=np.inf)

    @property
    def late(self) -> bool:
        return self._late()

    # ---- the phases -----------------------------------------------------------------------------
    def search(self) -> list[Fix]:
        """Return the fixes found, best first."""
        if self.right:
            return []
        edits = self._edits()
        self._singles(edits)
        if not self.found:
            self._pairs(edits)
        return self.ranked()

    def ranked(self) -> list[Fix]:
        """Return the fixes, best first; of equals, the shortest."""
        return sorted(self.found, key=lambda f: (f.cost, f.length))

    def _edits(self) -> list[tuple[float, int, Edit]]:
        found = []
        for k, (scene, spots) in enumerate(self.scenes()):
            copied, shared = _copied(scene), self._shared(scene, k)
            for e in itertools.chain(synthesised(scene, spots), edits_of(scene)):
                cost = e.cost + (SHARED if shared else HELPER) * (k > 0)
                if self._cleared(scene, e, spots):
                    self.cleared.add(id(e))
                if self._returned(scene, e):
                    cost += RETURNED
                if any(a <= e.spans[0][0] < b for a, b in copied):
                    cost += COPIED
                found.append((cost, k, e))
        return sorted(found, key=lambda x: x[0])

    def _cleared(self, scene: Scene, edit: Edit, spots: Holes) -> bool:
        """Whether an edit is within an expression that is surely not at fault alone."""
        at = edit.node
        while at is not None and not isinstance(at, ast.stmt) and spots.cleared:
            if id(at) in spots.cleared:
                return True
            at = scene.source.place.get(id(at), (None, ""))[0]
        return False

    def _shared(self, scene: Scene, k: int) -> bool:
        """Whether source k is of a function that forward calls, too."""
        name = self.maker.functions[k].__name__
        theirs = [] if scene.model is None else scene.model.nodes
        return k > 0 and any(isinstance(n, ast.Name) and n.id == name for n in theirs)

    def _returned(self, scene: Scene, edit: Edit) -> bool:
        """Whether an edit is of a bare name in `return`: where that is made is the better place."""
        node = edit.node
        owner = scene.source.owner.get(id(node))
        return isinstance(node, ast.Name | ast.Tuple) and isinstance(owner, ast.Return)

    def _singles(self, edits: Sequence[tuple[float, int, Edit]]) -> None:
        for cost, k, edit in edits:
            if self.late or cost > self.best + MARGIN:
                return
            if id(edit) in self.cleared:
                continue
            errors = self.attempt({k: edit.spans}, cost, edit.family)
            if errors is not None and max(errors) > 1:
                self._note(cost, k, edit, errors)

    def _note(self, cost: float, k: int, edit: Edit, errors: list[float]) -> None:
        fixed = sum(e > 1 >= r for e, r in zip(self.errors, errors, strict=True))
        broken = sum(r > 1 >= e for e, r in zip(self.errors, errors, strict=True))
        gain = sum(_size(e) - _size(r) for e, r in zip(self.errors, errors, strict=True))
        if fixed > broken or (gain > 0.05 and not broken):
            self.partial.append((cost - 3 * fixed - min(gain, 1.0), k, edit, errors))

    def _pairs(self, edits: Sequence[tuple[float, int, Edit]]) -> None:
        """Try two edits: the ones that helped most with every cheap one, then two in one line."""
        cheap = [(c, k, e) for c, k, e in edits if c <= LEAN]
        helpful = sorted(self.partial, key=lambda p: p[0])[:30]
        for (c, k, e), (d, j, f) in self._chains(helpful, cheap):
            if self.late or len(self.found) > 3:
                return
            if k == j and e.overlaps(f):
                continue
            changes = {k: e.spans + f.spans} if k == j else {k: e.spans, j: f.spans}
            self.attempt(changes, c + d, e.family if c <= d else f.family)

    def _chains(self, helpful: Sequence[Any], cheap: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        first = [(cost + 0.0, k, e) for cost, k, e, _ in helpful]
        real = {id(e): c for c, _, e in cheap}
        first = [(real.get(id(e), 1.5), k, e) for _, k, e in first]
        yield from itertools.combinations(first, 2)
        yield from itertools.product(first, cheap)
        by_line: dict[tuple[int, int], list[Any]] = {}
        for c, k, e in cheap:
            if c <= 1.2:
                by_line.setdefault((k, self.maker.sources[k].line(e.spans[0][0])), []).append(
                    (c, k, e)
                )
        for group in by_line.values():
            yield from itertools.combinations(group, 2)


def _size(error: float) -> float:
    """Return an error on a scale from 0 (right) to about 1 (wrong by its own size, or more)."""
    return min(max(np.log10(max(error, 1.0)) / 6, 0.0), 1.5) if np.isfinite(error) else 2.0


def _copied(scene: Scene) -> list[tuple[int, int]]:
    """Return the spans of the statements that forward has, too, or whose value it computes."""
    if scene.model is None:
        return []
    theirs = {
        " ".join(scene.model.segment(n).split()) for n in scene.model.nodes if hasattr(n, "lineno")
    }
    source, found = scene.source, []
    for s in source.statements():
        value = getattr(s, "value", None)
        texts = {" ".join(source.segment(s).split())}
        if isinstance(s, ast.Assign) and isinstance(value, ast.Call | ast.BinOp | ast.Subscript):
            texts.add(" ".join(source.segment(value).split()))
        if texts & theirs:
            found.append(source.span(s))
    return found


def _model(forward: Any) -> Source | None:
    try:
        return Source.of(forward)
    except NoSource:
        return None


class Guard:
    """Notices whether a backward pass wrote to the arrays that it was given."""

    def __init__(self) -> None:
        self.wrote = False

    def around(self, backward: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **options: Any) -> Any:
            self.wrote = False
            given = [a for a in (*args, *options.values()) if isinstance(a, np.ndarray)]
            before = [a.copy() for a in given]
            result = backward(*args, **options)
            same = (
                np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
                for a, b in zip(given, before, strict=True)
            )
            self.wrote = not all(same)
            return result

        return guarded
