"""Batch normalisation on a device, alone or with an addition and a ReLU.

The kernels are in batch_norm.cu (v1, v2) and batch_norm_split.cu (v3); they compute
y = act(weight (x - mean) / sqrt(var + eps) + bias + residual) and its gradient.

Versions
    v1  a thread per channel for the sums, a thread per element for the rest
    v2  a block per channel, sums by warp shuffles, one launch
    v3  channels split into chunks of 4096 values: a launch for partial sums, a launch for the rest
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..spec import ALL, Array, Needs, Version, versions
from .machine.device import MAX_GRID_YZ, THREADS, Device, Unit, aligned, blocks, structure

Gradients = tuple[Array | None, ...]
SHAPE = structure("N", "C", "HW", "has_weight", "has_bias", "training")
CHUNK = 4096  # values of a channel that a block of v3 owns
ENDS = ("false, false", "true, false", "true, true")  # RELU, ADD: bn, bn + ReLU, bn + add + ReLU
BLOCKS = Unit(
    "batch_norm.cu",
    (
        "statistics_v1<T>",
        *(f"normalise_v1<T, {end}>" for end in ENDS),
        "gradient_sums_v1<T, false>",
        "gradient_sums_v1<T, true>",
        *(f"gradient_v1<T, {end}>" for end in ENDS),
        *(f"forward_v2<T, {end}>" for end in ENDS),
        *(f"backward_v2<T, {end}>" for end in ENDS),
    ),
)
SPLIT = Unit(
    "batch_norm_split.cu",
    tuple(
        name
        for v in (1, 4)
        for name in (
            f"partial_statistics_v3<T, {v}>",
            f"partial_gradients_v3<T, {v}, false>",
            f"partial_gradients_v3<T, {v}, true>",
            *(f"normalise_training_v3<T, {v}, {end}>" for end in ENDS),
            *(f"normalise_given_v3<T, {v}, {end}>" for end in ENDS),
            *(f"gradient_v3<T, {v}, {end}>" for end in ENDS),
        )
    ),
)


@dataclass(frozen=True)
class _Call:
    """What forward and backward of one call share."""

    x: Array
    weight: Array | None
    has_bias: bool
    eps: float
    training: bool
    relu: bool
    add: bool

    @property
    def end(self) -> str:
        return f"{str(self.relu).lower()}, {str(self.add).lower()}"

    @property
    def plane(self) -> int:
        """H W, or 1 for rows."""
        return int(self.x.size // max(1, len(self.x) * self.x.shape[1]))

    @property
    def values(self) -> int:
        """M: the values of a channel."""
        return len(self.x) * self.plane

    @property
    def shape(self) -> Array:
        """The struct Shape of the kernels."""
        n, c = self.x.shape[:2]
        given = (self.weight is not None, self.has_bias, self.training)
        return np.array((n, c, self.plane, *given), SHAPE)

    @property
    def scalar(self) -> Any:
        """Eps in the dtype of x."""
        return self.x.dtype.type(self.eps)

    def width(self, *arrays: Array) -> int:
        """How many neighbours a thread of v3 moves at a time."""
        return 4 if self.plane % 4 == 0 and aligned(*arrays) else 1


def _forward(
    device: Device,
    version: int,
    call: _Call,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
) -> tuple[Array, Array, Array]:
    """Return y, and the mean and variance used."""
    x, dtype = call.x, call.x.dtype
    y = device.empty(x.shape, dtype)
    weight = x if call.weight is None else call.weight  # a place holder where there is none
    bias = x if bias is None else bias
    residual = x if residual is None else residual
    given = mean is not None and var is not None
    if mean is None or var is None:
        mean, var = (device.empty(x.shape[1:2], dtype) for _ in range(2))
    rest = (call.scalar, call.shape)
    if version == 3:
        _forward_split(device, call, weight, bias, mean, var, residual, y, given)
    elif version == 2 and not given:
        name = f"forward_v2<T, {call.end}>"
        arrays = (x, mean, var, weight, bias, residual, y)
        device.run(BLOCKS, name, dtype, x.shape[1:2], THREADS, *arrays, *rest)
    else:
        if not given:
            grid = (blocks(x.shape[1], THREADS),)
            device.run(BLOCKS, "statistics_v1<T>", dtype, grid, THREADS, x, mean, var, call.shape)
        name, grid = f"normalise_v1<T, {call.end}>", (blocks(x.size, THREADS),)
        arrays = (x, mean, var, weight, bias, residual, y)
        device.run(BLOCKS, name, dtype, grid, THREADS, *arrays, *rest)
    return y, mean, var


def _forward_split(
    device: Device,
    call: _Call,
    weight: Array,
    bias: Array,
    mean: Array,
    var: Array,
    residual: Array,
    y: Array,
    given: bool,
) -> None:
    x, dtype = call.x, call.x.dtype
    grid = (blocks(call.values, CHUNK), x.shape[1])
    v = call.width(x, y, residual)
    last = (weight, bias, residual, y, call.scalar, call.shape)
    if given:
        name = f"normalise_given_v3<T, {v}, {call.end}>"
        device.run(SPLIT, name, dtype, grid, THREADS, x, mean, var, *last)
        return
    parts = device.empty((x.shape[1], grid[0], 2), dtype)
    name = f"partial_statistics_v3<T, {v}>"
    device.run(SPLIT, name, dtype, grid, THREADS, x, parts, call.shape)
    name = f"normalise_training_v3<T, {v}, {call.end}>"
    device.run(SPLIT, name, dtype, grid, THREADS, x, parts, mean, var, *last)


def _backward(
    device: Device, version: int, call: _Call, dy: Array, y: Array, mean: Array, var: Array
) -> tuple[Array, Array, Array, Array | None]:
    """Return dx, dweight, dbias and dresidual."""
    x, dtype = call.x, call.x.dtype
    dx = device.empty(x.shape, dtype)
    dweight, dbias = (device.empty(x.shape[1:2], dtype) for _ in range(2))
    dresidual = device.empty(x.shape if call.add else (4,), dtype)  # without `add`, a place holder
    weight = x if call.weight is None else call.weight
    relu = str(call.relu).lower()
    rest = (call.scalar, call.shape)
    grid: tuple[int, ...]
    arrays: tuple[Array, ...]
    if version == 3 and call.values:
        grid = (blocks(call.values, CHUNK), x.shape[1])
        parts = device.empty((x.shape[1], grid[0], 2), dtype)
        v = call.width(dy, x, y, dx, dresidual)
        name = f"partial_gradients_v3<T, {v}, {relu}>"
        device.run(SPLIT, name, dtype, grid, THREADS, dy, x, y, mean, parts, call.shape)
        name = f"gradient_v3<T, {v}, {call.end}>"
        arrays = (dy, x, y, mean, var, weight, parts, dx, dweight, dbias, dresidual)
        device.run(SPLIT, name, dtype, grid, THREADS, *arrays, *rest)
    elif version >= 2:
        name = f"backward_v2<T, {call.end}>"
        arrays = (dy, x, y, mean, var, weight, dx, dweight, dbias, dresidual)
        device.run(BLOCKS, name, dtype, x.shape[1:2], THREADS, *arrays, *rest)
    else:
        grid = (blocks(x.shape[1], THREADS),)
        name = f"gradient_sums_v1<T, {relu}>"
        arrays = (dy, x, y, mean, var, dweight, dbias)
        device.run(BLOCKS, name, dtype, grid, THREADS, *arrays, *rest)
        name, grid = f"gradient_v1<T, {call.end}>", (blocks(x.size, THREADS),)
        arrays = (dy, x, y, mean, var, weight, dweight, dbias, dx, dresidual)
        device.run(BLOCKS, name, dtype, grid, THREADS, *arrays, *rest)
    return dx, dweight, dbias, dresidual if call.add else None


def _plain(device: Device, *arrays: Array | None) -> list[Any]:
    return [None if a is None else device.plain(a) for a in arrays]


def batch_norm_forward(
    device: Device,
    version: int,
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    *,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, weight, the mean and variance used, eps, and the mode."""
    training = mean is None or var is None
    x, weight, bias, mean, var = _plain(device, x, weight, bias, mean, var)
    call = _Call(x, weight, bias is not None, eps, training, relu=False, add=False)
    y, mean, var = _forward(device, version, call, bias, mean, var, None)
    return y, x, weight, mean, var, eps, training


def batch_norm_backward(
    device: Device,
    version: int,
    dy: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dweight, dbias; None where not needed."""
    dy, x, weight, mean, var = _plain(device, dy, x, weight, mean, var)
    call = _Call(x, weight, False, eps, training, relu=False, add=False)
    gradients = _backward(device, version, call, dy, x, mean, var)
    return _wanted(gradients[:3], needs[:3])


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
    x, weight, bias, mean, var, residual = _plain(device, x, weight, bias, mean, var, residual)
    call = _Call(x, weight, bias is not None, eps, training, relu=True, add=add)
    y, mean, var = _forward(device, version, call, bias, mean, var, residual)
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
    dy, x, weight, mean, var, y = _plain(device, dy, x, weight, mean, var, y)
    add = added and needs[5]
    call = _Call(x, weight, bias is not None, eps, training, relu=True, add=add)
    gradients = _backward(device, version, call, dy, y, mean, var)
    return _wanted(gradients, (*needs[:3], needs[5]))


def _wanted(gradients: tuple[Array | None, ...], needs: Needs) -> Gradients:
    return tuple(g if needed else None for g, needed in zip(gradients, needs, strict=True))


def _few_channels(x: Array, *_others: Any, **_options: Any) -> bool:
    """v3 has a row of blocks for each channel, of which a grid holds so many."""
    return bool(x.shape[1] <= MAX_GRID_YZ)


def on(device: Device, forward: Any, backward: Any) -> tuple[Version, ...]:
    """Return the versions that run on `device`; forward and backward are functions of this file."""
    return versions(
        __doc__,
        (partial(forward, device, 1), partial(backward, device, 1)),
        (partial(forward, device, 2), partial(backward, device, 2)),
        (
            partial(forward, device, 3),
            partial(backward, device, 3),
            _few_channels,
            _few_channels,
        ),
    )
