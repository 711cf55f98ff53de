"""Softmax and negative log-likelihood in one, so that neither can overflow.

forward    y[n] = -log p[n, target[n]],   p[n,c] = exp(logits[n,c]) / Σ_j exp(logits[n,j])
backward   dlogits[n,c] = (p[n,c] - [c = target[n]]) dy[n]
shapes     logits (N, C), target (N,) integers in [0, C), y (N,)
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


class CrossEntropySaved(NamedTuple):
    """What forward leaves for backward."""

    log_p: Array  # (N, C)
    target: Array  # (N,) integers


def cross_entropy_forward_v1(logits: Array, target: Array) -> tuple[Any, ...]:
    """Shift, then take logarithms: log p[n,c] = z[n,c] - log Σ_j exp z[n,j]."""
    z = logits - logits.max(axis=1, keepdims=True)  # (N, C) - (N, 1)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))  # (N, C) - (N, 1)
    return -log_p[np.arange(len(target)), target], log_p, target  # (N,): one of each row


def cross_entropy_backward_v1(dy: Array, log_p: Array, target: Array) -> Array:
    """∂y[n] / ∂logits[n,c] = p[n,c] - [c = target[n]], times dy[n]."""
    d = np.exp(log_p)  # p, (N, C)
    d[np.arange(len(target)), target] -= 1
    return d * dy[:, None]  # (N, C) · (N, 1)


def _check_forward(logits: Any, target: Any) -> Arguments:
    logits = checks.floating("logits", logits, "(N, C)")
    target = checks.array("target", target)
    checks.no_zero_size("logits", logits, "N C")
    if target.dtype.kind not in "iu":
        raise TypeError(f"target: expected integer class labels, got {target.dtype}")
    checks.has_shape("target", target, logits.shape[:1], "one label per row of logits")
    require_same_device("logits", logits, target=target)
    _check_range(target, logits)
    return (logits, target.astype(np.intp)), {}


def _check_range(target: Array, logits: Array) -> None:
    if on_gpu(target):
        return  # the answer would have to be waited for: the kernels write NaN for a wrong label
    outside = np.flatnonzero((target < 0) | (target >= logits.shape[1]))
    if outside.size:
        i = int(outside[0])
        raise ValueError(
            f"target[{i}] is {target[i]}, but logits of shape {logits.shape} have classes 0 to "
            f"{logits.shape[1] - 1}"
        )


def _check_backward(dy: Any, log_p: Array, target: Array) -> None:
    require_same_device("log_p", log_p, target=target)
    _check_range(target, log_p)
    checks.upstream(dy, log_p, target.shape)


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, n: int, c: int, scale: float = 1.0) -> Case:
        logits = scale * rng.standard_normal((n, c))
        return Case(label, (logits, rng.integers(0, c, n)))

    return [
        case("small", 4, 5),
        case("one class", 3, 1),
        case("one row", 1, 10),
        case("empty batch", 0, 3),
        case("logits of ±1e4", 6, 4, 1e4),
        case("several chunks", 2000, 10),
    ]


SPEC = KernelSpec(
    name="cross_entropy",
    formula="loss[n] = log(sum over c of exp(logits[n,c])) - logits[n, target[n]]",
    inputs={"logits": "(N, C)", "target": "(N,) integers"},
    gradients={"dlogits": ("logits",)},
    saved=CrossEntropySaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda logits, target: 5 * logits.size,
    bytes=lambda logits, target: 2 * logits.nbytes,
)
VERSIONS = versions(__doc__, (cross_entropy_forward_v1, cross_entropy_backward_v1))
