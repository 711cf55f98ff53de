"""Sums between GPUs by NVIDIA's NCCL, through CuPy; numbers in NumPy's memory go by MPI.

    comm = NCCL(parallel.world())       # one rank for each GPU: mpirun -n 4 python my_training.py
    net.to("cuda")
    averaging = Averaging(net.parameters(), comm)

A sum runs on a stream of its own, behind what has been launched so far and beside what follows: so
the backward pass goes on meanwhile. Its wait makes the GPU wait, not the program. For one order of
calls on as many GPUs NCCL chooses the same algorithm, and so gives the same bits.
"""

from __future__ import annotations

import importlib
from typing import Any

from minires_kernels import arrays, gpu

from ..tensor import Array
from .comm import Comm, Pending

TYPES = {"e": "NCCL_FLOAT16", "f": "NCCL_FLOAT32", "d": "NCCL_FLOAT64", "q": "NCCL_INT64"}


class NCCL(Comm):
    """The ranks of `control`, each with a GPU: the one of its number on its machine.

    Raises RuntimeError where no GPU can be used, ImportError without NCCL, ValueError with more
    ranks than GPUs on a machine.
    """

    def __init__(self, control: Comm) -> None:
        super().__init__()
        self.control, self.rank, self.size = control, control.rank, control.size
        cuda = gpu.usable_module().cuda
        local, there = control.local, cuda.runtime.getDeviceCount()
        if local >= there:
            raise ValueError(f"rank {self.rank}: {local + 1} ranks on a machine with {there} GPUs")
        cuda.Device(local).use()
        self._cuda, self._nccl = cuda, _nccl(cuda)
        self._comm = self._nccl.NcclCommunicator(
            self.size, control.first(self._nccl.get_unique_id), self.rank
        )
        self._stream = cuda.Stream(non_blocking=True)

    def start(self, a: Array) -> Pending:
        """Launch an `ncclAllReduce` in place, after all that was launched before."""
        if not arrays.on_gpu(a):
            return self.control.start(a)
        kind = self._type_of(a)
        self.bytes += a.nbytes
        self._after_what_was_launched()
        where: Any = a.data
        op = self._nccl.NCCL_SUM
        self._comm.allReduce(where.ptr, where.ptr, a.size, kind, op, self._stream.ptr)
        return _Launched(self, a)

    def broadcast(self, a: Array) -> None:
        if not arrays.on_gpu(a):
            return self.control.broadcast(a)
        kind = self._type_of(a)
        self._after_what_was_launched()
        where: Any = a.data
        self._comm.broadcast(where.ptr, where.ptr, a.size, kind, 0, self._stream.ptr)
        _Launched(self, a).wait()

    def gather(self, value: Any) -> list[Any]:
        return self.control.gather(value)

    def lost(self) -> list[int]:
        return self.control.lost()

    def leave(self, patience: float) -> bool:
        return self.control.leave(patience)

    def abort(self, code: int) -> None:
        self._comm.abort()
        self.control.abort(code)

    def _type_of(self, a: Array) -> int:
        if a.dtype.char not in TYPES or not a.flags.c_contiguous:
            raise TypeError(f"NCCL sums contiguous arrays of floats or int64, got {a.dtype}")
        return int(getattr(self._nccl, TYPES[a.dtype.char]))

    def _after_what_was_launched(self) -> None:
        self._stream.wait_event(self._cuda.get_current_stream().record())


class _Launched(Pending):
    """A call on NCCL's stream; keeps its array until the current stream waits for the end."""

    def __init__(self, comm: NCCL, a: Array) -> None:
        self.comm, self.array, self.done = comm, a, comm._stream.record()

    def wait(self) -> None:
        self.comm._cuda.get_current_stream().wait_event(self.done)


def _nccl(cuda: Any) -> Any:
    """Return CuPy's module of NCCL; ImportError with what to install."""
    found = getattr(cuda, "nccl", None)
    if found is None or not getattr(found, "available", True):
        try:
            found = importlib.import_module("cupy.cuda.nccl")
        except ImportError:
            found = None
    if not hasattr(found, "NcclCommunicator"):
        raise ImportError("CuPy finds no NCCL: pip install nvidia-nccl-cu13 (or -cu12)")
    return found
