"""The register tile: TILE rows × one register of sums, updated by one product per step.

    sums[i] += a[rows[i] + j] · b[o : o + lanes]      i = 0 … TILE - 1

One load of b serves TILE multiply-adds; each takes its number of `a` straight from memory and
spreads it over the lanes. Nothing is stored until the loop over j ends. So a product of matrices
runs at the speed of the multiply-add unit, where a loop that keeps its sums in memory (matmul.py)
reads two and writes one value for each.
"""

from __future__ import annotations

from typing import Any

from ...spec import Array
from .jit import jit_inner
from .simd import load, scalar, store

TILE = 8  # rows: enough independent sums to hide the latency of a multiply-add
Registers = Any  # a tuple of TILE registers


@jit_inner
def repeat(v: Any) -> Registers:
    """Return TILE times the same register (or number)."""
    return (v, v, v, v, v, v, v, v)


@jit_inner
def spaced(start: int, step: int) -> tuple[int, ...]:
    """Return TILE positions, `step` apart."""
    return (
        start,
        start + step,
        start + 2 * step,
        start + 3 * step,
        start + 4 * step,
        start + 5 * step,
        start + 6 * step,
        start + 7 * step,
    )


@jit_inner
def looked_up(table: Array, i: int, last: int) -> tuple[int, ...]:
    """Return table[i : i + TILE], repeating table[last] beyond it."""
    if i + TILE <= last + 1:
        return (
            table[i],
            table[i + 1],
            table[i + 2],
            table[i + 3],
            table[i + 4],
            table[i + 5],
            table[i + 6],
            table[i + 7],
        )
    return (
        table[min(i, last)],
        table[min(i + 1, last)],
        table[min(i + 2, last)],
        table[min(i + 3, last)],
        table[min(i + 4, last)],
        table[min(i + 5, last)],
        table[min(i + 6, last)],
        table[min(i + 7, last)],
    )


@jit_inner
def multiply_add(
    sums: Registers, a: Array, rows: tuple[int, ...], j: int, b: Array, o: int
) -> Registers:
    """Return sums[i] + a[rows[i] + j] · b[o : o + lanes]."""
    v = load(b, o)
    return (
        sums[0] + scalar(a, rows[0] + j) * v,
        sums[1] + scalar(a, rows[1] + j) * v,
        sums[2] + scalar(a, rows[2] + j) * v,
        sums[3] + scalar(a, rows[3] + j) * v,
        sums[4] + scalar(a, rows[4] + j) * v,
        sums[5] + scalar(a, rows[5] + j) * v,
        sums[6] + scalar(a, rows[6] + j) * v,
        sums[7] + scalar(a, rows[7] + j) * v,
    )


@jit_inner
def load_tile(a: Array, rows: tuple[int, ...], o: int) -> Registers:
    """Return the registers a[rows[i] + o : … + lanes]."""
    return (
        load(a, rows[0] + o),
        load(a, rows[1] + o),
        load(a, rows[2] + o),
        load(a, rows[3] + o),
        load(a, rows[4] + o),
        load(a, rows[5] + o),
        load(a, rows[6] + o),
        load(a, rows[7] + o),
    )


@jit_inner
def store_tile(a: Array, rows: tuple[int, ...], o: int, sums: Registers) -> None:
    """a[rows[i] + o : … + lanes] = sums[i]."""
    store(a, rows[0] + o, sums[0])
    store(a, rows[1] + o, sums[1])
    store(a, rows[2] + o, sums[2])
    store(a, rows[3] + o, sums[3])
    store(a, rows[4] + o, sums[4])
    store(a, rows[5] + o, sums[5])
    store(a, rows[6] + o, sums[6])
    store(a, rows[7] + o, sums[7])
