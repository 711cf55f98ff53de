"""`minires doctor`: what is installed, which backends run, and where data and caches are."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minires_kernels import BACKENDS

from .. import environment

BLAS_SETTINGS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
NEEDED = ("numpy", "numba", "llvmlite", "matplotlib", "tqdm", "threadpoolctl")
CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy")  # the names of its distributions
ROOM = 1 << 20  # bytes that a cache should take: some kernels


class Trouble(str):
    """A finding that somebody should mend."""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "doctor",
        help="show versions, backends, threads, caches and data",
        description="Show what minires finds on this machine, and what is wrong. Exits 1 if there "
        "is something to mend: a setting, a package, a folder, data. A missing GPU is not, nor is "
        "a missing C++ compiler.",
    )
    p.add_argument("--json", action="store_true", help="print JSON instead of a table")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 if one of them is a Trouble."""
    findings = examine()
    troubles = [
        f"{section}, {key}"
        for section, values in findings.items()
        for key, value in values.items()
        if isinstance(value, Trouble)
    ]
    if args.json:
        print(json.dumps(findings | {"to mend": troubles}, indent=1))
    else:
        width = max(len(key) for values in findings.values() for key in values)
        for section, values in findings.items():
            print(section)
            for key, value in values.items():
                print(f"{'!' if isinstance(value, Trouble) else ' '} {key:<{width}} {value}")
        print(f"to mend: {'; '.join(troubles)}" if troubles else "nothing to mend")
    return 1 if troubles else 0


def examine() -> dict[str, dict[str, str]]:
    """Return the findings by section, as text."""
    caches = _caches()  # first: running a kernel would mend damaged files
    return {
        "versions": _versions(),
        "backends": {name: _backend(name) for name in BACKENDS},
        "threads": _threads() | {"registers": _vectors()},
        "caches": caches,
        "settings": _settings(),
        "terminal": {"encoding": _encoding()},
        "data": {"digits": _digits()} | _cifar(),
        "dtypes": {"training": "float32", "checking": "float64"},
    }


def _problem(error: BaseException, what: str = "") -> Trouble:
    text = str(error) if isinstance(error, ValueError | OSError) else ""
    return Trouble(f"{what}{text or f'{type(error).__name__}: {error}'}")


def _versions() -> dict[str, str]:
    from .. import __version__

    found = {"minires": __version__, "python": platform.python_version(), "system": sys.platform}
    for name in NEEDED:
        found[name] = environment.version(name) or Trouble("not installed; pip install minires")
    optional = "not installed (optional)"
    cupy = [f"{version} ({name})" for name in CUPY if (version := environment.version(name))]
    return found | {
        "torch": environment.version("torch") or optional,
        "cupy": (cupy or [optional])[0],
    }


def _backend(name: str) -> str:
    """Return "ok", with the GPU or the compiler that is used, or what is missing or wrong."""
    told = ""
    if name == "cuda":
        from minires_kernels.gpu import status

        code, sentence = status()
        if code != "ok":
            return f"not available: {sentence}"
        told = f": {sentence}"
    if name == "cuda-sim":
        try:
            from minires_emulator import compiler

            told = f": emulated, compiled with {compiler()}"
        except Exception as error:  # whatever is wrong, a doctor reports it
            kind = Trouble if os.environ.get("MINIRES_CXX") else str
            return kind(f"not available: {error}")
    wrong = _try(name)
    return Trouble(wrong + told) if wrong else f"ok{told}"


def _try(backend: str) -> str:
    """Run one small kernel forward and backward on the backend; return what goes wrong."""
    import numpy as np

    from minires_kernels import kernel
    from minires_kernels.arrays import to_device

    place = "cuda" if backend == "cuda" else "cpu"
    try:
        relu = kernel("relu", backend)
        y, *saved = relu.forward(to_device(np.array([-1.0, 2.0]), place))
        dx = relu.backward(to_device(np.ones(2), place), *saved)
    except Exception as error:  # whatever is wrong, a doctor reports it
        return f"fails: {type(error).__name__}: {error}"
    return "" if y.tolist() == [0.0, 2.0] and dx.tolist() == [0.0, 1.0] else "wrong result"


def _vectors() -> str:
    """Return the width of the vector registers that the cpu backend compiles for."""
    try:
        from minires_kernels.cpu.machine.vector_width import VECTOR_BYTES
    except Exception as error:  # whatever is wrong, a doctor reports it
        return _problem(error, "unknown: ")
    return f"{VECTOR_BYTES} bytes ({VECTOR_BYTES // 4} float32 at a time)"


def _threads() -> dict[str, str]:
    try:
        from minires_kernels.cpu.machine.threads import num_threads

        kernels = str(num_threads())
    except Exception as error:  # whatever is wrong, a doctor reports it
        kernels = _problem(error, "unknown: ")
    blas = {k: v for k in BLAS_SETTINGS if (v := os.environ.get(k))}
    return {
        "processor": environment.processor(),
        "cores": str(os.cpu_count()),
        "kernels": kernels,
        "BLAS": ", ".join(f"{k}={v}" for k, v in blas.items())
        or "1 (set by the cpu backend; kernels use their own threads)",
    }


def _caches() -> dict[str, str]:
    return {
        "kernels": _guarded(_compiled_kernels),
        "CUDA C++": _guarded(_compiled_cuda),
        "figures": _guarded(_matplotlib),
        "temporary": _guarded(lambda: _writable(Path(tempfile.gettempdir()))),
    }


def _guarded(finding: Callable[[], str]) -> str:
    try:
        return finding()
    except Exception as error:  # whatever is wrong, a doctor reports it
        return _problem(error)


def _compiled_kernels() -> str:
    from minires_kernels.cpu.machine import disk_cache
    from minires_kernels.cpu.machine.jit import CACHE, numba_config

    if numba_config.DISABLE_JIT:
        return "none: NUMBA_DISABLE_JIT is set, and nothing is compiled"
    if CACHE is None:
        return Trouble(f"none, so each start compiles: {disk_cache.complaint}")
    files, damaged = list(CACHE.glob("*.nbc")), len(disk_cache.damaged(CACHE))
    size = sum(f.stat().st_size for f in files) / 1e6
    note = f", {damaged} of them damaged: they will be compiled anew" if damaged else ""
    found = _writable(CACHE, f" ({len(files)} files, {size:.1f} MB{note})")
    return Trouble(f"{found}; each start compiles") if isinstance(found, Trouble) else found


def _compiled_cuda() -> str:
    if sys.platform != "linux":
        return "none: the emulator runs on Linux only"
    from minires_emulator.cache import folder, is_temporary

    path = folder()
    if is_temporary(path):
        return Trouble(f"{path}, for this process only: the cache's folder cannot be used")
    return _writable(path)


def _matplotlib() -> str:
    import matplotlib

    return _writable(Path(matplotlib.get_cachedir()))


def _writable(path: Path, note: str = "") -> str:
    """Return the path, or a Trouble if it does not take a file of 1 MiB."""
    try:
        with tempfile.TemporaryFile(dir=path, buffering=0) as file:
            if file.write(bytes(ROOM)) < ROOM:
                return Trouble(f"{path}{note}: no space left")
    except OSError as error:
        return Trouble(f"{path}{note}: {error.strerror}")
    return f"{path}{note}"


def _settings() -> dict[str, str]:
    """Return what the environment says to minires, each value read as minires reads it."""
    known = _readers()
    found = {name: value for name, value in os.environ.items() if name.startswith("MINIRES_")}
    return {name: _setting(value, known.get(name)) for name, value in sorted(found.items())}


def _setting(value: str, read: Callable[[], Any] | None) -> str:
    if read is None:
        return Trouble(
            f"{value}: minires knows no such variable; there are {', '.join(_readers())}"
        )
    try:
        read()
    except Exception as error:  # whatever is wrong, a doctor reports it
        return _problem(error)
    return value


def _readers() -> dict[str, Callable[[], Any]]:
    from minires_kernels.backends import first_backend

    def threads() -> None:
        from minires_kernels.cpu.machine.threads import num_threads

        num_threads()

    def data() -> None:
        from ..data.places import places

        places()

    def compiler() -> None:
        from minires_emulator import compiler

        compiler()

    def limit() -> None:
        from minires_emulator import module

        module._limit(None)

    def anything() -> None:
        """A folder or a choice, which is looked at where it is used."""

    from ..environment import seconds, switch

    return {
        "MINIRES_BACKEND": first_backend,
        "MINIRES_NUM_THREADS": threads,
        "MINIRES_CACHE_DIR": anything,
        "MINIRES_CXX": compiler,
        "MINIRES_EMULATOR_LIMIT": limit,
        "MINIRES_FAST": lambda: switch("MINIRES_FAST"),
        "MINIRES_FULL": lambda: switch("MINIRES_FULL"),
        "MINIRES_BROWSER": lambda: switch("MINIRES_BROWSER"),
        "MINIRES_CHECK": lambda: switch("MINIRES_CHECK"),
        "MINIRES_DATA": data,
        "MINIRES_OUT": anything,
        "MINIRES_ANSWERS": anything,
        "MINIRES_EXERCISE_SECONDS": lambda: seconds("MINIRES_EXERCISE_SECONDS", 20),
        "MINIRES_CELL_SECONDS": lambda: seconds("MINIRES_CELL_SECONDS", 120),
        "MINIRES_SITE_TIER": anything,
        "MINIRES_SITE_LESSONS": anything,
        "MINIRES_PYODIDE": anything,
        "MINIRES_GUARDED": anything,
    }


def _encoding() -> str:
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    try:
        "‖∂L/∂x‖ ± σ".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return f"{encoding}, which lacks symbols: plain ones stand for them, as |dL/dx| does"
    return encoding


def _cifar() -> dict[str, str]:
    from ..data.cifar import copies
    from ..data.cifar_layouts import SETS

    try:
        found = {name: next(copies(cifar), None) for name, cifar in SETS.items()}
    except ValueError:
        return {"cifar": "not looked for, as long as MINIRES_DATA is wrong"}
    absent = "not here, and not needed; minires data get"
    return {name: f"{absent} {name}" if f is None else str(f.path) for name, f in found.items()}


def _digits() -> str:
    from .. import data

    try:
        digits = data.load_digits()
    except (OSError, ValueError) as error:
        return _problem(error, "unusable: ")
    return f"ok: {len(digits.x_train)} training and {len(digits.x_test)} test images, embedded"
