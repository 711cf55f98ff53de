"""GELU and SiLU on flat arrays: one read and one write per element, a range on each thread.

forward    y = x g(x)                  reads x, writes y
backward   dx = (g + x g') dy          reads dy and x, writes dx; the gate is computed again

The C library's exp takes one number at a time, and then it is all that such a kernel does. In
float32 an exponential of our own, of sums and products alone, lets the compiler compute as many at
once as a register holds; float64, the checking dtype, keeps the library's.

    exp x = 2ᵏ exp r         k = ⌊x log₂ e + 1/2⌋,  |r| <= ln(2) / 2, where a polynomial is enough
    Φ(-a√2) = exp(-a²) R(t) / 2,  t = 1 / (1 + 0.45 a): R is a polynomial fitted to erfc(a) exp(a²)
                             by least squares of the relative error, 2.4e-8 at most up to a = 9.6

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
from .machine.jit import jit_in_order, jit_inlined
from .machine.layout import flat, unflat
from .machine.threads import run

SMALLEST = 1 << 13  # elements: below that a thread costs more than it saves
NORMAL, TANH, LOGISTIC = range(3)
_F = np.float32  # Numba would compute in float64 with Python's numbers
ONE, HALF, ZERO = _F(1), _F(0.5), _F(0)
LOG2_E, LN2_HIGH, LN2_LOW = _F(math.log2(math.e)), _F(355 / 512), _F(math.log(2) - 355 / 512)
LOWEST = _F(-87)  # exp of less is nearly subnormal, and 0 here
P2, P3, P4, P5, P6 = (_F(1 / math.factorial(n)) for n in range(2, 7))
FAR32, STEEP32, CUBIC32, CUBIC3 = _F(FAR), _F(STEEP), _F(CUBIC), _F(3 * CUBIC)
ROOT_HALF, DENSITY, WIDTH = _F(math.sqrt(0.5)), _F(1 / math.sqrt(2 * math.pi)), _F(0.45)
R0, R1, R2, R3, R4 = map(_F, (2.54368853e-05, 0.253249709, 0.260753879, 0.186010782, 0.338983116))
R5, R6, R7, R8, R9 = map(_F, (-0.297717359, 0.688914614, -0.657434465, 0.268999076, -0.0417847758))


@jit_inlined
def exp32(x: Any) -> Any:
    """exp(x) of a float32 x <= 0, to about 2 units in the last place; a NaN stays."""
    z = LOWEST if x < LOWEST else x
    k = np.floor(z * LOG2_E + HALF)
    r = (z - k * LN2_HIGH) - k * LN2_LOW
    p = ONE + r * (ONE + r * (P2 + r * (P3 + r * (P4 + r * (P5 + r * P6)))))
    power = np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)  # 2ᵏ
    return ZERO if x < LOWEST else p * power


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
    z = _near32(x)
    e = exp32(-HALF * z * z)
    t = ONE / (ONE + WIDTH * ROOT_HALF * abs(z))
    high = R5 + t * (R6 + t * (R7 + t * (R8 + t * R9)))
    tail = HALF * e * (R0 + t * (R1 + t * (R2 + t * (R3 + t * (R4 + t * high)))))
    return (tail if z < ZERO else ONE - tail), DENSITY * e


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


@jit_in_order
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


@jit_in_order
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


@jit_in_order
def _forward64(lo: int, hi: int, x: Array, gate: int, y: Array) -> None:
    for j in range(lo, hi):
        y[j] = x[j] * _gate64(x[j], gate)[0]


@jit_in_order
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
