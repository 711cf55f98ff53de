"""What theory predicts layer by layer where one factor for all layers is not enough.

Zero padding. A 3×3 convolution with random weights sends the mean square of a gradient at a pixel
to the mean of its windows: with e (H, W) the gradient's mean square at each pixel,

    e ← C Var(w) E[φ'²] Σ e over the outputs whose windows hold the pixel,

and outside of the map there are none. On 2×2 maps 4 of 9 are left: a factor of √(4/9) for the norm.
With batch norm it is divided by the variance over batch and pixels, in which the borders count too.

Residual nets with batch norm (pre-activation). Each branch adds variance a = (π-1)/π to the stream
(ReLU, He init), V_l = V_0 + s² a l, and ‖∂L/∂x_l‖² = ‖∂L/∂x_{l+1}‖² (1 + s² / (a V_l)): a power
½ (π/(π-1))² = 1.08 of the depth. The branch is s / √(q_0 + s² l) of its stream: 1/√l (De and Smith
2020, §2).
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

    For plain nets of ReLU or leaky ReLU, without a norm or with batch norm; None for others.
    """
    s = setting
    usual = s.arch == "conv" and s.skip == "none" and s.order == "original"
    if not usual or s.activation not in ("relu", "leaky_relu") or s.init not in theory.INITS:
        return None
    if s.norm not in ("none", "bn"):
        return None
    n = (s.depth - 2) // 6
    layers = [(size >> i, 2 if i and not j else 1) for i in range(3) for j in range(2 * n)]
    gains = [_gain(s, stride) for _, stride in layers]
    if s.norm == "bn":
        gains = _batch_norm_gains(s, layers)
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


def residual_profile(
    setting: Setting, start: float, alike: float = 0.0
) -> tuple[list[float], list[float]] | None:
    """Return ‖∂L/∂x‖ at each block over that at the last, and each branch's share of its stream.

    For pre-activation MLPs of ReLU with He init, without a norm or with batch norm. `start` is the
    mean square of the first block's input, and `alike` the mean cosine of two samples there: batch
    norm divides by their variance. None for others.
    """
    s = setting
    blocks = s.depth // 2
    kind = (s.arch, s.skip, s.activation, s.init, s.shortcut)
    if (
        kind != ("mlp", "preact", "relu", "he", "A")
        or s.norm not in ("none", "bn")
        or s.branch_scale in theory.CLOSED
    ):
        return None
    scale = 1 / blocks if isinstance(s.branch_scale, str) else float(s.branch_scale) ** 2
    if s.norm == "none":  # each branch is √scale times its stream
        dx = [(1 + scale) ** (0.5 * k) for k in reversed(range(blocks))]
        return dx, [math.sqrt(scale)] * blocks
    a = (math.pi - 1) / math.pi
    first = start * (1 - alike)
    logs = [0.5 * math.log1p(scale / (a * (first + scale * a * k))) for k in range(blocks)]
    dx = [math.exp(math.fsum(logs[k : blocks - 1])) for k in range(blocks)]
    return dx, [math.sqrt(scale / (start + scale * k)) for k in range(blocks)]
