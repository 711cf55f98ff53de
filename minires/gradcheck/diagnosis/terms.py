"""Term regression: which terms, with which coefficients, would make a wrong gradient right.

The numeric gradient is fitted as Σ c · term over the additive terms of the learner's own source;
then as its own gradient times one of its names; then what it lacks is fitted by one or two terms
made of its names. A fit speaks only if it is well-conditioned, leaves no more than the numeric
bounds, has familiar numbers as coefficients, and holds for every upstream that was tried.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tensor import Array
from . import lacking, termfamily
from .expansion import Function, Slot, Term, definitions, slots, terms
from .familiar import SAME, Scalars, familiar, scalars_of, scaled, sentence
from .fitting import solve
from .library import Named, atoms, derivatives, elementary, library
from .library import fits as broadcasts
from .termtrial import Trial, trial, trial_of

__all__ = ["TermFinding", "Trial", "regression", "trial", "trial_of"]

DEPTHS = (0, 1, 2)  # names replaced by their definitions
MOST_TERMS = 10
LARGE = 4000  # elements of a gradient


@dataclass(frozen=True)
class TermFinding:
    """What the regression says of one tensor's gradient.

    line        of the statement, as `inspect.getsource` counts from 1; 0 if it is unknown
    family      the kind of mistake, in the words of the diagnosis
    text        the sentence
    coefficient, expression   the factor that a term should have, and the term
    node, after an expression of the source, and what to write in its place; None if unknown
    """

    line: int
    tensor: str
    family: str
    text: str
    coefficient: float
    expression: str
    node: ast.expr | None = None
    after: str = ""


def regression(root: Function, trials: Sequence[Trial], names: Sequence[str]) -> list[TermFinding]:
    """Return what can be said of each wrong gradient, one finding or two for each.

    `root` is the tree of the learner's backward; each of the trials has another upstream.
    """
    found: list[TermFinding] = []
    first = trials[0]
    with np.errstate(all="ignore"):
        for t, name in enumerate(names):
            n = first.numeric[t]
            if n.size > LARGE or np.isnan(n).all() or first.agrees(t, first.grads[t]):
                continue
            if first.agrees(t, 0.0):
                continue  # nothing is there to be fitted
            about = _Wrong(root, trials, t, name)
            found += about.own_terms() or about.factor() or about.replaced() or about.new_terms()
    return found


class _Wrong:
    """One tensor whose gradient is wrong."""

    def __init__(self, root: Function, trials: Sequence[Trial], t: int, name: str) -> None:
        self.root, self.trials, self.t, self.name = root, trials, t, name
        self.first = trials[0]
        self.last = root.body if isinstance(root, ast.Lambda) else root.body[-1]
        self.scalars: Scalars = scalars_of(self.first)
        self.known = definitions(root)
        self.slots = [s for s in slots(root) if self._makes(s)]

    @functools.cached_property
    def inputs(self) -> dict[str, Any]:
        """The names that a new term may use: not the wrong gradient itself."""
        g = self.first.grads[self.t]
        return {k: x for k, x in self.first.local.items() if not np.array_equal(x, g)}

    @functools.cached_property
    def every(self) -> Named:
        return library(self.inputs, self.first.numeric[self.t].shape, self.first.upstream)

    @functools.cached_property
    def simple(self) -> Named:
        return derivatives(self.inputs, self.first.numeric[self.t].shape, self.first.upstream)

    def _makes(self, slot: Slot) -> bool:
        """Whether the parts of a place add up to the gradient that the learner returned."""
        values = [(sign, self.first.evaluate(e)) for sign, e, _ in slot.parts]
        shape = self.first.numeric[self.t].shape
        if any(x is None or not broadcasts(x.shape, shape) for _, x in values):
            return False
        total = sum(sign * np.broadcast_to(x, shape) for sign, x in values)
        return np.allclose(total, self.first.grads[self.t], 1e-9, 0)

    # ---- terms that are there -------------------------------------------------------------------
    def own_terms(self) -> list[TermFinding]:
        for slot in self.slots:
            for depth in DEPTHS:
                parts = [
                    (Term(sign * x.sign, x.expression, x.leaves), s)
                    for sign, e, s in slot.parts
                    for x in terms(e, self.known, depth)
                ]
                if len(parts) <= MOST_TERMS and (said := self._fitted(slot, parts)):
                    return said
        return []

    def _fitted(self, slot: Slot, parts: Sequence[tuple[Term, int]]) -> list[TermFinding]:
        """Fit the numeric gradient by terms; speak of those whose coefficient is not 1."""
        every = [x for x, _ in parts]
        fits = [solve([self._column(x, r) for x in every], r, self.t) for r in self.trials]
        first = fits[0]
        if first is None or any(f is None or not np.allclose(f, first, SAME, SAME) for f in fits):
            return []
        off = [k for k, c in enumerate(first) if abs(c - 1) > SAME]
        labels = {k: familiar(float(first[k]), self.scalars) for k in off}
        if not off or None in labels.values():
            return []
        same = len(set(labels.values())) == 1
        if same and len(off) == len(parts) > 1:
            text = sentence("", float(first[0]), str(labels[0]), self.scalars)
            line, c = parts[-1][1], float(first[0])
            node = slot.parts[0][1] if len(slot.parts) == 1 else None
            after = "" if node is None else scaled(node, str(labels[0]))
            return [
                self._finding(
                    line, termfamily.of_coefficient(str(labels[0]), ""), text, c, "", node, after
                )
            ]
        if len(off) > 2:
            return []
        leaf = _shared_leaf(every, off) if same else None
        said = []
        for k in off[:1] if leaf is not None else off:
            node = leaf if leaf is not None else _shared_leaf(every, [k])
            label, c = str(labels[k]), float(first[k])
            shown = _shown(every[k])
            line = parts[k][1] if node is None else node.lineno
            after = "" if node is None else scaled(node, label)
            text = sentence(shown, c, label, self.scalars)
            said.append(
                self._finding(
                    line, termfamily.of_coefficient(label, shown), text, c, shown, node, after
                )
            )
        return said

    def _column(self, term: Term, run: Trial) -> Array | None:
        x = run.evaluate(term.expression)
        shape = run.numeric[self.t].shape
        if x is None or not broadcasts(x.shape, shape) or not np.isfinite(x).all():
            return None
        return np.asarray(term.sign * np.broadcast_to(x, shape))

    def _finding(self, line: int, family: str, text: str, *more: Any) -> TermFinding:
        return TermFinding(line, self.name, family, f"{self.name}: {text}", *more)

    # ---- a factor --------------------------------------------------------------------------------
    def factor(self) -> list[TermFinding]:
        """Is the whole, or one of its terms, right but for a factor that has a name?"""
        for slot in self.slots:
            parts = [(Term(sign, e, (e,)), s) for sign, e, s in slot.parts]
            every = [
                (Term(sign * x.sign, x.expression, x.leaves), s)
                for sign, e, s in slot.parts
                for x in terms(e, {}, 0)
            ]
            for options in (parts,) if len(parts) == len(every) else (parts, every):
                for k in range(len(options) if len(options) <= MOST_TERMS else 0):
                    if found := self._factored(options, k):
                        return [found]
        return []

    def _factored(self, parts: Sequence[tuple[Term, int]], k: int) -> TermFinding | None:
        every = [x for x, _ in parts]
        columns = [self._column(x, self.first) for x in every]
        others = sum((c for i, c in enumerate(columns) if i != k and c is not None), 0.0)
        if any(c is None for c in columns):
            return None
        for text, over in self._factors(columns[k], self.first.numeric[self.t] - others):
            if not all(self._factor_holds(every, k, text, over, run) for run in self.trials[1:]):
                continue
            term, statement = parts[k]
            shown = _shown(term)
            what = "the gradient" if len(parts) == 1 else f"the term `{shown}`"
            node = _shared_leaf(every, [k])
            operation = (" * " if over else " / ") if text.startswith("1 / ") else None
            operation = operation or (" / " if over else " * ")
            name = text.removeprefix("1 / ")
            over = operation == " / "
            said, family = f"{what} lacks the factor `{name}`", "wrong factor"
            if over:
                within = _within(name, term.expression)
                said = f"{what} {'has a factor too many:' if within else 'should be divided by'}"
                said, family = f"{said} `{name}`", "wrong factor" if within else ""
            after = "" if node is None else scaled(node, "1") + operation + name
            line = statement if node is None else node.lineno
            return self._finding(line, family, said, np.nan, shown, node, after)
        return None

    def _factors(self, column: Any, goal: Array) -> Iterator[tuple[str, bool]]:
        """Yield the names by which `column` has to be multiplied, or divided (True)."""
        known = ~np.isnan(goal)
        if (np.abs(column[known]) > 1e-3 * np.abs(column).max()).sum() < 4:
            return
        limit = self.first.allowed(self.t)
        named = self.first.named()
        more = elementary(named, goal.shape) if self.first.scope.get("np") is np else {}
        for text, x in (atoms(named) | more).items():
            if not x.ndim or not broadcasts(x.shape, goal.shape) or np.ptp(x) == 0:
                continue
            for over, value in ((False, column * x), (True, column / x)):
                if (np.abs(value - goal) <= limit)[known].all():
                    yield text, over

    def _factor_holds(
        self, every: Sequence[Term], k: int, text: str, over: bool, run: Trial
    ) -> bool:
        columns, x = [self._column(term, run) for term in every], run.evaluate(text)
        if x is None or any(c is None for c in columns):
            return False
        right = [c for c in columns if c is not None]
        right[k] = right[k] / x if over else right[k] * x
        return run.agrees(self.t, sum(right))

    # ---- a term in place of another --------------------------------------------------------------
    def replaced(self) -> list[TermFinding]:
        """Is the gradient right with something else in place of one of several terms?"""
        n = self.first.numeric[self.t]
        if np.isnan(n).any() or n.size < 4:
            return []
        for slot in self.slots:
            parts = [
                (Term(sign * x.sign, x.expression, x.leaves), line)
                for sign, e, line in slot.parts
                for x in terms(e, {}, 0)
            ]
            if not 1 < len(parts) <= MOST_TERMS:
                continue
            every = [x for x, _ in parts]
            for k, (term, line) in enumerate(parts):
                if fit := self._replacing(every, k):
                    node = _shared_leaf(every, [k])
                    text = f"the term `{_shown(term)}` should be `{fit.told}`"
                    family = termfamily.of_expression(fit, term.expression, self.first, self.known)
                    if idle := termfamily.unused(fit, self.root, self.first):
                        family, text = "detached path", f"{text}; {idle} is computed and not used"
                    line = line if node is None else node.lineno
                    more = (fit.coefficients[0], fit.texts[0])
                    return [self._finding(line, family, text, *more)]
        return []

    def _replacing(self, every: Sequence[Term], k: int) -> lacking.Fit | None:
        """Return the one new term with which, in place of term k, the gradient is right."""
        runs = []
        for run in self.trials:
            columns = [self._column(x, run) for i, x in enumerate(every) if i != k]
            if any(c is None for c in columns):
                return None
            others = sum(c for c in columns if c is not None)
            runs.append(run.without(self.t, others))
        found = lacking.fits(self.simple, self.every, runs, self.t, self.scalars, counts=(1,))
        return found[0] if found else None

    # ---- terms that are not there ----------------------------------------------------------------
    def new_terms(self) -> list[TermFinding]:
        n, g = self.first.numeric[self.t], self.first.grads[self.t]
        if np.isnan(n).any() or n.size < 2:
            return []
        found = lacking.fits(self.simple, self.every, self.trials, self.t, self.scalars)
        if not found or (np.isnan(g).any() and found[0].told in self._returned()):
            return []  # it is right; another gradient is what could not be had
        fit, line = found[0], self.last.lineno
        if not self.slots:
            return [self._finding(line, *self._told(fit, None), fit.coefficients[0], fit.texts[0])]
        sign, node, line = self.slots[0].parts[-1]
        after = fit.told
        if fit.added:
            tail = fit.told if fit.told.startswith("-") else f"+{fit.told}"
            after = f"{ast.unparse(node)} {tail[0]} {tail[1:]}"
        usable = node if len(self.slots[0].parts) == 1 or (fit.added and sign > 0) else None
        more = (fit.coefficients[0], fit.texts[0], usable, after)
        return [self._finding(line, *self._told(fit, node), *more)]

    def _told(self, fit: lacking.Fit, node: ast.expr | None) -> tuple[str, str]:
        """Return family and sentence of a fit by new terms."""
        if not fit.added:
            family = termfamily.of_expression(fit, node, self.first, self.known)
            return family, f"it should be `{fit.told}`"
        means = [".mean(" in x for x in fit.texts]
        if all(means) and len(means) == 2:
            what = "what comes back through the mean and the variance is missing"
            what += " (they depend on x too)"
        elif all(means):
            what = "what comes back through a mean is missing"
        else:
            what = "a term is missing"
        target = "" if node is None else self._target(node)
        family, known = termfamily.of_missing(fit, self.root, target, self.first)
        return family, f"{what}: `{fit.told}`" + (f"; {known}" if known else "")

    def _target(self, node: ast.expr) -> str:
        """Return what an expression is assigned to, "" if it is not."""
        for s in ast.walk(self.root):
            if isinstance(s, ast.Assign) and s.value is node:
                return ast.unparse(s.targets[0])
        return ""

    def _returned(self) -> set[str]:
        returns = isinstance(self.last, ast.Return | ast.expr)
        return set(termfamily.names(self.last)) if returns else set()


def _shown(term: Term) -> str:
    return ("-" if term.sign < 0 else "") + term.text


def _within(name: str, node: ast.expr) -> bool:
    return name in {ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.expr)}


def _shared_leaf(every: Sequence[Term], off: Sequence[int]) -> ast.expr | None:
    """Return the operand of the source that is in exactly the terms that are off."""
    for leaf in every[off[0]].leaves:
        holders = [k for k, x in enumerate(every) if any(y is leaf for y in x.leaves)]
        if holders == list(off):
            return leaf
    return None
