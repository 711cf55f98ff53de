"""Optimiser steps and running statistics, in place."""

from __future__ import annotations

from ..spec import Array


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
    """g ← g + λ p;  v ← μ v + (1 - τ) g (v = g at `first`);  p ← p - lr v.

    With `nesterov`, p ← p - lr (g + μ v). Without momentum v is not used.
    """
    if weight_decay:
        g = g + p.dtype.type(weight_decay) * p
    if momentum and v is not None:
        if first:
            v[...] = g
        else:
            v *= p.dtype.type(momentum)
            v += p.dtype.type(1 - dampening) * g
        g = g + p.dtype.type(momentum) * v if nesterov else v
    p -= p.dtype.type(lr) * g


def running_statistics(
    running_mean: Array,
    running_var: Array,
    mean: Array,
    var: Array,
    count: int,
    momentum: float,
) -> None:
    """running ← (1 - momentum) running + momentum batch, with the unbiased variance."""
    for running, batch in ((running_mean, mean), (running_var, count / (count - 1) * var)):
        running *= 1 - momentum
        running += momentum * batch
