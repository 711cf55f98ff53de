"""The verdict on one tensor: the rule by which analytic and numeric derivatives are compared.

Each compared element has a numeric derivative n and a bound b on the error of |a - n|: what the
differences may be wrong by, and the rounding of a. There is no tolerance to tune:

wrong      |a - n| > b + 1e-8 max(|a|, |n|) (+ rtol max(|a|, |n|), if the caller allows it)
blind      b > 1e-4 max(|a|, |n|) although not both are 0: an error of this size could hide
zero       |n| <= b and |a| <= b / 1000, or all of a is no larger than its own rounding

FAIL       an element or a direction is wrong, or a is not finite where a derivative exists
UNDECIDED  differences cannot decide; `reason` says why: nothing could be compared, or less than 1
           in 20 of the elements; or more than 1 in 10 are blind and b is not small beside the
           largest element either; or estimates at several steps contradict each other; or a lies
           outside of the slopes of both sides of a kink; or an element is wrong by less than the
           last digit of the tensor's largest
VACUOUS    all that was compared is zero on both sides, and the caller did not expect it
PASS       the rest. Elements at kinks are left out and counted
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np

from ..tensor import Array
from .differences import AGREE
from .noise import EPS
from .numeric import Comparison
from .report import FAIL, PASS, UNDECIDED, VACUOUS, Row

SEEN = 1e-4  # relative errors that a check should not miss
BESIDE = 1e-6  # of the largest derivative of the tensor
NOTABLE = 1e-3  # of the largest derivative; shown in preference to smaller ones that agree
MOST_BLIND = 0.1
LEAST_COMPARED = 0.05


def judge(c: Comparison, rtol: float, expect_zero: bool | Collection[str]) -> Row:
    """Return the row of one tensor: its verdict, and the element that decided it."""
    row = Row(c.name, c.numeric.shape, 0, 0, c.numeric.size, c.kinks)
    checked = ~np.isnan(c.numeric)
    where = [_index(i) for i in np.argwhere(checked)] + [x.label for x in c.along]
    a = np.concatenate([c.analytic[checked], [x.analytic for x in c.along]])
    n = np.concatenate([c.numeric[checked], [x.numeric for x in c.along]])
    b = np.concatenate([c.bound[checked], [x.bound for x in c.along]])
    row.checked, row.directions = int(checked.sum()), len(c.along)
    elements = slice(0, row.checked)
    expected = expect_zero is True or (not isinstance(expect_zero, bool) and c.name in expect_zero)
    if c.numeric.size == 0:
        return row
    if a.size == 0:
        row.verdict, row.reason = _nothing(c)
        return row
    larger = np.maximum(np.abs(a), np.abs(n))
    with np.errstate(all="ignore"):
        excess = np.abs(a - n) / (b + (AGREE + rtol) * larger + 1e-300)
    excess[~np.isfinite(a)] = np.inf
    doubtful = (excess > 1) & (np.abs(a - n) <= b + EPS * np.abs(c.analytic).max(initial=0))
    excess[doubtful] = 1.0
    _show(row, a, n, b, excess, where)
    zero = _zero(c, a, n, b)
    blind = (b > SEEN * larger) & ~zero
    row.undecided = int((blind | doubtful)[elements].sum()) + c.rough + c.outside
    if (excess > 1).any() or not np.isfinite(c.analytic[checked]).all():
        row.verdict = FAIL
    elif zero.all():
        row.verdict = PASS if expected else VACUOUS
    elif expected and not blind.all():
        row.verdict, row.reason = FAIL, "zero was expected"
    else:
        row.reason = _undecided(c, row, blind & (b > BESIDE * larger.max()), zero)
        if doubtful.any() and not row.reason:
            row.reason = (
                f"the gradient at {where[int(np.argmax(doubtful))]} is not what differences say, "
                "but by less than the last digit of the largest one: is it rounding?"
            )
        row.verdict = UNDECIDED if row.reason else PASS
    return row


def _zero(c: Comparison, a: Array, n: Array, b: Array) -> Array:
    """Return which derivatives are zero on both sides, or nothing but rounding errors."""
    small = 1e-3 * b
    if np.abs(c.analytic).max(initial=0) <= 16 * c.rounding.max(initial=0):
        small = b  # all of the gradient is what rounding leaves of a zero
    return np.asarray((np.abs(n) <= b) & (np.abs(a) <= small))


def _nothing(c: Comparison) -> tuple[str, str]:
    """Return the verdict where no derivative could be compared, and why."""
    if c.kinks == c.evaluated:
        return UNDECIDED, (
            f"all {c.kinks} elements lie at a kink or at the edge of the domain, where there is no "
            "derivative; move the inputs away from it (no zeros before ReLU, no ties before a "
            "maximum)"
        )
    return UNDECIDED, (
        "differences at several steps contradict each other; is the forward pass smooth, and a "
        "function of its inputs only?"
    )


def _undecided(c: Comparison, row: Row, blind: Array, zero: Array) -> str:
    """Return why the comparison does not decide, or ""."""
    if c.outside:
        return (
            f"{c.outside} of {c.kinks} elements at a kink are not between the slopes of its two "
            "sides; move the inputs away from the kink"
        )
    if c.kinks + c.rough and row.checked < LEAST_COMPARED * c.evaluated:
        return f"only {row.checked} of {c.evaluated} elements do not lie at a kink; move the inputs"
    compared = blind[: row.checked] if row.checked else blind
    count = int((~zero[: compared.size]).sum())
    if int(compared.sum()) > MOST_BLIND * max(count, 1):
        return (
            f"the outputs are rounded so coarsely that {int(compared.sum())} of {count} "
            f"derivatives are known to less than 4 digits; give inputs and outputs of similar size"
        )
    if c.rough:
        return (
            f"for {c.rough} of {c.evaluated} elements differences at several steps contradict each "
            "other; is the forward pass smooth there?"
        )
    return ""


def _show(row: Row, a: Array, n: Array, b: Array, excess: Array, where: list[str]) -> None:
    """Put the worst element into the row; an entry says more than a direction."""
    larger = np.maximum(np.abs(a), np.abs(n))
    scale = np.empty(a.size)
    scale[: row.checked] = np.abs(n[: row.checked]).max(initial=0)
    sums = np.abs(n[row.checked :]).max(initial=0)
    scale[row.checked :] = max(sums, float(np.linalg.norm(n[: row.checked])))
    shown = (excess > 1) | (larger > NOTABLE * scale)
    if (excess[: row.checked] > 1).any():
        shown[row.checked :] = False
    with np.errstate(all="ignore"):
        relative = np.where(larger > 0, np.abs(a - n) / larger, 0.0)
    relative[~np.isfinite(relative)] = np.inf
    wrong = excess > 1
    worst = int(np.argmax(np.where(shown, relative + (np.where(wrong, 1e6, 0)), -1)))
    row.rel, row.where = float(relative[worst]), where[worst]
    row.analytic, row.numeric, row.bound = float(a[worst]), float(n[worst]), float(b[worst])
    large = np.abs(n) > NOTABLE * scale
    ratio = float(np.median(a[large] / n[large])) if large.any() else math.nan
    row.ratio = ratio if math.isfinite(ratio) else None


def _index(i: Array) -> str:
    return "(" + ", ".join(str(int(k)) for k in i) + ")"
