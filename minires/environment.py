"""Environment variables, a wrong value of which is named; packages' versions; the processor."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
from pathlib import Path


def switch(name: str) -> bool:
    """Return whether the variable is 1; unset, empty and 0 mean no. ValueError for the rest."""
    value = os.environ.get(name, "")
    if value not in ("", "0", "1"):
        raise ValueError(f"{name}: expected 1 or 0, got {value!r}")
    return value == "1"


def seconds(name: str, default: float) -> float:
    """Return the variable as a positive number of seconds. ValueError if it is none."""
    value = os.environ.get(name, "")
    try:
        found = float(value) if value else default
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise ValueError(f"{name}: expected a positive number of seconds, got {value!r}")
    return found


def version(package: str) -> str | None:
    """Return the version of an installed package, without importing it; None if it is absent."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the name of the processor, or of its kind where the system tells no more."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
