"""Linear, batch norm, addition and ReLU on a device: the kernels of the two parts.

Versions
    v1  linear, then batch_norm_relu: the newest version of each that takes the call
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..spec import ALL, Array, Needs, Version, versions
from . import batch_norm_relu, linear
from .conv2d_norm_relu import Gradients, Parts, backward_of, forward_of
from .machine.device import Device


def linear_norm_relu_forward(
    parts: Parts,
    x: Array,
    w: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, w, and what batch_norm_relu saves."""
    a, x, w, _ = forward_of(parts[0], x, w, None)
    y, *saved = forward_of(parts[1], a, weight, bias, mean, var, residual, eps=eps)
    return y, x, w, *saved


def linear_norm_relu_backward(
    parts: Parts,
    dy: Array,
    x: Array,
    w: Array,
    a: Array,
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
    saved = (a, weight, bias, mean, var, eps, training, y, added)
    da, *others = backward_of(parts[1], (needs[0] or needs[1], *needs[2:]), dy, *saved)
    dx = dw = None
    if da is not None:
        dx, dw, _ = backward_of(parts[0], (*needs[:2], False), da, x, w, False)
    dweight, dbias, dresidual = others
    return dx, dw, dweight, dbias, dresidual


def on(device: Device) -> tuple[Version, ...]:
    """Return the version that runs on `device`."""
    parts = linear.on(device), batch_norm_relu.on(device)
    pair = partial(linear_norm_relu_forward, parts), partial(linear_norm_relu_backward, parts)
    return versions(__doc__, pair)
