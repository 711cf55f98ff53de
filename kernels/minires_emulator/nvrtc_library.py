"""Find and load NVRTC's shared library: a package from PyPI, or an installed CUDA toolkit."""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = 12  # the first that compiles C++17 by default and for sm_90
_INSTALL = "pip install nvidia-cuda-nvrtc"


@functools.cache
def library() -> ctypes.CDLL:
    """Load NVRTC; the newest of the installed packages comes first.

    Raises OSError that says where it was looked for, what was wrong and how to install it.
    """
    if sys.platform == "darwin":
        raise OSError("NVRTC does not exist for macOS; compile on Linux or Windows")
    failures = []
    for path in _candidates():
        try:
            return _loaded(path)
        except (OSError, AttributeError) as error:
            failures.append(f"{path}: {error}")
    if failures:
        raise OSError(f"NVRTC cannot be used ({'; '.join(failures)}); {_INSTALL}")
    raise OSError(
        "NVRTC is not installed: looked in the nvidia packages, in cuda.pathfinder and in "
        f"CUDA_PATH; {_INSTALL}"
    )


def _loaded(path: Path) -> ctypes.CDLL:
    lib = ctypes.CDLL(str(path))
    lib.nvrtcGetErrorString.restype = ctypes.c_char_p
    major, minor = ctypes.c_int(), ctypes.c_int()
    if lib.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)) or major.value < OLDEST:
        raise OSError(f"version {major.value}.{minor.value} is too old, {OLDEST}.0 is needed")
    return lib


def _candidates() -> Iterator[Path]:
    """Yield files that may be NVRTC, in the order in which to try them."""
    try:
        spec = importlib.util.find_spec("nvidia")
    except (ImportError, ValueError):  # a broken package of that name
        spec = None
    roots = [Path(r) for r in (spec.submodule_search_locations or ())] if spec else []
    yield from _newest_first(lib for root in roots for part in _parts(root) for lib in _in(part))
    try:
        finder = importlib.import_module("cuda.pathfinder")
        yield Path(finder.load_nvidia_dynamic_lib("nvrtc").abs_path)
    except Exception:  # not installed, or it finds nothing: its errors have no common base
        pass
    for variable in ("CUDA_PATH", "CUDA_HOME"):
        if os.environ.get(variable):
            yield from _newest_first(_in(Path(os.environ[variable])))


def _parts(root: Path) -> list[Path]:
    """Return the folders of a package: nvidia/cu13, nvidia/cuda_nvrtc, …"""
    try:
        return [p for p in root.iterdir() if p.is_dir()]
    except OSError:
        return []


def _in(folder: Path) -> Iterator[Path]:
    """Yield what lies where toolkits and packages keep NVRTC."""
    if sys.platform == "win32":
        yield from folder.glob("bin/**/nvrtc64_*_0.dll")
    else:
        for lib in ("lib", "lib64"):
            yield from folder.glob(f"{lib}/libnvrtc.so.[0-9]*")


def _newest_first(paths: Iterator[Path]) -> list[Path]:
    """Sort by the version in the name: libnvrtc.so.13 before libnvrtc.so.12."""
    return sorted(paths, key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)], reverse=True)
