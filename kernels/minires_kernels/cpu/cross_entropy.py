"""Softmax and negative log-likelihood on the CPU, row by row.

forward    log p = z - log Σ exp z,  z = logits - max;  loss = -Σ q log p
backward   dlogits = (exp(log p) - q) · dy,  q = (1 - ε) onehot + ε / C
shapes     logits (N, C), target (N,), loss (N,)
threads    a thread owns rows
bytes      logits and log p once

Versions
    v1  rows in blocks that stay in the cache, the exponentials of a block at once; sums in float64
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..memory import empty
from ..reference.cross_entropy import IGNORE
from ..spec import Array, versions
from .machine.exponential import exponentials
from .machine.jit import jit_inner
from .machine.layout import plain
from .machine.loops import loop
from .machine.threads import run

SMALLEST = 1 << 14  # elements, an exponential each: below that a thread costs more than it saves
BLOCK = 1 << 11  # elements


@jit_inner
def _largest(row: Array) -> Any:
    """Return the largest number of a row, a NaN perhaps not counted: the row's sum will be NaN."""
    a = b = c = d = row[0]  # four, so that no comparison waits for the one before
    whole = row.size - row.size % 4
    for i in range(0, whole, 4):
        a = row[i] if row[i] > a else a
        b = row[i + 1] if row[i + 1] > b else b
        c = row[i + 2] if row[i + 2] > c else c
        d = row[i + 3] if row[i + 3] > d else d
    for i in range(whole, row.size):
        a = row[i] if row[i] > a else a
    a = b if b > a else a
    c = d if d > c else c
    return c if c > a else a


@loop
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
    classes = logits.shape[1]
    rows = max(1, BLOCK // classes)
    e = np.empty(rows * classes, logits.dtype)
    for first in range(lo, hi, rows):
        last = min(first + rows, hi)
        for n in range(first, last):
            row, out = logits[n], log_p[n]
            largest = _largest(row)
            for c in range(classes):
                out[c] = row[c] - largest
        exponentials(log_p[first:last].reshape(-1), e)
        for n in range(first, last):
            p, out = e[(n - first) * classes :], log_p[n]
            total = 0.0
            for c in range(classes):
                total += p[c]
            log_total = np.log(total)
            for c in range(classes):
                out[c] -= log_total
            if target[n] == ignore:
                loss[n] = 0
            elif smoothing == 0:
                loss[n] = -out[target[n]]
            else:
                total = 0.0
                for c in range(classes):
                    total += out[c]
                loss[n] = (smoothing - 1) * out[target[n]] - smoothing * total / classes


@loop
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
    classes = log_p.shape[1]
    rows = max(1, BLOCK // classes)
    most = log_p.dtype.type(1 - smoothing * (classes - 1) / classes)
    share = log_p.dtype.type(smoothing / classes)
    for first in range(lo, hi, rows):
        last = min(first + rows, hi)
        exponentials(log_p[first:last].reshape(-1), dlogits[first:last].reshape(-1))
        for n in range(first, last):
            out, d = dlogits[n], dy[n]
            if target[n] == ignore:
                out[:] = 0
                continue
            p = out[target[n]]
            for c in range(classes):
                out[c] = (out[c] - share) * d
            out[target[n]] = (p - most) * d


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
