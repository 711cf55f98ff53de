"""What the process that runs a learner's file may not do while it is checked.

An audit hook cannot be taken away again. Where it reads solutions or reaches for other processes,
the process ends: there is nothing to catch. Changing files of others, or starting a program, raises
PermissionError, because honest modules try it too. The hook holds nothing that a learner's code
could replace. It is no match for a program that rewrites the memory of its interpreter, and it
knows of no copy of a solution that learners made themselves.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minires_kernels.caches import cache_root

from . import files

GIB = 2**30
REFUSED = b"minires refused: "

_CHANGES = frozenset(
    ["os.remove", "os.rename", "os.link", "os.truncate", "os.chmod", "os.chown", "os.utime",
     "sqlite3.connect"]
)  # fmt: skip
_MAKES = frozenset(["os.mkdir", "os.symlink"])
_PROGRAMS = frozenset(
    ["subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
     "os.spawn", "os.startfile", "pty.spawn"]
)  # fmt: skip
_PROCESSES = frozenset(["os.kill", "os.killpg", "resource.prlimit"])
_OBJECTS = frozenset(["gc.get_objects", "gc.get_referrers", "gc.get_referents"])
_SYMBOLS = frozenset(
    ["open", "open64", "openat", "openat64", "fopen", "fopen64", "freopen", "popen", "system",
     "fork", "vfork", "clone", "execv", "execve", "posix_spawn", "syscall", "mmap", "dlopen",
     "dlsym", "ptrace", "process_vm_readv", "process_vm_writev", "kill", "killpg", "tgkill",
     "sigqueue", "pidfd_send_signal", "prlimit", "setpriority", "unlink", "unlinkat", "remove",
     "rename", "renameat", "renameat2", "truncate", "link", "chmod", "chown"]
)  # fmt: skip
_NO_PROGRAM = "it starts another program, which it may not do while exercises are checked"
_NO_PROCESS = "it signals other processes, or reads their memory"
_NO_READING = "which may not be read while exercises are checked"


def install(told: int) -> None:
    """End this process, after a line to the file descriptor `told`, when it does what it may not.

    It may not read the checks of exercises and the lessons that come with minires, change files of
    minires, start other interpreters, or touch other processes. PermissionError is raised where it
    starts another program, changes any other file that was there before, or makes one where Python
    finds modules or compiled kernels, which other processes run.
    """
    watched = _CHANGES | _MAKES | _PROGRAMS | _PROCESSES | _OBJECTS
    watched |= {"open", "import", "ctypes.dlsym", "cpython.PyInterpreterState_New"}
    write, leave, own, encode = os.write, os._exit, os.getpid(), str.encode
    changes, makes, programs, processes = _CHANGES, _MAKES, _PROGRAMS, _PROCESSES
    objects, denied = _OBJECTS, PermissionError
    symbols, start, checks, texts = _SYMBOLS, str.startswith, __package__ + ".checks", (str, bytes)
    no_program, no_process, no_reading = _NO_PROGRAM, _NO_PROCESS, _NO_READING
    issubclass_, type_, writing = (
        issubclass,
        type,
        os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_CREAT,
    )

    def refuse(what: str) -> None:
        write(told, REFUSED + encode(what) + b"\n")
        leave(3)

    look, make = _looking(refuse)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in watched:
            return
        if event == "open":
            if issubclass_(type_(arguments[0]), texts):  # not a file descriptor
                look(arguments[0], arguments[2] & writing != 0, arguments[1] is None)
        elif event in changes:
            look(arguments[0], True, False)
            if event in ("os.rename", "os.link"):
                look(arguments[1], True, False)
        elif event in makes:
            make(arguments[event == "os.symlink"])
        elif event == "import":
            if start(arguments[0], checks):
                refuse("it imports the solutions that come with minires, " + no_reading)
        elif event in programs:
            raise denied(no_program)  # some modules try: Matplotlib looks for fonts
        elif event == "cpython.PyInterpreterState_New":
            refuse("it starts another interpreter")
        elif event in objects:
            refuse("it looks through all objects of the process (gc)")
        elif event in processes:
            if arguments[0] != own or event == "os.killpg":
                refuse(no_process)
        elif arguments[1] in symbols:
            refuse("it calls the C library past Python")

    _replace_what_has_no_event(refuse)
    sys.addaudithook(hook)


def _looking(
    refuse: Callable[[str], None],
) -> tuple[Callable[[Any, bool, bool], None], Callable[[Any], None]]:
    """Return what judges a path that is read, changed or opened without a mode; and a new one."""
    hidden, fixed, closed = _identities()
    stat, denied, type_, issubclass_ = os.stat, PermissionError, type, issubclass
    kinds, number, failures = (str, bytes, int), int, (OSError, ValueError)
    begun = time.time() - 0.05
    nowhere = {os.stat(p).st_rdev for p in ("/dev/null", "/dev/full") if os.path.exists(p)}
    of_processes = os.stat("/proc").st_dev if os.path.isdir("/proc/self") else -1
    no_reading, no_process, text = _NO_READING, _NO_PROCESS, repr
    split, split_bytes, texts = str.rpartition, bytes.rpartition, str

    def make(path: Any) -> None:
        is_text = issubclass_(type_(path), texts)
        above, slash, _ = split(path, "/") if is_text else split_bytes(path, b"/")
        folder = above or slash or "."
        try:
            found = stat(folder)
        except failures:
            return
        if (found.st_dev, found.st_ino) in closed:
            raise denied("while exercises are checked, nothing new may be in " + text(folder))

    def look(path: Any, changes: bool, bare: bool) -> None:
        if not issubclass_(type_(path), kinds):  # its text may be another one the next time
            raise denied("while exercises are checked: expected a path as text; use str(path)")
        try:
            found = stat(path)
        except failures:  # a new file, or none
            if changes and not issubclass_(type_(path), number):
                make(path)
            return
        identity, kind = (found.st_dev, found.st_ino), found.st_mode & 0o170000
        if identity in hidden:
            refuse("it opens the solutions that come with minires, " + no_reading)
        if found.st_dev == of_processes and not found.st_mode & 0o004:
            refuse(no_process)
        if bare and kind == 0o040000:
            raise denied("while exercises are checked, a folder is opened as a file: " + text(path))
        if not changes or found.st_rdev in nowhere:
            return
        if identity in fixed:
            refuse("it changes a file of minires")
        if kind != 0o100000 or found.st_ctime < begun:
            raise denied("while exercises are checked, no file may be changed: " + text(path))

    return look, make


def _replace_what_has_no_event(refuse: Callable[[str], None]) -> None:
    for modules, name, why in (
        (("_posixsubprocess",), "fork_exec", _NO_PROGRAM),
        (("subprocess",), "_fork_exec", _NO_PROGRAM),
        (("signal", "_signal"), "pidfd_send_signal", _NO_PROCESS),
        (("os", "posix"), "setpriority", _NO_PROCESS),
        (("os", "posix"), "mknod", "it makes a file past Python's open()"),
    ):
        for module in modules:
            with contextlib.suppress(ImportError):
                found = importlib.import_module(module)
                if hasattr(found, name):
                    setattr(found, name, lambda *_, why=why, **__: refuse(why))


def _identities() -> list[frozenset[tuple[int, int]]]:
    """Return device and inode of what may not be read, what may not be changed, where to add none.

    These are the checks and the lessons; the files of minires; folders in which new files would be
    run by other processes.
    """
    package, checks = Path(__file__).parents[1], Path(__file__).with_name("checks")
    folders = [package, *(p for p in package.rglob("*") if p.is_dir()), *map(Path, sys.path)]
    if root := cache_root():
        folders += [next(p for p in (root, *root.parents) if p.is_dir()), *root.glob("*")]
    found = []
    for paths in (
        [checks, *checks.rglob("*"), *files.folder().glob("lesson_*")],
        package.rglob("*.py"),
        [p for p in folders if p.is_dir()],
    ):
        stats = [path.stat() for path in paths]
        found.append(frozenset((s.st_dev, s.st_ino) for s in stats))
    return found


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
