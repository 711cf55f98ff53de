"""Activations: functions of each element, and softmax along a dimension."""

from __future__ import annotations

from .. import ops
from ..tensor import Tensor
from .kernels import require_tensor


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """x - log(sum(exp(x))) along `dim`, without overflow."""
    ops.require_float(require_tensor("x", x), "log_softmax")
    shifted = x - x.detach().max(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`, without overflow."""
    ops.require_float(require_tensor("x", x), "softmax")
    return log_softmax(x, dim).exp()
