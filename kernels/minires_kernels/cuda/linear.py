"""The linear layer on a device; the kernels are in linear.cu.

forward    y = x wᵀ + b            x (M, I), w (O, I), b (O,), y (M, O)
backward   dx = dy w,  dw = dyᵀ x,  db = Σ_m dy

Versions
    v1  a thread for each element of the result
    v2  tiles of 16 × 16 in shared memory
    v3  tiles of 64 × 64, 4 × 4 of them in each thread's registers, double buffered
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..spec import ALL, Array, Needs, Version, versions
from .machine.device import THREADS, Device, Unit, blocks, structure

Gradients = tuple[Array | None, Array | None, Array | None]
PRODUCT = structure("M", "N", "K", "a_row", "a_column", "b_row", "b_column", "has_bias")
UNIT = Unit(
    "linear.cu",
    (
        "matmul_v1<T>",
        "matmul_v2<T>",
        "matmul_v3<T>",
        "column_sums_v1<T>",
        "column_sums_v2<T>",
    ),
)
TILE = {1: 16, 2: 16, 3: 64}  # rows and columns of the result that a block owns, by version
BLOCK: dict[int, int | tuple[int, int]] = {1: (16, 16), 2: (16, 16), 3: 256}


def matmul(device: Device, version: int, a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a @ b + bias: a (M, K) and b (K, N) may be transposed views of contiguous arrays."""
    (m, k), n = a.shape, b.shape[1]
    c = device.empty((m, n), a.dtype)
    strides = (s // a.itemsize for s in (*a.strides, *b.strides))
    product = np.array((m, n, k, *strides, bias is not None), PRODUCT)
    grid = (blocks(m, TILE[version]), blocks(n, TILE[version]))  # x holds more than y
    arrays = (a, b, c if bias is None else bias)
    name = f"matmul_v{version}<T>"
    flat = tuple(x.T if not x.flags.c_contiguous else x for x in arrays)  # same memory, in order
    device.run(UNIT, name, a.dtype, grid, BLOCK[version], *flat, c, product)
    return c


def column_sums(device: Device, version: int, a: Array) -> Array:
    """Return the sums over the rows of a (M, N)."""
    m, n = a.shape
    sums = device.empty((n,), a.dtype)
    if version == 1:
        grid = (blocks(n, THREADS),)
        device.run(UNIT, "column_sums_v1<T>", a.dtype, grid, THREADS, a, sums, m, n)
    else:
        grid = (blocks(n, 32),)
        device.run(UNIT, "column_sums_v2<T>", a.dtype, grid, (32, 8), a, sums, m, n)
    return sums


def linear_forward(
    device: Device, version: int, x: Array, w: Array, b: Array | None
) -> tuple[Any, ...]:
    """y = x wᵀ + b. Saved: x, w and whether there was a b."""
    x, w = device.plain(x), device.plain(w)
    b = None if b is None else device.plain(b)
    return matmul(device, version, x, w.T, b), x, w, b is not None


def linear_backward(
    device: Device,
    version: int,
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dw, db; None where not needed."""
    dy, x, w = device.plain(dy), device.plain(x), device.plain(w)
    return (
        matmul(device, version, dy, w) if needs[0] else None,
        matmul(device, version, dy.T, x) if needs[1] else None,
        column_sums(device, version, dy) if has_b and needs[2] else None,
    )


def on(device: Device) -> tuple[Version, ...]:
    """Return the versions that run on `device`."""

    def pair(version: int) -> tuple[Any, ...]:
        forward = partial(linear_forward, device, version)
        return forward, partial(linear_backward, device, version)

    return versions(__doc__, pair(1), pair(2), pair(3))
