"""Softmax and negative log-likelihood on the CPU, row by row.

forward    log p = z - log Σ exp z,  z = logits - max;  loss = -Σ q log p
backward   dlogits = (exp(log p) - q) · dy,  q = (1 - ε) onehot + ε / C
shapes     logits (N, C), target (N,), loss (N,)
threads    a thread owns rows
bytes      logits and log p once

Versions
    v1  three short loops over each row, which stays in the cache; the sum in float64
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..memory import empty
from ..reference.cross_entropy import IGNORE
from ..spec import Array, versions
from .machine.jit import jit
from .machine.layout import plain
from .machine.threads import run

SMALLEST = 1 << 13  # elements, an exponential each: below that a thread costs more than it saves


@jit
def _forward(
    lo: int,
    hi: int,
    logits: Array,
    target: Array,
    smoothing: float,
    ignore: int,
    log_p: Array,
    loss: Array,
) -> None:
    for n in range(lo, hi):
        row, out = logits[n], log_p[n]
        largest = row[0]
        for c in range(1, row.size):
            if row[c] > largest or row[c] != row[c]:  # a NaN makes the whole row NaN
                largest = row[c]
        total = 0.0
        for c in range(row.size):
            out[c] = row[c] - largest
            total += np.exp(out[c])
        log_total = np.log(total)
        for c in range(row.size):
            out[c] -= log_total
        if target[n] == ignore:
            loss[n] = 0
        elif smoothing == 0:
            loss[n] = -out[target[n]]
        else:
            total = 0.0
            for c in range(row.size):
                total += out[c]
            loss[n] = (smoothing - 1) * out[target[n]] - smoothing * total / row.size


@jit
def _backward(
    lo: int,
    hi: int,
    dy: Array,
    log_p: Array,
    target: Array,
    smoothing: float,
    ignore: int,
    dlogits: Array,
) -> None:
    for n in range(lo, hi):
        row, out, d = log_p[n], dlogits[n], dy[n]
        if target[n] == ignore:
            out[:] = 0
            continue
        most = row.dtype.type(1 - smoothing * (row.size - 1) / row.size)
        share = row.dtype.type(smoothing / row.size)
        for c in range(row.size):
            out[c] = (np.exp(row[c]) - share) * d
        out[target[n]] = (np.exp(row[target[n]]) - most) * d


def cross_entropy_forward_v1(
    logits: Array, target: Array, *, label_smoothing: float = 0.0, ignore_index: int = IGNORE
) -> tuple[Any, ...]:
    """Saved: log p (N, C), target and the options."""
    log_p = empty(logits.shape, logits.dtype)
    loss = empty((len(logits),), logits.dtype)
    few = SMALLEST // logits.shape[1] + 1
    arrays = plain(logits), plain(target), label_smoothing, ignore_index, log_p, loss
    run(_forward, len(logits), *arrays, smallest=few)
    return loss, log_p, target, label_smoothing, ignore_index


def cross_entropy_backward_v1(
    dy: Array,
    log_p: Array,
    target: Array,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE,
) -> Array:
    """(p - q) · dy."""
    dlogits = empty(log_p.shape, log_p.dtype)
    few = SMALLEST // log_p.shape[1] + 1
    arrays = plain(dy), plain(log_p), plain(target), label_smoothing, ignore_index, dlogits
    run(_backward, len(log_p), *arrays, smallest=few)
    return dlogits


VERSIONS = versions(__doc__, (cross_entropy_forward_v1, cross_entropy_backward_v1))
