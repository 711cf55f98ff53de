"""What theory predicts layer by layer: the profiles beside those that `Recorder` measures.

The recursions of experiments.theory, written out over the layers instead of averaged: the signal
starts from what is measured at the first layer, the gradient from what is measured at the last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from . import streams, theory
from .settings import NORM_NAMES, Setting

_VARIANCES = {"he": "2", "xavier": "1", "default": "1/3", "orthogonal": "1"}


@dataclass(frozen=True)
class Prediction:
    """Theory for one untrained MLP stack.

    factor   of ‖∂L/∂x‖ per layer going backwards, None where there is no such number
    formula  of the factor; where there is none, the reason
    signal   root mean square of x at the first layer of the body, of each block, and so on
    dx       ‖∂L/∂x‖ there, divided by that at the last of them

    Both lists are empty where only the factor, or nothing, is known.
    """

    factor: float | None
    formula: str
    signal: list[float] = field(default_factory=list)
    dx: list[float] = field(default_factory=list)


def predict(setting: Setting, batch: int, start: float) -> Prediction:
    """Return what theory says of a setting whose signal has the RMS `start` at the first layer."""
    factor = setting.theory(batch)
    if factor is None:
        return Prediction(None, reason(setting))
    if setting.skip == "none":
        return _plain(setting, factor, start)
    blocks = setting.depth // 2
    signal = [start * factor ** (2 * k) for k in range(blocks)]
    dx = [factor ** (2 * k) for k in reversed(range(blocks))]
    return Prediction(factor, _branch_formula(setting), signal, dx)


def _plain(setting: Setting, factor: float, start: float) -> Prediction:
    depth = setting.depth
    if setting.norm != "none":
        signal = [theory.moments(setting.activation)[1] ** 0.5] * depth
        dx = [factor**k for k in reversed(range(depth))]
        if setting.norm in ("ln", "gn"):
            groups = " (n − 2) / (n − 3)" if setting.norm == "gn" else ""
            return Prediction(factor, f"√(E[φ′(z)²] / E[φ(z)²]{groups})", signal, dx)
        if setting.activation == "relu":
            return Prediction(factor, "√(π / (π − 1))", signal, dx)
        return Prediction(factor, "√(E[φ′(z)²] / Var φ(z))", signal, dx)
    moments, slopes = theory.plain_moments(
        setting.activation, setting.init, depth, setting.width, start**2
    )
    signal = [math.sqrt(m) for m in moments]
    logs = [0.5 * math.log(slope) for slope in slopes]
    dx = [math.exp(math.fsum(logs[layer : depth - 1])) for layer in range(depth)]
    v = _variance(setting)
    if setting.activation == "relu":
        return Prediction(factor, f"√(n Var(w) / 2), n Var(w) = {v}", signal, dx)
    return Prediction(factor, f"√(n Var(w) E[φ′(√q z)²]), n Var(w) = {v}", signal, dx)


def _variance(setting: Setting) -> str:
    """Return n Var(w) as a formula shows it."""
    exact = theory.weight_variance(setting.init, setting.activation)
    usual = theory.weight_variance(setting.init, "relu")
    return _VARIANCES[setting.init] if exact == usual else f"{exact:.4g}"


def _branch_formula(setting: Setting) -> str:
    if setting.branch_scale in theory.CLOSED:
        return "every branch starts at 0: x passes as it is"
    s = "1" if setting.branch_scale == 1 else "1/√blocks"
    return f"(1 + s² (n Var(w) / 2)²)^¼, s = {s}, n Var(w) = {_variance(setting)}"


def reason(setting: Setting) -> str:
    """Return why theory has no one factor for the layers of a setting."""
    if setting.arch == "conv":
        why = "zero padding gives each stage of a conv net a factor of its own"
        return why if setting.skip == "none" else streams.reason(setting)
    if setting.init not in theory.INITS:
        return "its start is not random"
    if setting.skip == "none":
        return "not known for this activation"
    if setting.norm != "none":
        norm = NORM_NAMES[setting.norm]
        return f"with {norm} a residual net grows by a power of its depth, not by a factor"
    if setting.activation != "relu":
        return "not known for this activation in a residual net"
    return "with the ReLU after the sum there is no closed form: its mean adds up over the blocks"


def drawn(setting: Setting) -> str:
    """Return that a figure has theory of a residual net's blocks, nothing where there is none."""
    return "" if streams.reason(setting) else "; the figure has it block by block"
