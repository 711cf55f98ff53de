"""What the process that runs a learner's file may not do while it is checked.

An audit hook cannot be taken away again. What it meets ends the process: there is nothing to catch.
It holds nothing that a learner's code could replace. It is no match for a program that rewrites
the memory of its interpreter, and it knows of no copy of a solution that learners made themselves.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import files

GIB = 2**30
REFUSED = b"minires refused: "

_PATHS = frozenset(
    ["open", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod",
     "os.chown", "os.utime", "shutil.copyfile", "shutil.move", "sqlite3.connect"]
)  # fmt: skip
_PROGRAMS = frozenset(
    ["subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
     "os.spawn", "os.startfile", "pty.spawn", "os.killpg"]
)  # fmt: skip
_OBJECTS = frozenset(["gc.get_objects", "gc.get_referrers", "gc.get_referents"])
_SYMBOLS = frozenset(
    ["open", "open64", "openat", "openat64", "fopen", "fopen64", "freopen", "popen", "system",
     "fork", "vfork", "execv", "execve", "posix_spawn", "syscall", "mmap", "dlopen", "dlsym"]
)  # fmt: skip


def install(told: int) -> None:
    """End this process, after a line to the file descriptor `told`, when it does what it may not.

    It may not read the checks of exercises and the lessons that come with minires, change files of
    minires, start other programs, or signal other processes.
    """
    hidden, fixed = _identities()
    watched = _PATHS | _PROGRAMS | _OBJECTS | {"import", "os.kill", "ctypes.dlsym"}
    stat, write, leave, own = os.stat, os.write, os._exit, os.getpid()
    paths, programs, objects, symbols = _PATHS, _PROGRAMS, _OBJECTS, _SYMBOLS
    issubclass_, type_, failures, encode = issubclass, type, (OSError, ValueError), str.encode
    kinds, start, checks = (str, bytes), str.startswith, __package__ + ".checks"

    def refuse(what: str) -> None:
        write(told, REFUSED + encode(what) + b"\n")
        leave(3)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in watched:
            return
        if event in paths:
            changes = event != "open" or arguments[2] & 3  # for writing
            for a in arguments:
                if issubclass_(type_(a), kinds):
                    try:
                        found = stat(a)
                    except failures:
                        continue
                    identity = found.st_dev, found.st_ino
                    if identity in hidden:
                        refuse("it opens the solutions that come with minires, which may not be "
                               "read while exercises are checked")  # fmt: skip
                    if changes and identity in fixed:
                        refuse("it changes a file of minires")
                    folder = found.st_mode & 0o170000 == 0o040000
                    if folder and event == "open" and arguments[1] is None:
                        refuse("it opens a folder as a file")
        elif event == "import":
            if start(arguments[0], checks):
                refuse("it imports the solutions that come with minires, which may not be read "
                       "while exercises are checked")  # fmt: skip
        elif event in programs:
            refuse("it starts another program, which it may not do while exercises are checked")
        elif event in objects:
            refuse("it looks through all objects of the process (gc)")
        elif event == "os.kill":
            if arguments[0] != own:
                refuse("it signals other processes")
        elif arguments[1] in symbols:
            refuse("it calls the C library past Python")

    with contextlib.suppress(ImportError, AttributeError):  # starts processes without an event
        import _posixsubprocess
        import subprocess

        def fork_exec(*arguments: Any) -> None:
            refuse("it starts another program, which it may not do while exercises are checked")

        subprocess._fork_exec = _posixsubprocess.fork_exec = fork_exec  # type: ignore
    sys.addaudithook(hook)


def _identities() -> tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int]]]:
    """Return device and inode of what may not be read, and of what may not be changed."""
    package = Path(__file__).parents[1]
    checks = Path(__file__).with_name("checks")
    hidden = [checks, *checks.rglob("*"), *files.folder().glob("lesson_*")]
    found = []
    for paths in (hidden, package.rglob("*.py")):
        stats = [path.stat() for path in paths]
        found.append(frozenset((s.st_dev, s.st_ino) for s in stats))
    return found[0], found[1]


def limit_memory() -> None:
    """Let this process take 4 GiB of memory at most, or half of the machine's.

    Where the system has such limits: Linux. Elsewhere memory is not limited.
    """
    with contextlib.suppress(OSError):  # if memory runs out all the same, end this process first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        for kind, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, GIB),
            (resource.RLIMIT_DATA, _most_memory()),
        ):
            _, hardest = resource.getrlimit(kind)
            limit = most if hardest == resource.RLIM_INFINITY else min(most, hardest)
            resource.setrlimit(kind, (limit, limit))


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
    """Let this process take as much more in a `with` block, where the system has such limits."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
        before, hardest = resource.getrlimit(resource.RLIMIT_DATA)
        if before == resource.RLIM_INFINITY:
            most = pages * os.sysconf("SC_PAGE_SIZE") + _most_memory()
            resource.setrlimit(resource.RLIMIT_DATA, (most, hardest))
    except (ImportError, OSError, ValueError, IndexError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hardest))


def _most_memory() -> int:
    """Return 4 GiB, or half of the machine's memory, and what threads of NumPy may take."""
    most = 4 * GIB
    with contextlib.suppress(ValueError, OSError, AttributeError):
        most = min(most, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    return most + (os.cpu_count() or 1) * 2**26
