"""Optimiser steps in place, one pass over each parameter."""

from __future__ import annotations

from ..spec import Array
from .jit import jit_in_order
from .layout import plain
from .threads import run

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@jit_in_order
def _sgd(lo: int, hi: int, p: Array, g: Array, v: Array, options: tuple[float, ...], first: bool,
         nesterov: bool) -> None:  # fmt: skip
    lr, momentum, dampening, decay = options
    one = p.dtype.type(1)
    rate, mu, keep, rot = (
        p.dtype.type(lr),
        p.dtype.type(momentum),
        one - p.dtype.type(dampening),
        p.dtype.type(decay),
    )
    p_part, g_part = p[lo:hi], g[lo:hi]
    if momentum == 0:
        for j in range(p_part.size):
            p_part[j] -= rate * (g_part[j] + rot * p_part[j])
        return
    v_part = v[lo:hi]
    for j in range(p_part.size):
        d = g_part[j] + rot * p_part[j]
        u = d if first else mu * v_part[j] + keep * d
        v_part[j] = u
        p_part[j] -= rate * (d + mu * u if nesterov else u)


def sgd(
    p: Array,
    g: Array,
    v: Array | None,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    """p and v, C-contiguous arrays, take the step of `reference.updates.sgd`."""
    options = (float(lr), float(momentum), float(dampening), float(weight_decay))
    flat = p.reshape(-1)
    velocity = flat if v is None else v.reshape(-1)  # not used without momentum
    args = (flat, plain(g).reshape(-1), velocity, options, first, nesterov)
    run(_sgd, p.size, *args, smallest=SMALLEST)
