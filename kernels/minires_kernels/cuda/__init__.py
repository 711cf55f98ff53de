"""The cuda backend: CUDA C++ on a GPU, through CuPy, in float32 and float64.

The .cu files and their host wrappers are here; `minires_kernels.cuda_sim` runs the same files on
the CPU. Importing this package does not import CuPy: `KERNELS` and `DEVICE` do, when first read.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["DEVICE", "KERNELS"]


@functools.cache
def _gpu() -> dict[str, Any]:
    from .. import gpu
    from .kernels import kernels_on
    from .machine.device import Device

    gpu.require(ImportError)
    cupy = gpu.array_module()
    capability = int(cupy.cuda.Device().compute_capability)  # "90" for 9.0
    device = Device(cupy, cupy.RawModule, has_tf32=capability >= 80)
    return {"DEVICE": device, "KERNELS": kernels_on(device)}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return _gpu()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
