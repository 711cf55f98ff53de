"""Run CUDA C++ kernels on the CPU, on NumPy arrays, without a GPU and without CUDA.

    from minires_emulator import RawModule, check

    scale = RawModule(code).get_function("scale")
    scale((8,), (128,), (x, y, np.int32(len(x))))      # as with CuPy

    with check():                                       # finds races, accesses out of bounds, ...
        scale((8,), (128,), (x, y, np.int32(len(x))))

The code is compiled unchanged by the machine's C++ compiler; every CUDA thread runs on a fiber.

It is the compiler's code, not a GPU's: fast-math functions are exact, sums and products may be
fused elsewhere, and __launch_bounds__ limits nothing. There are no textures, cooperative groups,
half types, or copies that overlap with computation. Blocks that wait for each other through
__threadfence and a counter draw a report of a race; two launches do not.
"""

from .arguments import Parameter
from .errors import Access, CompileError, KernelFault, NoCompiler, Report
from .modes import Session, check
from .module import RawKernel, RawModule
from .profile import ProfileRow
from .toolchain import compiler

# Seconds of processor time after which a launch ends with a KernelFault, 0 for never. None: what
# the environment variable MINIRES_EMULATOR_LIMIT says; without it 60 in check mode.
limit_seconds: float | None = None

__all__ = [
    "Access",
    "CompileError",
    "KernelFault",
    "NoCompiler",
    "Parameter",
    "ProfileRow",
    "RawKernel",
    "RawModule",
    "Report",
    "Session",
    "check",
    "compiler",
    "limit_seconds",
]
