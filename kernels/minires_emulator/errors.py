"""What can go wrong, and what is said about it: the exceptions and the reports of a fault."""

from __future__ import annotations

from dataclasses import dataclass


class NoCompiler(RuntimeError):
    """There is no C++ compiler to compile kernels with; the message says how to get one."""


class CompileError(RuntimeError):
    """The compiler rejected the kernel; the message is the compiler's, with the user's lines."""


@dataclass(frozen=True)
class Access:
    """What one thread did, and where.

    `action` is "read", "wrote", "updated atomically", "waits", "left the kernel", or "" for none of
    these; `file` is "" and `line` 0 where the line is not known.
    """

    action: str
    block: tuple[int, int, int]
    thread: tuple[int, int, int]
    file: str
    line: int

    def __str__(self) -> str:
        action = f" {self.action}" if self.action else ""
        where = f" at {self.file}:{self.line}" if self.file else ""
        return f"block {_triple(self.block)} thread {_triple(self.thread)}{action}{where}"


@dataclass(frozen=True)
class Report:
    """One fault of a kernel.

    kind    one of KINDS
    kernel  the kernel's name
    space   "global", "shared", "local", "module" (a `__device__` variable), or "" for none
    size    bytes of the access, 0 where there is none
    first   the access, or the earlier one of two
    second  the later one of two; None if there is only one
    detail  what else is known: which array, which index, how far out of it
    """

    kind: str
    kernel: str
    space: str
    size: int
    first: Access
    second: Access | None
    detail: str

    def __str__(self) -> str:
        text = f"{self.kernel}: {self.kind}"
        if self.size:
            text += f", {self.size} byte{'s' * (self.size > 1)}"
            text += f" of {self.space} memory" if self.space else ""
        if self.detail:
            text += f": {self.detail}"
        lines = [text, str(self.first)]
        if self.second is not None:
            lines.append(str(self.second))
        if hint := self._hint():
            lines.append(hint)
        return "\n  ".join(lines)

    def _hint(self) -> str:
        if self.kind in (WRITE_WRITE, READ_WRITE) and self.second is not None:
            if self.first.block != self.second.block:
                return "nothing orders the blocks of a launch"
            return "no barrier orders the two"
        return _HINTS.get(self.kind, "")


WRITE_WRITE = "write/write race"
READ_WRITE = "read/write race"
OUT_OF_BOUNDS = "out-of-bounds access"
WILD_POINTER = "access to no array's memory"
UNWRITTEN = "read of memory that nobody wrote"
READ_ONLY = "write to a const argument"
MISALIGNED = "misaligned access"
DIVERGENT = "divergent __syncthreads"
MISSING_LANES = "warp intrinsic with missing lanes"
TRAP = "trap"
DIVISION = "integer division by zero"
OVERFLOW = "stack overflow"
TIME_LIMIT = "time limit"

# In the order of Kind in cpp/runtime.h.
KINDS = (
    WRITE_WRITE,
    READ_WRITE,
    OUT_OF_BOUNDS,
    WILD_POINTER,
    UNWRITTEN,
    READ_ONLY,
    MISALIGNED,
    DIVERGENT,
    MISSING_LANES,
    TRAP,
    DIVISION,
    OVERFLOW,
    TIME_LIMIT,
)

_HINTS = {
    DIVERGENT: "all threads of a block must come to the same __syncthreads",
    MISSING_LANES: "all lanes that the mask names must come to the same warp intrinsic",
    OVERFLOW: "a thread has 256 KiB for its local variables",
}


class KernelFault(RuntimeError):
    """A kernel did what it must not do; `reports` says what, where and by which threads."""

    def __init__(self, reports: tuple[Report, ...]) -> None:
        super().__init__("\n".join(map(str, reports)))
        self.reports = reports

    def __reduce__(self) -> tuple[type[KernelFault], tuple[tuple[Report, ...]]]:
        return KernelFault, (self.reports,)


def _triple(index: tuple[int, int, int]) -> str:
    return f"({index[0]},{index[1]},{index[2]})"
