"""Run CUDA C++ kernels on the CPU, on NumPy arrays, without a GPU and without CUDA.

    from minires_emulator import RawModule, check

    scale = RawModule(code).get_function("scale")
    scale((8,), (128,), (x, y, np.int32(len(x))))      # as with CuPy

    with check():                                       # finds races, accesses out of bounds, ...
        scale((8,), (128,), (x, y, np.int32(len(x))))

The code is compiled unchanged by the machine's C++ compiler; every CUDA thread runs on a fiber.
"""

from .arguments import Parameter
from .elementwise import ElementwiseKernel
from .errors import Access, CompileError, KernelFault, NoCompiler, Report
from .modes import Session, check, coverage
from .module import RawKernel, RawModule
from .profile import ProfileRow
from .reduction import ReductionKernel
from .toolchain import compiler

# Seconds of processor time after which a launch ends with a KernelFault, 0 for never. None: what
# the environment variable MINIRES_EMULATOR_LIMIT says; without it 60 in check and coverage mode.
limit_seconds: float | None = None

__all__ = [
    "Access",
    "CompileError",
    "ElementwiseKernel",
    "KernelFault",
    "NoCompiler",
    "Parameter",
    "ProfileRow",
    "RawKernel",
    "RawModule",
    "ReductionKernel",
    "Report",
    "Session",
    "check",
    "compiler",
    "coverage",
    "limit_seconds",
]
