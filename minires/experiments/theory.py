"""What mean-field theory predicts for the gradient of a wide random MLP at initialisation.

The factor is that of ‖∂L/∂x‖ over one layer going backwards: below 1 the gradient vanishes
towards the input, above 1 it explodes. Sources: He et al. 2015 (1502.01852) for ReLU; Schoenholz
et al. 2017 (1611.01232) for χ = σ_w² E[φ'(z)²]; Yang et al. 2019 (1902.08129) for batch norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..models.norms import groups_of

Array = npt.NDArray[np.float64]

# φ and φ' for each smooth activation name of the models
_Pair = tuple[Callable[[Array], Array], Callable[[Array], Array]]


def _sigmoid(z: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _below(z: Array) -> Array:
    """Φ(z), the probability that a unit normal number is below z."""
    return np.asarray(0.5 * (1 + _erf(z / math.sqrt(2))))


SMOOTH: dict[str, _Pair] = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    "gelu": (
        lambda z: z * _below(z),
        lambda z: _below(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    ),
    "silu": (lambda z: z * _sigmoid(z), lambda z: _sigmoid(z) * (1 + z * (1 - _sigmoid(z)))),
}
SLOPES = {"relu": 0.0, "leaky_relu": 0.01, "identity": 1.0}  # below 0; above it is 1
ACTIVATIONS = (*SLOPES, *SMOOTH)

# variance of a square layer's weights, times its width n; and variance of its biases, times n
_WEIGHT_VARIANCE = {"he": 2.0, "xavier": 1.0, "default": 1 / 3, "orthogonal": 1.0}
_BIAS_VARIANCE = {"he": 0.0, "xavier": 0.0, "default": 1 / 3, "orthogonal": 0.0}
INITS = tuple(_WEIGHT_VARIANCE)

CLOSED = ("skipinit", "fixup", "zero-gamma")  # every branch is 0 at the start

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(200)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def gaussian_mean(f: Callable[[Array], Array], variance: float) -> float:
    """Return E[f(z)] for z ~ N(0, variance) and smooth f, by 200-point Gauss–Hermite quadrature."""
    return float(_WEIGHTS @ f(math.sqrt(variance) * _NODES))


def moments(activation: str, q: float = 1.0) -> tuple[float, float, float]:
    """Return E[φ(z)], E[φ(z)²] and E[φ'(z)²] for z ~ N(0, q)."""
    if activation in SLOPES:
        a = SLOPES[activation]
        half = (1 + a * a) / 2
        return (1 - a) * math.sqrt(q / (2 * math.pi)), half * q, half
    phi, slope = SMOOTH[activation]
    mean, square = gaussian_mean(phi, q), gaussian_mean(lambda z: phi(z) ** 2, q)
    return mean, square, gaussian_mean(lambda z: slope(z) ** 2, q)


def weight_variance(init: str, activation: str) -> float:
    """Return n Var(w) of a square layer of width n: He init is 1 / E[φ(z)²] for ReLU's relatives.

    For tanh, sigmoid and the identity it is ReLU's 2, as in `models.initialise`.
    """
    if init == "he" and activation in ("leaky_relu", "gelu", "silu"):
        return 1 / moments(activation)[1]
    return _WEIGHT_VARIANCE[init]


def plain_factor(activation: str, init: str, depth: int, width: int) -> float | None:
    """Return the per-layer factor of a plain stack without normalisation, or None if unknown.

    Follows q_l = σ_w² E[φ(√q z)²] + σ_b² from q = 1 at the input, and averages log √χ_l over the
    middle 80 % of the layers, like the fit to the measurement.
    """
    if init not in INITS or activation not in ACTIVATIONS:
        return None
    if activation in SLOPES:  # homogeneous: the same factor at any scale
        return math.sqrt(weight_variance(init, activation) * moments(activation)[2])
    _, slopes = plain_moments(activation, init, depth, width)
    lo, hi = middle(depth)
    return math.exp(0.5 * float(np.mean(np.log(slopes[lo:hi]))))


def plain_moments(
    activation: str, init: str, depth: int, width: int, start: float = 1.0
) -> tuple[list[float], list[float]]:
    """Return E[x²] at the input of each layer, from `start` on, and the χ of each layer.

    q_l = σ_w² E[x_l²] + σ_b², E[x_{l+1}²] = E[φ(√q_l z)²], χ_l = σ_w² E[φ'(√q_l z)²].
    """
    sw, sb = weight_variance(init, activation), _BIAS_VARIANCE[init] / width
    squares, slopes = [], []
    for _ in range(depth):
        squares.append(start)
        _, start, slope = moments(activation, sw * start + sb)
        slopes.append(sw * slope)
    return squares, slopes


def batch_norm_factor(activation: str, batch: int) -> float | None:
    """Return the per-layer factor of a plain stack with batch norm before each activation.

    sqrt(E[φ'²] / Var φ) for a unit Gaussian; π/(π-1) under the root for ReLU. For the identity the
    batch's size matters: sqrt((B-2)/(B-3)). For other activations than ReLU correlations between
    the samples are ignored, which makes the value 1 or 2 % too low.
    """
    if activation == "identity":
        return math.sqrt((batch - 2) / (batch - 3)) if batch > 3 else None
    if activation not in ACTIVATIONS:
        return None
    mean, square, slope = moments(activation)
    return math.sqrt(slope / (square - mean**2))


def layer_norm_factor(activation: str) -> float | None:
    """Return the per-layer factor of a plain stack with layer norm before each activation.

    sqrt(E[φ'²] / E[φ²]) for a unit Gaussian, which is 1 for ReLU: σ_w cancels, and the mean over
    the features, which layer norm takes away, is 0 in a wide layer.
    """
    if activation not in ACTIVATIONS:
        return None
    _, square, slope = moments(activation)
    return math.sqrt(slope / square)


def group_norm_factor(activation: str, n: int) -> float | None:
    """Return the per-layer factor of a plain stack with group norm, of n features a group.

    That of layer norm times sqrt((n-2)/(n-3)): the variance Q of n normal features has
    E[1/Q] = n/(n-3), and two directions of n are lost, as over a batch of n.
    """
    wide = layer_norm_factor(activation)
    return None if wide is None or n < 4 else wide * math.sqrt((n - 2) / (n - 3))


def preactivation_factor(activation: str, init: str, scale: float) -> float | None:
    """Return the per-layer factor of x + s W₂ φ(W₁ φ(x)), two layers a block, unnormalised.

    A block multiplies both E[x²] and the squared gradient by 1 + s² (σ_w² E[φ'²])², which He init
    makes 1 + s²; so a layer's factor is the fourth root.
    """
    if activation not in SLOPES or init not in INITS:
        return None
    gain = weight_variance(init, activation) * moments(activation)[2]
    return float((1 + scale**2 * gain**2) ** 0.25)


def middle(depth: int) -> tuple[int, int]:
    """Return the range lo:hi of the middle 80 % of `depth` layers."""
    cut = depth // 10
    return cut, depth - cut


def factor(
    *,
    arch: str,
    depth: int,
    skip: str,
    norm: str,
    init: str,
    activation: str,
    width: int,
    batch: int,
    branch_scale: Any = 1.0,
    shortcut: str = "A",
    order: str = "original",
) -> float | None:
    """Return the predicted per-layer factor for a setting of the experiment, or None.

    None for inits that are not random, for convolutions (zero padding takes fan-in away at the
    border, by an amount that depends on the size of the map), for post-activation residual nets and
    for residual nets with a norm, whose growth over depth is a polynomial and not a factor per
    layer, unless every branch starts at 0; and for shortcuts and orders other than the usual.
    """
    usual = (shortcut, order) == ("A", "original")
    if arch != "mlp" or init not in INITS or not usual:
        return None
    if skip == "none":
        if norm == "bn":
            return batch_norm_factor(activation, batch)
        if norm == "ln":
            return layer_norm_factor(activation)
        if norm == "gn":
            return group_norm_factor(activation, width // groups_of(width))
        return plain_factor(activation, init, depth, width)
    if branch_scale in CLOSED and (skip == "preact" or activation == "relu"):
        return 1.0  # x passes as it is, also through a ReLU after the sum: it is not negative
    if skip == "preact" and norm == "none":
        scale = 1 / math.sqrt(depth / 2) if isinstance(branch_scale, str) else float(branch_scale)
        return preactivation_factor(activation, init, scale)
    return None
