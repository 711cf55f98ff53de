"""ReLU on flat arrays: one read and one write per element, a range of the array on each thread.

forward    y = max(x, 0)           reads x, writes y
backward   dx = dy where y > 0     reads dy and y, writes dx

Versions
    v1  one pass over the flat array; memory order is kept, so channels-last stays channels-last
"""

from __future__ import annotations

from ..memory import empty_like
from ..spec import Array, versions
from .machine.layout import flat, unflat
from .machine.loops import loop
from .machine.threads import run

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@loop
def _forward(lo: int, hi: int, x: Array, y: Array) -> None:
    zero = x.dtype.type(0)
    xs, ys = x[lo:hi], y[lo:hi]
    for j in range(xs.size):
        v = xs[j]
        ys[j] = zero if v < zero else v  # NaN < 0 is false: a NaN stays


@loop
def _backward(lo: int, hi: int, dy: Array, y: Array, dx: Array) -> None:
    zero = y.dtype.type(0)
    dys, ys, dxs = dy[lo:hi], y[lo:hi], dx[lo:hi]
    for j in range(ys.size):
        dxs[j] = zero if ys[j] <= zero else dys[j]


def relu_forward_v1(x: Array) -> tuple[Array, Array]:
    """y = max(x, 0). Saved: y."""
    xf = flat(x)
    yf = empty_like(xf)
    run(_forward, xf.size, xf, yf, smallest=SMALLEST)
    y = unflat(yf, x)
    return y, y


def relu_backward_v1(dy: Array, y: Array) -> Array:
    """dx = dy where y > 0, else 0."""
    yf = flat(y)
    dxf = empty_like(yf)
    run(_backward, yf.size, flat(dy, y), yf, dxf, smallest=SMALLEST)
    return unflat(dxf, y)


VERSIONS = versions(__doc__, (relu_forward_v1, relu_backward_v1))
