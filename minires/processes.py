"""Whether a process of this machine still runs."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def begun(process: int) -> int | None:
    """Return when a process began, in the system's ticks; None where there is no /proc."""
    found = _stat(process)
    return None if found is None else int(found[19])


def alive(process: int, began: int | None = None) -> bool:
    """Return whether a process runs; one that has ended and was not yet waited for does not.

    began  `begun` of the process that is meant: another may have got its number since
    """
    found = _stat(process)
    if found is not None:
        return found[0] not in "ZX" and began in (None, int(found[19]))
    if os.name == "nt":  # where signal 0 is no question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not Path("/proc/self/stat").exists()  # else it ended between the two looks


def _stat(process: int) -> list[str] | None:
    """Return what /proc tells of a process, from its state on; None if nothing."""
    with contextlib.suppress(OSError, IndexError):
        told = Path(f"/proc/{process}/stat").read_text(encoding="latin-1")
        return told.rpartition(")")[2].split() or None  # what is before is a name
    return None
