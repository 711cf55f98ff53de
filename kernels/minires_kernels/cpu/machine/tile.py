"""The register tile: rows × columns of registers of sums, updated by one product per step.

    sums[r, c] += a[rows[r] + j] · b[columns[c] + o : … + lanes]

Each of `columns` registers of b serves all rows, and each number of a, spread over the lanes of a
register, serves all columns. Nothing is stored until the loop over j ends. So a product of matrices
runs at the speed of the multiply-add unit, where a loop that keeps its sums in memory (matmul.py)
reads two and writes one value for each.

`rows` and `columns` are tuples of positions; how many there are is part of their type, so that one
kernel compiles for every shape of tile. `Tile` chooses the shape. Below are the operations as plain
Python; compiled code uses `tile_llvm.py`, which writes one instruction for each element.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from ...spec import Array
from .jit import numba_config
from .simd import fill, load, scalar, store
from .vector_width import REGISTERS, VECTOR_BYTES

MOST_ROWS = 8  # each needs a pointer in a general register, of which x86 has 16
MOST_COLUMNS = 4
Positions = tuple[int, ...]
Registers = Any  # a tuple of len(rows) · len(columns) registers, row after row


class Tile(NamedTuple):
    """A shape of tile: 0 … rows - 1, and the first lane of each column."""

    rows: Positions
    columns: Positions

    @property
    def height(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def width(self, itemsize: int) -> int:
        """Return how many elements a row of sums has."""
        return len(self.columns) * (VECTOR_BYTES // itemsize)


@lru_cache(1024)
def tile_for(filters: int, itemsize: int, fewest_loads: bool = False) -> Tile:
    """Return the tile that computes `filters` sums of each row soonest.

    A processor loads two registers in the time of two multiply-adds. A row costs a load, and so
    does a column: a tile of R × C is bound by loads where R + C > R · C, that is with one column.
    The sums, a column's register each and one number of a must fit the registers. Of tiles that
    take equally long, the one with the fewest columns, unless the fewest loads are asked for.
    """
    per_register = VECTOR_BYTES // itemsize
    registers = max(1, -(-filters // per_register))

    def rows(columns: int) -> int:
        return min(MOST_ROWS, (REGISTERS - 1) // columns - 1)

    def cost(columns: int) -> tuple[float, float]:
        loads = (rows(columns) + columns) / (rows(columns) * columns)  # per product
        time = -(-registers // columns) * columns * max(1.0, loads)
        return time, loads if fewest_loads else columns

    columns = min(range(1, MOST_COLUMNS + 1), key=cost)
    return Tile(tuple(range(rows(columns))), tuple(c * per_register for c in range(columns)))


def spaced(rows: Positions, start: int, step: int) -> Positions:
    """Return start + step · rows[r]."""
    return tuple(start + step * r for r in rows)


def looked_up(rows: Positions, table: Array, i: int, last: int) -> Positions:
    """Return table[i + rows[r]], and table[last] beyond it."""
    return tuple(table[min(i + r, last)] for r in rows)


def multiply_add(
    sums: Registers, a: Array, rows: Positions, j: int, b: Array, columns: Positions, o: int
) -> Registers:
    """Return sums[r, c] + a[rows[r] + j] · b[columns[c] + o : … + lanes]."""
    products = [scalar(a, r + j) * load(b, c + o) for r in rows for c in columns]
    return tuple(s + p for s, p in zip(sums, products, strict=True))


def fill_tile(a: Array, rows: Positions, columns: Positions, value: Any) -> Registers:
    """Return registers of a's type with `value` in every lane."""
    return tuple(fill(a, value) for _ in rows for _ in columns)


def load_tile(a: Array, rows: Positions, columns: Positions) -> Registers:
    """Return the registers a[rows[r] + columns[c] : … + lanes]."""
    return tuple(load(a, r + c) for r in rows for c in columns)


def store_tile(a: Array, rows: Positions, columns: Positions, sums: Registers) -> None:
    """a[rows[r] + columns[c] : … + lanes] = sums[r, c]."""
    positions = [r + c for r in rows for c in columns]
    for position, v in zip(positions, sums, strict=True):
        store(a, position, v)


if not numba_config.DISABLE_JIT:
    from . import tile_llvm

    globals().update({name: getattr(tile_llvm, name) for name in tile_llvm.OPERATIONS})
