"""The cpu backend: Numba kernels on channels-last memory, in float32 and float64."""

from . import relu

KERNELS = {"relu": relu.VERSIONS}
