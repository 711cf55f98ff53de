"""Check mode's copies of the arrays: each lies between red zones, bytes that no kernel may touch.

Arrays that overlap in memory stay together in one copy, so that a kernel that works in place, or is
given two views of one array, sees what it would see on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arguments import Array
from .native import Buffer

RED_ZONE = 1 << 16  # bytes on each side; as in cpp/shadow.cpp
ALIGNMENT = 256  # of an array that is no view, as on a GPU; what a request costs depends on it


@dataclass
class _Region:
    """Memory of the caller, from `begin` to `end`, and the arguments that lie in it."""

    begin: int
    end: int
    members: list[int]


@dataclass
class Copy:
    """One copied region: `data` holds the bytes, with red zones; `members` are argument indices."""

    data: Array
    inside: slice
    members: list[int]
    writable: bool


class Copies:
    """Copies of arrays, made at the start of a launch and written back at its end."""

    def __init__(self, arrays: dict[int, Array], writable: set[int]) -> None:
        self.arrays, self.writable = arrays, writable
        self.copies: list[Copy] = []
        self.addresses: dict[int, int] = {}  # of each argument's copy
        self.buffers: list[Buffer] = []
        for region in _regions(arrays):
            self._copy(region)

    def _copy(self, region: _Region) -> None:
        size = region.end - region.begin
        data = np.empty(size + 2 * RED_ZONE + ALIGNMENT, np.uint8)
        within = region.begin - _origin(self.arrays[region.members[0]])
        start = RED_ZONE + (within - data.ctypes.data - RED_ZONE) % ALIGNMENT
        writable = any(i in self.writable for i in region.members)
        for i in region.members:
            a = self.arrays[i]
            offset = start + a.ctypes.data - region.begin
            data[offset : offset + a.nbytes] = _bytes(a)
            self.addresses[i] = data.ctypes.data + offset
        inside = slice(start, start + size)
        grain = min(min(self.arrays[i].dtype.itemsize for i in region.members), 4)
        grain = grain if grain in (1, 2, 4) and region.begin % grain == 0 else 1
        self.copies.append(Copy(data, inside, region.members, writable))
        self.buffers.append(Buffer(data.ctypes.data + start, size, writable, grain))

    def write_back(self) -> None:
        """Take over what the kernel wrote."""
        for copy in self.copies:
            for i in copy.members:
                if i in self.writable:
                    a = self.arrays[i]
                    offset = self.addresses[i] - copy.data.ctypes.data
                    _bytes(a)[...] = copy.data[offset : offset + a.nbytes]


def _bytes(a: Array) -> Array:
    return a.reshape(-1).view(np.uint8)


def _origin(a: Array) -> int:
    """Return where the memory begins that the array is a view of."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return int(a.ctypes.data)


def _regions(arrays: dict[int, Array]) -> list[_Region]:
    """Return the memory of the arrays, those that overlap joined."""
    regions: list[_Region] = []
    for i, a in sorted(arrays.items(), key=lambda item: item[1].ctypes.data):
        begin, end = a.ctypes.data, a.ctypes.data + a.nbytes
        if regions and begin < regions[-1].end and a.nbytes:
            regions[-1].end = max(regions[-1].end, end)
            regions[-1].members.append(i)
        else:
            regions.append(_Region(begin, end, [i]))
    return regions
