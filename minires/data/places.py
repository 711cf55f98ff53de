"""Where data sets lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from minires_kernels.caches import cache_root

StrPath = str | os.PathLike[str]


def cache() -> Path | None:
    """Return the folder that downloads go to: "data" in the cache folder of minires.

    That is `MINIRES_CACHE_DIR`, or the user's cache folder as platformdirs has it; None where there
    is neither.
    """
    root = cache_root()
    return None if root is None else root / "data"


def places(root: StrPath | None = None) -> list[Path]:
    """Return the folders to look in: `root` alone if it is given, else

    `MINIRES_DATA`; "data" in the working folder, where torchvision's examples put theirs; the
    cache. ValueError if `MINIRES_DATA` names no folder.
    """
    if root is not None:
        return [Path(root).expanduser()]
    found: list[Path] = []
    if named := os.environ.get("MINIRES_DATA"):
        found.append(Path(named).expanduser())
        if not found[0].is_dir():
            raise ValueError(
                f"MINIRES_DATA={named}: there is no such folder; name another, or none"
            )
    found.append(Path("data"))
    if (kept := cache()) is not None:
        found.append(kept)
    return found


def to_get() -> Path:
    """Return the folder that `minires data get` writes to: `MINIRES_DATA`, or the cache."""
    if named := os.environ.get("MINIRES_DATA"):
        return Path(named).expanduser()
    if (kept := cache()) is None:
        raise ValueError("there is no cache folder (no HOME); set MINIRES_DATA to a folder")
    return kept
