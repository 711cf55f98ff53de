"""What the versions of convolution share."""

from __future__ import annotations

import numpy as np

from ...checks import Windows
from ...memory import zeros
from ...spec import Array
from ..machine.layout import plain
from ..machine.threads import parts

Gradients = tuple[Array | None, Array | None, Array | None]
Geometry = tuple[int, int, int, int, int, int]  # stride, padding, dilation; (height, width) each
SMALLEST_FLOPS = 1 << 19  # below that a thread costs more than it saves
PARTIAL_BYTES = 5 << 20  # of the partial sums of dw, all parts together


def geometry(win: Windows) -> Geometry:
    """Return the sizes that the loops of v1 and v2 need."""
    return (*win.stride, *win.padding, *win.dilation)


def smallest_images(win: Windows, w: Array) -> int:
    """Return how many images are worth a thread's while."""
    return SMALLEST_FLOPS // (2 * win.output[0] * win.output[1] * w.size) + 1


def weight_parts(n: int, nbytes: int, smallest: int = 1) -> int:
    """Return into how many parts the sum of dw over n images is cut, `nbytes` for each part."""
    return parts(n, smallest, max(1, min(16, PARTIAL_BYTES // max(1, nbytes))))


def filters_last(w: Array) -> Array:
    """(K, C/groups, R, S) → (R, S, C/groups, K)."""
    return plain(w.transpose(2, 3, 1, 0))


def new_output(x: Array, k: int, win: Windows, b: Array | None) -> Array:
    """Return y (N, P, Q, K), zero or b, for the products to be added to."""
    y = zeros((len(x), *win.output, k), x.dtype)
    if b is not None:
        y += b
    return y


def bias_gradient(dy: Array) -> Array:
    """Σ dy over images and pixels, in float64."""
    db: Array = dy.sum(axis=(0, 2, 3), dtype=np.float64).astype(dy.dtype)
    return db


def sum_parts(partial: Array) -> Array:
    """Add partial sums (parts, …) in order, in float64."""
    dw: Array = partial.sum(axis=0, dtype=np.float64).astype(partial.dtype)
    return dw
