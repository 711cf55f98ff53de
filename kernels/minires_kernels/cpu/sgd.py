"""A step of stochastic gradient descent on the CPU, in place: see reference/sgd.py.

threads    a thread owns a range of a parameter
bytes      p and v read and written once, g read once; NumPy's operators read and write them thrice

Versions
    v1  one pass over each parameter; NumPy's for other dtypes and memory orders
"""

from __future__ import annotations

from collections.abc import Sequence

from ..reference.sgd import sgd_forward_v1 as numpy_sgd
from ..spec import Array, versions
from .machine.layout import plain
from .machine.loops import loop_in_order
from .machine.threads import run

SMALLEST = 1 << 15  # elements: below that a thread costs more than it saves


@loop_in_order
def _sgd(lo: int, hi: int, p: Array, g: Array, v: Array, options: tuple[float, ...], first: bool,
         nesterov: bool) -> None:  # fmt: skip
    lr, momentum, dampening, decay = options
    one = p.dtype.type(1)
    rate, mu, keep, rot = (
        p.dtype.type(lr),
        p.dtype.type(momentum),
        one - p.dtype.type(dampening),
        p.dtype.type(decay),
    )
    p_part, g_part = p[lo:hi], g[lo:hi]
    if momentum == 0:
        for j in range(p_part.size):
            p_part[j] -= rate * (g_part[j] + rot * p_part[j])
        return
    v_part = v[lo:hi]
    for j in range(p_part.size):
        d = g_part[j] + rot * p_part[j]
        u = d if first else mu * v_part[j] + keep * d
        v_part[j] = u
        p_part[j] -= rate * (d + mu * u if nesterov else u)


def sgd_forward_v1(
    params: Sequence[Array],
    grads: Sequence[Array],
    velocities: Sequence[Array | None],
    first: Sequence[bool],
    options: Array,
) -> tuple[()]:
    """Move one parameter after another."""
    lr, momentum, dampening, weight_decay, nesterov = options.tolist()
    compiled = options.dtype.char in "fd"
    for p, g, v, at_first in zip(params, grads, velocities, first, strict=True):
        if not (compiled and p.flags.carray and (v is None or v.flags.carray)):
            numpy_sgd([p], [g], [v], [at_first], options)
            continue
        values = p.reshape(-1)
        # Without a velocity there is no momentum, and v stands for nothing.
        velocity, mu = (values, 0.0) if v is None else (v.reshape(-1), momentum)
        numbers = (lr, mu, dampening, weight_decay)
        args = (values, plain(g).reshape(-1), velocity, numbers, bool(at_first), nesterov != 0)
        run(_sgd, p.size, *args, smallest=SMALLEST)
    return ()


VERSIONS = versions(__doc__, (sgd_forward_v1,))
