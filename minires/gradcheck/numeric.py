"""Central differences, with kinks noticed and counted instead of passed or failed by chance.

For an upstream v the scalar is J(x) = Σ v·y(x), and dJ/dx_i ≈ v·(y(x + h e_i) - y(x - h e_i))
divided by the step that was really taken, (x_i + h) - (x_i - h). The outputs are subtracted before
they are summed, which loses less to cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..tensor import Array
from .subject import Subject

STEP = 1e-5  # near the optimum eps^(1/3) = 6e-6 of a central difference in float64
STEPS = (STEP, 1e-6, 1e-7)  # the smaller ones are tried if a kink lies within the first
DIRECTIONS = 8
SAMPLES = 32


@dataclass
class Comparison:
    """Analytic and numeric derivatives of one tensor, element by element or along directions.

    numeric   the shape of the tensor, NaN where not evaluated or at a kink
    steps     the step of each element, relative to max(1, |x|)
    kinks     how many evaluated elements lie at a kink: within the smallest step, if the function
              reports its branches
    along     (label, analytic, numeric, step) of each direction
    """

    name: str
    analytic: Array
    numeric: Array
    steps: Array
    kinks: int = 0
    evaluated: int = 0
    along: list[tuple[str, float, float, float]] = field(default_factory=list)


def compare(
    subject: Subject,
    v: Array,
    analytic: list[Array],
    max_elements: int,
    rng: np.random.Generator,
) -> list[Comparison]:
    """Difference every element if there are few; else a sample per tensor and random directions.

    One direction is always the all-ones vector of the tensor: shifting everything alike crosses no
    maximum's tie, so it sees a gradient that is given to several equal winners.
    """
    y0, digest = subject.value(subject.arrays)
    total = sum(a.size for a in subject.arrays)
    found = []
    for t, a in enumerate(subject.arrays):
        unknown, steps = np.full(a.shape, np.nan), np.full(a.shape, STEP)
        result = Comparison(subject.names[t], analytic[t], unknown, steps)
        if total <= max_elements or a.size <= SAMPLES:
            chosen = np.arange(a.size)
        else:
            chosen = rng.choice(a.size, SAMPLES, replace=False)
        for flat_index in chosen:
            _element(subject, t, int(flat_index), v, y0, digest, result)
        directions = [("all ones", np.ones(a.shape))]
        if len(chosen) < a.size:
            directions += [
                (f"direction {k}", rng.standard_normal(a.shape)) for k in range(DIRECTIONS)
            ]
        for label, u in directions if a.size else []:
            _direction(subject, t, label, u, v, y0, digest, result)
        found.append(result)
    return found


def _moved(subject: Subject, t: int, values: Array) -> list[Array]:
    arrays = list(subject.arrays)
    arrays[t] = values
    return arrays


def _element(
    subject: Subject, t: int, i: int, v: Array, y0: Array, digest: bytes | None, result: Comparison
) -> None:
    x = subject.arrays[t]
    unit = max(1.0, abs(float(x.reshape(-1)[i])))
    for step in STEPS:
        h = step * unit
        slope, crossed = _slope(subject, t, i, h, v, digest)
        result.steps[np.unravel_index(i, x.shape)] = step
        if not crossed:
            break
    result.evaluated += 1
    if not crossed and digest is None:
        a = float(result.analytic.reshape(-1)[i])
        suspicious = abs(a - slope) > 1e-6 * max(abs(a), abs(slope), 1e-6)
        u = np.zeros(x.shape)
        u[np.unravel_index(i, x.shape)] = 1
        crossed = suspicious and _kink_at(subject, t, u, h, v, y0)
    if crossed or not np.isfinite(slope):  # outside the domain there is no derivative either
        result.kinks += 1
    else:
        result.numeric[np.unravel_index(i, x.shape)] = slope


def _slope(
    subject: Subject, t: int, i: int, h: float, v: Array, digest: bytes | None
) -> tuple[float, bool]:
    """Return the central difference for element i, and whether a branch changed within the step."""
    x = subject.arrays[t]
    values, points = [], []
    for sign in (1, -1):
        moved = x.copy()
        moved.reshape(-1)[i] += sign * h
        points.append(float(moved.reshape(-1)[i]))
        values.append(subject.value(_moved(subject, t, moved)))
    (y_plus, d_plus), (y_minus, d_minus) = values
    slope = float(np.sum(v * (y_plus - y_minus))) / (points[0] - points[1])
    return slope, digest is not None and (d_plus != digest or d_minus != digest)


def _kink_at(subject: Subject, t: int, u: Array, h: float, v: Array, y0: Array) -> bool:
    """For functions that report no branches: do the one-sided slopes differ also for half the step?

    Their difference is |f''| h where f is smooth, so it halves with h; at a kink it stays.
    """
    gaps = []
    for step in (h, h / 2):
        sides = []
        for sign in (1, -1):
            y, _ = subject.value(_moved(subject, t, subject.arrays[t] + sign * step * u))
            sides.append(float(np.sum(v * (y - y0))) / (sign * step))
        gaps.append(abs(sides[0] - sides[1]))
    rounding = 50 * np.finfo(np.float64).eps * (1 + float(np.sum(np.abs(v * y0)))) / h
    return bool(gaps[0] > rounding and gaps[1] > 0.75 * gaps[0])


def _direction(
    subject: Subject,
    t: int,
    label: str,
    u: Array,
    v: Array,
    y0: Array,
    digest: bytes | None,
    result: Comparison,
) -> None:
    x = subject.arrays[t]
    for h in STEPS:
        plus, minus = x + h * u, x - h * u
        y_plus, d_plus = subject.value(_moved(subject, t, plus))
        y_minus, d_minus = subject.value(_moved(subject, t, minus))
        if digest is not None and (d_plus != digest or d_minus != digest):
            continue
        if not (np.isfinite(y_plus).all() and np.isfinite(y_minus).all()):
            continue
        numeric = float(np.sum(v * (y_plus - y_minus))) / (2 * h)
        analytic = float(np.sum(result.analytic * ((plus - minus) / (2 * h))))
        difference = abs(analytic - numeric)
        if digest is None and difference > 1e-6 * abs(numeric):
            # No branches are reported, so this may be a kink: look closer.
            if h != STEPS[-1]:
                continue
            if _kink_at(subject, t, u, STEP, v, y0):
                return
        result.along.append((label, analytic, numeric, h))
        return
