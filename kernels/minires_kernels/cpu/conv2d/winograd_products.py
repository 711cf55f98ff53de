"""The products of Winograd convolution: for each of its 36 elements, one product of matrices.

Both run in register tiles (machine/tile.py). Where a block of filters is one register (AVX-512), a
tile takes two blocks if there are two: with one column it loads a register and a number for each
multiply-add, with two 8 rows need 10 loads for 16. A last block by itself has more rows instead.
The rows of a tile lie at constant distances, so all of them share one pointer.
"""

from __future__ import annotations

from typing import Any

from ...spec import Array
from ..machine.jit import jit_inner
from ..machine.tile import (
    Positions,
    fill_tile,
    load_tile,
    multiply_add,
    spaced,
    store_tile,
    tile_for,
)
from ..machine.vector_width import VECTOR_BYTES

WIDTH = 16  # channels per block: a line of the cache
ROWS, COLUMNS = tile_for(WIDTH, 4)  # of a tile of products: tiles × registers of filters
FILTERS = len(COLUMNS) * VECTOR_BYTES // 4
PAIRS = FILTERS == WIDTH and len(COLUMNS) == 1  # of blocks, for which ROWS are as good
ALONE = tuple(range(16)) if PAIRS else ROWS
TILE = len(ALONE)  # tiles are counted in multiples of it
# For dU rows are channels, a divisor of WIDTH.
CHANNELS = tuple(range(max(n for n in range(1, len(ROWS) + 1) if WIDTH % n == 0)))
CHANNELS_ALONE = ALONE if PAIRS else CHANNELS


@jit_inner
def block_at(c: int, tiles: int) -> int:
    """Return the place of channel c of tile 0 within an element."""
    return c // WIDTH * tiles * WIDTH + c % WIDTH


def _multiply(rows: Positions, columns: Positions, pair: bool) -> Any:
    """Return the product with one block of filters, or with a pair."""

    @jit_inner
    def multiply(a: Array, i: int, b: Array, o: int, y: Array, to: int, count: int, tiles: int,
                 channels: int) -> None:  # fmt: skip
        """y[t] = Σ_c a[c, t] · b[c] for `count` tiles, rounded up to whole `rows`; one element.

        a: blocks of WIDTH channels from i on; b: (blocks, channels, FILTERS) from o on.
        """
        b_columns = spaced(columns, 0, channels * FILTERS if pair else 1)
        y_columns = spaced(columns, 0, tiles * WIDTH if pair else 1)
        for t in range(0, count, len(rows)):
            sums = fill_tile(a, rows, columns, 0)
            weights = o
            for c in range(0, channels, WIDTH):
                at = spaced(rows, i + c * tiles + t * WIDTH, WIDTH)
                for j in range(WIDTH):
                    sums = multiply_add(sums, a, at, j, b, b_columns, weights)
                    weights += FILTERS
            store_tile(y, spaced(rows, to + t * WIDTH, WIDTH), y_columns, sums)

    return multiply


def _multiply_transposed(rows: Positions, columns: Positions, pair: bool) -> Any:
    """Return the product for dU of one block of filters, or of a pair."""

    @jit_inner
    def multiply_transposed(a: Array, i: int, b: Array, o: int, y: Array, to: int, count: int,
                            tiles: int, channels: int, add: bool) -> None:  # fmt: skip
        """y[c] = Σ_t a[c, t] · b[t] (`add`: +=), for one element.

        a: blocks of WIDTH channels from i on; b: blocks of tiles WIDTH apart from o on; y: (blocks,
        channels, FILTERS).
        """
        b_columns = spaced(columns, 0, tiles * WIDTH if pair else 1)
        y_columns = spaced(columns, 0, channels * FILTERS if pair else 1)
        for c in range(0, channels, len(rows)):
            channel = spaced(rows, i + block_at(c, tiles), 1)
            at = spaced(rows, to + c * FILTERS, FILTERS)
            if add:
                sums = load_tile(y, at, y_columns)
            else:
                sums = fill_tile(y, rows, columns, 0)
            for t in range(count):
                sums = multiply_add(sums, a, channel, t * WIDTH, b, b_columns, o + t * WIDTH)
            store_tile(y, at, y_columns, sums)

    return multiply_transposed


multiply, multiply_pair = _multiply(ALONE, COLUMNS, False), _multiply(ROWS, (0, 1), True)
multiply_transposed = _multiply_transposed(CHANNELS_ALONE, COLUMNS, False)
multiply_pair_transposed = _multiply_transposed(CHANNELS, (0, 1), True)


@jit_inner
def products(a: Array, a_step: int, u: Array, y: Array, y_step: int, count: int, tiles: int,
             channels: int, filters: int) -> None:  # fmt: skip
    """y[f, t] = Σ_c a[f, c, t] · u[f, c] for tiles 0 … count - 1 and each element f."""
    paired = filters - filters % (2 * FILTERS) if PAIRS else 0
    for f in range(36):
        for k in range(0, filters, FILTERS):
            o, to = (f * filters + k) * channels, f * y_step + block_at(k, tiles)
            if k >= paired:
                multiply(a, f * a_step, u, o, y, to, count, tiles, channels)
            elif k % (2 * FILTERS) == 0:
                multiply_pair(a, f * a_step, u, o, y, to, count, tiles, channels)


@jit_inner
def products_transposed(v: Array, v_step: int, m: Array, m_step: int, du: Array, at: int,
                        count: int, tiles: int, channels: int, filters: int,
                        add: bool) -> None:  # fmt: skip
    """du[at + …] = Σ_t v[f, c, t] · m[f, t] (`add`: +=) for each element f."""
    paired = filters - filters % (2 * FILTERS) if PAIRS else 0
    for f in range(36):
        for k in range(0, filters, FILTERS):
            o, to = f * m_step + block_at(k, tiles), at + (f * filters + k) * channels
            v_at = f * v_step
            if k >= paired:
                multiply_transposed(v, v_at, m, o, du, to, count, tiles, channels, add)
            elif k % (2 * FILTERS) == 0:
                multiply_pair_transposed(v, v_at, m, o, du, to, count, tiles, channels, add)
