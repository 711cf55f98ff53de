"""The end of a residual block in one pass: y = max(a + b, 0).

forward    reads a and b, writes y         instead of reading and writing their sum in between
backward   dz = dy where y > 0             the gradient of a and of b: ReLU's backward pass

Versions
    v1  one pass over flat arrays, in the memory order of a
"""

from __future__ import annotations

from ..memory import empty_like
from ..spec import Array, versions
from .machine.layout import flat, unflat
from .machine.loops import loop
from .machine.threads import run
from .relu import SMALLEST, relu_backward_v1


@loop
def _forward(lo: int, hi: int, a: Array, b: Array, y: Array) -> None:
    zero = a.dtype.type(0)
    a_part, b_part, y_part = a[lo:hi], b[lo:hi], y[lo:hi]
    for j in range(a_part.size):
        v = a_part[j] + b_part[j]
        y_part[j] = zero if v < zero else v


def add_relu_forward_v1(a: Array, b: Array) -> tuple[Array, Array]:
    """y = max(a + b, 0). Saved: y."""
    values = flat(a)
    result = empty_like(values)
    run(_forward, values.size, values, flat(b, a), result, smallest=SMALLEST)
    y = unflat(result, a)
    return y, y


def add_relu_backward_v1(dy: Array, y: Array) -> Array:
    """dz = dy where y > 0, else 0."""
    return relu_backward_v1(dy, y)


VERSIONS = versions(__doc__, (add_relu_forward_v1, add_relu_backward_v1))
