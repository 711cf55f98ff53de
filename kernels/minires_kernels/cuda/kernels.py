"""All kernels on one device."""

from __future__ import annotations

from functools import partial

from ..spec import Version
from . import (
    add,
    add_relu,
    batch_norm,
    conv2d,
    cross_entropy,
    linear,
    pooling,
    relu,
    running_statistics,
    sgd,
)
from .machine.device import Device, Unit

UNITS: tuple[Unit, ...] = (
    conv2d.DIRECT,
    conv2d.SHARED,
    conv2d.TILED[3],
    conv2d.TILED[4],
    batch_norm.BLOCKS,
    batch_norm.SPLIT,
    relu.UNIT,
    add_relu.UNIT,
    pooling.UNIT,
    linear.UNIT,
    cross_entropy.UNIT,
    add.UNIT,
    sgd.UNIT,
    running_statistics.UNIT,
)


def kernels_on(device: Device) -> dict[str, tuple[Version, ...]]:
    """Return the versions of every kernel, by name. Nothing is compiled before it is called."""
    norm = partial(batch_norm.on, device)
    return {
        "conv2d": conv2d.on(device),
        "batch_norm": norm(batch_norm.batch_norm_forward, batch_norm.batch_norm_backward),
        "batch_norm_relu": norm(
            batch_norm.batch_norm_relu_forward, batch_norm.batch_norm_relu_backward
        ),
        "relu": relu.on(device),
        "add_relu": add_relu.on(device),
        "max_pool2d": pooling.max_pool2d_on(device),
        "avg_pool2d": pooling.avg_pool2d_on(device),
        "global_avg_pool2d": pooling.global_avg_pool2d_on(device),
        "linear": linear.on(device),
        "cross_entropy": cross_entropy.on(device),
        "add": add.on(device),
        "sgd": sgd.on(device),
        "running_statistics": running_statistics.on(device),
    }
