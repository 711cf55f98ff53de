"""Terms that a gradient lacks, or what it should be: fits by terms made of the function's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .familiar import Scalars, familiar, times
from .fitting import combinations
from .library import Named
from .termtrial import Trial


@dataclass(frozen=True)
class Fit:
    """gradient + told (if `added`), or told alone, is the numeric gradient."""

    added: bool
    coefficients: tuple[float, ...]
    texts: tuple[str, ...]
    told: str


def fits(
    simple: Named,
    every: Named,
    trials: Sequence[Trial],
    t: int,
    scalars: Scalars,
    counts: Sequence[int] = (1, 2),
) -> list[Fit]:
    """Return the fits of tensor t that hold in all trials, of one term or else of two.

    `simple` terms are tried alone only.
    """
    first = trials[0]
    found: list[Fit] = []
    starts = [False] if np.isnan(first.grads[t]).any() else [True, False]
    for count in counts:
        options = [*simple, *every] if count == 1 else every
        for added in starts:
            goal = first.numeric[t] - (first.grads[t] if added else 0.0)
            for cs, texts in combinations(options, goal, first.allowed(t), count):
                cs, texts = _sums(cs, texts, first)
                labels = [familiar(c, scalars) for c in cs]
                if None in labels:
                    continue
                told = _sum([str(x) for x in labels], texts)
                fit = Fit(added, tuple(cs), tuple(texts), told)
                if all(_holds(fit, run, t) for run in trials[1:]):
                    found.append(fit)
        if found:
            return sorted(found, key=lambda fit: len(fit.told))
    return []


def _sums(cs: Sequence[float], texts: Sequence[str], run: Trial) -> tuple[list[float], list[str]]:
    """Write a sum where it is N times a mean."""
    found = []
    for c, text in zip(cs, texts, strict=True):
        total, mean = (run.evaluate(x) for x in (text.replace(".mean(", ".sum("), text))
        if ".mean(" in text and total is not None and mean is not None:
            count = float(np.linalg.norm(total) / np.linalg.norm(mean))
            if any(abs(abs(c) - n * count) < 1e-5 * count for n in (1, 2)):
                c, text = c / count, text.replace(".mean(", ".sum(")
        found.append((c, text))
    return [c for c, _ in found], [text for _, text in found]


def _holds(fit: Fit, run: Trial, t: int) -> bool:
    values = [run.evaluate(x) for x in fit.texts]
    if any(x is None for x in values):
        return False
    total = sum(c * x for c, x in zip(fit.coefficients, values, strict=True))
    return run.agrees(t, total + (run.grads[t] if fit.added else 0.0))


def _sum(labels: Sequence[str], texts: Sequence[str]) -> str:
    """Write Σ label · text, positive terms first."""
    parts = sorted(times(m, x) for m, x in zip(labels, texts, strict=True))
    return "".join(_joined(parts))


def _joined(parts: Sequence[tuple[str, str]]) -> Iterator[str]:
    for k, (sign, text) in enumerate(parts):
        yield (f" {sign or '+'} " if k else sign) + text
