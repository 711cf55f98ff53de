"""Softmax and negative log-likelihood on a device; the kernels are in cross_entropy.cu.

forward    loss[n] = -Σ_c q[n,c] log p[n,c],   p = softmax of each row of logits (N, C)
backward   dlogits = (p - q) · dy[n],   q = (1 - ε) onehot(target) + ε / C

Versions
    v1  a thread for each row forward, for each element backward
    v2  a warp for each row
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..reference.cross_entropy import IGNORE
from ..spec import Array, Version, versions
from .machine.device import THREADS, Device, Unit, blocks

UNIT = Unit(
    "cross_entropy.cu",
    tuple(f"cross_entropy_{way}_v{n}<T>" for way in ("forward", "backward") for n in (1, 2)),
)
WARP = 32


def cross_entropy_forward(
    device: Device,
    version: int,
    logits: Array,
    target: Array,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE,
) -> tuple[Any, ...]:
    """Saved: log p (N, C), target, which is int64, and the options."""
    logits, target = device.plain(logits), device.plain(target)
    n, c = logits.shape
    loss, log_p = device.empty((n,), logits.dtype), device.empty((n, c), logits.dtype)
    grid = (blocks(n, THREADS // (WARP if version == 2 else 1)),)
    name = f"cross_entropy_forward_v{version}<T>"
    rest = logits.dtype.type(label_smoothing), ignore_index, n, c
    device.run(UNIT, name, logits.dtype, grid, THREADS, logits, target, loss, log_p, *rest)
    return loss, log_p, target, label_smoothing, ignore_index


def cross_entropy_backward(
    device: Device,
    version: int,
    dy: Array,
    log_p: Array,
    target: Array,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE,
) -> Array:
    """Return dlogits."""
    dy, log_p, target = device.plain(dy), device.plain(log_p), device.plain(target)
    n, c = log_p.shape
    dlogits = device.empty((n, c), log_p.dtype)
    grid = (blocks(n, THREADS // WARP) if version == 2 else blocks(n * c, THREADS),)
    name = f"cross_entropy_backward_v{version}<T>"
    rest = log_p.dtype.type(label_smoothing), ignore_index, n, c
    device.run(UNIT, name, log_p.dtype, grid, THREADS, dy, log_p, target, dlogits, *rest)
    return dlogits


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""

    def pair(version: int) -> tuple[Any, ...]:
        forward = partial(cross_entropy_forward, device, version)
        return forward, partial(cross_entropy_backward, device, version)

    return versions(__doc__, pair(1), pair(2))
