"""Ranks that MPI has started: `mpirun -n 4 python …`, through mpi4py.

A wait looks again and again instead of blocking in MPI, for three reasons: ranks may be more than
there are cores, and a blocked one would spin on the core that another needs; signals are heard; and
a rank that was killed is noticed, where MPI would wait for it for ever.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from typing import Any

import numpy as np

from ..processes import alive
from ..tensor import Array
from .comm import Comm, Pending, RankLost

PATIENCE = 600.0  # s without a word, after which the others are given up: kernels may be compiling
SPINS, PAUSE = 50, 5e-5  # looks before a rank sleeps between two of them, and for how long, in s
DRAIN = 0.3  # s for the launcher to pass on what was printed last
LOOK = 0.5  # s between two looks at who is alive


class MPI(Comm):
    """The ranks of MPI's COMM_WORLD; MPI sums in an order that depends on sizes alone.

    patience  seconds without a word from the others after which RankLost is raised
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        super().__init__()
        self.patience = patience
        from mpi4py import MPI as mpi

        self.mpi = mpi
        self.world = mpi.COMM_WORLD.Dup()
        self.farewell = mpi.COMM_WORLD.Dup()
        self.rank, self.size = self.world.Get_rank(), self.world.Get_size()
        self._going: list[_Sum] = []
        self._homes = self.gather((socket.gethostname(), os.getpid()))
        here = [host for host, _ in self._homes]
        self.beside = here.count(here[self.rank])  # ranks on this machine, this one included
        self.local = here[: self.rank].count(here[self.rank])  # its number among them

    def start(self, a: Array) -> Pending:
        """Begin an `MPI_Iallreduce` in place."""
        if not (isinstance(a, np.ndarray) and a.flags.c_contiguous):
            raise TypeError("MPI sums NumPy arrays that are contiguous; for a GPU there is NCCL")
        self.bytes += a.nbytes
        going = _Sum(self, a, self.world.Iallreduce(self.mpi.IN_PLACE, a, op=self.mpi.SUM))
        self._going.append(going)
        return going

    def poke(self) -> None:
        if self._going and self._going[0].request.Test():  # one look advances all of them
            del self._going[0]

    def broadcast(self, a: Array) -> None:
        self.wait(self.world.Ibcast(a, root=0))

    def gather(self, value: Any) -> list[Any]:
        """Return all values; they are pickled, between processes of one program."""
        self.wait(self.world.Ibarrier())  # all are here: what now follows blocks, but not for long
        found: list[Any] = self.world.allgather(value)
        return found

    def wait(self, request: Any) -> None:
        """Wait for a request of MPI; raises RankLost if that has become hopeless."""
        if self._done(request):
            return
        begun = looked = time.monotonic()
        turn = 0
        while not self._done(request):
            turn += 1
            if turn <= SPINS:
                os.sched_yield() if hasattr(os, "sched_yield") else time.sleep(0)
                continue
            time.sleep(PAUSE)
            now = time.monotonic()
            if now - looked > LOOK:
                looked = now
                self._check(now - begun)
        self.waited += time.monotonic() - begun

    def _done(self, request: Any) -> bool:
        try:
            return bool(request.Test())
        except self.mpi.Exception as error:
            raise RankLost(f"MPI reached no other rank: {error}") from None

    # ---- ends -----------------------------------------------------------------------------------
    def _check(self, silence: float) -> None:
        if lost := self.lost():
            raise RankLost(", ".join(map(self._name, lost)) + " has ended")
        if silence > self.patience:
            raise RankLost(f"nothing was heard of the other ranks for {silence:.0f} s")

    def _name(self, rank: int) -> str:
        host, process = self._homes[rank]
        return f"rank {rank} (process {process} on {host})"

    def lost(self) -> list[int]:
        """Return the ranks of this machine that have ended; of others nothing is known."""
        own = self._homes[self.rank][0]
        return [r for r, (host, pid) in enumerate(self._homes) if host == own and not alive(pid)]

    def leave(self, patience: float) -> bool:
        request, end = self.farewell.Ibarrier(), time.monotonic() + patience
        while not self._done(request):
            if time.monotonic() > end or self.lost():
                return False
            time.sleep(0.005)
        return True

    def abort(self, code: int) -> None:
        """End all ranks; after the loss of one, the first that is left ends last."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        lost = self.lost()
        first = min(set(range(self.size)) - set(lost))
        end = time.monotonic() + self.patience
        while lost and first < self.rank and first not in self.lost() and time.monotonic() < end:
            time.sleep(LOOK)
        time.sleep(DRAIN)
        if lost:
            os._exit(code)  # with a rank missing, MPI cannot
        self.world.Abort(code)


class _Sum(Pending):
    """A sum in MPI's hands; it keeps the array, which mpi4py's request does not."""

    def __init__(self, comm: MPI, a: Array, request: Any) -> None:
        self.comm, self.array, self.request = comm, a, request

    def wait(self) -> None:
        self.comm.wait(self.request)
        with contextlib.suppress(ValueError):
            self.comm._going.remove(self)
