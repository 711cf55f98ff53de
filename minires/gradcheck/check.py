"""`gradcheck`: compare hand-written gradients with finite differences, and say what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

import numpy as np

from ..tensor import Array
from . import hints, hygiene
from .forms import PairSubject, TensorSubject
from .numeric import Comparison, compare
from .report import FAIL, PASS, VACUOUS, VACUOUS_BELOW, GradcheckReport, Row
from .subject import Subject
from .taylor import taylor
from .wording import raised

ATOL = 1e-7  # times the largest numeric derivative of the tensor: noise of differences
MOST_KINKS = 0.05  # of the elements evaluated
NOTABLE = 1e-3  # of the largest derivative; the relative error of smaller ones is mostly rounding
DEEP = 40  # recorded calls

Mode = Literal["difference", "taylor", "both"]


def gradcheck(
    f: Any,
    *inputs: Any,
    rtol: float | None = None,
    mode: Mode = "difference",
    seed: int = 0,
    max_elements: int = 2000,
    expect_zero: bool | Collection[str] = False,
    raise_on_failure: bool = False,
) -> GradcheckReport:
    """Check the gradients of `f`, a function of Tensors, a Function, its `apply`, or a Module.

    In float64, for a random upstream drawn from `seed`. Up to `max_elements` scalars are all
    checked, more by samples and random directions. rtol: 1e-6 for one Function without kinks, 1e-4
    for compositions and kinks, 1e-3 for deep nets. A gradient of zero on both sides is VACUOUS
    unless `expect_zero` (True, or names). Returns a report: true if all is well, a table in print;
    with raise_on_failure, AssertionError carries the same text.
    """
    report = _run(TensorSubject(f, inputs), rtol, mode, seed, max_elements, expect_zero)
    return _returned(report, raise_on_failure)


def check_backward(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    names: Sequence[str] = (),
    branch: Callable[..., Array] | None = None,
    outputs: int | Collection[int | str] | None = None,
    wrt: Collection[str] | None = None,
    rtol: float | None = None,
    mode: Mode = "difference",
    seed: int = 0,
    max_elements: int = 2000,
    expect_zero: bool | Collection[str] = False,
    raise_on_failure: bool = False,
    **options: Any,
) -> GradcheckReport:
    """Check a pair of plain functions, such as a kernel or an exercise.

    `forward(*inputs, **options)` returns y or (y, *saved), with several values if backward takes
    a gradient for each; `backward(dy, *saved)` returns the inputs' gradients, in order or by name.
    Without saved values it gets the inputs: `backward(dy, *inputs)`. Inputs may be arrays,
    numbers, or dicts and lists of them. `names` of inputs are by default those of forward's
    arguments; `outputs` tells which of the returned are values, `wrt` the names of the inputs that
    are differentiated, `branch(*saved)` the choices made at kinks. Others as for `gradcheck`.
    """
    subject = PairSubject(forward, backward, inputs, options, names, branch, outputs, wrt)
    report = _run(subject, rtol, mode, seed, max_elements, expect_zero)
    if "shapes" in report.hygiene:
        report.hints.append(("broadcast", report.hygiene["shapes"]))
    return _returned(report, raise_on_failure)


def _returned(report: GradcheckReport, raise_on_failure: bool) -> GradcheckReport:
    if raise_on_failure and not report.ok:
        raise AssertionError(str(report))
    return report


def _run(
    subject: Subject,
    rtol: float | None,
    mode: str,
    seed: int,
    max_elements: int,
    expect_zero: bool | Collection[str],
) -> GradcheckReport:
    if mode not in ("difference", "taylor", "both"):
        raise ValueError(f"mode: expected 'difference', 'taylor' or 'both', got {mode!r}")
    # A stream of its own: inputs drawn from default_rng(seed) would have the same numbers as v,
    # and for batch norm v = x makes the true gradient zero.
    rng = np.random.default_rng((seed, 1))
    report = GradcheckReport(subject.name, rtol or 0.0, notes=subject.notes)
    with np.errstate(all="ignore"):  # what is not finite fails the comparison, with its value
        try:
            y, digest = subject.value(subject.arrays)
        except TypeError as error:
            error.add_note("gradcheck computes in float64: so must all that the function captures")
            raise
        if not np.isfinite(y).all():
            report.error = "an output that is NaN or infinite; choose other inputs"
            return report
        again, _ = subject.value(subject.arrays)
        if not np.array_equal(y, again):
            report.error = "a forward pass that gives other values the second time"
            return report
        v = np.asarray(rng.standard_normal(y.shape))
        try:
            analytic = subject.gradients(v)
            report.hygiene = hygiene.check(subject, v, rng)
        except Exception as error:  # whatever a backward pass under check may raise
            report.error = raised(error)
            return report
        report.rtol = _default_rtol(subject, digest) if rtol is None else rtol
        if mode != "taylor":
            found = report.elements = compare(subject, v, analytic, max_elements, rng)
            size = float(np.sum(np.abs(v * y)))
            report.rows = [_row(c, v, size, report.rtol, expect_zero) for c in found]
            if sum(a.size for a in subject.arrays) > max_elements:
                report.notes.append("sampled: 32 elements per tensor and 8 random directions")
            report.hints = hints.find(subject, v, found, report)
        if mode != "difference":
            report.taylor = taylor(subject, v, analytic, rng, expect_zero is True)
    return report


def _default_rtol(subject: Subject, digest: bytes | None) -> float:
    if subject.calls() > DEEP:
        return 1e-3
    return 1e-6 if subject.simple and digest is None else 1e-4


def _row(
    c: Comparison, v: Array, size: float, rtol: float, expect_zero: bool | Collection[str]
) -> Row:
    """Judge one tensor: the worst element or direction decides. `size` is Σ |v y|."""
    checked = ~np.isnan(c.numeric)
    where = [_index(i) for i in np.argwhere(checked)] + [label for label, *_ in c.along]
    a = np.concatenate([c.analytic[checked], [x for _, x, _, _ in c.along]])
    n = np.concatenate([c.numeric[checked], [x for _, _, x, _ in c.along]])
    total, kinks = c.numeric.size, c.kinks
    if a.size == 0:
        verdict = PASS if total == 0 else FAIL
        return Row(c.name, c.numeric.shape, 0, 0, total, kinks, 0.0, "-", 0.0, 0.0, None, verdict)
    elements = int(checked.sum())
    scale, rounding = _noise(c, n, elements, size)
    larger = np.maximum(np.abs(a), np.abs(n))
    excess = np.abs(a - n) / (rtol * larger + ATOL * scale + rounding + 1e-300)
    excess[~np.isfinite(a)] = np.inf
    shown = (excess > 1) | (larger > NOTABLE * scale)
    if (excess[:elements] > 1).any():
        shown[elements:] = False  # an entry says more than a direction
    worst = int(np.argmax(np.where(shown, excess, -1)))
    rel = float(abs(a[worst] - n[worst]) / larger[worst]) if larger[worst] else 0.0
    rel = rel if math.isfinite(rel) else math.inf
    nothing = VACUOUS_BELOW * float(np.linalg.norm(v))
    zero = bool(np.linalg.norm(a) < nothing and np.linalg.norm(n) < nothing)
    zero = zero or bool(larger.max() < 10 * rounding.min())  # too small for differences to tell
    expected = expect_zero is True or (not isinstance(expect_zero, bool) and c.name in expect_zero)
    if zero:
        verdict = PASS if expected else VACUOUS
    else:
        kinky = c.evaluated > 0 and kinks > MOST_KINKS * c.evaluated
        verdict = FAIL if excess[worst] > 1 or kinky or expected else PASS
    large = np.abs(n) > NOTABLE * scale
    ratio = float(np.median(a[large] / n[large])) if large.any() else math.nan
    return Row(
        c.name,
        c.numeric.shape,
        elements,
        len(c.along),
        total,
        kinks,
        rel,
        where[worst],
        float(a[worst]),
        float(n[worst]),
        ratio if math.isfinite(ratio) else None,
        verdict,
    )


def _noise(c: Comparison, n: Array, elements: int, size: float) -> tuple[Array, Array]:
    """Return, for each numeric derivative, the scale it is judged on and its rounding error.

    Elements and directions are sums of different sizes, so each kind has its own scale.
    """
    scale = np.empty(n.size)
    scale[:elements] = np.abs(n[:elements]).max(initial=0)
    scale[elements:] = max(np.abs(n[elements:]).max(initial=0), float(np.linalg.norm(n[:elements])))
    step = np.concatenate([c.steps[~np.isnan(c.numeric)], [h for *_, h in c.along]])
    return scale, 10 * np.finfo(np.float64).eps * size / step


def _index(i: Array) -> str:
    return "(" + ", ".join(str(int(k)) for k in i) + ")"
