"""What a wrong gradient looks like beside the numeric one: facts, and the mistakes they betray.

Each test looks for the mark that one kind of mistake leaves; the first that matches speaks. A mark
that several kinds leave is told as a fact, under the family "fact", which names no mistake. What
the terms of the source say (`diagnosis/terms.py`) is better than any mark, and comes instead of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..tensor import Array
from .diagnosis.said import sentences
from .edits.tables import (
    DETACHED,
    FINITE,
    FLIP,
    MASK,
    PADDING,
    SCALE,
    SIGN,
    TERM,
    TRANSPOSED,
    UPSTREAM,
)  # fmt: skip
from .normalisation import of_normalisation
from .numeric import Comparison
from .report import FAIL, VACUOUS, GradcheckReport
from .subject import Subject

Hint = tuple[str, str]  # family (one of the words of `edits/tables.py`, or a fact), sentence

FACT = "fact"
MOST_SUBSTITUTED = 4  # tensors; with more, trying the others' flips takes too many evaluations
SPOILED = ("inputs unmodified", "upstream unmodified", "saved unmodified", "reentrant")


def find(
    subject: Subject, v: Array, found: Sequence[Comparison], report: GradcheckReport
) -> list[Hint]:
    """Return a hint per tensor that is vacuous or whose difference bears a known mark."""
    hints: list[Hint] = []
    failed = [row.tensor for row in report.rows if row.verdict == FAIL]
    spoiled = any(name in report.hygiene for name in SPOILED)
    said = sentences(subject, v, found, failed) if failed and not spoiled else {}
    for t, (c, row) in enumerate(zip(found, report.rows, strict=True)):
        if row.verdict == VACUOUS:
            hints.append(("vacuous", _vacuous(c.name)))
        if row.verdict != FAIL or spoiled:
            continue  # what was written over explains any difference: hygiene tells
        usable = np.isfinite(c.analytic).all() and c.analytic.any()
        terms = said.get(c.name, []) if usable else []
        if not any(family != FACT for family, _ in terms) and (hint := _tensor(subject, v, t, c)):
            terms = [hint] if hint[0] != FACT or not terms else terms
        hints += terms
    finite = all(np.isfinite(c.analytic).all() for c in found)
    if "zero upstream" in report.hygiene and finite:
        text = "backward does not multiply by dy everywhere: it gives a gradient also for dy = 0"
        hints = [(UPSTREAM, text), *(h for h in hints if h[0] not in (SCALE, FACT))]
    return hints


def _vacuous(name: str) -> str:
    return (
        f"{name}: zero on both sides, so nothing was checked. If that is right (a bias before "
        f"batch norm changes nothing, nor does a shift before softmax), pass expect_zero=[{name!r}]"
    )


def _tensor(subject: Subject, v: Array, t: int, c: Comparison) -> Hint | None:
    a, n = c.analytic, c.numeric
    known = ~np.isnan(n)
    if not known.any():
        return None
    if not np.isfinite(a).all():
        return FINITE, f"{c.name}: the gradient is NaN or infinite: a division by zero?"
    if np.all(a == 0):
        return FACT, f"{c.name}: backward returns zeros"
    if (np.abs(n[known]) <= c.bound[known]).all():
        text = f"{c.name}: the output does not change with it; is forward piecewise constant?"
        return FACT, f"{text} (round, a comparison, argmax have no gradient to check)"
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
        if hint := of_normalisation(c, a, n, v, subject):
            return hint
        for shape_test in (_shifted, _moved, _unvisited, _border, _mask):
            if hint := shape_test(c, a, n, subject):
                return hint
    return None


def _few_wrong(c: Comparison) -> Hint:
    """Return the hint for right elements with a wrong sum: the wrong ones were not looked at."""
    if c.evaluated < c.numeric.size:
        return (
            FACT,
            f"{c.name}: the sampled elements are right, a direction is not: few are wrong; raise "
            "max_elements to find them",
        )
    if c.kinks:
        return (
            MASK,
            f"{c.name}: single elements are right but their sum is not: at ties every winner gets "
            "the whole gradient; give it to one of them",
        )
    return FACT, f"{c.name}: single elements are off by a little that adds up in their sum"


def _close(a: Array, b: Array, rtol: float = 1e-4) -> bool:
    scale = max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))
    return bool(np.abs(a - b).max(initial=0) <= rtol * scale)


def _sign(c: Comparison, a: Array, n: Array, known: Array, v: Array, s: Subject) -> Hint | None:
    if _close(a[known], -n[known]):
        return SIGN, f"{c.name}: analytic = -numeric: a sign is wrong"
    return None


def _constant(c: Comparison, a: Array, n: Array, known: Array, v: Array, s: Subject) -> Hint | None:
    """Return a hint if a = factor · n, and name the size that the factor equals."""
    weight = float(np.sum(n[known] ** 2))
    factor = float(np.sum(a[known] * n[known])) / weight if weight else math.nan
    if not math.isfinite(factor) or abs(factor) < 1e-12 or not _close(a[known], factor * n[known]):
        return None
    text = f"{c.name}: analytic = {factor:.5g} × numeric"
    if known.sum() < 3:
        return None  # of one element, every wrong value is a factor
    for name, size in _sizes(s, v):
        if size > 1 and math.isclose(factor, size, rel_tol=1e-5):
            return SCALE, f"{text}: {name} = {size}; is a 1/{size} missing (a mean, an area)?"
        if size > 1 and math.isclose(factor, 1 / size, rel_tol=1e-5):
            return SCALE, f"{text}: {name} = {size}; a mean where a sum belongs?"
    return FACT, text


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
        return TRANSPOSED, f"{c.name}: analytic = numericᵀ: a transpose is missing or too many"
    if n.ndim == 4 and known.all():
        if _close(a, n[:, :, ::-1, ::-1]):
            return FLIP, f"{c.name}: analytic is the numeric gradient rotated by 180°"
        if n.shape[0] == n.shape[1] and _close(a, n.swapaxes(0, 1)):
            return TRANSPOSED, f"{c.name}: the two channel axes are exchanged"
    return None


def _missing_path(
    c: Comparison, a: Array, n: Array, known: Array, v: Array, s: Subject
) -> Hint | None:
    """Return a hint if the gradient lacks, or consists only of, what an addition passes on."""
    if n.shape != v.shape or not known.all():
        return None
    if _close(a, v):
        return FACT, f"{c.name}: the gradient is dy, unchanged: right if y were {c.name} + constant"
    if _close(n - a, v) and not _close(a, -v):
        return (
            DETACHED,
            f"{c.name}: the difference is dy itself: the path that passes dy on unchanged (a skip) "
            "is missing; add the paths up, do not overwrite",
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
            changes.append((FLIP, "rotated by 180°: the kernel is not flipped", flipped))
            if b.shape[0] == b.shape[1]:
                text = "with its channel axes exchanged"
                changes.append((TRANSPOSED, text, b.swapaxes(0, 1)))
                both = flipped.swapaxes(0, 1)
                changes.append((FLIP, "rotated by 180° and with its channels exchanged", both))
        elif b.shape[0] == b.shape[1]:
            changes.append((TRANSPOSED, "transposed", b.T))
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
    softmax = _close(a.sum(axis=1), v)  # its rows add up to 1
    if softmax and (wrong.sum(axis=1) == 1).all() and _close(np.abs(error[wrong]), np.abs(v)):
        return (
            TERM,
            f"{c.name}: one element per row is off by dy: the target's one-hot is missing",
        )
    return None


def _border(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Are only the outermost rows or columns wrong?"""
    if n.ndim != 4 or min(n.shape[2:]) < 4:
        return None
    wrong = np.abs(a - n) > 1e-4 * np.abs(n).max()
    if wrong.any() and not wrong[:, :, 1:-1, 1:-1].any():
        return PADDING, f"{c.name}: only the border is wrong: check padding and edge windows"
    return None


def _unvisited(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Are whole rows or columns zero that should not be?"""
    if n.ndim < 2:
        return None
    for axis in range(n.ndim):
        rest = tuple(i for i in range(n.ndim) if i != axis)
        empty = (np.abs(a).max(axis=rest) == 0) & (np.abs(n).max(axis=rest) > 0)
        if empty.any():
            where = [int(i) for i in np.flatnonzero(empty)]
            text = f"{c.name}: index {', '.join(map(str, where))} of axis {axis} is never written"
            dense = (n != 0).mean() > 0.5
            last = where == list(range(n.shape[axis] - len(where), n.shape[axis]))
            if n.ndim == 4 and axis > 1 and dense and last:
                return PADDING, f"{text}: a stride's remainder, or an offset"
            return FACT, f"{text}, but its gradient is not zero"
    return None


def _shifted(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Is the gradient right but for a shift of the image?"""
    for axis in (2, 3) if n.ndim == 4 else ():
        for shift in (-2, -1, 1, 2):
            if n.shape[axis] > abs(shift) + 1:
                inner = [slice(None)] * 4
                inner[axis] = slice(max(0, shift), n.shape[axis] + min(0, shift))
                if _close(a[tuple(inner)], np.roll(n, shift, axis)[tuple(inner)]):
                    text = f"{c.name}: shifted by {shift} along axis {axis}: a padding offset"
                    return PADDING, text
    return None


def _moved(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Are the values right, but at other places?"""
    ours, theirs = np.sort(a, axis=None), np.sort(n, axis=None)
    if n.size < 4 or not _close(ours, theirs, 1e-6):
        return None
    if (n == 0).mean() > 0.3:
        return (
            MASK,
            f"{c.name}: the same values arrive at other places: the winners (argmax, a mask, an "
            "index) are not those of the forward pass",
        )
    return FACT, f"{c.name}: the same values in another order (a reshape, a transpose, a flip?)"


def _mask(c: Comparison, a: Array, n: Array, s: Subject) -> Hint | None:
    """Are some elements exactly right and the others open where closed, or the reverse?"""
    scale = np.abs(n).max()
    right = np.abs(a - n) <= 1e-4 * scale
    if not 0.02 < right.mean() < 1:
        return None
    wrong = ~right
    closed, opened = (a == 0)[wrong], (np.abs(n) <= 1e-8 * scale)[wrong]
    if not (closed | opened).all():
        return None
    what = "zero that should not be" if closed.all() else "not zero that should be"
    if not closed.all() and not opened.all():
        what = "zero that should not be, and the reverse"
    text = f"{c.name}: the rest is right, but {int(wrong.sum())} elements are {what}"
    return (MASK if (n == 0).any() and opened.any() else FACT), text
