"""Guesses at the mistake behind a wrong gradient, from how it differs from the numeric one.

Each test looks for the mark that one kind of mistake leaves. The order is from the specific to the
general, and the first that matches speaks; the words are a suspicion, not a proof.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..tensor import Array
from .numeric import Comparison
from .report import FAIL, VACUOUS, GradcheckReport
from .subject import Subject

Hint = tuple[str, str]  # family, sentence

MOST_SUBSTITUTED = 4  # tensors; with more, trying the others' flips takes too many evaluations


def find(
    subject: Subject, v: Array, found: Sequence[Comparison], report: GradcheckReport
) -> list[Hint]:
    """Return a hint per tensor that is vacuous or whose difference bears a known mark."""
    hints: list[Hint] = []
    for t, (c, row) in enumerate(zip(found, report.rows, strict=True)):
        if row.verdict == VACUOUS:
            text = (
                f"{c.name}: zero on both sides, so nothing was checked (the sum of a normalised x "
                "is constant, for one); weigh the output at random, or pass expect_zero"
            )
            hints.append(("vacuous", text))
        if row.verdict == FAIL and (hint := _tensor(subject, v, t, c)):
            hints.append(hint)
    finite = all(np.isfinite(c.analytic).all() for c in found)
    if "zero upstream" in report.hygiene and finite:
        text = "backward does not multiply by dy everywhere: it gives a gradient also for dy = 0"
        hints.insert(0, ("upstream", text))
    return hints


def _tensor(subject: Subject, v: Array, t: int, c: Comparison) -> Hint | None:
    a, n = c.analytic, c.numeric
    known = ~np.isnan(n)
    if not known.any():
        return None
    if not np.isfinite(a).all():
        return "not finite", f"{c.name}: the gradient is NaN or infinite: a division by zero?"
    if np.all(a == 0):
        return "zero", f"{c.name}: backward returns zeros"
    if _close(a[known], n[known]):
        return _few_wrong(c)
    for test in (_sign, _constant, _transposed, _missing_path):
        if hint := test(c, a, n, known, v, subject):
            return hint
    if known.all():
        if len(subject.arrays) <= MOST_SUBSTITUTED and (hint := _substituted(subject, v, t, c)):
            return hint
        if hint := _one_hot(c, a, n, v):
            return hint
        for shape_test in (_normalisation, _unvisited, _border, _mask):
            if hint := shape_test(c, a, n, subject):
                return hint
    return None


def _few_wrong(c: Comparison) -> Hint:
    """Return the hint for right elements with a wrong sum: the wrong ones were not looked at."""
    if c.evaluated < c.numeric.size:
        return (
            "few wrong",
            f"{c.name}: the sampled elements are right, a direction is not: few are wrong; raise "
            "max_elements to find them",
        )
    if c.kinks:
        return (
            "ties",
            f"{c.name}: single elements are right but their sum is not: at ties every winner gets "
            "the whole gradient; give it to one of them",
        )
    return "few wrong", f"{c.name}: single elements are off by a little that adds up in their sum"


def _close(a: Array, b: Array, rtol: float = 1e-4) -> bool:
    scale = max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))
    return bool(np.abs(a - b).max(initial=0) <= rtol * scale)


def _sign(c: Comparison, a: Array, n: Array, known: Array, v: Array, s: Subject) -> Hint | None:
    if _close(a[known], -n[known]):
        return "sign", f"{c.name}: analytic = -numeric: a sign is wrong"
    return None


def _constant(c: Comparison, a: Array, n: Array, known: Array, v: Array, s: Subject) -> Hint | None:
    """Return a hint if a = factor · n, and name the size that the factor equals."""
    weight = float(np.sum(n[known] ** 2))
    factor = float(np.sum(a[known] * n[known])) / weight if weight else math.nan
    if not math.isfinite(factor) or abs(factor) < 1e-12 or not _close(a[known], factor * n[known]):
        return None
    text = f"{c.name}: analytic = {factor:.5g} × numeric"
    for name, size in _sizes(s, v):
        if size > 1 and math.isclose(factor, size, rel_tol=1e-3):
            return "factor", f"{text}: {name} = {size}; is a 1/{size} missing (a mean, an area)?"
        if size > 1 and math.isclose(factor, 1 / size, rel_tol=1e-3):
            return "factor", f"{text}: {name} = {size}; a mean where a sum belongs?"
    return "factor", f"{text}: a constant factor is wrong"


def _sizes(s: Subject, v: Array) -> list[tuple[str, int]]:
    """Return the sizes that wrong factors come from: axes, their products, ratios of sizes."""
    sizes: list[tuple[str, int]] = []
    for name, shape in [("y", v.shape), *zip(s.names, (a.shape for a in s.arrays), strict=True)]:
        sizes += [(f"axis {i} of {name}", n) for i, n in enumerate(shape)]
        if len(shape) == 4:
            sizes.append((f"height × width of {name}", shape[2] * shape[3]))
            sizes.append((f"N × height × width of {name}", shape[0] * shape[2] * shape[3]))
        sizes.append((f"the size of {name}", math.prod(shape)))
        if v.size and math.prod(shape) % v.size == 0:
            sizes.append(("the window's area", math.prod(shape) // v.size))
    return sizes


def _transposed(
    c: Comparison, a: Array, n: Array, known: Array, v: Array, s: Subject
) -> Hint | None:
    if n.ndim == 2 and n.shape[0] == n.shape[1] and known.all() and _close(a, n.T):
        return "transposed", f"{c.name}: analytic = numericᵀ: a transpose is missing or too many"
    if n.ndim == 4 and known.all():
        if _close(a, n[:, :, ::-1, ::-1]):
            return "flipped", f"{c.name}: analytic is the numeric gradient rotated by 180°"
        if n.shape[0] == n.shape[1] and _close(a, n.swapaxes(0, 1)):
            return "transposed", f"{c.name}: the two channel axes are exchanged"
    return None


def _missing_path(
    c: Comparison, a: Array, n: Array, known: Array, v: Array, s: Subject
) -> Hint | None:
    """Return a hint if the gradient lacks, or consists only of, what an addition passes on."""
    if n.shape != v.shape or not known.all():
        return None
    if _close(a, v) or _close(n - a, v):
        return (
            "missing path",
            f"{c.name}: the gradient of one of several paths is missing: add them up, do not "
            "overwrite",
        )
    return None


def _substituted(subject: Subject, v: Array, t: int, c: Comparison) -> Hint | None:
    """Would the gradient be right if another input were flipped or transposed? (linear in both)"""
    for other, b in enumerate(subject.arrays):
        if other == t or b.ndim not in (2, 4):
            continue
        changes: list[tuple[str, str, Array]] = []
        if b.ndim == 4:
            flipped = b[:, :, ::-1, ::-1]
            changes.append(("flipped", "rotated by 180°: the kernel is not flipped", flipped))
            if b.shape[0] == b.shape[1]:
                text = "with its channel axes exchanged"
                changes.append(("transposed", text, b.swapaxes(0, 1)))
                both = flipped.swapaxes(0, 1)
                changes.append(("flipped", "rotated by 180° and with its channels exchanged", both))
        elif b.shape[0] == b.shape[1]:
            changes.append(("transposed", "transposed", b.T))
        for family, text, changed in changes:
            arrays = list(subject.arrays)
            arrays[other] = np.ascontiguousarray(changed)
            if _close(c.analytic, _differences(subject, arrays, t, v)):
                return family, f"{c.name}: right for {subject.names[other]} {text}"
    return None


def _differences(subject: Subject, arrays: list[Array], t: int, v: Array) -> Array:
    """Return central differences of all elements of tensor t, at other values of the others."""
    x, out = arrays[t], np.empty(arrays[t].shape)
    for i in np.ndindex(*x.shape):
        values = []
        for h in (1e-5, -1e-5):
            moved = x.copy()
            moved[i] += h
            values.append(subject.value([*arrays[:t], moved, *arrays[t + 1 :]])[0])
        out[i] = np.sum(v * (values[0] - values[1])) / 2e-5
    return out


def _one_hot(c: Comparison, a: Array, n: Array, v: Array) -> Hint | None:
    """Is the error of each row the upstream, at one selected element?"""
    if n.ndim != 2 or v.shape != n.shape[:1] or n.shape[1] < 2:
        return None
    error = a - n
    wrong = np.abs(error) > 1e-4 * np.abs(v)[:, None]
    if (wrong.sum(axis=1) == 1).all() and _close(np.abs(error[wrong]), np.abs(v)):
        return (
            "one-hot",
            f"{c.name}: one element per row is off by dy: the target's one-hot is missing",
        )
    return None


def _normalisation(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Does the error lie in the span of 1 and x per channel, as BN's mean and variance terms do?"""
    if n.ndim not in (2, 4) or c.name not in s.names:
        return None
    x = s.arrays[s.names.index(c.name)]
    axes = (0, *range(2, n.ndim))
    centred = x - x.mean(axis=axes, keepdims=True)
    error = a - n
    mean = error.mean(axis=axes, keepdims=True)
    spread = (centred**2).sum(axis=axes, keepdims=True)
    slope = (error * centred).sum(axis=axes, keepdims=True) / np.where(spread > 0, spread, 1)
    if (
        n.shape[0] < 4
        or not np.abs(error - mean - slope * centred).max() < 1e-4 * np.abs(error).max()
    ):
        return None
    has_mean = np.abs(mean).max() > 1e-4 * np.abs(error).max()
    has_slope = np.abs(slope * centred).max() > 1e-4 * np.abs(error).max()
    what = "mean and variance terms" if has_mean and has_slope else "mean term"
    if has_slope and not has_mean:
        what = "variance term"
    return (
        "normalisation",
        f"{c.name}: the error is what the {what} of a normalisation contributes: missing, or "
        "with a wrong factor (the statistics depend on x too)",
    )


def _border(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Are only the outermost rows or columns wrong?"""
    if n.ndim != 4 or min(n.shape[2:]) < 4:
        return None
    wrong = np.abs(a - n) > 1e-4 * np.abs(n).max()
    if wrong.any() and not wrong[:, :, 1:-1, 1:-1].any():
        return "border", f"{c.name}: only the border is wrong: check padding and edge windows"
    return None


def _unvisited(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Are whole rows or columns zero that should not be? Or is the gradient shifted?"""
    if n.ndim < 2:
        return None
    for axis in range(n.ndim):
        rest = tuple(i for i in range(n.ndim) if i != axis)
        empty = (np.abs(a).max(axis=rest) == 0) & (np.abs(n).max(axis=rest) > 0)
        if empty.any():
            where = ", ".join(str(int(i)) for i in np.flatnonzero(empty))
            return (
                "stride or padding",
                f"{c.name}: index {where} of axis {axis} is never written: a stride's remainder, "
                "or an offset",
            )
    if n.ndim == 4:
        for axis in (2, 3):
            for shift in (-2, -1, 1, 2):
                if n.shape[axis] > abs(shift) + 1:
                    inner = [slice(None)] * 4
                    inner[axis] = slice(max(0, shift), n.shape[axis] + min(0, shift))
                    moved = np.roll(n, shift, axis)
                    if _close(a[tuple(inner)], moved[tuple(inner)]):
                        return (
                            "stride or padding",
                            f"{c.name}: shifted by {shift} along axis {axis}: a padding offset",
                        )
    return None


def _mask(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Are some elements exactly right and the others open where closed, or the reverse?"""
    scale = np.abs(n).max()
    right = np.abs(a - n) <= 1e-4 * scale
    if not 0.02 < right.mean() < 1:
        return None
    wrong = ~right
    n_zero, a_zero = np.abs(n) <= 1e-8 * scale, a == 0
    if (n_zero | a_zero)[wrong].all():
        return (
            "mask",
            f"{c.name}: elements are zero that should not be, or the reverse: the mask (of a ReLU, "
            "a window, a selection) is taken from the wrong array or is leaky",
        )
    return None
