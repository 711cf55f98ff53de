"""`gradcheck`: compare hand-written gradients with finite differences, and say what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal

import numpy as np

from ..engine import Context, Function
from ..tensor import Array
from . import hints, hygiene
from .numeric import STEP, Comparison, compare
from .report import FAIL, PASS, VACUOUS, GradcheckReport, Row
from .subject import Subject
from .taylor import taylor

ATOL = 1e-7  # times the largest numeric derivative of the tensor: noise of differences
VACUOUS_BELOW = 1e-6  # times the norm of the upstream
MOST_KINKS = 0.05  # of the elements evaluated
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
    if mode not in ("difference", "taylor", "both"):
        raise ValueError(f"mode: expected 'difference', 'taylor' or 'both', got {mode!r}")
    subject = Subject(f, inputs)
    report = _run(subject, rtol, mode, seed, max_elements, expect_zero)
    if raise_on_failure and not report.ok:
        raise AssertionError(str(report))
    return report


def check_backward(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *arrays: Array,
    branch: Callable[..., Array] | None = None,
    raise_on_failure: bool = False,
    **options: Any,
) -> GradcheckReport:
    """Check a pair of plain functions on arrays, such as a kernel or an exercise.

    `forward(*arrays)` returns y, or a tuple (y, *saved); `backward(dy, *saved)` returns a gradient
    per array, in order. Without saved values backward gets the arrays: `backward(dy, *arrays)`.
    `branch(*saved)` may tell the choices made at kinks. Options as for `gradcheck`.
    """

    class Pair(Function):
        @staticmethod
        def forward(ctx: Context, *xs: Any) -> Any:
            result = forward(*xs)
            y, saved = (result[0], result[1:]) if isinstance(result, tuple) else (result, xs)
            ctx.save(*saved)
            if branch is not None:
                ctx.branch(branch(*saved))
            return y

        @staticmethod
        def backward(ctx: Context, dy: Array) -> Any:
            return backward(dy, *ctx.saved)

    Pair.__name__ = getattr(backward, "__name__", "backward")
    report = gradcheck(Pair.apply, *arrays, **options)
    _rename(report, forward)
    if report.error is None and (alias := _aliases(forward, backward, arrays)):
        report.hygiene["no aliasing"] = alias
    if raise_on_failure and not report.ok:
        raise AssertionError(str(report))
    return report


def _rename(report: GradcheckReport, forward: Callable[..., Any]) -> None:
    """Call the inputs what `forward` calls them."""
    code = getattr(forward, "__code__", None)
    names = [] if code is None else code.co_varnames[: code.co_argcount]
    for i, name in enumerate(names):
        for row in report.rows:
            row.tensor = name if row.tensor == f"input {i}" else row.tensor
        report.hints = [(f, t.replace(f"input {i}:", f"{name}:")) for f, t in report.hints]


def _aliases(
    forward: Callable[..., Any], backward: Callable[..., Any], arrays: tuple[Array, ...]
) -> str:
    """Return what is wrong if a gradient shares memory with dy, or "" (a kernel may not)."""
    result = forward(*arrays)
    y, saved = (result[0], result[1:]) if isinstance(result, tuple) else (result, arrays)
    dy = np.ones_like(y)
    grads = backward(dy, *saved)
    for i, g in enumerate(grads if isinstance(grads, tuple) else (grads,)):
        if isinstance(g, np.ndarray) and np.shares_memory(g, dy):
            return f"gradient {i} shares memory with dy; return a copy"
    return ""


def _run(
    subject: Subject,
    rtol: float | None,
    mode: str,
    seed: int,
    max_elements: int,
    expect_zero: bool | Collection[str],
) -> GradcheckReport:
    # A stream of its own: inputs drawn from default_rng(seed) would have the same numbers as v,
    # and for batch norm v = x makes the true gradient zero.
    rng = np.random.default_rng((seed, 1))
    report = GradcheckReport(subject.name, rtol or 0.0, notes=subject.notes)
    with np.errstate(all="ignore"):  # what is not finite fails the comparison, with its value
        y, digest = subject.value(subject.arrays)
        if not np.isfinite(y).all():
            report.error = "an output that is NaN or infinite; choose other inputs"
            return report
        again, _ = subject.value(subject.arrays)
        if not np.array_equal(y, again):
            report.error = "a forward pass that gives other values the second time"
            return report
        v = np.asarray(rng.standard_normal(y.shape))
        try:
            analytic = subject.gradients(subject.arrays, v)
            report.hygiene = hygiene.check(subject, v, rng)
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
            report.error = f"{type(error).__name__}: {error}"
            return report
        report.rtol = _default_rtol(subject, digest) if rtol is None else rtol
        if mode != "taylor":
            found = compare(subject, v, analytic, max_elements, rng)
            size = float(np.sum(np.abs(v * y)))
            report.rows = [_row(c, v, size, report.rtol, expect_zero) for c in found]
            if sum(a.size for a in subject.arrays) > max_elements:
                report.notes.append("sampled: 32 elements per tensor and 8 random directions")
            if any(row.verdict == FAIL for row in report.rows):
                report.hints = hints.find(subject, v, found, report.rows, seed)
        if mode != "difference":
            report.taylor = taylor(subject, v, analytic, rng)
    return report


def _default_rtol(subject: Subject, digest: bytes | None) -> float:
    y, _ = subject.call(subject.arrays)
    calls = len(subject.nodes(y))
    if calls > DEEP:
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
    # Elements and directions are sums of different sizes, so each kind has its own scale.
    elements = int(checked.sum())
    scale = np.empty(a.size)
    scale[:elements] = np.abs(n[:elements]).max(initial=0)
    scale[elements:] = max(np.abs(n[elements:]).max(initial=0), float(np.linalg.norm(n[:elements])))
    step = np.concatenate([np.full(elements, STEP), [h for *_, h in c.along]])
    rounding = 10 * np.finfo(np.float64).eps * size / step
    larger = np.maximum(np.abs(a), np.abs(n))
    excess = np.abs(a - n) / (rtol * larger + ATOL * scale + rounding + 1e-300)
    excess[~np.isfinite(a)] = np.inf
    worst = int(np.argmax(excess))
    rel = float(abs(a[worst] - n[worst]) / larger[worst]) if larger[worst] else 0.0
    nothing = VACUOUS_BELOW * float(np.linalg.norm(v))
    zero = np.linalg.norm(a) < nothing and np.linalg.norm(n) < nothing
    expected = expect_zero is True or (not isinstance(expect_zero, bool) and c.name in expect_zero)
    if zero:
        verdict = PASS if expected else VACUOUS
    else:
        kinky = c.evaluated > 0 and kinks > MOST_KINKS * c.evaluated
        verdict = FAIL if excess[worst] > 1 or kinky or expected else PASS
    large = np.abs(n) > 1e-3 * scale
    ratio = float(np.median(a[large] / n[large])) if large.any() else None
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
        ratio,
        verdict,
    )


def _index(i: Array) -> str:
    return "(" + ", ".join(str(int(k)) for k in i) + ")"
