"""What a backward pass owes besides being right: leave arrays alone, repeat itself, be linear.

Every probe is a row of its own: what one of them raises is told there, and the check goes on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..tensor import Array
from .subject import Subject
from .wording import raised

RELATIVE = 1e-9  # of the largest element: what another order of summation may change
Gradients = list[Array]


def check(
    subject: Subject, v: Array, rng: np.random.Generator, rounding: Gradients
) -> dict[str, str]:
    """Return the failed checks by name, with what was seen; `rounding` of the gradients."""
    failed = subject.conduct(v)
    if "dtype" in failed:
        return failed  # what another dtype rounds off breaks the rest, too
    first = subject.gradients(v)
    noise = [
        RELATIVE * np.abs(g).max(initial=0) + 1e-12 * float(np.linalg.norm(v)) + r.max(initial=0)
        for g, r in zip(first, rounding, strict=True)
    ]
    for name, text in (
        ("reentrant", _told(lambda: _reentrant(subject, v, first))),
        ("zero upstream", _told(lambda: _zero(subject, v))),
        ("linear in dy", _told(lambda: _linear(subject, v, first, rng, noise))),
        ("any memory order", _told(lambda: _layouts(subject, v, first, noise))),
    ):
        if text:
            failed[name] = text
    return failed


def _told(probe: Callable[[], str]) -> str:
    try:
        return probe()
    except Exception as error:  # whatever a backward pass under check may raise
        return f"it raised {raised(error)}"


def _reentrant(subject: Subject, v: Array, first: Gradients) -> str:
    for name, a, b in zip(subject.names, first, subject.gradients(v), strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            return (
                f"backward gave another gradient of {name} the second time, for the same values "
                f"(largest difference {np.abs(a - b).max():.2e}): is something drawn at random, or "
                "kept from the first call?"
            )
    return ""


def _zero(subject: Subject, v: Array) -> str:
    for name, g in zip(subject.names, subject.gradients(np.zeros_like(v)), strict=True):
        if np.any(g != 0):
            return (
                f"for dy = 0 the gradient of {name} must be 0, for dy is a factor of all of it; "
                f"it is {np.abs(g).max():.2g}"
            )
    return ""


def _linear(
    subject: Subject, v: Array, first: Gradients, rng: np.random.Generator, noise: list[float]
) -> str:
    w = np.asarray(rng.standard_normal(v.shape))
    of_w, of_sum = subject.gradients(w), subject.gradients(np.asarray(2 * v + w))
    for name, a, b, c, least in zip(subject.names, first, of_w, of_sum, noise, strict=True):
        size = RELATIVE * max(np.abs(b).max(initial=0), np.abs(c).max(initial=0))
        if np.abs(2 * a + b - c).max(initial=0) > 4 * least + size:
            return (
                f"the gradient of {name} for 2 dy + e is not twice that for dy plus that for e: "
                "dy must enter as a factor, without abs, clip, a comparison or a power of it"
            )
    return ""


def _layouts(subject: Subject, v: Array, first: Gradients, noise: list[float]) -> str:
    """The same values with other strides must give the same gradients.

    Code that refuses such arrays is not wrong: it is told in a note. PyTorch takes no negative
    strides, so there are two tries.
    """
    refusal: Exception | None = None
    for step in (-1, 1):
        try:
            grads = subject.gradients(v, layout=lambda a, step=step: strided(a, step))  # type: ignore[misc]
        except Exception as error:
            refusal = error
            continue
        for name, a, b, least in zip(subject.names, first, grads, noise, strict=True):
            if a.shape != b.shape or np.abs(a - b).max(initial=0) > least:
                return (
                    f"the same values in another order of memory (as of a transposed or reversed "
                    f"view) gave another gradient of {name}: does something read the memory "
                    'itself, with order="K", a view or strides?'
                )
        return ""
    if refusal is not None:
        subject.notes.append(
            "arrays that are views with gaps (x[::2], x.T) are refused, so the check used none: "
            f"{raised(refusal)}"
        )
    return ""


def strided(a: Array, step: int) -> Array:
    """Return equal values with the last axis outermost in memory, with gaps, perhaps backwards."""
    if a.ndim == 0:
        return a.copy()
    wide = np.zeros((2 * a.shape[-1] + 1, *a.shape[:-1]))
    view = np.moveaxis(wide[-2:0:-2] if step < 0 else wide[1:-1:2], 0, -1)
    view[...] = a
    return view
