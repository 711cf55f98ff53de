"""Batch normalisation, addition and ReLU on a device: the kernels of batch_norm.py with that end.

forward    y = max(batch_norm(x) + residual, 0)
backward   g = dy where y > 0;  dresidual = g;  dx, dweight, dbias as batch_norm's, of g

Versions
    v1  a thread per channel for the sums, a thread per element for the rest
    v2  a block per channel, sums by warp shuffles, one launch
    v3  channels split into chunks of 4096 values: a launch for partial sums, a launch for the rest
"""

from __future__ import annotations

from typing import Any

from ..spec import ALL, Array, Needs, Version
from .batch_norm import Call, Gradients, backward, forward, plain, versions_on, wanted
from .machine.device import Device


def batch_norm_relu_forward(
    device: Device,
    version: int,
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, weight, bias, mean and variance used, eps, the mode, y, and whether it added."""
    training, add = mean is None or var is None, residual is not None
    x, weight, bias, mean, var, residual = plain(device, x, weight, bias, mean, var, residual)
    call = Call(x, weight, bias is not None, eps, training, relu=True, add=add)
    y, mean, var = forward(device, version, call, bias, mean, var, residual)
    return y, x, weight, bias, mean, var, eps, training, y, add


def batch_norm_relu_backward(
    device: Device,
    version: int,
    dy: Array,
    x: Array,
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
    """dx, dweight, dbias, dresidual; None where not needed."""
    dy, x, weight, mean, var, y = plain(device, dy, x, weight, mean, var, y)
    add = added and needs[5]
    call = Call(x, weight, bias is not None, eps, training, relu=True, add=add)
    gradients = backward(device, version, call, dy, y, mean, var)
    return wanted(gradients, (*needs[:3], needs[5]))


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions_on(device, __doc__, batch_norm_relu_forward, batch_norm_relu_backward)
