"""Softmax and negative log-likelihood on the CPU, row by row.

forward    log p = z - log Σ exp z,  z = logits - max;  loss = -log p[target]
backward   dlogits = (exp(log p) - onehot) · dy
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
from ..spec import Array, versions
from .machine.jit import jit
from .machine.layout import plain
from .machine.threads import run

SMALLEST = 1 << 13  # elements, an exponential each: below that a thread costs more than it saves


@jit
def _forward(lo: int, hi: int, logits: Array, target: Array, log_p: Array, loss: Array) -> None:
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
        loss[n] = -out[target[n]]


@jit
def _backward(lo: int, hi: int, dy: Array, log_p: Array, target: Array, dlogits: Array) -> None:
    for n in range(lo, hi):
        row, out, d = log_p[n], dlogits[n], dy[n]
        for c in range(row.size):
            out[c] = np.exp(row[c]) * d
        out[target[n]] = (np.exp(row[target[n]]) - 1) * d


def cross_entropy_forward_v1(logits: Array, target: Array) -> tuple[Any, ...]:
    """Saved: log p (N, C) and target."""
    log_p = empty(logits.shape, logits.dtype)
    loss = empty((len(logits),), logits.dtype)
    few = SMALLEST // logits.shape[1] + 1
    run(_forward, len(logits), plain(logits), plain(target), log_p, loss, smallest=few)
    return loss, log_p, target


def cross_entropy_backward_v1(dy: Array, log_p: Array, target: Array) -> Array:
    """(p - onehot) · dy."""
    dlogits = empty(log_p.shape, log_p.dtype)
    few = SMALLEST // log_p.shape[1] + 1
    run(_backward, len(log_p), plain(dy), plain(log_p), plain(target), dlogits, smallest=few)
    return dlogits


VERSIONS = versions(__doc__, (cross_entropy_forward_v1, cross_entropy_backward_v1))
