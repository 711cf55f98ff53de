"""Initial values of parameters, under PyTorch's names: each fills a tensor in place.

Fans follow PyTorch: for weights (out, in, *window), fan_in = in × window, fan_out = out × window.
Random numbers come from `rng` (a Generator or a seed), by default from `minires.manual_seed`. They
are drawn in NumPy's memory and moved to where the tensor is.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from minires_kernels.arrays import to_device_of

from ..random import generator
from ..tensor import Array, Tensor

Rng = np.random.Generator | int | None
Mode = Literal["fan_in", "fan_out"]


def calculate_gain(nonlinearity: str, a: float = math.sqrt(5)) -> float:
    """Return the gain that keeps the scale through an activation: √2 for "relu", 5/3 for "tanh".

    For "leaky_relu", √(2 / (1 + a²)) with negative slope a. For "gelu" and "silu", which PyTorch
    lacks, 1 / √E[f(z)²] for a normal z, as √2 is for "relu".
    """
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}
    gains |= {"gelu": 1.5335304, "silu": 1.6765325}
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + a * a))
    if nonlinearity not in gains:
        raise ValueError(
            f"nonlinearity: expected one of {', '.join(gains)}, leaky_relu; got {nonlinearity!r}"
        )
    return gains[nonlinearity]


def fans(w: Tensor) -> tuple[int, int]:
    """Return (fan_in, fan_out) of weights of shape (out, in, *window)."""
    if w.ndim < 2:
        raise ValueError(f"fans need at least two dimensions (out, in, …), got shape {w.shape}")
    window = math.prod(w.shape[2:])
    return w.shape[1] * window, w.shape[0] * window


def _fill(w: Tensor, values: Array) -> Tensor:
    """Overwrite `w` with NumPy's `values`, cast to its dtype."""
    return w.update_(to_device_of(values.astype(w.dtype), w.data))


def normal_(w: Tensor, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Tensor:
    """Fill with N(mean, std²)."""
    return _fill(w, generator(rng).normal(mean, std, w.shape))


def uniform_(w: Tensor, low: float = 0.0, high: float = 1.0, rng: Rng = None) -> Tensor:
    """Fill with U(low, high)."""
    return _fill(w, generator(rng).uniform(low, high, w.shape))


def constant_(w: Tensor, value: float) -> Tensor:
    """Fill with one value."""
    return _fill(w, np.full(w.shape, value, w.dtype))


def zeros_(w: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(w, 0.0)


def ones_(w: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(w, 1.0)


def _kaiming_std(w: Tensor, a: float, mode: Mode, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode: expected 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(w)[0 if mode == "fan_in" else 1]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def kaiming_normal_(
    w: Tensor,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Rng = None,
) -> Tensor:
    """N(0, gain² / fan): keeps E[x²] through ReLU layers. He et al. 2015 (1502.01852), eq. 10."""
    return normal_(w, 0.0, _kaiming_std(w, a, mode, nonlinearity), rng)


def kaiming_uniform_(
    w: Tensor,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Rng = None,
) -> Tensor:
    """U(±√3 gain / √fan). With a = √5 it is the default of PyTorch's layers, U(±1 / √fan_in)."""
    bound = math.sqrt(3) * _kaiming_std(w, a, mode, nonlinearity)
    return uniform_(w, -bound, bound, rng)


def xavier_normal_(w: Tensor, gain: float = 1.0, rng: Rng = None) -> Tensor:
    """N(0, gain² · 2 / (fan_in + fan_out)). Glorot and Bengio 2010, eq. 12."""
    fan_in, fan_out = fans(w)
    return normal_(w, 0.0, gain * math.sqrt(2 / (fan_in + fan_out)), rng)


def xavier_uniform_(w: Tensor, gain: float = 1.0, rng: Rng = None) -> Tensor:
    """U(±gain √(6 / (fan_in + fan_out))). Glorot and Bengio 2010, eq. 16."""
    fan_in, fan_out = fans(w)
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return uniform_(w, -bound, bound, rng)


def orthogonal_(w: Tensor, gain: float = 1.0, rng: Rng = None) -> Tensor:
    """Fill (out, rest) with a random matrix of orthonormal rows or columns. Saxe et al. 2014."""
    if w.ndim < 2:
        raise ValueError(f"orthogonal_: expected at least two dimensions, got shape {w.shape}")
    rows, columns = w.shape[0], math.prod(w.shape[1:])
    a = generator(rng).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(a)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform (Haar)
    q = q if rows >= columns else q.T
    return _fill(w, (gain * q).reshape(w.shape))


def eye_(w: Tensor) -> Tensor:
    """Fill a matrix with the identity."""
    if w.ndim != 2:
        raise ValueError(f"eye_: expected a matrix, got shape {w.shape}")
    return _fill(w, np.eye(w.shape[0], w.shape[1]))


def dirac_(w: Tensor) -> Tensor:
    """Fill a convolution's weights (K, C, R, S) so that it copies its first channels."""
    if w.ndim != 4:
        raise ValueError(f"dirac_: expected shape (K, C, R, S), got {w.shape}")
    k, c, r, s = w.shape
    values = np.zeros(w.shape, w.dtype)
    i = np.arange(min(k, c))
    values[i, i, r // 2, s // 2] = 1
    return _fill(w, values)
