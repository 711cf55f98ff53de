"""What right gradients are, for the inputs of a check and for others near them."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...tensor import Array
from ..differences import Differences
from ..numeric import Comparison
from ..numeric import _element as element
from ..numeric import _Paths as Paths
from ..subject import Subject
from .trial import SAMPLED, Goal

CLOSE = 1e-8  # of the largest derivative of a tensor: agreement, whatever the bound
AXES, APART = 7, 2  # of one size: how many are grown apart, and in how many ways
LOOSE = 1e-4  # of the largest derivative: elements with a larger bound say too little


def goal(subject: Subject, arrays: Sequence[Array], seed: int, pulse: Callable[[], object]) -> Goal:
    """Return the numeric gradients at `arrays` for an upstream drawn from `seed`.

    `pulse` is called at each evaluation of forward, to show that the work goes on.
    """
    rng = np.random.default_rng((seed, 2024))
    here = _at(subject, arrays, pulse)
    y, _ = here.value(here.arrays)
    v = np.asarray(rng.standard_normal(y.shape)) + (0.5 if y.ndim == 0 else 0.0)
    analytic = _analytic(here, v)
    found = Goal(v, here.arrays, [], [], [])
    differences = Differences(here, v)
    for t, x in enumerate(here.arrays):
        few = x.size <= SAMPLED
        chosen = np.arange(x.size) if few else np.sort(rng.choice(x.size, SAMPLED, replace=False))
        n, bound = _derivatives(differences, t, analytic[t].copy(), chosen)
        scale = float(np.nanmax(np.abs(n), initial=0.0))
        known = np.isfinite(n) & (bound <= max(LOOSE * scale, 1e-12))
        found.known.append(chosen[known])
        found.numeric.append(n[known])
        found.allowed.append(2 * bound[known] + CLOSE * scale + 1e-14)
    return found


def _derivatives(
    differences: Differences, t: int, analytic: Array, chosen: Array
) -> tuple[Array, Array]:
    """Return numeric derivatives and their bounds, NaN at kinks.

    Where the learner's gradient is wrong, the search for the best step ends as soon as that is
    sure; so the derivative is looked for again, with what was found in its place.
    """
    paths, unknown = Paths(differences.subject, t), np.full(analytic.shape, np.nan)
    result = Comparison("", analytic, unknown, unknown.copy(), np.zeros(analytic.shape))
    for i in chosen.tolist():
        index = tuple(int(k) for k in np.unravel_index(i, analytic.shape))
        for _ in range(2):
            element(differences, paths, index, result)
            n = result.numeric[index]
            if np.isnan(n) or abs(analytic[index] - n) <= result.bound[index]:
                break
            analytic[index] = n
    return result.numeric.reshape(-1)[chosen], result.bound.reshape(-1)[chosen]


def _at(subject: Subject, arrays: Sequence[Array], pulse: Callable[[], object]) -> Subject:
    """Return the subject with other arrays."""
    here = copy.copy(subject)
    here.arrays = [a.copy() for a in arrays]
    plain = subject.value

    def value(arrays: Sequence[Array]) -> tuple[Array, bytes | None]:
        pulse()
        return plain(arrays)

    here.value = value  # type: ignore[method-assign]
    return here


def _analytic(subject: Subject, v: Array) -> list[Array]:
    """Return the learner's gradients, zeros where there are none."""
    try:
        grads = [np.nan_to_num(g) for g in subject.gradients(v)]
        if all(g.shape == a.shape for g, a in zip(grads, subject.arrays, strict=True)):
            return grads
    except Exception:  # whatever a backward pass under check may raise
        pass
    return [np.zeros_like(a) for a in subject.arrays]


def moved(arrays: Sequence[Array], seed: int = 3) -> list[Array]:
    """Return inputs near the given ones, each multiplied by a number between 0.92 and 1.08."""
    rng = np.random.default_rng(seed)
    return [a * (1 + 0.08 * rng.uniform(-1, 1, a.shape)) for a in arrays]


def others(
    arrays: Sequence[Array], runs: Callable[[Sequence[Array]], bool]
) -> Iterator[list[Array]]:
    """Yield inputs that differ more: the same numbers elsewhere, then one size larger by one.

    Axes of one size that forward lets grow apart do so: two sizes may be equal by chance. All
    others grow together. What constrains inputs may not hold of them.
    """
    rng = np.random.default_rng(4)
    yield [rng.permutation(a.reshape(-1)).reshape(a.shape) for a in arrays]
    for size in sorted({n for a in arrays for n in a.shape if n > 1}):
        axes = [(t, k) for t, a in enumerate(arrays) for k, n in enumerate(a.shape) if n == size]
        apart = (
            chosen
            for count in range(1, len(axes) if 1 < len(axes) <= AXES else 1)
            for chosen in itertools.combinations(axes, count)
        )
        ways = [c for c in apart if runs([_grown(a, t, c, rng) for t, a in enumerate(arrays)])]
        for chosen in [*ways[:APART], tuple(axes)]:
            yield [_grown(a, t, chosen, rng) for t, a in enumerate(arrays)]


def _grown(a: Array, tensor: int, axes: Sequence[Any], rng: np.random.Generator) -> Array:
    size = 0
    for axis in [k for t, k in axes if t == tensor]:
        size = a.shape[axis]
        more = np.take(a, [int(rng.integers(size))], axis=axis)
        a = np.concatenate([a, more * rng.uniform(0.8, 1.2, more.shape)], axis=axis)
    return a
