"""How ranks begin, by `mpirun` or by `launch`, and how all of them end when one does."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import threads
from .comm import ALONE, Comm, RankLost

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_WORLD_SIZE")  # MPICH and Intel, Open MPI, others
INSTALL = 'pip install "minires[mpi]"'
# mpirun kills all ranks at once (SIGKILL, which nobody hears) when one is killed. This stands
# between: it ends late, so that the others have time to notice and to save a checkpoint, and it
# leaves Ctrl-C to the rank itself.
GUARD = 'trap : INT TERM; "$@"; code=$?; case $code in 13[1-9]) sleep 60;; esac; exit $code'
GUARDED = "MINIRES_GUARDED"  # set where it stands between
GRACE = 20.0  # s for which a rank that has failed waits for others to fail in the same way
END = 600.0  # s for which a rank that has finished waits for the others


def inside() -> int:
    """Return how many ranks the launcher of this process has started, 1 without one."""
    found = [os.environ.get(name, "") for name in SIZES]
    return max([int(text) for text in found if text.isdecimal()], default=1)


def world() -> Comm:
    """Return the ranks that this process was started with, or one process that is alone.

    Ranks on one machine share its cores, unless MINIRES_NUM_THREADS says otherwise. Raises
    ImportError without mpi4py where there are several.
    """
    if (size := inside()) == 1:
        return ALONE
    _require_mpi4py(f"{size} ranks were started")
    from .mpi import MPI

    comm = MPI()
    if "MINIRES_NUM_THREADS" not in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        threads.set_num_threads(max(1, (cores or 1) // comm.beside))
    return comm


def _require_mpi4py(what: str) -> None:
    if importlib.util.find_spec("mpi4py") is None:
        raise ImportError(f"{what}, but mpi4py is not installed: {INSTALL}")


def launch(size: int, command: Sequence[str]) -> int:
    """Run a command as `size` ranks of this machine by mpirun, and return its exit code.

    SIGINT and SIGTERM are passed on to the ranks, each of which finishes its step.
    """
    _require_mpi4py(f"{size} ranks are wanted")
    beside = Path(sys.executable).parent / "mpirun"  # where pip puts it
    mpirun = str(beside) if beside.exists() else shutil.which("mpirun")
    if mpirun is None:
        raise FileNotFoundError(f"there is no mpirun here: {INSTALL}")
    with subprocess.Popen(
        [mpirun, "-n", str(size), "sh", "-c", GUARD, "sh", *command],
        stdin=subprocess.DEVNULL,
        env=os.environ | {GUARDED: "1"},
        start_new_session=True,  # a terminal's Ctrl-C comes here, and is passed on once
    ) as process:

        def passed_on(_number: int, _frame: Any) -> None:
            process.send_signal(signal.SIGINT)

        before = {n: signal.signal(n, passed_on) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def guard() -> None:
    """Begin this process anew behind `GUARD`, unless it is so already; call it before `world`.

    So ranks of a plain `mpirun` outlive one that is killed for long enough to save. The process
    must be one that can begin twice, say a command. On a system without sh nothing happens.
    """
    shell = shutil.which("sh")
    if GUARDED in os.environ or shell is None or os.name != "posix":
        return
    again = [sys.executable, *sys.orig_argv[1:]]
    os.execve(shell, ["sh", "-c", GUARD, "sh", *again], os.environ | {GUARDED: "1"})


def among(comm: Comm, run: Callable[[], int]) -> int:
    """Run what all ranks run, and return its exit code; see to it that all end if one does.

    An error that all ranks meet is raised on rank 0. One that only this rank meets is printed, and
    all ranks are ended.
    """
    if comm.size == 1:
        return run()
    try:
        code = run()
    except BaseException as error:
        if comm.leave(GRACE):
            if comm.rank == 0:
                raise
            return 0  # rank 0 says what it was
        text = str(error) or type(error).__name__
        if not isinstance(error, RankLost):
            text = f"rank {comm.rank} has failed, and ends all: {type(error).__name__}: {text}"
        print(f"minires: error: {text}", file=sys.stderr, flush=True)
        comm.abort(1)
        raise
    if not comm.leave(END):
        comm.abort(code or 1)
    return code if comm.rank == 0 else 0  # one code for all
