"""The sum of two arrays, on all threads.

forward    y = a + b              in the memory order of a, or in its memory if it is `owned`

Versions
    v1  one pass over flat arrays; NumPy's for few elements, where a thread costs more than it saves
"""

from __future__ import annotations

import numpy as np

from ..memory import empty_like
from ..reference.add import add_forward_v1 as numpy_add
from ..spec import Array, versions
from .machine.layout import flat, unflat
from .machine.loops import loop
from .machine.threads import run

FEW = 1 << 13  # elements: up to that NumPy's sum is faster than the start of a loop
SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@loop
def _add(lo: int, hi: int, a: Array, b: Array, y: Array) -> None:
    a_part, b_part, y_part = a[lo:hi], b[lo:hi], y[lo:hi]
    for j in range(a_part.size):
        y_part[j] = a_part[j] + b_part[j]


def add_forward_v1(a: Array, b: Array, *, owned: bool) -> tuple[Array]:
    """y = a + b."""
    if a.size <= FEW or a.dtype.char not in "fd":
        return numpy_add(a, b, owned=owned)
    values = flat(a)
    total = values if owned and np.shares_memory(values, a) else empty_like(values)
    run(_add, a.size, values, flat(b, a), total, smallest=SMALLEST)
    return (unflat(total, a),)


VERSIONS = versions(__doc__, (add_forward_v1,))
