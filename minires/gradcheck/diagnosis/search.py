"""The search: edits in the order of their cost, tried one by one and then in pairs."""

from __future__ import annotations

import ast
import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tensor import Array
from ..edits import Edit, NoSource, Probe, Scene, Seen, Source, edits_of
from ..edits.source import Span
from ..subject import Pair, Subject
from . import goals
from .analogy import likeness
from .elsewhere import Elsewhere
from .guard import Guard
from .holes import Holes, Prober, holes
from .maker import Maker
from .plausibility import Plausibility, cleared
from .repetition import repeated, shared_ends
from .synthesis import synthesised
from .trial import ONE_RUN, Goal, run

MARGIN = 0.6  # how much dearer than the cheapest fix another may be to be looked for
DOUBTFUL = 2.3  # the cost from which a single edit is not believed before pairs were tried
EASY = 1.25  # the cost up to which edits are tried before those that mend a part in pairs
WILD = 1.6  # the cost up to which edits are tried where the values say that they cannot help
NARROW = 0.4  # dearer: a fix that fails on inputs of other values, or of other sizes
ALIKE = 0.6  # cheaper: a fix that makes an expression like another of the function
MENDED, IDLE, MOST = 3, 4, 3000  # of them, edits with idle names; attempts to combine them
MENDING = 40  # edits that mend a tensor of several, each tried with those that mend the others
FITTED = 80  # edits that were fitted by value, tried before all others
LEAN = 1.3  # the cost up to which edits are tried in pairs


@dataclass
class Fix:
    """Edits with which backward is right: spans for each source, and how likely they are."""

    cost: float
    family: str
    changes: dict[int, tuple[Span, ...]]
    general: bool = True
    length: int = 0  # how many characters change


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
        self.elsewhere = Elsewhere(subject, pair, self._pulse)
        self.found: list[Fix] = []
        self.partial: list[tuple[float, int, Edit, list[float]]] = []
        self.mending: list[tuple[float, int, Edit, list[float]]] = []
        self.idle: list[tuple[float, int, Edit]] = []
        self.tried = 0
        self.seen: set[str] = set()
        self.known: dict[str, tuple[float, Fix | None]] = {}  # fixes, and what their edits cost
        self.cleared: set[int] = set()
        self.fitted: set[int] = set()  # edits that were computed to be right: tried first
        self.probers: list[Any] = []
        self.guard = Guard()
        begin = time.perf_counter()
        grads = run(pair, self.guard.around(pair.backward), self.goals[0], 5 * ONE_RUN)
        self.each = max(0.03, 10 * (time.perf_counter() - begin))  # seconds for one candidate
        self.writes = self.guard.wrote
        self.errors = self._errors(grads)
        self.finite = grads is None or all(bool(np.isfinite(g).all()) for g in grads)

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
        model, found = model_of(self.pair.forward), []
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
            spots = Holes()
            if grads is not None and not self.writes and all(e < np.inf for e in self.errors):
                again = functools.partial(run, self.pair, probed, self.goals[0])
                prober = Prober(probe, again, self.goals[0], self._pulse, self._late)
                spots = holes(scene, prober, grads)
                self.probers.append((scene, k, probe, again, grads))
            found.append((scene, spots))
        return found

    def _each_alone(self) -> None:
        """Look for what mends one wrong tensor, where several are wrong for their own reasons."""
        wrong = [t for t, e in enumerate(self.errors) if e > 1]
        for t in wrong if len(wrong) > 1 else ():
            g = self.goals[0]
            keep = [i == t or i not in wrong for i in range(len(self.errors))]
            only = [k if kept else k[:0] for k, kept in zip(g.known, keep, strict=True)]
            parts = [
                [x if kept else x[:0] for x, kept in zip(xs, keep, strict=True)]
                for xs in (g.numeric, g.allowed)
            ]
            goal = Goal(g.v, g.arrays, only, parts[0], parts[1])
            for scene, k, probe, again, grads in self.probers:
                if self.late:
                    return
                prober = Prober(probe, again, goal, self._pulse, self._late)
                spots = holes(scene, prober, grads)
                edits = sorted(synthesised(scene, spots), key=lambda e: e.cost)
                for edit in edits[:60]:
                    errors = self.attempt({k: edit.spans}, edit.cost, edit.family)
                    if errors is not None and max(errors) > 1:
                        self._note(edit.cost, k, edit, errors)

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
            self._cheaper(key, cost, family)
            return None
        self.seen.add(key)
        self.tried += 1
        if not self.beat(self.tried):
            return None
        try:
            candidate = self.maker.make(changes)
        except (SyntaxError, ValueError, TypeError, NameError, AttributeError, RecursionError):
            return None
        grads = run(self.pair, self.guard.around(candidate), self.goals[0], self.each)
        if grads is None or self.guard.wrote:
            return None
        errors = self.goals[0].errors(grads)
        if max(errors) <= 1:
            self._keep(candidate, changes, cost, family)
            if self.found and self.found[-1].changes == changes:
                self.known[key] = (cost, self.found[-1])
        return errors

    def _cheaper(self, key: str, cost: float, family: str) -> None:
        """Let a fix that was fitted cost no more than the edit that makes the same of it."""
        before, fix = self.known.get(key, (0.0, None))
        if fix is not None and cost < before:
            fix.cost, fix.family = fix.cost - (before - cost), family
            self.known[key] = (cost, fix)

    def _keep(
        self, candidate: Any, changes: dict[int, tuple[Span, ...]], cost: float, family: str
    ) -> None:
        """Keep what is right for another upstream; doubt it by how it does on other inputs."""
        found = self.elsewhere.judged(candidate)
        if found is None:
            return
        general, failed = found
        if not general and cost > DOUBTFUL:
            return
        cost += (0.0 if general else 1.0) + NARROW * failed
        length = 0
        for k, spans in changes.items():
            source = self.maker.sources[k]
            cost -= ALIKE * likeness(source.program(), source.program(spans))
            length += sum(_changed(source.text[a:b], new) for a, b, new in spans)
        fix = Fix(cost, family, dict(changes), general, length)
        self.found.append(fix)
        self.told(fix)

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
        likely = [x for x in edits if id(x[2]) not in self.cleared]
        self._singles([x for x in edits if id(x[2]) in self.fitted][:FITTED])
        several = sum(e > 1 for e in self.errors) > 1
        for most in (EASY, WILD):
            self._singles([x for x in likely if x[0] <= most])
            if self.best > WILD:  # what no value mends alone may be one place of several
                if several:
                    self._singles([x for x in edits if id(x[2]) in self.cleared and x[0] <= EASY])
                self._mended(edits)
        self._singles([x for x in likely if x[0] > WILD])
        if not self.found:  # what other values cannot mend, values of another shape might
            self._singles([x for x in edits if id(x[2]) in self.cleared and x[0] <= WILD])
        if self.best > DOUBTFUL:
            self._each_alone()
            self._pairs(edits)
        return self.ranked()

    def ranked(self) -> list[Fix]:
        """Return the fixes, best first; of equals, the shortest."""
        return sorted(self.found, key=lambda f: (f.cost, f.length))

    def _edits(self) -> list[tuple[float, int, Edit]]:
        found = []
        scenes = self.scenes()
        model = scenes[0][0].model
        theirs = {n.id for n in model.nodes if isinstance(n, ast.Name)} if model else set()
        functions = zip(self.maker.functions, self.maker.sources, strict=True)
        shared = [s for f, s in functions if f.__name__ in theirs]
        for k, (scene, spots) in enumerate(scenes):
            name = self.maker.functions[k].__name__
            plausibility = Plausibility(scene, k > 0, name, shared if k == 0 else ())
            own = []
            filled = list(synthesised(scene, spots))
            self.fitted |= {id(e) for e in filled}
            for e in itertools.chain(filled, edits_of(scene)):
                if cleared(scene, e, spots):
                    self.cleared.add(id(e))
                own.append((plausibility.cost(e), k, e))
                if e.node is not None and plausibility.uses_idle(e):
                    self.idle.append(own[-1])
            found += own + repeated(scene, k, own, LEAN)
        self.idle.sort(key=lambda x: x[0])
        return sorted(found, key=lambda x: x[0])

    def _singles(self, edits: Sequence[tuple[float, int, Edit]]) -> None:
        for cost, k, edit in edits:
            if self.late or cost > self.best + MARGIN:
                return
            errors = self.attempt({k: edit.spans}, cost, edit.family)
            if errors is not None and max(errors) > 1:
                self._note(cost, k, edit, errors)

    def _note(self, cost: float, k: int, edit: Edit, errors: list[float]) -> None:
        fixed = sum(e > 1 >= r for e, r in zip(self.errors, errors, strict=True))
        broken = sum(r > 1 >= e for e, r in zip(self.errors, errors, strict=True))
        gain = sum(_size(e) - _size(r) for e, r in zip(self.errors, errors, strict=True))
        if fixed > broken or (gain > 0.05 and not broken):
            self.partial.append((cost - 3 * fixed - min(gain, 1.0), k, edit, errors))
            if fixed and not broken:
                self._complement(cost, k, edit, errors)

    def _complement(self, cost: float, k: int, edit: Edit, errors: list[float]) -> None:
        """Try an edit with those that mended the other tensors."""
        wrong = {t for t, e in enumerate(errors) if e > 1}
        for c, j, other, left in self.mending:
            if self.late or (j == k and edit.overlaps(other)):
                continue
            if not wrong & {t for t, e in enumerate(left) if e > 1}:
                both = {k: edit.spans + other.spans} if j == k else {k: edit.spans, j: other.spans}
                self.attempt(both, c + cost, other.family)
        if len(self.mending) < MENDING:
            self.mending.append((cost, k, edit, errors))

    def _mended(self, edits: Sequence[tuple[float, int, Edit]]) -> None:
        """Try the best edits that mend a tensor, or use an idle name, with every cheap one."""
        begin = self.tried
        mending = [(c, k, e) for c, k, e, _ in sorted(self.mending, key=lambda m: m[0])]
        for (d, j, f), (c, k, e) in itertools.product(edits, mending[:MENDED] + self.idle[:IDLE]):
            if self.late or d > WILD or self.tried - begin > MOST:
                return
            if c + d <= self.best + MARGIN and (j != k or not e.overlaps(f)):
                both = {k: e.spans + f.spans} if j == k else {k: e.spans, j: f.spans}
                self.attempt(both, c + d, f.family)

    def _pairs(self, edits: Sequence[tuple[float, int, Edit]]) -> None:
        """Try two edits: the ones that helped most with every cheap one, then two in one line."""
        cheap = [(c, k, e) for c, k, e in edits if c <= LEAN]
        groups: dict[Any, list[Any]] = {}
        for p in sorted(self.partial, key=lambda p: p[0]):
            fixed = tuple(r <= 1 for r in p[3])
            groups.setdefault(fixed, []).append(p)
        helpful = [p for group in groups.values() for p in group[:12]]
        for (c, k, e), (d, j, f) in self._chains(helpful, cheap):
            if self.late or len(self.found) > 3:
                return
            if k == j and e.overlaps(f):
                continue
            changes = {k: e.spans + f.spans} if k == j else {k: e.spans, j: f.spans}
            self.attempt(changes, c + d, e.family if c <= d else f.family)

    def _chains(self, helpful: Sequence[Any], cheap: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        real = {id(e): c for c, _, e in cheap}  # `helpful` has costs less what they mended
        first = [(real.get(id(e), 1.5), k, e) for _, k, e, _ in helpful]
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


def _changed(old: str, new: str) -> int:
    """Return how many characters differ between the common start and end of two texts."""
    return len(old) + len(new) - 2 * sum(shared_ends(old, new))


def _size(error: float) -> float:
    """Return an error on a scale from 0 (right) to about 1 (wrong by its own size, or more)."""
    return min(max(np.log10(max(error, 1.0)) / 6, 0.0), 1.5) if np.isfinite(error) else 2.0


def model_of(forward: Any) -> Source | None:
    """Return forward's source, if it can be had."""
    try:
        return Source.of(forward)
    except NoSource:
        return None
