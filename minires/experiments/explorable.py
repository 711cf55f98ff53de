"""One point of the explorable: a plain net and its residual twin, measured as they start.

The page shows stored points (lessons/site/explore/store.py made them) and measures others
itself, with this module in the reader's browser; so both are the same measurement.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import gradflow, profile
from .settings import Experiment

WIDTH, BATCH, MOST_LAYERS, MOST_UNITS = 128, 128, 400, 512
SKIPS = {"original": "identity", "preact": "preact"}


@dataclass(frozen=True)
class Point:
    """What the page's controls choose.

    order   of a residual block: "original" (2015, ReLU after the sum) or "preact" (2016)
    branch  of the residual twin: 1, "1/sqrt(blocks)" or "skipinit"
    """

    depth: int = 56
    init: str = "default"
    norm: str = "none"
    activation: str = "relu"
    order: str = "original"
    branch: float | str = 1.0
    width: int = WIDTH
    seed: int = 0

    def __post_init__(self) -> None:
        if self.order not in SKIPS:
            raise ValueError(f"order: expected {' or '.join(SKIPS)}, got {self.order!r}")
        for name, most in (("depth", MOST_LAYERS), ("width", MOST_UNITS)):
            value = getattr(self, name)
            if not 2 <= value <= most:
                raise ValueError(f"{name}: expected 2 to {most}, got {value}")

    def experiment(self, skip: str) -> Experiment:
        """Return the experiment that measures the net with this skip. Raises ValueError."""
        plain = skip == "none"
        return Experiment(
            depths=[self.depth],
            skips=[skip],
            norms=[self.norm],
            inits=[self.init],
            activation=self.activation,
            seeds=[self.seed],
            width=self.width,
            branch_scale=1.0 if plain else self.branch,
            batch_size=BATCH,
        )


def measure(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the plain net and its twin that `settings` (fields of `Point`) describe.

    Returns {"settings": ..., "plain": net, "residual": net} of plain values, a net being that of
    `net`. Numbers that are not finite are the texts "nan" and "inf". Raises ValueError and
    TypeError for what is not offered.
    """
    point = Point(**settings)
    return {
        "settings": asdict(point),
        "plain": net(point.experiment("none")),
        "residual": net(point.experiment(SKIPS[point.order])),
    }


def net(experiment: Experiment) -> dict[str, Any]:
    """Measure the one net of an experiment: a list over the layers of its main path each.

    layer             index among all weight layers, 0 being nearest the input
    x, dx, dw         RMS of x, ‖∂L/∂x‖, ‖∂L/∂W‖
    factor            of ‖∂L/∂x‖ per layer going backwards, fitted; None where it cannot be
    theory            factor, formula (or why there is none), and the profiles: layer, x, dx
    """
    (run,) = gradflow.run(experiment)
    layers = [layer for layer in run.layers if layer.stream]
    rms = [_number(layer.forward_rms) for layer in layers]
    dx = [_number(layer.dx_norm) for layer in layers]
    predicted = profile.predict(run.setting, experiment.batch_size, rms[1])
    body = len(predicted.signal)  # layers 1 .. body: after the stem, before the head
    return {
        "layer": [layer.index for layer in layers],
        "x": [_plain(v) for v in rms],
        "dx": [_plain(v) for v in dx],
        "dw": [_plain(_number(layer.dw_norm)) for layer in layers],
        "factor": run.dx_factor,
        "theory": {
            "factor": predicted.factor,
            "formula": predicted.formula,
            "layer": [layer.index for layer in layers[1 : body + 1]],
            "x": [_plain(v) for v in predicted.signal],
            "dx": [_plain(v * dx[body]) for v in predicted.dx] if body else [],
        },
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _plain(value: float) -> float | str:
    """Return the number, or its name where JSON has none."""
    if math.isnan(value):
        return "nan"
    return value if math.isfinite(value) else "inf"
