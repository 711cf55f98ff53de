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
    return _dropped("dropout", x, x.shape, p, training, rng)


def dropout2d(
    x: Tensor,
    p: float = 0.5,
    training: bool = True,
    rng: np.random.Generator | int | None = None,
) -> Tensor:
    """Zero whole channels of images (N, C, H, W) with probability p each, as `dropout` otherwise.

    Neighbouring pixels tell what a single one hides. Tompson et al. 2015 (1411.4280), section 3.2.
    """
    ops.require_float(x, "dropout2d")
    if x.ndim != 4:
        raise ValueError(f"dropout2d: expected shape (N, C, H, W), got {x.shape}")
    return _dropped("dropout2d", x, (*x.shape[:2], 1, 1), p, training, rng)


def _dropped(
    who: str,
    x: Tensor,
    shape: tuple[int, ...],
    p: float,
    training: bool,
    rng: np.random.Generator | int | None,
) -> Tensor:
    """Multiply x by a mask of the shape, 0 or 1 / (1 - p)."""
    if not 0 <= p < 1:
        raise ValueError(f"{who}: expected 0 <= p < 1, got {p}")
    if not training or p == 0:
        return x
    kept = generator(rng).random(shape) >= p
    return x * Tensor(to_device_of(kept.astype(x.dtype) / x.dtype.type(1 - p), x.data))
