"""Exponentials of float32, as many at once as a register holds.

The C library's exp takes one number at a time, and then it is all that a kernel with an exponential
does. `exp32` is made of sums and products alone, so that the compiler vectorises a loop over it.

    exp x = 2ᵏ exp r         k = x log₂ e, rounded;  |r| <= ln(2) / 2
    exp r                    a polynomial fitted by least squares, relative error 3e-9 at most
    2ᵏ                       k is rounded by adding ROUND, whose last bit has the value 1: k + 127
                             then stands in the last bits, and moves to where the exponent stands

float64, the checking dtype, keeps the library's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...spec import Array
from .jit import jit_in_order, jit_inlined

_F = np.float32  # Numba would compute in float64 with Python's numbers
ONE, ROUND = _F(1), _F(1.5 * 2**23 + 127)
LOG2_E, LN2_HIGH, LN2_LOW = _F(math.log2(math.e)), _F(355 / 512), _F(math.log(2) - 355 / 512)
LOWEST = _F(-88)  # here k is -127: the exponent of 0
P2, P3, P4, P5, P6 = map(_F, (0.49999994, 0.166665211, 0.041668389, 0.00836871285, 0.00138145988))


@jit_inlined
def exp32(x: Any) -> Any:
    """exp(x) of a float32 x <= 0, to about 1 unit in the last place; a NaN stays.

    Only for callers whose sums stay in order (`jit_in_order`): k would cancel.
    """
    z = LOWEST if x < LOWEST else x
    shifted = np.float32(z * LOG2_E + ROUND)
    k = shifted - ROUND
    r = (z - k * LN2_HIGH) - k * LN2_LOW
    p = ONE + r * (ONE + r * (P2 + r * (P3 + r * (P4 + r * (P5 + r * P6)))))
    return p * np.int32(np.float32(shifted).view(np.int32) << np.int32(23)).view(np.float32)


@jit_in_order
def exponentials(x: Array, y: Array) -> None:
    """y = exp x for flat arrays of one dtype, x <= 0."""
    if x.itemsize == 4:
        for i in range(x.size):
            y[i] = exp32(x[i])
    else:
        for i in range(x.size):
            y[i] = np.exp(x[i])
