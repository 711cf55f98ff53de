"""Functions that only rearrange."""

from __future__ import annotations

from .. import ops
from ..tensor import Tensor
from .kernels import require_tensor


def flatten(x: Tensor, start_dim: int = 0) -> Tensor:
    """Merge the dimensions from `start_dim` on into one."""
    return ops.flatten(require_tensor("x", x), start_dim)
