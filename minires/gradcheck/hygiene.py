"""What a backward pass owes besides being right: leave arrays alone, repeat itself, be linear."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..tensor import Array
from .subject import Subject
from .wording import raised


def check(subject: Subject, v: Array, rng: np.random.Generator) -> dict[str, str]:
    """Return the failed checks by name, with what was seen."""
    failed = subject.conduct(v)
    first, again = subject.gradients(v), subject.gradients(v)
    for name, a, b in zip(subject.names, first, again, strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            failed["reentrant"] = (
                f"a second backward gave other bits for {name} "
                f"(largest difference {np.abs(a - b).max():.2e}); is something random or reused?"
            )
    _zero(subject, v, failed)
    _linear(subject, v, first, rng, failed)
    _layouts(subject, v, first, failed)
    return failed


def _zero(subject: Subject, v: Array, failed: dict[str, str]) -> None:
    for name, g in zip(subject.names, subject.gradients(np.zeros_like(v)), strict=True):
        if np.any(g != 0):
            failed["zero upstream"] = f"dy = 0 gave a gradient of {name} that is not 0"


def _linear(
    subject: Subject, v: Array, first: list[Array], rng: np.random.Generator, failed: dict[str, str]
) -> None:
    w = rng.standard_normal(v.shape)
    of_w, of_sum = subject.gradients(w), subject.gradients(np.asarray(2 * v + w))
    for name, a, b, c in zip(subject.names, first, of_w, of_sum, strict=True):
        size = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
        if np.abs(2 * a + b - c).max(initial=0) > 1e-9 * size + 1e-12 * float(np.linalg.norm(v)):
            failed["linear in dy"] = (
                f"backward(2 v + w) is not 2 backward(v) + backward(w) for {name}"
            )


def _layouts(subject: Subject, v: Array, first: list[Array], failed: dict[str, str]) -> None:
    """The same values with other strides must give the same gradients.

    Who refuses negative strides, as PyTorch does, is asked again without.
    """

    def strided(a: Array, backwards: bool) -> Array:
        """Return equal values with the last axis outermost in memory, with gaps."""
        if a.ndim == 0:
            return a.copy()
        wide = np.zeros((2 * a.shape[-1] + 1, *a.shape[:-1]))
        view = np.moveaxis(wide[-2:0:-2] if backwards else wide[1:-1:2], 0, -1)
        view[...] = a
        return view

    try:
        grads = subject.gradients(v, layout=partial(strided, backwards=True))
    except Exception:
        try:
            grads = subject.gradients(v, layout=partial(strided, backwards=False))
        except Exception as error:  # for contiguous inputs it ran
            failed["any memory order"] = f"inputs that are not contiguous raise {raised(error)}"
            return
    for name, a, b in zip(subject.names, first, grads, strict=True):
        noise = 1e-9 * np.abs(a).max(initial=0) + 1e-12 * float(np.linalg.norm(v))
        if a.shape != b.shape or np.abs(a - b).max(initial=0) > noise:
            failed["any memory order"] = f"strided inputs gave another gradient of {name}"
