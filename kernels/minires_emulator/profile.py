"""What the memory accesses of a kernel would cost a GPU, per line of source.

The 32 lanes of a warp make a request together. Global memory moves in sectors of 32 bytes. Shared
memory lies in 32 banks of 4 bytes, each of which gives one word at a time. A request that touches
more sectors than its bytes fill, or several words of one bank, takes more transactions than it
needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

SECTOR, BANKS, WORD = 32, 32, 4


@dataclass(frozen=True)
class ProfileRow:
    """One source line: its warp requests and how many times the least cost they have.

    `ratio` is 1.0 where every request is as cheap as its bytes allow: transactions per request,
    divided by the least number that could move as many bytes.
    """

    file: str
    line: int
    space: str  # "global" or "shared"
    access: str  # "load" or "store"
    requests: int
    ratio: float


def rows_of(
    records: npt.NDArray[np.void], line_of: Callable[[int], tuple[str, int]]
) -> list[ProfileRow]:
    """Return a row for each place in the code that made accesses."""
    rows = []
    for site in np.unique(records["site"]):
        accesses = records[records["site"] == site]
        for write in (0, 1):
            for shared in (0, 1):
                some = accesses[(accesses["write"] == write) & (accesses["shared"] == shared)]
                if not len(some):
                    continue
                cost, least = _cost(some)
                rows.append(
                    ProfileRow(
                        *line_of(int(site)),
                        "shared" if shared else "global",
                        "store" if write else "load",
                        len(cost),
                        float(cost.sum() / least.sum()),
                    )
                )
    return rows


def aggregate(rows: Sequence[ProfileRow]) -> tuple[ProfileRow, ...]:
    """Join the rows of the same line; ratios are averaged over requests."""
    joined: dict[tuple[str, int, str, str], list[ProfileRow]] = {}
    for row in rows:
        joined.setdefault((row.file, row.line, row.space, row.access), []).append(row)
    result = []
    for key, same in sorted(joined.items()):
        requests = sum(r.requests for r in same)
        ratio = sum(r.requests * r.ratio for r in same) / requests
        result.append(ProfileRow(*key, requests, ratio))
    return tuple(result)


def _cost(records: npt.NDArray[np.void]) -> tuple[Counts, Counts]:
    """Return, for each warp request of one place, its transactions and the fewest possible.

    The k-th time a thread comes by belongs to the k-th time of the other lanes of its warp.
    """
    r = records[np.argsort(records["thread"], kind="stable")]
    thread = r["thread"].astype(np.int64)
    start = np.r_[True, thread[1:] != thread[:-1]]
    position = np.arange(len(r))
    turn = position - np.maximum.accumulate(np.where(start, position, 0))
    _, request = np.unique((thread // 32) << 32 | turn, return_inverse=True)
    n, shared = int(request.max()) + 1, bool(r["shared"][0])
    first, size = r["address"].astype(np.int64), r["size"].astype(np.int64)
    first -= first.min() // (SECTOR * BANKS) * (SECTOR * BANKS)  # banks and sectors stay
    if shared:
        wanted, word = _touched(request, first, size, WORD)
        per_bank = np.zeros((n, BANKS), np.int64)
        np.add.at(per_bank, (wanted, word % BANKS), 1)
        return per_bank.max(1), np.maximum(1, -(-np.bincount(wanted, minlength=n) // BANKS))
    by_sector, _ = _touched(request, first, size, SECTOR)
    by_byte, _ = _touched(request, first, size, 1)
    least = -(-np.bincount(by_byte, minlength=n) // SECTOR)
    return np.bincount(by_sector, minlength=n), np.maximum(1, least)


def _touched(request: Counts, first: Counts, size: Counts, unit: int) -> tuple[Counts, Counts]:
    """Return the different units of memory that each request touches: (requests, units).

    Lanes that want the same unit get it together.
    """
    last = (first + size - 1) // unit
    most = int((last - first // unit).max()) + 1
    units = first[:, None] // unit + np.arange(most)
    wide = int(last.max()) + 1
    keys = (request[:, None] * wide + units)[units <= last[:, None]]
    both = np.unique(keys)
    return both // wide, both % wide
