"""What theory says of a net of the atlas before its first step: profiles, depths, a sentence.

Plain nets: minires.experiments.profile. Residual nets of 2015 (ReLU after the sum), without a norm
or with branches that start at 0: minires.experiments.streams, where they are followed unit by unit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minires.experiments import profile, streams, theory
from minires.experiments.settings import Setting

from . import grid

SCALES = 6  # depth scales ξ after which nothing trains (Schoenholz et al. 2017, Fig. 5)
LARGE = 100.0  # a gradient that grows so much is drawn as a line
MOST = 480  # layers that are followed
PASSES = (
    "Every branch is 0 at the start: signal and gradient pass as they are, but for the first ReLU, "
    "which takes the pixels below 0 (De and Smith 2020, arXiv:2002.10444; Bachlechner et al. 2020, "
    "arXiv:2003.04887)."
)
FLOAT32 = float(np.finfo(np.float32).max)


def layers(
    setting: Setting, batch: int, start: float, stem: bool = False
) -> tuple[list[float], list[float]]:
    """Return RMS of x at each layer or block before the head, and ‖∂L/∂x‖ relative to the last.

    Both are empty where nothing is known. `start` is the measured RMS of x at the first of them:
    of pixels, as nets of the atlas are as wide as their input, or of what a stem's ReLU lets pass.
    """
    if _is_unit_by_unit(setting):
        return residual(setting, setting.depth // 2, start, stem)
    found = profile.predict(setting, batch, start)
    return found.signal, found.dx


def _is_unit_by_unit(setting: Setting) -> bool:
    closed = setting.branch_scale in theory.CLOSED
    return setting.skip == "identity" and (setting.norm == "none" or closed)


def residual(
    setting: Setting, blocks: int, start: float, stem: bool = False
) -> tuple[list[float], list[float]]:
    """Return RMS of x and ‖∂L/∂x‖ at the input of each block; the gradient is 1 at the last."""
    return streams.followed(setting, blocks, start**2, stem)


def said(setting: Setting, batch: int) -> dict[str, Any]:
    """Return "text", a sentence with formula and source, and "lines" at depths of the map.

    A line is {"depth", "label"}: beyond it training should fail, or the gradient is ×100.
    """
    if setting.skip == "none" and setting.norm == "none":
        return _depth_scale(setting)
    if setting.skip == "none":
        return _batch_norm(setting, batch)
    if setting.branch_scale in theory.CLOSED:
        return {"text": PASSES, "lines": []}
    if setting.norm != "none":
        return {"text": _with_norm(setting), "lines": []}
    return _residual(setting)


def _depth_scale(setting: Setting) -> dict[str, Any]:
    chi = theory.weight_variance(setting.init, "relu") / 2
    if chi == 1:
        text = "χ₁ = n Var(w) / 2 = 1: the depth scale is infinite, no depth is a limit "
        return {"text": text + "(He et al. 2015, arXiv:1502.01852).", "lines": []}
    xi = -1 / math.log(chi)
    depth = SCALES * xi
    text = (
        f"χ₁ = n Var(w) / 2 = 1/{1 / chi:.0f}, depth scale ξ = −1/ln χ₁ = {xi:.2f}: nothing should "
        f"train beyond 6 ξ = {depth:.1f} layers (Schoenholz et al. 2017, arXiv:1611.01232)."
    )
    return {"text": text, "lines": [{"depth": depth, "label": f"6ξ = {depth:.1f}"}]}


def _batch_norm(setting: Setting, batch: int) -> dict[str, Any]:
    factor = setting.theory(batch)
    assert factor is not None
    depth, end = (math.log(n) / math.log(factor) for n in (LARGE, FLOAT32))
    text = (
        f"Batch norm multiplies the gradient by √(π/(π−1)) = {factor:.4f} a layer: ×100 after "
        f"{depth:.0f} layers, beyond float32 after {end:.0f} (Yang et al. 2019, arXiv:1902.08129)."
    )
    return {"text": text, "lines": [{"depth": depth, "label": f"×100 at {depth:.0f}"}]}


def _with_norm(setting: Setting) -> str:
    """Residual nets with batch norm: powers of the depth, see minires.experiments.fields."""
    if setting.branch_scale != 1:
        return (
            "Normalised branches × 1/√blocks add 1/blocks to the variance each: signal and "
            "gradient change by a bounded factor at any depth (De and Smith 2020, "
            "arXiv:2002.10444)."
        )
    power = (math.pi / (math.pi - 1)) ** 2 / 2
    return (
        "Each normalised branch adds the same variance, so the signal grows like √blocks, block l "
        "has a share of 1/√l of it (De and Smith 2020, arXiv:2002.10444), and the gradient grows "
        f"by the power ½ (π/(π−1))² = {power:.2f} of the number of blocks, as in nets without the "
        "ReLU after the sum."
    )


def _residual(setting: Setting) -> dict[str, Any]:
    signal, dx = residual(setting, MOST // 2, 1.0)
    if setting.branch_scale == "1/sqrt(blocks)":
        text = (
            "Branches × 1/√blocks: however deep, the signal's RMS changes by a factor of about "
            f"{signal[-1] / signal[0]:.1f} in all and the gradient by {dx[0]:.1f}, as "
            "(1 + c/L)^L < e^c (Hayou et al. 2021, arXiv:2010.12859)."
        )
        return {"text": text, "lines": []}
    block = (dx[0] / dx[len(dx) // 2]) ** (1 / (len(dx) // 2))
    grown = (signal[-1] / signal[len(dx) // 2]) ** (1 / (len(dx) - 1 - len(dx) // 2))
    depth = 2 * math.log(LARGE) / math.log(block) if block > 1 else math.inf
    text = (
        f"Each block multiplies the RMS of the signal by {grown:.3f} and the gradient by "
        f"{block:.3f}, by the mean-field recursion for a ReLU after the sum (without that ReLU "
        "and with He init: √2 and √2, Zhang et al. 2019, arXiv:1901.09321)"
    )
    text += f": the gradient is ×100 after {depth:.0f} layers." if depth < MOST else "."
    lines = [{"depth": depth, "label": f"×100 at {depth:.0f}"}] if depth < MOST else []
    return {"text": text, "lines": lines}


def of(setting: dict[str, Any]) -> Setting:
    """Return the net of a run's flat setting."""
    skip, scale = grid.ARMS[grid.arm(setting)]
    names = ("arch", "depth", "norm", "init", "activation", "width")
    return Setting(**{n: setting[n] for n in names}, skip=skip, branch_scale=scale)
