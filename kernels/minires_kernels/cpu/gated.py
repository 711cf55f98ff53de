"""GELU and SiLU on flat arrays: one read and one write per element, a range on each thread.

forward    y = x g(x)                  reads x, writes y
backward   dx = (g + x g') dy          reads dy and x, writes dx; the gate is computed again

In float32 the exponential is our own (machine/exponential.py), so that the compiler vectorises.

    Φ(-a) = exp(-a² / 2) R(t),  t = 1 / (1 + WIDTH a): R is a polynomial fitted to it by least
                                squares of the relative error, 2.4e-8 at most up to a = 13.5

Versions
    v1  one pass, vectorised in float32; memory order is kept
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..memory import empty_like
from ..reference.gated import CUBIC, FAR, GATES, STEEP
from ..spec import Array, versions
from .machine.exponential import ONE, exp32
from .machine.jit import jit_in_order, jit_inlined
from .machine.layout import flat, unflat
from .machine.loops import loop_in_order
from .machine.threads import run

SMALLEST = 1 << 13  # elements: below that a thread costs more than it saves
NORMAL, TANH, LOGISTIC = range(3)
_F = np.float32  # Numba would compute in float64 with Python's numbers
HALF, ZERO = _F(0.5), _F(0)
FAR32, STEEP32, CUBIC32, CUBIC3 = _F(FAR), _F(STEEP), _F(CUBIC), _F(3 * CUBIC)
DENSITY, WIDTH = _F(1 / math.sqrt(2 * math.pi)), _F(0.45 * math.sqrt(0.5))
R0, R1, R2 = map(_F, (1.271844265e-05, 0.1266248545, 0.1303769395))
R3, R4, R5 = map(_F, (0.093005391, 0.169491558, -0.1488586795))
R6, R7, R8, R9 = map(_F, (0.344457307, -0.3287172325, 0.134499538, -0.0208923879))


@jit_inlined
def _near32(x: Any) -> Any:
    return -FAR32 if x < -FAR32 else (FAR32 if x > FAR32 else x)


@jit_inlined
def _logistic32(x: Any) -> tuple[Any, Any]:
    """g(x) and g'(x) of the gate "logistic"."""
    e = exp32(-abs(x))
    g = (e if x < ZERO else ONE) / (ONE + e)
    return g, g * (ONE - g)


@jit_inlined
def _tanh32(x: Any) -> tuple[Any, Any]:
    """Those of the gate "tanh"."""
    z = _near32(x)
    g, slope = _logistic32(STEEP32 * (z + CUBIC32 * z * z * z))
    return g, STEEP32 * (ONE + CUBIC3 * z * z) * slope


@jit_inlined
def _normal32(x: Any) -> tuple[Any, Any]:
    """Those of the gate "normal"."""
    e = exp32(-HALF * x * x)
    t = ONE / (ONE + WIDTH * abs(x))
    high = R5 + t * (R6 + t * (R7 + t * (R8 + t * R9)))
    tail = e * (R0 + t * (R1 + t * (R2 + t * (R3 + t * (R4 + t * high)))))
    return (tail if x < ZERO else ONE - tail), DENSITY * e


@jit_inlined
def _slope(g: Any, slope: Any, x: Any) -> Any:
    return g + (ZERO if slope == ZERO else x * slope)


@jit_in_order
def _gate64(x: Any, gate: int) -> tuple[Any, Any]:
    """g(x) and g'(x) in float64."""
    z = min(max(x, -FAR), FAR)
    if gate == NORMAL:
        return 0.5 * math.erfc(-z * math.sqrt(0.5)), np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    u, rise = x, 1.0
    if gate == TANH:
        u, rise = STEEP * (z + CUBIC * z * z * z), STEEP * (1 + 3 * CUBIC * z * z)
    e = np.exp(-abs(u))
    g = (e if u < 0 else 1.0) / (1 + e)
    return g, rise * g * (1 - g)


@loop_in_order
def _forward32(lo: int, hi: int, x: Array, gate: int, y: Array) -> None:
    xs, ys = x[lo:hi], y[lo:hi]
    if gate == NORMAL:  # a loop for each gate: a choice within one would not be vectorised
        for j in range(xs.size):
            ys[j] = xs[j] * _normal32(xs[j])[0]
    elif gate == TANH:
        for j in range(xs.size):
            ys[j] = xs[j] * _tanh32(xs[j])[0]
    else:
        for j in range(xs.size):
            ys[j] = xs[j] * _logistic32(xs[j])[0]


@loop_in_order
def _backward32(lo: int, hi: int, dy: Array, x: Array, gate: int, dx: Array) -> None:
    dys, xs, dxs = dy[lo:hi], x[lo:hi], dx[lo:hi]
    if gate == NORMAL:
        for j in range(xs.size):
            g, slope = _normal32(xs[j])
            dxs[j] = dys[j] * _slope(g, slope, xs[j])
    elif gate == TANH:
        for j in range(xs.size):
            g, slope = _tanh32(xs[j])
            dxs[j] = dys[j] * _slope(g, slope, xs[j])
    else:
        for j in range(xs.size):
            g, slope = _logistic32(xs[j])
            dxs[j] = dys[j] * _slope(g, slope, xs[j])


@loop_in_order
def _forward64(lo: int, hi: int, x: Array, gate: int, y: Array) -> None:
    for j in range(lo, hi):
        y[j] = x[j] * _gate64(x[j], gate)[0]


@loop_in_order
def _backward64(lo: int, hi: int, dy: Array, x: Array, gate: int, dx: Array) -> None:
    for j in range(lo, hi):
        g, slope = _gate64(x[j], gate)
        dx[j] = dy[j] * (g + (0.0 if slope == 0 else x[j] * slope))


def gated_forward_v1(x: Array, *, gate: str) -> tuple[Any, ...]:
    """y = x g(x). Saved: x and the gate."""
    xf = flat(x)
    yf = empty_like(xf)
    loop = _forward32 if x.dtype == np.float32 else _forward64
    run(loop, xf.size, xf, GATES.index(gate), yf, smallest=SMALLEST)
    return unflat(yf, x), x, gate


def gated_backward_v1(dy: Array, x: Array, gate: str) -> Array:
    """dx = (g + x g') dy."""
    xf = flat(x)
    dxf = empty_like(xf)
    loop = _backward32 if x.dtype == np.float32 else _backward64
    run(loop, xf.size, flat(dy, x), xf, GATES.index(gate), dxf, smallest=SMALLEST)
    return unflat(dxf, x)


VERSIONS = versions(__doc__, (gated_forward_v1, gated_backward_v1))
