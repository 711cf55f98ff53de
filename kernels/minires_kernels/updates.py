"""Steps on arrays that are no kernels, having no gradient: sums of gradients, optimisers' updates.

Each runs on the backend in use where that has a faster way, with the same results up to rounding.
"""

from __future__ import annotations

import sys

from .backends import current_backend
from .reference import updates as reference
from .spec import Array

Move = tuple[Array, Array, Array | None, bool]
LARGE = 1 << 12  # elements; for fewer, the cpu backend is not worth being loaded


def _on_cpu(a: Array) -> bool:
    return (
        current_backend() == "cpu"
        and a.dtype.char in "fd"
        and (a.size >= LARGE or "minires_kernels.cpu" in sys.modules)
    )


def add(a: Array, b: Array, owned: bool = False) -> Array:
    """Return a + b, of equal shapes and types; in the memory of `a` if nobody else refers to it."""
    if _on_cpu(a):
        from .cpu import accumulate

        return accumulate.add(a, b, owned)
    return a + b


def sgd(
    moves: list[Move],
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    """Take a step of stochastic gradient descent in place: see `reference.updates.sgd`.

    Each move is a parameter, its gradient, its velocity (None without momentum), and whether the
    velocity is yet to be set.
    """
    options = (lr, momentum, dampening, weight_decay, nesterov)
    for p, g, v, first in moves:
        if _on_cpu(p) and p.flags.carray and (v is None or v.flags.carray) and p.dtype == g.dtype:
            from .cpu import updates

            updates.sgd(p, g, v, first, *options)
        else:
            reference.sgd(p, g, v, first, *options)
