"""One derivative by differences, with a bound on its own error and no constant to tune.

Along a path x(h) the outputs are evaluated at ±h, ±h/2 (and ±h/4 where that is not enough). From
J(h) = Σ v·(y(h) - y(0)) follow

    D(h) = (J(h) - J(-h)) / 2h      the slope, wrong by O(h²): Richardson removes the h² term, and
                                    what it changed is the bound of the truncation error
    S(h) = (J(h) + J(-h)) / h       O(h) where J is smooth; at a kink the jump of the slope, so
                                    2 S(h/2) - S(h) is the jump, up to O(h³)
    rounding = 12 Σ|v| σ / h        σ is the noise of each output, measured once (`noise.py`)

    bound = truncation + max(rounding, |jump| / 2)

so at a kink the interval around D reaches from one one-sided slope to the other. The next step is
chosen from what dominates the bound. Source: Ridders, Adv. Eng. Software 4 (1982) 75.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..tensor import Array
from .noise import EPS, noise
from .rounds import NOISE, Round, truncation
from .subject import Subject

AGREE = 1e-8  # relative: gradients that differ by less are equal for every purpose of a check
GOAL = 2e-7  # relative: no more steps are tried once the bound is below
FIRST = 2.0**-13  # the first step, of the scale of x
MOST_EVALUATIONS = 56
JUMP = 2.0**-12  # how much the step may change at once


@dataclass(frozen=True)
class Path:
    """A line x + h u for one tensor, and the steps h (powers of two) that make sense on it.

    move         the arrays at h
    first        the step to begin with
    least, most  below least, x + h u/4 would be rounded; above most, nothing is local any more
    """

    move: Callable[[float], list[Array]]
    first: float
    least: float
    most: float


@dataclass
class Derivative:
    """The best estimate along a path.

    value, bound  NaN where there is none
    kind          "smooth"; "kink" (value ± bound are the one-sided slopes, or NaN if only a change
                  of branches tells of it); "edge" (x is at the edge of the domain); "rough"
                  (estimates contradict each other)
    changed       the outputs that changed at some step
    hidden        what the others may contribute unseen: half of their last digits, over the step
    """

    value: float
    bound: float
    kind: str
    changed: Array
    hidden: float = 0.0
    evaluations: int = 0


class Differences:
    """Finds derivatives of Σ v·y for one subject and upstream."""

    def __init__(self, subject: Subject, v: Array) -> None:
        self.subject, self.v = subject, v
        self.y0, self.digest = subject.value(subject.arrays)
        self.weight = np.abs(v)
        self.noise = noise(self._same_branch, self.y0, subject.arrays)
        # The last digit of each output, for those that no step changes.
        self.digits = self.weight * (EPS / 2) * np.abs(self.y0)

    def value(self, arrays: Sequence[Array]) -> tuple[Array, bytes | None] | None:
        """Return the output, or None outside of the function's domain."""
        try:
            y, digest = self.subject.value(arrays)
        except Exception:  # it was fine at x, so the step left the domain
            return None
        if y.shape != self.y0.shape or not np.isfinite(y).all():
            return None
        return y, digest

    def _same_branch(self, arrays: Sequence[Array]) -> Array | None:
        result = self.value(arrays)
        return None if result is None or result[1] != self.digest else result[0]

    def along(self, path: Path, a: float) -> Derivative:
        """Return the derivative along `path`; `a`, the analytic one, tells when it is enough.

        Estimates are taken until they are precise and agree with `a`, or until a second one at
        another step confirms that `a` is wrong.
        """
        return _Search(self, path, a).run()


@dataclass
class _Search:
    d: Differences
    path: Path
    a: float
    rounds: list[Round] = field(default_factory=list)
    tried: set[float] = field(default_factory=set)
    evaluations: int = 0
    why_not: str = ""
    changed: Array = field(init=False)

    def __post_init__(self) -> None:
        self.changed = np.zeros(self.d.y0.shape, bool)
        self.most = self.path.most
        self.deviation = self.d.noise
        self.flat_seen = False

    # ---- one step -------------------------------------------------------------------------------
    def round(self, h: float, levels: int) -> Round | None:
        """Evaluate at ±h, ±h/2, …; return None if a step crosses a branch or leaves the domain."""
        v, y0 = self.d.v, self.d.y0
        slopes, sums, size = [], [], 0.0
        changed = np.zeros(y0.shape, bool)
        for level in range(levels):
            step = h / 2**level
            sides = []
            for sign in (1, -1):
                self.evaluations += 1
                result = self.d.value(self.path.move(sign * step))
                if result is None or result[1] != self.d.digest:
                    self.why_not = "edge" if result is None else "kink"
                    return None
                sides.append(result[0])
            plus, minus = sides
            difference = v * (plus - minus)
            changed |= (plus != y0) | (minus != y0)
            slopes.append(float(np.sum(difference)) / (2 * step))
            sums.append(float(np.sum(v * ((plus - y0) + (minus - y0)))) / step)
            size = float(np.sum(np.abs(difference))) / (2 * step)
        self.changed |= changed
        first = [(4 * q - p) / 3 for p, q in itertools.pairwise(slopes)]
        jumps = [2 * q - p for p, q in itertools.pairwise(sums)]
        if levels == 2:
            error = abs(slopes[1] - slopes[0])
            return Round(h, first[0], error, jumps[0], size, 1.0, changed)
        best = (16 * first[1] - first[0]) / 15
        error = truncation(slopes, first, best, NOISE * self.sigma() / h)
        jump = (8 * jumps[1] - jumps[0]) / 7
        return Round(h, best, error, jump, size, 2.0, changed)

    def sigma(self) -> float:
        """Return Σ |v| σ over the outputs that depend on the path; over all if none changed."""
        terms = self.d.weight * self.deviation
        return float(np.sum(terms[self.changed] if self.changed.any() else terms))

    def measure_stairs(self, r: Round, flat: Array) -> None:
        """Outputs that a short step left alone and a long one did not: find their least change.

        The output is a staircase of rounded values, whose steps are noise, or it is constant as
        far as a kink, behind which it changes as little as one likes.
        """
        self.flat_seen = True
        low = r.step
        longer = [q.step for q in self.rounds if q.step > low and (q.changed & flat).any()]
        if not longer:
            return  # a shorter step changed them: a last digit that flickers, no staircase
        high = min(longer)
        change = np.zeros(flat.shape)
        for _ in range(14):
            middle = math.sqrt(low * high)
            seen = np.zeros(flat.shape)
            for sign in (1, -1):
                self.evaluations += 1
                result = self.d.value(self.path.move(sign * middle))
                if result is not None:
                    seen = np.maximum(seen, np.abs(result[0] - self.d.y0) * flat)
            if seen.any():
                high = middle
                change = np.where((change > 0) & (seen == 0), change, seen)
            else:
                low = middle
        self.deviation = np.maximum(self.deviation, change)

    # ---- the search -----------------------------------------------------------------------------
    def run(self) -> Derivative:
        h: float | None = self.path.first
        while h is not None and self.evaluations < MOST_EVALUATIONS:
            self.tried.add(h)
            r = self.round(h, 3 if self.rounds else 2)
            if r is None:
                self.most = min(self.most, h / 2)
                h = self.lower(h)
                continue
            self.rounds.append(r)
            h = None if self.enough() else self.next()
        return self.result()

    def lower(self, h: float) -> float | None:
        """Return a smaller step that was not tried."""
        smaller = max(h * (2.0**-6 if len(self.tried) == 1 else JUMP), self.path.least)
        return None if smaller in self.tried or smaller >= h else smaller

    def noise(self) -> float:
        """Return Σ |v| σ, no less than the shortest step shows, whose truncation is the least."""
        measured, r = self.sigma(), min(self.rounds, key=lambda r: r.step)
        return max(measured, (r.bound(measured) - r.rounding(measured)) * r.step / NOISE)

    def best(self) -> Round:
        """Return the estimate of least bound that none at a shorter step contradicts."""
        noise = self.noise()
        credible: list[Round] = []
        for r in sorted(self.rounds, key=lambda r: r.step):
            if all(abs(r.value - q.value) <= r.bound(noise) + q.bound(noise) for q in credible):
                credible.append(r)
        return min(credible, key=lambda r: r.bound(noise))

    def excludes(self, r: Round, noise: float) -> bool:
        """Whether `a` is wrong, by this estimate."""
        return not abs(self.a - r.value) <= r.bound(noise) + AGREE * max(abs(self.a), abs(r.value))

    def enough(self) -> bool:
        noise, best = self.noise(), self.best()
        if not math.isfinite(self.a):
            return True
        if self.excludes(best, noise):
            if not self.flat_seen and (flat := self.changed & ~best.changed).any():
                self.measure_stairs(best, flat)
                return self.enough()
            return self.second(best, noise) is not None and self.longer(best) is None
        if self.a == 0 and not self.changed.any():
            return True
        return best.bound(noise) <= GOAL * max(abs(self.a), abs(best.value))

    def kink(self, noise: float) -> Round | None:
        """Return the estimate at the shortest step that shows the same jump as another one."""
        kinks = sorted((r for r in self.rounds if r.at_kink(noise)), key=lambda r: r.step)
        for r in kinks:
            if any(abs(q.jump - r.jump) < 0.3 * abs(r.jump) for q in kinks if q is not r):
                return r
        return None

    def second(self, best: Round, noise: float) -> Round | None:
        """Return an estimate at another step that confirms the best, and that `a` is wrong.

        Of the two, the shorter step must have the smaller error, or rounding explains why not: past
        a pole, say, long steps agree well and mean nothing.
        """
        for r in self.rounds:
            allowed = r.bound(noise) + best.bound(noise) + AGREE * abs(best.value)
            short, long = (r, best) if r.step < best.step else (best, r)
            resolved = short.error <= long.error / 2 + 4 * short.rounding(self.sigma())
            apart = long.step >= 4 * short.step
            agree = abs(r.value - best.value) <= allowed
            if apart and resolved and agree and self.excludes(r, noise):
                return r
        return None

    def longer(self, best: Round) -> float | None:
        """Return a much longer step, if none was tried.

        Rounded intermediate values, as 1 + erf(x) at -7, are a staircase on which short steps agree
        that the function is flat: before `a` is called wrong, a step over many stairs is taken.
        """
        if not self.within_digits(best):
            return None
        h = min(64 * best.step, self.most)
        tried = any(step >= 8 * best.step for step in self.tried)
        return None if tried or h < 8 * best.step else h

    def within_digits(self, best: Round) -> bool:
        """Whether the last digits of values as large as the outputs may hide what `a` is off by.

        The stairs of np.round are none of them.
        """
        largest = float(np.max(self.d.weight * np.abs(self.d.y0), initial=0))
        return abs(self.a - best.value) * best.step <= 16 * EPS * largest

    def of_stairs(self, best: Round, noise: float) -> Round | None:
        """Return the estimate at a much longer step that agrees with `a` and not with the best."""
        gap = abs(self.a - best.value)
        if not self.within_digits(best):
            return None
        long = [r for r in self.rounds if r.step >= 8 * best.step and r.bound(noise) < gap / 2]
        return next((r for r in long if not self.excludes(r, noise)), None)

    def next(self) -> float | None:
        """Return the step that balances truncation and rounding, or one beside if it was tried."""
        best = self.best()
        excluded = self.excludes(best, self.noise())
        if excluded and self.second(best, self.noise()) and (h := self.longer(best)):
            return h
        shortest = all(r.step >= best.step for r in self.rounds)
        noise = self.sigma() if shortest else self.noise()
        rounding = best.rounding(noise)
        error = best.bound(noise) - rounding
        power = 3 if best.amplified == 1 else 5
        factor = (rounding / error) ** (1 / power) if error > 0 else 1 / JUMP
        if best.at_kink(noise):
            factor = JUMP  # a kink lies within the step, or at x: does it stay?
        factor = min(max(factor, JUMP), 1 / JUMP)
        factor = min(factor, 0.25) if error > rounding else max(factor, 4.0)
        others = [factor, math.sqrt(factor)]
        if self.excludes(best, noise):
            others += [1 / 8, 8.0, 1 / 64, 64.0]
            low = min(self.rounds, key=lambda r: r.step)
            if low.error > 4 * low.rounding(self.sigma()):  # nothing is resolved yet
                others.insert(0, low.step / best.step / 64)
        for f in others:
            h = best.step * 2.0 ** round(math.log2(f))
            h = min(max(h, self.path.least), self.most)
            if h not in self.tried:
                return h
        return None

    # ---- the outcome ----------------------------------------------------------------------------
    def result(self) -> Derivative:
        nothing = Derivative(math.nan, math.nan, self.why_not or "rough", self.changed)
        nothing.evaluations = self.evaluations
        if not self.rounds:
            return nothing
        noise, best = self.noise(), self.best()
        bound = best.bound(noise)
        kind, kink = "smooth", self.kink(self.sigma())
        if kink is not None and bound > abs(kink.jump) / 4:
            kind, best, bound = "kink", kink, kink.bound(self.sigma())
        elif math.isfinite(self.a) and self.excludes(best, noise):
            if stairs := self.of_stairs(best, noise):
                best, bound = stairs, stairs.bound(noise)
            elif self.second(best, noise) is None:
                kind = "rough"
        unseen = self.d.digits[~self.changed]
        hidden = float(np.sum(unseen)) / max(r.step for r in self.rounds)
        return Derivative(best.value, bound, kind, self.changed, hidden, self.evaluations)
