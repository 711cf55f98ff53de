"""Steps on arrays that are no kernels, having no gradient: sums of gradients, optimisers' updates.

Each runs on the backend in use where that has a faster way, with the same results up to rounding.
"""

from __future__ import annotations

import sys

import numpy as np

from .backends import current_backend
from .reference import updates as reference
from .spec import Array

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
    return np.asarray(a + b)


def sgd(
    p: Array,
    g: Array,
    v: Array | None,
    first: bool,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    """Take a step of stochastic gradient descent in place: see `reference.updates.sgd`.

    p, g and v (None without momentum) agree in shape and dtype, else ValueError; at `first`, v is
    yet to be set.
    """
    if g.shape != p.shape or g.dtype != p.dtype:
        raise ValueError(_disagree(p, "gradient", g))
    if v is not None and (v.shape != p.shape or v.dtype != p.dtype):
        raise ValueError(_disagree(p, "velocity", v))
    options = (lr, momentum, dampening, weight_decay, nesterov)
    if _on_cpu(p) and p.flags.carray and (v is None or v.flags.carray):
        from .cpu import updates

        updates.sgd(p, g, v, first, *options)
    else:
        reference.sgd(p, g, v, first, *options)


def _disagree(p: Array, name: str, a: Array) -> str:
    return (
        f"SGD: a parameter is {p.dtype} of shape {p.shape}, its {name} {a.dtype} of shape "
        f"{a.shape}; they must agree"
    )
