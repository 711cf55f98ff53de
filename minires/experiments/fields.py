"""What theory predicts layer by layer where one factor for all layers is not enough.

Zero padding. A 3×3 convolution with random weights sends the mean square of a gradient at a pixel
to the mean of its windows: with e (H, W) the gradient's mean square at each pixel,

    e ← C Var(w) E[φ'²] Σ e over the outputs whose windows hold the pixel,

and outside of the map there are none. On 2×2 maps 4 of 9 are left: a factor of √(4/9) for the norm.
With batch norm it is divided by the variance over batch and pixels, in which the borders count too;
with layer norm by the mean square over the pixels of a sample (of wide nets: its mean is 0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import theory
from .settings import Setting

Array = Any
SIZE = 8  # pixels across, of digits and of synthetic images


def _windows(e: Array, stride: int = 1) -> Array:
    """Sum e (H, W) over the 3×3 windows of a convolution with padding 1: (⌈H/s⌉, ⌈W/s⌉)."""
    p = np.pad(e, 1)
    h, w = e.shape
    sums = sum(p[i : i + h, j : j + w] for i in range(3) for j in range(3))
    return np.asarray(sums)[::stride, ::stride]


def _back(e: Array, stride: int, size: int) -> Array:
    """Sum over the outputs whose windows hold each of (size, size) pixels: `_windows` reversed."""
    spread = np.zeros((size, size))
    spread[::stride, ::stride] = e
    return _windows(spread)


def conv_profile(setting: Setting, size: int = SIZE) -> list[float] | None:
    """Return ‖∂L/∂x‖ at the input of each convolution behind the stem, over that of the last.

    For plain nets of ReLU or leaky ReLU with any norm; None for others.
    """
    s = setting
    usual = s.arch == "conv" and s.skip == "none" and s.order == "original"
    if not usual or s.activation not in ("relu", "leaky_relu") or s.init not in theory.INITS:
        return None
    if s.norm not in ("none", "bn", "ln"):
        return None
    n = (s.depth - 2) // 6
    layers = [(size >> i, 2 if i and not j else 1) for i in range(3) for j in range(2 * n)]
    gains = [_gain(s, stride) for _, stride in layers]
    if s.norm == "bn":
        gains = _batch_norm_gains(s, layers)
    if s.norm == "ln":
        gains = _layer_norm_gains(s, layers)
    e = np.ones((size >> 2, size >> 2))  # the pooling sends the same to each pixel
    norms, scale = list[float](), 0.0
    for (here, stride), gain in list(zip(layers, gains, strict=True))[::-1]:
        before = here * stride
        e = gain * _back(e, stride, before)
        largest = float(e.max())
        e, scale = e / largest, scale + math.log(largest)  # no overflow in deep nets
        norms.append(0.5 * (math.log(e.sum()) + scale))
    return [math.exp(v - norms[0]) for v in reversed(norms)]


def _gain(s: Setting, stride: int) -> float:
    """Return C_in Var(w) E[φ'²] of a convolution; filters double where it strides."""
    sw = theory.weight_variance(s.init, s.activation)
    if s.init == "xavier" and stride == 2:
        sw = 2 / 3  # 2 C / (C + 2 C)
    return sw / 9 * theory.moments(s.activation)[2]


def _batch_norm_gains(s: Setting, layers: Sequence[tuple[int, int]]) -> list[float]:
    """Divide each gain by the variance of that layer's outputs, over batch and pixels.

    q (p) = E[x²] at a pixel, m (p, p') = E over channels of the means at two pixels. The weights
    send them to windows' sums; batch norm takes off each channel's mean over batch and pixels;
    ReLU's mean of N(d, v - d²) over normal d is the arc-cosine kernel (Cho and Saul 2009, n = 1).
    """
    _, square, slope = theory.moments(s.activation)
    low = theory.SLOPES[s.activation]
    size = layers[0][0]
    v, c = np.ones((size, size)), np.zeros((size, size, size, size))
    gains = []
    for _, stride in layers:
        q = square * v
        both = np.sqrt(np.multiply.outer(v, v))
        arc = (np.sqrt(1 - c * c) + c * (np.pi - np.arccos(c))) / (2 * np.pi)
        flat = (np.sqrt(1 - c * c) + c * (np.pi - np.arccos(c)) - np.pi * c) / (2 * np.pi)
        m = both * ((1 + low * low) * arc - 2 * low * flat)
        seen, means = _windows(q, stride), _pairs(m, stride)
        row, whole = means.mean(axis=(2, 3)), means.mean()
        variance = float(seen.mean() - whole)
        v = (seen - 2 * row + whole) / variance
        centred = means - row[:, :, None, None] - row[None, None] + whole
        c = np.clip(centred / variance / np.sqrt(np.multiply.outer(v, v)), -1, 1)
        gains.append(slope / variance)
    return gains


def _layer_norm_gains(s: Setting, layers: Sequence[tuple[int, int]]) -> list[float]:
    """Divide each gain by the mean square of that layer's outputs over the pixels of a sample."""
    _, square, slope = theory.moments(s.activation)
    v = np.ones((layers[0][0], layers[0][0]))
    gains = []
    for _, stride in layers:
        seen = _windows(square * v, stride)
        v = seen / seen.mean()
        gains.append(slope / float(seen.mean()))
    return gains


def _pairs(m: Array, stride: int) -> Array:
    """Sum m (H, W, H, W) over 3×3 windows whose two pixels move together."""
    p = np.pad(m, 1)
    h, w = m.shape[:2]
    sums = sum(p[i : i + h, j : j + w, i : i + h, j : j + w] for i in range(3) for j in range(3))
    return np.asarray(sums)[::stride, ::stride, ::stride, ::stride]


def stage_factors(setting: Setting, size: int = SIZE) -> dict[str, float] | None:
    """Return the factor of ‖∂L/∂x‖ per layer in each stage, fitted as the measurement is."""
    profile = conv_profile(setting, size)
    if profile is None:
        return None
    per_stage = len(profile) // 3
    found = {}
    for i in range(3):
        logs = np.log(profile[i * per_stage : (i + 1) * per_stage][int(i > 0) :])
        if len(logs) < 3:
            return None
        found[f"layer{i + 1}"] = float(np.exp(-np.polyfit(np.arange(len(logs)), logs, 1)[0]))
    return found
