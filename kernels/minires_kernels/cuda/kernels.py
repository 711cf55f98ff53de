"""All kernels on one device."""

from __future__ import annotations

from ..spec import Version
from . import (
    add,
    add_relu,
    avg_pool2d,
    batch_norm,
    batch_norm_relu,
    conv2d,
    conv2d_norm_relu,
    cross_entropy,
    gated,
    global_avg_pool2d,
    group_norm,
    linear,
    linear_norm_relu,
    max_pool2d,
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
    max_pool2d.UNIT,
    avg_pool2d.UNIT,
    global_avg_pool2d.UNIT,
    linear.UNIT,
    cross_entropy.UNIT,
    gated.UNIT,
    group_norm.UNIT,
    add.UNIT,
    sgd.UNIT,
    running_statistics.UNIT,
)


def kernels_on(device: Device) -> dict[str, tuple[Version, ...]]:
    """Return the versions of every kernel, by name. Nothing is compiled before it is called."""
    return {
        "conv2d": conv2d.on(device),
        "batch_norm": batch_norm.on(device),
        "batch_norm_relu": batch_norm_relu.on(device),
        "conv2d_norm_relu": conv2d_norm_relu.on(device),
        "relu": relu.on(device),
        "add_relu": add_relu.on(device),
        "max_pool2d": max_pool2d.on(device),
        "avg_pool2d": avg_pool2d.on(device),
        "global_avg_pool2d": global_avg_pool2d.on(device),
        "linear": linear.on(device),
        "linear_norm_relu": linear_norm_relu.on(device),
        "cross_entropy": cross_entropy.on(device),
        "gated": gated.on(device),
        "group_norm": group_norm.on(device),
        "add": add.on(device),
        "sgd": sgd.on(device),
        "running_statistics": running_statistics.on(device),
    }
