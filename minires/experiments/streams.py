"""What theory predicts block by block of residual MLPs, whose layers share no one factor.

Pre-activation, x + s W₂ φ(W₁ φ(x)), without a norm: signal and gradient grow by √(1 + s² g²) a
block, g = n Var(w) E[φ'²], and a branch is s g times its stream.

With batch norm the samples matter. S (B, B) holds E[x_i x_j] over the features; P takes the mean
over the batch off, λ are the eigenvalues of P S P / B. The variance of a feature is Q = Σ λ_k z_k²
with normal z. Batch norm multiplies a squared gradient by (B - 2) / B E[1/Q], as two directions of
B are lost, and makes S to B E[λ_k z_k² / Q] along its eigenvectors (Yang et al. 2019, 1902.08129):

    E[1/Q] = ∫ f dt     E[λ_k z_k² / Q] = λ_k ∫ f / (1 + 2 λ_k t) dt     f = Π (1 + 2 λ_k t)^-½

ReLU is the arc-cosine kernel (Cho and Saul 2009, n = 1). The gradients of different samples are
taken as independent. Block l has the share 1/√l of its stream (De and Smith 2020, §2).

Post-activation without a norm, x ← max(x + s W₂ φ(W₁ x), 0): a unit's x is not normal, so units are
followed one by one, with a Gaussian branch; the gradient passes where the sum is above 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import theory
from .settings import Setting

Array = Any
UNITS = 20_000  # of the wide layer that is followed
Found = tuple[list[float], list[float]]


def profile(setting: Setting, start: float, gram: Array) -> Found | None:
    """Return ‖∂L/∂x‖ at each block over that at the last, and each branch's share of its stream.

    start  mean square of the first block's input
    gram   (B, B) products of the samples of a batch
    None where there is no theory: `reason` says why.
    """
    s = setting
    if reason(setting):
        return None
    blocks = s.depth // 2
    if s.skip == "identity":
        return post_activation(s, blocks, start)
    scale = _scale(s, blocks) ** 2
    if s.norm == "bn":
        return _batch_norm(np.asarray(gram, np.float64), start, blocks, scale)
    gain = theory.weight_variance(s.init, s.activation) * theory.moments(s.activation)[2]
    dx = [(1 + scale * gain**2) ** (0.5 * k) for k in reversed(range(blocks))]
    return dx, [math.sqrt(scale) * gain] * blocks


def reason(setting: Setting) -> str:
    """Return why there is no theory of a residual net's blocks, nothing if there is."""
    s = setting
    if s.skip == "none":
        return "no residual net"
    if s.init not in theory.INITS:
        return "its start is not random"
    if s.branch_scale in theory.CLOSED:
        return "every branch starts at 0: x passes as it is"
    if (s.shortcut, s.order) != ("A", "original"):
        return "not known for this shortcut or order"
    if s.activation not in theory.SLOPES or s.init == "default":
        return "not known for this activation, or with random biases"
    if s.arch == "conv":
        return "not known for conv nets"
    if s.norm in ("ln", "gn"):
        return "not known with layer or group norm in the branches"
    if s.norm == "bn" and (s.skip, s.activation, s.init) != ("preact", "relu", "he"):
        return "with batch norm only known of pre-activation nets with ReLU and He init"
    if s.skip == "identity" and s.activation != "relu":
        return "with an activation after the sum only known of ReLU"
    return ""


def _scale(s: Setting, blocks: int) -> float:
    if isinstance(s.branch_scale, str):
        return 0.0 if s.branch_scale in theory.CLOSED else 1 / math.sqrt(blocks)
    return float(s.branch_scale)


# ---- batch norm ---------------------------------------------------------------------------------
def _batch_norm(gram: Array, start: float, blocks: int, scale: float) -> Found:
    s = gram * (start * len(gram) / np.trace(gram))
    logs, shares = [], []
    for _ in range(blocks):
        inner, first = _normalised(s)
        outer, second = _normalised(2 * _relu(inner))
        branch = scale * 2 * _relu(outer)
        shares.append(math.sqrt(np.trace(branch) / np.trace(s)))
        logs.append(0.5 * math.log1p(scale * first * second))
        s = s + branch
    return [math.exp(math.fsum(logs[k : blocks - 1])) for k in range(blocks)], shares


def _normalised(s: Array) -> tuple[Array, float]:
    """Return S behind batch norm, and the factor of a squared gradient that comes back."""
    n = len(s)
    centred = s - s.mean(axis=0) - s.mean(axis=1)[:, None] + s.mean()
    values, vectors = np.linalg.eigh(centred / n)
    values = np.maximum(values, 0)
    u = np.linspace(-12, 14, 200)  # t = exp(u), in units of 1 / Q
    t = np.exp(u) / values.sum()
    a = 1 + 2 * np.multiply.outer(t, values)
    f = np.exp(-0.5 * np.log(a).sum(axis=1)) * t * (u[1] - u[0])  # f dt
    spread = n * values * (f @ (1 / a))
    return (vectors * spread) @ vectors.T, float(f.sum()) * (n - 2) / n


def _relu(s: Array) -> Array:
    """Return E[φ(u_i) φ(u_j)] for normal u with the covariances s."""
    size = np.sqrt(np.multiply.outer(np.diag(s), np.diag(s)))
    c = np.clip(s / size, -1, 1)
    return size * (np.sqrt(1 - c * c) + c * (np.pi - np.arccos(c))) / (2 * np.pi)


# ---- ReLU after the sum -------------------------------------------------------------------------
def post_activation(s: Setting, blocks: int, start: float, stem: bool = True) -> Found:
    """Return `profile` of a net with ReLU after the sum; `stem`: its first x was behind one, too.

    A branch has the variance s² σ⁴ q / 2 over the units, q = E[x²], σ² = n Var(w), and so has the
    gradient that comes through it: h_j ← D_j h_j + s² (σ⁴ / 2) E[D h], D = 1 where the sum is
    above 0.
    """
    signal, dx = followed(s, blocks, start, stem)
    share = _scale(s, blocks) * theory.weight_variance(s.init, s.activation) / math.sqrt(2)
    return dx, [share] * len(signal)


def followed(s: Setting, blocks: int, start: float, stem: bool) -> Found:
    """Return RMS of x and ‖∂L/∂x‖ at the input of each block; the gradient is 1 at the last.

    `start` is the mean square of x at the first; a branch may be closed.
    """
    through = (_scale(s, blocks) * theory.weight_variance(s.init, s.activation)) ** 2 / 2
    rng = np.random.default_rng(0)
    x = rng.standard_normal(UNITS)
    x = np.maximum(x, 0) if stem else x
    x *= math.sqrt(start / np.mean(x**2))
    signal, passed = [], []
    for _ in range(blocks):
        q = float(np.mean(x**2))
        signal.append(math.sqrt(q))
        total = x + math.sqrt(through * q) * rng.standard_normal(UNITS)
        passed.append(total > 0)
        x = np.maximum(total, 0)
    h, gradient = np.ones(UNITS), [1.0]
    for passes in reversed(passed[:-1]):
        h = np.where(passes, h, 0)
        h = h + through * h.mean()
        gradient.append(math.sqrt(h.mean()))
    return signal, gradient[::-1]
