"""Losses, each with the reductions "mean", "sum" and "none"."""

from __future__ import annotations

from typing import Literal

import numpy as np

from minires_kernels.arrays import on_gpu, require_same_device

from .. import ops
from ..tensor import Array, Tensor
from .kernels import CrossEntropy, require_tensor


def cross_entropy(
    input: Tensor,
    target: Tensor | Array,
    reduction: Literal["mean", "sum", "none"] = "mean",
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
) -> Tensor:
    """-Σ_c q_c log softmax(input)_c: input (N, C), target (N,) integers in [0, C).

    q is 1 at the target and 0 elsewhere; `label_smoothing` ε spreads it, (1 - ε) q + ε / C
    (Szegedy et al. 2016, §7). Rows whose target is `ignore_index` have loss 0, and "mean" is that
    of the other rows; `reduction` "none" returns the N losses. Stable for all finite logits.
    Raises ValueError where "mean" has no row left (on a GPU it is NaN: nobody waits for the count).
    """
    losses = CrossEntropy.apply(
        input, target, label_smoothing=label_smoothing, ignore_index=ignore_index
    )
    kept = _kept(target, ignore_index) if reduction == "mean" else None
    return _reduce(losses, reduction) if kept is None else losses.sum() / kept


def _kept(target: Tensor | Array, ignore_index: int) -> Tensor | int | None:
    """Return how many labels are not ignored, None for all of them."""
    labels = ops.values(target)
    if on_gpu(labels):  # counted there
        return Tensor((labels != ignore_index).sum()) if labels.size else None
    ignored = int(np.count_nonzero(labels == ignore_index))
    if not ignored:
        return None
    if ignored == labels.size:
        raise ValueError(
            f"cross_entropy: all {ignored} labels are ignore_index ({ignore_index}), and a mean of "
            'nothing is not defined; skip this batch, or use reduction="sum"'
        )
    return int(labels.size) - ignored


def mse_loss(
    input: Tensor, target: Tensor | Array, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """(input - target)², for equal shapes."""
    ops.require_float(require_tensor("input", input), "mse_loss")
    if not hasattr(target, "shape"):
        raise TypeError(f"target: expected a Tensor or an array, got {type(target).__name__}")
    if input.shape != target.shape:
        raise ValueError(f"mse_loss: input {input.shape} and target {target.shape} differ in shape")
    require_same_device("input", input.data, target=ops.values(target))
    d = input - target
    return _reduce(d * d, reduction)


def _reduce(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction: expected 'mean', 'sum' or 'none', got {reduction!r}")
