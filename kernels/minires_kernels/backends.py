"""Which implementation runs: `kernel(name)` looks it up, `use_backend` chooses.

reference   obvious NumPy, any float type: the specification
cpu         Numba, float32 and float64: the default
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType, TracebackType

import numpy as np

from .spec import Kernel, KernelSpec

BACKENDS = ("reference", "cpu")
_DTYPES = {"reference": None, "cpu": (np.dtype(np.float32), np.dtype(np.float64))}
_cache: dict[tuple[str, str, int | None], Kernel] = {}
_current: str | None = None


def _known(name: str, source: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{source}: expected one of {', '.join(BACKENDS)}, got {name!r}")
    return name


def current_backend() -> str:
    """Return the name of the backend in use (at first `MINIRES_BACKEND`, or "cpu")."""
    global _current
    if _current is None:
        _current = _known(os.environ.get("MINIRES_BACKEND", "cpu"), "MINIRES_BACKEND")
    return _current


class use_backend:
    """Choose the backend: `use_backend("reference")`, for good or as a `with` block.

    The choice is one for the whole process, all threads included. A graph recorded with one backend
    runs its backward pass on the same one. Raises ValueError for an unknown name, and ImportError
    with the reason when the backend cannot run here.
    """

    def __init__(self, name: str) -> None:
        global _current
        before = current_backend()
        load(_known(name, "use_backend"))
        self._before, _current = before, name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _current
        _current = self._before


def load(backend: str) -> ModuleType:
    """Import a backend's package; the first call of "cpu" imports Numba."""
    return importlib.import_module(f"minires_kernels.{backend}")


def specs() -> dict[str, KernelSpec]:
    """Return every kernel's specification, by name."""
    return dict(load("reference").SPECS)


def kernel(name: str, backend: str | None = None, version: int | None = None) -> Kernel:
    """Look a kernel up: `kernel("conv2d").forward(x, w, b)`.

    `backend` None means the one in use; `version` None the highest that supports the arguments.
    Raises ValueError for an unknown kernel, backend or version.
    """
    key = (name, backend or current_backend(), version)
    found = _cache.get(key)
    if found is None:
        found = _cache[key] = _find(*key)
    return found


def _find(name: str, backend: str, version: int | None) -> Kernel:
    implementations = load(_known(backend, "backend")).KERNELS.get(name)
    if implementations is None:
        raise ValueError(f"no kernel {name!r}; there are {', '.join(sorted(specs()))}")
    if version is not None and version not in [v.number for v in implementations]:
        have = ", ".join(str(v.number) for v in implementations)
        raise ValueError(f"{name} has versions {have} on {backend}, got version={version!r}")
    return Kernel(specs()[name], backend, implementations, _DTYPES[backend], version)
