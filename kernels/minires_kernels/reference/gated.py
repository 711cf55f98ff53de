"""GELU and SiLU: x times a gate that opens with x, a smooth step from 0 to 1.

forward    y = x g(x)
backward   dx = (g(x) + x g'(x)) dy
gates      "normal"    g = Φ(x) = (1 + erf(x / √2)) / 2,          g' = exp(-x² / 2) / √(2π)
           "tanh"      g = σ(2u), u = √(2/π) (x + 0.044715 x³),   g' = 2 u' g (1 - g)
           "logistic"  g = σ(x) = 1 / (1 + exp(-x)),              g' = g (1 - g)
shapes     x, y of any shape
source     GELU, exact and by tanh: Hendrycks and Gimpel 2016 (1606.08415), section 2, where
           (1 + tanh u) / 2 = σ(2u). SiLU: Elfwing et al. 2017 (1702.03118), also called swish

Versions
    v1  NumPy, and Python's erf element by element, because NumPy has none
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..spec import Arguments, Array, Case, KernelSpec, versions

GATES = ("normal", "tanh", "logistic")
STEEP = 2 * math.sqrt(2 / math.pi)  # 2u = STEEP (x + CUBIC x³)
CUBIC = 0.044715
FAR = 40.0  # beyond ±FAR the gates are 0 or 1, also in float64, and x² could overflow


class GatedSaved(NamedTuple):
    """What forward leaves for backward."""

    x: Array  # any shape
    gate: str


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))  # exp only ever sees -|z|
    return np.asarray(np.where(z < 0, e, z.dtype.type(1)) / (1 + e))


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _normal(z: Array) -> tuple[Array, Array]:
    g = ((1 + _erf(z / math.sqrt(2))) / 2).astype(z.dtype)
    return g, np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _gate(x: Array, gate: str) -> tuple[Array, Array]:
    """Return g(x) and g'(x)."""
    if gate == "logistic":
        g = _sigmoid(x)
        return g, g * (1 - g)
    z = np.clip(x, -FAR, FAR)
    if gate == "normal":
        return _normal(z)
    g = _sigmoid(STEEP * (z + CUBIC * z**3))
    return g, STEEP * (1 + 3 * CUBIC * z**2) * g * (1 - g)


def gated_forward_v1(x: Array, *, gate: str) -> tuple[Any, ...]:
    """y = x g(x)."""
    return x * _gate(x, gate)[0], x, gate


def gated_backward_v1(dy: Array, x: Array, gate: str) -> Array:
    """dx = (g + x g') dy; where the gate no longer moves, x g' is 0."""
    g, slope = _gate(x, gate)
    rise = np.where(slope == 0, x.dtype.type(0), x) * slope
    return np.asarray(dy * (g + rise))


def _check_forward(x: Any, *, gate: Any) -> Arguments:
    if gate not in GATES:
        raise ValueError(f"gate: expected one of {', '.join(GATES)}, got {gate!r}")
    return (checks.floating("x", x),), {"gate": gate}


def _check_backward(dy: Any, x: Array, gate: str) -> None:
    checks.upstream(dy, x, x.shape)


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(gate: str, scale: float, *shape: int) -> Case:
        label = f"{gate}, {shape} of ±{scale:g}"
        return Case(label, (np.asarray(scale * rng.standard_normal(shape)),), {"gate": gate})

    shapes: list[tuple[float, tuple[int, ...]]] = [
        (1, (2, 3, 5, 4)), (3, (70,)), (1, ()), (1, (0, 3)), (100, (40,)), (2, (16, 9, 7, 9)),
    ]  # fmt: skip
    return [case(gate, scale, *shape) for gate in GATES for scale, shape in shapes]


SPEC = KernelSpec(
    name="gated",
    formula="y = x g(x), g the distribution function of a normal or a logistic number",
    inputs={"x": "any shape"},
    gradients={"dx": ("x",)},
    saved=GatedSaved,
    check_forward=_check_forward,
    check_backward=_check_backward,
    cases=_cases,
    flops=lambda x, **_options: 10 * x.size,
    bytes=lambda x, **_options: 2 * x.nbytes,
)
VERSIONS = versions(__doc__, (gated_forward_v1, gated_backward_v1))
