"""minires_kernels: forward and backward passes on plain arrays, in several versions.

    from minires_kernels import kernel
    y, *saved = kernel("conv2d").forward(x, w, b, stride=2, padding=1)
    dx, dw, db = kernel("conv2d").backward(dy, *saved)

`spec.py` says what a kernel is, `reference/` computes it in obvious NumPy, `cpu/` in Numba, `cuda/`
in CUDA C++ on a GPU, and `cuda_sim/` runs the same CUDA C++ on the CPU. `arrays.py` says what is an
array and where it lives.
"""

from .backends import BACKENDS, Kernel, current_backend, kernel, specs, use_backend, use_versions
from .spec import Case, KernelSpec, Version

__all__ = [
    "BACKENDS",
    "Case",
    "Kernel",
    "KernelSpec",
    "Version",
    "current_backend",
    "kernel",
    "specs",
    "use_backend",
    "use_versions",
]
