"""Convolution, batch norm, addition and ReLU on a device: the kernels of the two parts.

Versions
    v1  conv2d, then batch_norm_relu: the newest version of each that takes the call
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..checks import Windows
from ..spec import ALL, Array, Needs, Version, versions
from . import batch_norm_relu, conv2d
from .machine.device import Device

Parts = tuple[tuple[Version, ...], tuple[Version, ...]]  # the linear part's, and batch_norm_relu's
Gradients = tuple[Array | None, Array | None, Array | None, Array | None, Array | None]


def forward_of(part: tuple[Version, ...], *arrays: Any, **options: Any) -> Any:
    """Run the newest version that takes the call."""
    newest = next(v for v in reversed(part) if v.offered() and v.supports(*arrays, **options))
    return newest.forward(*arrays, **options)


def backward_of(part: tuple[Version, ...], needs: Needs, *arrays: Any) -> Any:
    """As `forward_of`."""
    newest = next(v for v in reversed(part) if v.offered() and v.supports_backward(*arrays))
    return newest.backward(*arrays, needs=needs)


def conv2d_norm_relu_forward(
    parts: Parts,
    x: Array,
    w: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    win: Windows,
    groups: int,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, w, the geometry, groups, and what batch_norm_relu saves."""
    c, x, w, *_ = forward_of(parts[0], x, w, None, win=win, groups=groups)
    y, *saved = forward_of(parts[1], c, weight, bias, mean, var, residual, eps=eps)
    return y, x, w, win, groups, *saved


def conv2d_norm_relu_backward(
    parts: Parts,
    dy: Array,
    x: Array,
    w: Array,
    win: Windows,
    groups: int,
    c: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    y: Array,
    added: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dw, dweight, dbias, dresidual; None where not needed."""
    saved = (c, weight, bias, mean, var, eps, training, y, added)
    dc, *others = backward_of(parts[1], (needs[0] or needs[1], *needs[2:]), dy, *saved)
    dx = dw = None
    if dc is not None:
        dx, dw, _ = backward_of(parts[0], (*needs[:2], False), dc, x, w, False, win, groups)
    dweight, dbias, dresidual = others
    return dx, dw, dweight, dbias, dresidual


def on(device: Device) -> tuple[Version, ...]:
    """Return the version that runs on `device`."""
    parts = conv2d.on(device), batch_norm_relu.on(device)
    pair = partial(conv2d_norm_relu_forward, parts), partial(conv2d_norm_relu_backward, parts)
    return versions(__doc__, pair)
