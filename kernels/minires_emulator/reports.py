"""From the runtime's reports to `Report`s that name arrays, threads and lines."""

from __future__ import annotations

from collections.abc import Sequence

from . import errors
from .build import Module
from .errors import Access, Report
from .memory import Copies
from .native import NativeReport, Side, demangle

_SPACES = ("", "global", "shared", "shared", "local", "module")
_SHARED, _DYNAMIC_SHARED, _MODULE = 2, 3, 5
_ACTIONS = ("", "read", "wrote", "updated atomically", "waits", "left the kernel")

Triple = tuple[int, int, int]


class Reader:
    """Reads the reports of one launch."""

    def __init__(
        self,
        kernel: str,
        module: Module,
        grid: Triple,
        block: Triple,
        shared_mem: int,
        copies: Copies | None,
    ) -> None:
        self.kernel, self.module = kernel, module
        self.grid, self.block, self.shared_mem, self.copies = grid, block, shared_mem, copies

    def read(self, native: Sequence[NativeReport]) -> tuple[Report, ...]:
        """Return the reports as users see them: one for each kind and pair of source lines.

        A line that the compiler unrolled is several places in the code. Threads of one block and
        threads of two blocks are reported apart: the reasons differ.
        """
        found: dict[object, Report] = {}
        for report in map(self._report, native):
            a, b = report.first, report.second
            where = (a.file, a.line) + ((b.file, b.line, a.block == b.block) if b else ())
            unknown = () if a.file else (len(found),)
            found.setdefault((report.kind, where, unknown), report)
        return tuple(found.values())

    def _report(self, r: NativeReport) -> Report:
        return Report(
            errors.KINDS[r.kind],
            self.kernel,
            _SPACES[r.space],
            r.size,
            self._access(r.first),
            self._access(r.second) if r.second.thread >= 0 else None,
            self._detail(r),
        )

    def _access(self, side: Side) -> Access:
        file, line = self.module.line_of(side.site)
        if side.file:
            file, line = side.file.decode(errors="replace"), side.line
        x, y, _ = self.block
        t = max(side.thread, 0)
        gx, gy, _ = self.grid
        b = side.block
        return Access(
            _ACTIONS[side.action],
            (b % gx, b // gx % gy, b // gx // gy),
            (t % x, t // x % y, t // x // y),
            file,
            line,
        )

    def _detail(self, r: NativeReport) -> str:
        if r.detail:
            return str(r.detail.decode(errors="replace"))
        if r.argument >= 0 and self.copies is not None:
            return self._in_argument(r)
        if r.space == _SHARED:
            return self._in_shared(r.offset)
        if r.space == _DYNAMIC_SHARED:
            return f"byte {r.offset} of dynamic shared memory ({self.shared_mem} bytes)"
        if r.space == _MODULE:
            return demangle(self.module, self.module.variable_at(r.address))
        if errors.KINDS[r.kind] == errors.WILD_POINTER:
            return "a null pointer" if r.address < 4096 else f"at address {r.address:#x}"
        return f"at address {r.address:#x}" if r.address else ""

    def _in_argument(self, r: NativeReport) -> str:
        """Name the array, or of several that overlap the first that the access can belong to."""
        assert self.copies is not None
        copy = self.copies.copies[r.argument]
        begin = copy.data.ctypes.data + copy.inside.start
        for i in copy.members:
            a = self.copies.arrays[i]
            offset = begin + r.offset - self.copies.addresses[i]
            if 0 <= offset < a.nbytes or i == copy.members[-1]:
                break
        what = f"argument {i} ({a.dtype}, shape {a.shape})"
        if offset % a.itemsize == 0:
            return f"element {offset // a.itemsize} of {what}"
        return f"byte {offset} of {what}"

    def _in_shared(self, offset: int) -> str:
        """Name the array that the access lies in, or else the last that begins before it."""
        arrays = self.module.arrays
        if not arrays:
            return ""
        begin, length, name = max((a for a in arrays if a[0] <= offset), default=arrays[0])
        short = demangle(self.module, name).rpartition("::")[2]
        return f"byte {offset - begin} of {short} ({length} bytes)"
