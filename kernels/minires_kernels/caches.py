"""Where compiled kernels are kept, known without what compiles them."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_root() -> Path | None:
    """Return the folder of all minires caches: `MINIRES_CACHE_DIR` or the user's cache folder.

    None where there is no such folder: no HOME, or one that depends on the working folder.
    """
    try:
        if given := os.environ.get("MINIRES_CACHE_DIR"):
            return Path(os.path.abspath(os.path.expanduser(given)))
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            named = Path(os.environ.get("XDG_CACHE_HOME", ""))
            base = named if named.is_absolute() else Path.home() / ".cache"
    except (RuntimeError, OSError):  # a user without a home; a working folder that is gone
        return None
    return base / "minires" if base.is_absolute() else None
