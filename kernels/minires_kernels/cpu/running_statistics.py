"""Running statistics on the CPU, moved in place: see reference/running_statistics.py.

numerics   each operation is rounded by itself: the bits are NumPy's

Versions
    v1  one loop over the channels; NumPy's for other dtypes and memory orders
"""

from __future__ import annotations

from ..reference.running_statistics import running_statistics_forward_v1 as numpy_statistics
from ..spec import Array, versions
from .machine.jit import jit_exact


@jit_exact
def _move(running: Array, other: Array, mean: Array, var: Array, correction: float,
          momentum: float) -> None:  # fmt: skip
    """Move `running` towards mean, and `other` towards var · correction."""
    number = running.dtype.type
    kept, taken, unbiased = number(1 - momentum), number(momentum), number(correction)
    for c in range(running.size):
        running[c] = running[c] * kept + taken * mean[c]
        other[c] = other[c] * kept + taken * (unbiased * var[c])


def running_statistics_forward_v1(
    running_mean: Array, running_var: Array, mean: Array, var: Array, *, count: int, momentum: float
) -> tuple[()]:
    """Move both."""
    given = (running_mean, running_var, mean, var)
    rows = running_mean.flags.carray and running_var.flags.carray
    if rows and mean.flags.carray and var.flags.carray and mean.dtype.char in "fd":
        _move(*given, count / (count - 1), momentum)
    else:
        numpy_statistics(*given, count=count, momentum=momentum)
    return ()


VERSIONS = versions(__doc__, (running_statistics_forward_v1,))
