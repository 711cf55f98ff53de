"""The GPU's array module, CuPy, and whether it can be used here; if not, what is missing.

CuPy is imported only when somebody asks for the GPU: see `require`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

_stand_in: Any = None
_INSTALL = 'pip install "cupy-cuda13x[ctk]" (or cupy-cuda12x for older drivers)'


def array_module() -> Any:
    """Return the array module of the device: CuPy once it is imported, else None."""
    return sys.modules.get("cupy") if _stand_in is None else _stand_in


@contextlib.contextmanager
def use_array_module(module: Any) -> Iterator[None]:
    """Let `module` take CuPy's place within the block: for tests on machines without a GPU."""
    global _stand_in
    before, _stand_in = _stand_in, module
    try:
        yield
    finally:
        _stand_in = before


def usable_module() -> Any:
    """Return the array module of the device, imported; RuntimeError where no GPU can be used."""
    return _usable_cupy() if _stand_in is None else _stand_in


@functools.cache  # of success: what it raises is not kept
def _usable_cupy() -> Any:
    require(RuntimeError)
    return sys.modules["cupy"]


def status() -> tuple[str, str]:
    """Return a code and a sentence: what was found ("ok"), or what is missing and what to do.

    Codes: "ok", "no-cupy", "broken-cupy", "no-gpu", "no-nvrtc".
    """
    if array_module() is None and importlib.util.find_spec("cupy") is None:
        return "no-cupy", f"CuPy is not installed; {_INSTALL}"
    try:
        cupy: Any = array_module() or importlib.import_module("cupy")
        cuda = cupy.cuda
    except Exception as error:  # an import may raise anything
        return "broken-cupy", (
            f"CuPy cannot be imported ({_told(error)}); uninstall every cupy package, then "
            f"{_INSTALL}"
        )
    try:
        if not cuda.is_available():
            return "no-gpu", (
                "CuPy finds no GPU; nvidia-smi should list one, and its driver must be as new as "
                "CuPy's CUDA version asks"
            )
        device = _described(cupy)
    except Exception as error:  # CUDARuntimeError: a driver that is too old, a GPU that is lost
        return "no-gpu", f"CuPy cannot use the GPU ({_told(error)}); see what nvidia-smi says"
    try:
        cuda.nvrtc.getVersion()
    except Exception as error:  # RuntimeError: its library is not found
        return "no-nvrtc", (
            f"CuPy finds no NVRTC, the compiler of the kernels ({_told(error)}); {_INSTALL}"
        )
    return "ok", device


def _told(error: Exception) -> str:
    """Return the type and the first line of an error."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _described(cupy: Any) -> str:
    """Return "NVIDIA H200, compute capability 9.0, CuPy 14.2.0"."""
    device = cupy.cuda.Device()
    name = cupy.cuda.runtime.getDeviceProperties(device.id)["name"]
    name = name.decode() if isinstance(name, bytes) else name
    major, minor = device.compute_capability[:-1], device.compute_capability[-1]
    return f"{name}, compute capability {major}.{minor}, CuPy {cupy.__version__}"


def require(error: type[Exception]) -> None:
    """Raise `error` with what is missing, unless CUDA can be used."""
    code, sentence = status()
    if code != "ok":
        raise error(f"cuda cannot be used here: {sentence}")
