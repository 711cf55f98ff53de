"""Softmax and negative log-likelihood in one, so that neither can overflow.

forward    y[n] = -Σ_c q[n,c] log p[n,c],   p[n,c] = exp(logits[n,c]) / Σ_j exp(logits[n,j])
           q[n,c] = (1 - ε) [c = target[n]] + ε / C,   ε being label_smoothing
backward   dlogits[n,c] = (p[n,c] - q[n,c]) dy[n]
shapes     logits (N, C), target (N,) integers in [0, C) or ignore_index, y (N,)
ignored    y[n] = 0 and dlogits[n,:] = 0 where target[n] = ignore_index
numerics   log p = z - log Σ exp z with z = logits - max(logits): no exponent above 0

Versions
    v1  NumPy
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import on_gpu, require_same_device
from ..spec import Arguments, Array, Case, KernelSpec, versions

IGNORE = -100  # PyTorch's default


class CrossEntropySaved(NamedTuple):
    """What forward leaves for backward."""

    log_p: Array  # (N, C)
    target: Array  # (N,) integers
    label_smoothing: float
    ignore_index: int


def cross_entropy_forward_v1(
    logits: Array, target: Array, *, label_smoothing: float = 0.0, ignore_index: int = IGNORE
) -> tuple[Any, ...]:
    """Shift, then take logarithms: log p[n,c] = z[n,c] - log Σ_j exp z[n,j]."""
    z = logits - logits.max(axis=1, keepdims=True)  # (N, C) - (N, 1)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))  # (N, C) - (N, 1)
    ignored = target == ignore_index  # (N,)
    loss = -log_p[np.arange(len(target)), np.where(ignored, 0, target)]  # (N,): one of each row
    if label_smoothing:
        loss = (1 - label_smoothing) * loss - label_smoothing * log_p.mean(axis=1)  # (N,)
    loss[ignored] = 0
    return loss, log_p, target, label_smoothing, ignore_index


def cross_entropy_backward_v1(
    dy: Array,
    log_p: Array,
    target: Array,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE,
) -> Array:
    """∂y[n] / ∂logits[n,c] = p[n,c] - q[n,c], times dy[n]; q[n, target[n]] = 1 - ε (C - 1) / C."""
    ignored, p, c = target == ignore_index, np.exp(log_p), log_p.shape[1]  # (N,), (N, C)
    label = np.arange(len(target)), np.where(ignored, 0, target)
    d: Array = p - label_smoothing / c  # (N, C)
    d[label] = p[label] - (1 - label_smoothing * (c - 1) / c)
    d *= dy[:, None]  # (N, C) · (N, 1)
    d[ignored] = 0
    return d


def _check_forward(
    logits: Any, target: Any, *, label_smoothing: Any = 0.0, ignore_index: Any = IGNORE
) -> Arguments:
    logits = checks.floating("logits", logits, "(N, C)")
    target = checks.array("target", target)
    checks.no_zero_size("logits", logits, "N C")
    if target.dtype.kind not in "iu":
        raise TypeError(f"target: expected integer class labels, got {target.dtype}")
    checks.has_shape("target", target, logits.shape[:1], "one label per row of logits")
    require_same_device("logits", logits, target=target)
    smoothing = checks.real("label_smoothing", label_smoothing)
    if smoothing > 1:
        raise ValueError(f"label_smoothing: expected a share from 0 to 1, got {smoothing}")
    ignored = checks.integer("ignore_index", ignore_index, -(2**31))
    _check_range(target, logits, ignored)
    options = {"label_smoothing": smoothing, "ignore_index": ignored}
    return (logits, target.astype(np.intp)), options


def _check_range(target: Array, logits: Array, ignore_index: int) -> None:
    if on_gpu(target):
        return  # the answer would have to be waited for: the kernels write NaN for a wrong label
    unsigned = target.astype(np.uintp, copy=False)  # where -1 is a large number
    if unsigned.max(initial=0) < logits.shape[1]:
        return
    outside = np.flatnonzero((target < 0) | (target >= logits.shape[1]))
    if outside.size:
        outside = outside[target[outside] != ignore_index]
    if outside.size:
        i = int(outside[0])
        raise ValueError(
            f"target[{i}] is {target[i]}, but logits of shape {logits.shape} have classes 0 to "
            f"{logits.shape[1] - 1}, and ignore_index is {ignore_index}"
        )


def _check_backward(
    dy: Any,
    log_p: Array,
    target: Array,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE,
) -> None:
    require_same_device("log_p", log_p, target=target)
    _check_range(target, log_p, ignore_index)
    checks.upstream(dy, log_p, target.shape)


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, n: int, c: int, scale: float = 1.0, **options: Any) -> Case:
        logits = scale * rng.standard_normal((n, c))
        return Case(label, (logits, rng.integers(0, c, n)), options)

    return [
        case("small", 4, 5),
        case("one class", 3, 1),
        case("one row", 1, 10),
        case("empty batch", 0, 3),
        case("logits of ±1e4", 6, 4, 1e4),
        case("several chunks", 2000, 10),
        case("wide rows", 3, 2100, 5.0),
        case("label smoothing", 5, 6, label_smoothing=0.2),
        case("a class ignored", 9, 3, ignore_index=1),
        case("both", 40, 4, 3.0, label_smoothing=0.1, ignore_index=0),
        case("all smoothing", 3, 5, label_smoothing=1.0),
        Case("no label", (rng.standard_normal((4, 3)), np.array([2, -100, -100, 0]))),
    ]


SPEC = KernelSpec(
    name="cross_entropy",
    formula="loss[n] = log(sum over c of exp(logits[n,c])) - logits[n, target[n]]; with "
    "label_smoothing a share of it goes to all classes, and rows of ignore_index have loss 0",
    inputs={"logits": "(N, C)", "target": "(N,) integers"},
    gradients={"dlogits": ("logits",)},
    values=("target",),
    saved=CrossEntropySaved,
    saved_values=("target",),
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda logits, target, **_options: 5 * logits.size,
    bytes=lambda logits, target, **_options: 2 * logits.nbytes,
)
VERSIONS = versions(__doc__, (cross_entropy_forward_v1, cross_entropy_backward_v1))
