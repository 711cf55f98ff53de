"""Batch normalisation on a device; the kernels are in batch_norm.cu (v1, v2), batch_norm_split.cu.

forward    y = weight (x - mean) / √(var + eps) + bias
backward   dx, dweight, dbias          see reference/batch_norm.py

The same kernels, compiled with another end, add a residual and apply ReLU: batch_norm_relu.py.

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
class Call:
    """What forward and backward of one call share."""

    x: Array
    weight: Array | None
    has_bias: bool
    eps: float
    training: bool
    relu: bool = False
    add: bool = False

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


def forward(
    device: Device,
    version: int,
    call: Call,
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
    call: Call,
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


def backward(
    device: Device, version: int, call: Call, dy: Array, y: Array, mean: Array, var: Array
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


def plain(device: Device, *arrays: Array | None) -> list[Any]:
    """Return the arrays as kernels read them: in C order; None stays None."""
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
    x, weight, bias, mean, var = plain(device, x, weight, bias, mean, var)
    call = Call(x, weight, bias is not None, eps, training)
    y, mean, var = forward(device, version, call, bias, mean, var, None)
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
    dy, x, weight, mean, var = plain(device, dy, x, weight, mean, var)
    call = Call(x, weight, False, eps, training)
    gradients = backward(device, version, call, dy, x, mean, var)
    return wanted(gradients[:3], needs[:3])


def wanted(gradients: tuple[Array | None, ...], needs: Needs) -> Gradients:
    """Return the gradients that are needed, None in place of the others."""
    return tuple(g if needed else None for g, needed in zip(gradients, needs, strict=True))


def few_channels(x: Array, *_others: Any, **_options: Any) -> bool:
    """v3 has a row of blocks for each channel, of which a grid holds so many."""
    return bool(x.shape[1] <= MAX_GRID_YZ)


def versions_on(device: Device, header: str | None, way: Any, back: Any) -> tuple[Version, ...]:
    """Return the versions of a file whose functions `way` and `back` take (device, version)."""
    pairs = [(partial(way, device, n), partial(back, device, n)) for n in (1, 2, 3)]
    return versions(header, pairs[0], pairs[1], (*pairs[2], few_channels, few_channels))


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""
    return versions_on(device, __doc__, batch_norm_forward, batch_norm_backward)
