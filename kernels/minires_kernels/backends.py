"""Which implementation runs: `kernel(name)` looks it up, `use_backend` chooses.

reference   obvious NumPy, any float type: the specification
cpu         Numba, float32 and float64: the default
cuda        CUDA C++ on a GPU, float32 and float64, for CuPy's arrays
cuda-sim    the same CUDA C++ on the CPU, emulated, for NumPy's arrays

Arrays on a device run on "cuda" whatever is in use; NumPy's run on the one in use (`kernel_for`).
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from .arrays import is_device
from .setting import Setting
from .spec import Kernel, KernelSpec

BACKENDS = ("reference", "cpu", "cuda", "cuda-sim")
_COMPILED = (np.dtype(np.float32), np.dtype(np.float64))
_DTYPES = {"reference": None, "cpu": _COMPILED, "cuda": _COMPILED, "cuda-sim": _COMPILED}
_packages: dict[str, ModuleType] = {}
_cache: dict[tuple[str, str, int | None, int | None], Kernel] = {}


def _known(name: str, source: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{source}: expected one of {', '.join(BACKENDS)}, got {name!r}")
    return name


def current_backend() -> str:
    """Return the name of the backend in use (at first `MINIRES_BACKEND`, or "cpu")."""
    name: str | None = use_backend.current()
    if name is None:
        name = _known(os.environ.get("MINIRES_BACKEND", "cpu"), "MINIRES_BACKEND")
        use_backend.start_with(name)
    return name


class use_backend(Setting):
    """Choose the backend: `use_backend("reference")`, for good or as a `with` block.

    For good means in all threads; a block is one of this thread or task, see `setting.py`. A graph
    recorded with one backend runs its backward pass on the same one. Raises ValueError for an
    unknown name, and ImportError with the reason when the backend cannot run here.
    """

    def __init__(self, name: str) -> None:
        load(_known(name, "use_backend"))
        super().__init__(name)


class use_versions(Setting):
    """Leave out newer versions of kernels: `use_versions(conv2d=2)`, for good or as a `with` block.

    Each call then runs the highest version up to that number which supports its arguments, on every
    backend; kernels not named keep their limits. Shows what a version costs or gains in a whole
    network. Raises ValueError for an unknown kernel or a number below 1.
    """

    first: ClassVar[dict[str, int]] = {}

    def __init__(self, **newest: int) -> None:
        for name, number in newest.items():
            if name not in specs():
                raise ValueError(f"no kernel {name!r}; there are {', '.join(sorted(specs()))}")
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"{name}: expected a version number from 1 on, got {number!r}")
        super().__init__(newest)

    def _value(self) -> dict[str, int]:
        return self.current() | self._wanted  # type: ignore[no-any-return]


def load(backend: str) -> ModuleType:
    """Import a backend's package; the first call of "cpu" imports Numba, of "cuda" CuPy.

    Raises ImportError that says what is missing, and what to install, where "cuda" cannot run.
    """
    package = _packages.get(backend)
    if package is None:
        if backend == "cuda":
            from .cuda import status

            status.require(ImportError)
        name = f"minires_kernels.{backend.replace('-', '_')}"
        package = _packages[backend] = importlib.import_module(name)
    return package


def specs() -> dict[str, KernelSpec]:
    """Return every kernel's specification, by name."""
    return dict(load("reference").SPECS)


def kernel(name: str, backend: str | None = None, version: int | None = None) -> Kernel:
    """Look a kernel up: `kernel("conv2d").forward(x, w, b)`.

    `backend` None means the one in use; `version` None the highest that supports the arguments.
    Raises ValueError for an unknown kernel, backend or version.
    """
    key = (name, backend or current_backend(), version, use_versions.current().get(name))
    found = _cache.get(key)
    if found is None:
        found = _cache[key] = _find(*key)
    return found


def kernel_for(name: str, x: Any) -> Kernel:
    """Look up the kernel for the array `x`: "cuda" for one on a device, else the one in use.

    Raises TypeError for a NumPy array while "cuda" is in use: nothing is moved silently.
    """
    if is_device(x):
        return kernel(name, "cuda")
    if current_backend() == "cuda" and isinstance(x, np.ndarray):
        raise TypeError(
            f"{name}: the backend in use is cuda, and a NumPy array came; move it to the GPU with "
            'x.to("cuda"), and a net with net.to("cuda")'
        )
    return kernel(name)


def _find(name: str, backend: str, version: int | None, newest: int | None) -> Kernel:
    implementations = load(_known(backend, "backend")).KERNELS.get(name)
    if implementations is None:
        raise ValueError(f"no kernel {name!r}; there are {', '.join(sorted(specs()))}")
    if version is not None and version not in [v.number for v in implementations]:
        have = ", ".join(str(v.number) for v in implementations)
        raise ValueError(f"{name} has versions {have} on {backend}, got version={version!r}")
    if version is None and newest is not None:
        implementations = tuple(v for v in implementations if v.number <= newest)
    return Kernel(specs()[name], backend, implementations, _DTYPES[backend], version)
