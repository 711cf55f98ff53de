"""`minires doctor`: what is installed, which backends run, and where data and caches are."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from typing import Any

from minires_kernels import BACKENDS

BLAS_SETTINGS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
PACKAGES = ("numpy", "numba", "llvmlite", "matplotlib", "tqdm", "torch")
CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy")  # the names of its distributions


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "doctor",
        help="show versions, backends, threads, caches and data",
        description="Show what minires finds on this machine. Exits 0 also without a GPU; exits 1 "
        "only if the default backend or the embedded data cannot be used.",
    )
    p.add_argument("--json", action="store_true", help="print JSON instead of a table")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 if the default backend or the data are unusable."""
    findings = examine()
    if args.json:
        print(json.dumps(findings, indent=1))
    else:
        for section, values in findings.items():
            print(section)
            for key, value in values.items():
                print(f"  {key:<12} {value}")
    healthy = (
        findings["backends"]["cpu"] == "ok"
        and findings["data"]["digits"].startswith("ok")
        and findings["threads"]["kernels"].isdecimal()
    )
    return 0 if healthy else 1


def examine() -> dict[str, dict[str, str]]:
    """Return the findings by section, as text."""
    return {
        "versions": _versions(),
        "backends": {name: _backend(name) for name in BACKENDS},
        "threads": _threads() | {"registers": _vectors()},
        "caches": _caches(),
        "data": {"digits": _digits()},
        "dtypes": {"training": "float32", "checking": "float64"},
    }


def _versions() -> dict[str, str]:
    from .. import __version__

    found = {"minires": __version__, "python": platform.python_version(), "system": sys.platform}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            optional = " (optional)" if name == "torch" else ""
            found[name] = f"not installed{optional}"
    return found | {"cupy": _cupy()}


def _cupy() -> str:
    for name in CUPY:
        try:
            return f"{importlib.metadata.version(name)} ({name})"
        except importlib.metadata.PackageNotFoundError:
            continue
    return "not installed (optional)"


def _backend(name: str) -> str:
    """Return "ok", with the GPU or the compiler that is used, or what is missing or wrong."""
    if name == "cuda":
        from minires_kernels.cuda.status import status

        code, sentence = status()
        return f"{_try(name)}: {sentence}" if code == "ok" else f"not available: {sentence}"
    if name == "cuda-sim":
        try:
            from minires_emulator import compiler

            found = compiler()
        except Exception as error:  # whatever is wrong, a doctor reports it
            return f"not available: {error}"
        return f"{_try(name)}: emulated, compiled with {found}"
    return _try(name)


def _try(backend: str) -> str:
    """Run one small kernel forward and backward on the backend."""
    import numpy as np

    from minires_kernels import kernel
    from minires_kernels.arrays import to_place

    place = "cuda" if backend == "cuda" else "cpu"
    try:
        relu = kernel("relu", backend)
        y, *saved = relu.forward(to_place(np.array([-1.0, 2.0]), place))
        dx = relu.backward(to_place(np.ones(2), place), *saved)
    except Exception as error:  # whatever is wrong, a doctor reports it
        return f"fails: {type(error).__name__}: {error}"
    return "ok" if y.tolist() == [0.0, 2.0] and dx.tolist() == [0.0, 1.0] else "wrong result"


def _vectors() -> str:
    """Return the width of the vector registers that the cpu backend compiles for."""
    try:
        from minires_kernels.cpu.vector_width import VECTOR_BYTES
    except Exception as error:  # whatever is wrong, a doctor reports it
        return f"unknown: {type(error).__name__}: {error}"
    return f"{VECTOR_BYTES} bytes ({VECTOR_BYTES // 4} float32 at a time)"


def _threads() -> dict[str, str]:
    try:
        from minires_kernels.cpu.threads import num_threads

        kernels = str(num_threads())
    except (ImportError, ValueError) as error:
        kernels = f"unknown: {error}"
    blas = {k: v for k in BLAS_SETTINGS if (v := os.environ.get(k))}
    return {
        "cores": str(os.cpu_count()),
        "kernels": kernels,
        "BLAS": ", ".join(f"{k}={v}" for k, v in blas.items())
        or "1 (set by the cpu backend; kernels use their own threads)",
    }


def _caches() -> dict[str, str]:
    try:
        from minires_kernels.cpu.disk_cache import cache_root
        from minires_kernels.cpu.jit import CACHE
    except (ImportError, ValueError) as error:
        return {"compiled": f"unknown: {error}"}
    if CACHE is None:
        return {"compiled": f"none: {cache_root()} cannot be written, so every start compiles"}
    size = sum(f.stat().st_size for f in CACHE.rglob("*") if f.is_file())
    return {"compiled": f"{CACHE} ({size / 1e6:.1f} MB)"}


def _digits() -> str:
    from .. import data

    try:
        digits = data.load_digits()
    except (OSError, ValueError) as error:
        return f"unusable: {error}"
    return f"ok: {len(digits.x_train)} training and {len(digits.x_test)} test images, embedded"
