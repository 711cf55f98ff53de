"""Which implementation runs: `kernel(name)` looks it up, `use_backend` chooses.

reference   obvious NumPy, any float type: the specification
cpu         Numba, float32 and float64: the default where Numba is installed
cuda        CUDA C++ on a GPU, float32 and float64, for CuPy's arrays
cuda-sim    the same CUDA C++ on the CPU, emulated, for NumPy's arrays

Arrays on a GPU run on "cuda" whatever is in use; NumPy's run on the one in use (`kernel_for`).
"""

from __future__ import annotations

import importlib
import importlib.util
import operator
import os
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from . import gpu
from .arrays import on_gpu
from .checks import remember, signature
from .setting import Setting
from .spec import ALL, Array, KernelSpec, Needs, Version, always


@dataclass(frozen=True)
class Kernel:
    """A kernel on one backend: the public edge. Every call is validated before any of it runs.

    With `version` None, the highest-numbered version that supports the arguments runs. A call of
    the signature of an earlier one is as right, and runs the same version: see `checks.signature`.
    """

    spec: KernelSpec
    backend: str
    implementations: tuple[Version, ...]
    dtypes: tuple[np.dtype[Any], ...] | None = None  # None: any float type
    version: int | None = None
    _forward: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _backward: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def forward(self, *arrays: Any, **options: Any) -> tuple[Any, ...]:
        """Validate the call and compute `y, *saved`; raises ValueError or TypeError."""
        key = signature(arrays, options)
        known = self._forward.get(key)
        if known is not None:
            run, omitted, options = known
            return run.forward(*arrays, *omitted, **options)  # type: ignore[no-any-return]
        given = arrays
        arrays, options = self.spec.check_forward(*arrays, **options)
        self._check_dtype(arrays[self.spec.witness])
        run = self.select("supports", arrays, options)
        omitted = (None,) * (len(arrays) - len(given))
        kept = all(map(operator.is_, arrays, (*given, *omitted)))  # none was converted
        if kept and self._holds(zip(self.spec.inputs, arrays, strict=True), self.spec.values):
            remember(self._forward, key, (run, omitted, options))
        return run.forward(*arrays, **options)  # type: ignore[no-any-return]

    def backward(
        self, dy: Array, *saved: Any, needs: Needs = ALL, onto: Array | None = None
    ) -> Any:
        """Validate the call and compute the gradients named in `spec.gradients`, in that order.

        `needs` says for each of `spec.inputs` whether its gradient is wanted, which is None where
        it is not; a kernel with one gradient always computes it. To `onto` the first of them may be
        added, in place: it then is the array that is returned.
        """
        spec = self.spec
        if needs is not ALL and len(needs) != len(spec.inputs):
            raise ValueError(
                f"{spec.name}: needs: expected one of True and False for each of "
                f"{', '.join(spec.inputs)}, got {needs!r}"
            )
        key = signature((dy, *saved), {})
        run = self._backward.get(key)
        if run is None:
            spec.check_backward(dy, *saved)
            self._check_dtype(dy)
            run = self.select("supports_backward", (dy, *saved), {})
            if self._holds(zip(spec.saved._fields, saved, strict=False), spec.saved_values):
                remember(self._backward, key, run)
        if len(spec.gradients) == 1:
            return run.backward(dy, *saved)
        if onto is not None and run.adds:
            return run.backward(dy, *saved, needs=needs, onto=onto)
        return run.backward(dy, *saved, needs=needs)

    def _holds(self, given: Iterable[tuple[str, Any]], read: Collection[str]) -> bool:
        """Whether what was found for a call holds for all of its signature; see `spec.values`."""
        fixed = all(v.offered is always for v in self.implementations)
        return fixed and not any(name in read and a is not None for name, a in given)

    def _check_dtype(self, x: Array) -> None:
        there = type(x) is not np.ndarray and on_gpu(x)
        if there != (self.backend == "cuda"):
            came = "an array on the GPU" if there else "a NumPy array"
            raise TypeError(
                f"{self.spec.name}: the {self.backend} backend got {came}; leave `backend` out, "
                'or move the array: x.to("cuda") or x.to("cpu") for a Tensor'
            )
        if self.dtypes is not None and x.dtype not in self.dtypes:
            raise TypeError(
                f"{self.spec.name}: the {self.backend} backend computes in "
                f"{' and '.join(map(str, self.dtypes))}, got {x.dtype}; cast the arrays, or use "
                "the reference backend, which takes any float type"
            )

    def select(self, predicate: str, arrays: Any, options: dict[str, Any]) -> Version:
        """Return the version to run for a validated call; `predicate` is that of a direction."""
        if self.version is not None:
            for v in self.implementations:
                if v.number == self.version:
                    if getattr(v, predicate)(*arrays, **options):
                        return v
                    raise ValueError(
                        f"{self.spec.name} v{v.number} ({self.backend}) does not support this "
                        "call; leave `version` out to let one be chosen"
                    )
            have = ", ".join(str(v.number) for v in self.implementations)
            raise ValueError(
                f"{self.spec.name} has versions {have} on the {self.backend} backend, "
                f"got version={self.version}"
            )
        for v in reversed(self.implementations):
            takes = getattr(v, predicate)
            if (v.offered is always or v.offered()) and (
                takes is always or takes(*arrays, **options)
            ):
                return v
        raise ValueError(f"no version of {self.spec.name} on {self.backend} supports this call")


BACKENDS = ("reference", "cpu", "cuda", "cuda-sim")
_COMPILED = (np.dtype(np.float32), np.dtype(np.float64))
_DTYPES = {"reference": None, "cpu": _COMPILED, "cuda": _COMPILED, "cuda-sim": _COMPILED}
FEW = 1 << 12  # elements: for fewer, sums and steps of optimisers do not load the cpu backend
_packages: dict[str, ModuleType] = {}
_cache: dict[tuple[str, str, int | None, int | None], Kernel] = {}


def _known(name: str, source: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{source}: expected one of {', '.join(BACKENDS)}, got {name!r}")
    return name


def current_backend() -> str:
    """Return the name of the backend in use (at first `first_backend()`)."""
    name: str | None = _chosen(use_backend)
    if name is None:
        name = first_backend()
        if name == "reference" and "MINIRES_BACKEND" not in os.environ:
            _tell_without_numba()
        use_backend.start_with(name)
    return name


def first_backend() -> str:
    """Return the backend that a process starts with; ValueError for a wrong `MINIRES_BACKEND`.

    It is `MINIRES_BACKEND`, else "cpu", else "reference" where there is no Numba: in a browser.
    """
    without_numba = importlib.util.find_spec("numba") is None  # does not import it
    default = "reference" if without_numba else "cpu"
    return _known(os.environ.get("MINIRES_BACKEND", default), "MINIRES_BACKEND")


def _tell_without_numba() -> None:
    """Say once why everything takes so long; in a browser there is nothing to mend."""
    if sys.platform != "emscripten":
        print(
            "minires: Numba is not installed, so the reference backend runs, many times slower; "
            "pip install numba, or set MINIRES_BACKEND=reference",
            file=sys.stderr,
        )


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


def _chosen(setting: type[Setting]) -> Any:
    """Return setting.current(), without a second call in the usual cases: each kernel asks."""
    held, choice = setting._held.get(), setting._for_good[-1]
    if held:
        return held[-1][1]
    return choice.value if choice.maker is None else setting.current()


def load(backend: str) -> ModuleType:
    """Import a backend's package; the first call of "cpu" imports Numba, of "cuda" CuPy.

    Raises ImportError that says what is missing, and what to install, where "cuda" cannot run.
    """
    package = _packages.get(backend)
    if package is None:
        if backend == "cuda":
            gpu.require(ImportError)
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
    key = (name, backend or current_backend(), version, _chosen(use_versions).get(name))
    found = _cache.get(key)
    if found is None:
        found = _cache[key] = _find(*key)
    return found


def kernel_for(name: str, x: Any) -> Kernel:
    """Look up the kernel for the array `x`: "cuda" for one on a GPU, else the one in use.

    Raises TypeError for a NumPy array while "cuda" is in use: nothing is moved silently.
    """
    if type(x) is not np.ndarray and on_gpu(x):
        return kernel(name, "cuda")
    backend = current_backend()
    if backend == "cuda" or (backend == "cpu" and "cpu" not in _packages):
        backend = _for_numpy(name, x, backend)
    return kernel(name, backend)


def _for_numpy(name: str, x: Array, backend: str) -> str:
    """Return the backend for a NumPy array where the one in use cannot run, or is not loaded."""
    spec = load("reference").SPECS.get(name)
    anywhere = spec is not None and spec.any_dtype
    if backend == "cuda" and not anywhere:
        raise TypeError(
            f"{name}: the backend in use is cuda, and a NumPy array came; move it to the GPU with "
            'x.to("cuda"), and a net with net.to("cuda")'
        )
    return "reference" if backend == "cuda" or (anywhere and x.size < FEW) else backend


def _find(name: str, backend: str, version: int | None, newest: int | None) -> Kernel:
    implementations = load(_known(backend, "backend")).KERNELS.get(name)
    if implementations is None:
        raise ValueError(f"no kernel {name!r}; there are {', '.join(sorted(specs()))}")
    if version is not None and version not in [v.number for v in implementations]:
        have = ", ".join(str(v.number) for v in implementations)
        raise ValueError(f"{name} has versions {have} on {backend}, got version={version!r}")
    if version is None and newest is not None:
        implementations = tuple(v for v in implementations if v.number <= newest)
    spec = specs()[name]
    dtypes = None if spec.any_dtype else _DTYPES[backend]
    return Kernel(spec, backend, implementations, dtypes, version)
