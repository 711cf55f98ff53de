"""`gradcheck`: compare hand-written gradients with finite differences, and say what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

import numpy as np

from ..tensor import Array
from . import hints, hygiene
from .edits.tables import SUM
from .forms import of_function, of_pair
from .judge import judge
from .numeric import compare, rounding
from .report import GradcheckReport
from .subject import Subject
from .taylor import taylor
from .wording import not_finite, raised

NOTABLE_KINKS = 0.05  # of the elements evaluated: the reader should know

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
    wrt: Collection[str] | None = None,
    **options: Any,
) -> GradcheckReport:
    """Check the gradients of `f`: a function of Tensors, a Function, a Module; your own layer with
    methods `forward` and `backward`, or a class with `forward(ctx, …)`; a function that returns
    (loss, gradients); a function or module of PyTorch, JAX or autograd.

    In float64, for a random upstream drawn from `seed`. Up to `max_elements` scalars are checked
    one by one, more by samples and directions. A derivative must agree within the error bound of
    the differences, which is found, not set; `rtol` allows for more. What differences cannot tell
    is UNDECIDED, zero on both sides VACUOUS unless `expect_zero` (True, or names). `wrt` names the
    tensors to check; `options` go to f. The report is true if all is well and a table in print;
    with raise_on_failure, AssertionError carries that text.
    """
    with np.errstate(all="ignore"):
        subject = of_function(f, inputs, options, wrt)
    report = _run(subject, rtol, mode, seed, max_elements, expect_zero)
    return _returned(report, raise_on_failure)


def check_backward(
    forward: Any,
    backward: Any,
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
    with np.errstate(all="ignore"):
        subject = of_pair(forward, backward, inputs, options, names, branch, outputs, wrt)
    report = _run(subject, rtol, mode, seed, max_elements, expect_zero)
    if "shapes" in report.hygiene:
        report.hints.append((SUM, report.hygiene["shapes"]))
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
    report = GradcheckReport(subject.name, rtol or 0.0, notes=subject.notes, subject=subject)
    with np.errstate(all="ignore"):  # what is not finite fails the comparison, with its value
        try:
            y, _ = subject.value(subject.arrays)
        except TypeError as error:
            error.add_note("gradcheck computes in float64: so must all that the function captures")
            raise
        if not np.isfinite(y).all():
            report.reason = not_finite(subject, y)
            return report
        again, _ = subject.value(subject.arrays)
        if not np.array_equal(y, again):
            who = getattr(subject, "titles", ("the forward pass",))[0]
            report.reason = (
                f"{who} gives other values the second time: is something in it drawn at random, or "
                "kept from the first call? Seed it within, or pass what was drawn"
            )
            return report
        v = np.asarray(rng.standard_normal(y.shape))
        try:
            analytic = subject.gradients(v)
            own = rounding(subject, v, analytic)
            report.hygiene = hygiene.check(subject, v, rng, own)
        except Exception as error:  # whatever a backward pass under check may raise
            pair = subject.pair
            report.error = raised(error, pair and pair.backward)
            if isinstance(error, MemoryError | OSError | ImportError):
                report.subject = None  # what the machine lacks is no mistake of a line
            return report
        if mode != "taylor":
            found = report.elements = compare(subject, v, analytic, max_elements, rng, own)
            report.rows = [judge(c, report.rtol, expect_zero) for c in found]
            for c in found:
                if c.kinks > NOTABLE_KINKS * c.evaluated:
                    report.notes.append(
                        f"{c.name}: {c.kinks} of {c.evaluated} elements lie at a kink or at the "
                        "edge of the domain and were left out"
                    )
            if sum(a.size for a in subject.arrays) > max_elements:
                report.notes.append("sampled: 32 elements per tensor and 8 random directions")
            report.hints = hints.find(subject, v, found, report)
        if mode != "difference":
            report.taylor = taylor(subject, v, analytic, rng, expect_zero is True)
    return report
