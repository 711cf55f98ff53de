"""Dropout: noise that trains a net not to rely on single features."""

from __future__ import annotations

import numpy as np

from minires_kernels.arrays import to_device_of

from .. import ops
from ..random import generator
from ..tensor import Tensor


def dropout(
    x: Tensor,
    p: float = 0.5,
    training: bool = True,
    rng: np.random.Generator | int | None = None,
) -> Tensor:
    """Zero each element with probability p and scale the others by 1 / (1 - p), in training only.

    The mask comes from `rng`, by default the generator of `minires.manual_seed`; it is drawn in
    NumPy's memory and moved to where x is, so that a seed means the same everywhere.
    """
    ops.require_float(x, "dropout")
    if not 0 <= p < 1:
        raise ValueError(f"dropout: expected 0 <= p < 1, got {p}")
    if not training or p == 0:
        return x
    kept = generator(rng).random(x.shape) >= p
    return x * Tensor(to_device_of(kept.astype(x.dtype) / x.dtype.type(1 - p), x.data))
