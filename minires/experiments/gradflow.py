"""Measuring gradient flow: nets × seeds, each layer by layer, untrained or while it trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels import arrays

from .. import data as datasets
from .. import optim
from ..creation import default_device
from ..optim.lr_scheduler import LinearWarmup
from ..tensor import Array
from ..train import train
from . import theory
from .record import Recorder
from .rows import BlockRecord, LayerRecord
from .settings import Experiment, Setting

Jobs = list[tuple[Setting, int]]


@dataclass
class Run:
    """One net after `step` steps of training: a row per weight layer, a row per residual block.

    loss           of the batch it was measured on, in nats
    dx_factor      factor of ‖∂L/∂x‖ per layer going backwards, over the middle 80 % of all layers;
                   None where it cannot be fitted
    stage_factors  the same for each stage of a conv net, whose stages differ; else empty
    diverged       True once a loss or a norm was NaN or infinite; later steps are not measured
    """

    setting: Setting
    seed: int
    step: int
    loss: float
    dx_factor: float | None
    diverged: bool
    layers: list[LayerRecord]
    blocks: list[BlockRecord] = field(default_factory=list)
    experiment: Experiment = field(default_factory=Experiment)
    stage_factors: dict[str, float | None] = field(default_factory=dict)

    def dx_ends(self) -> tuple[float, float]:
        """Return ‖∂L/∂x‖ at the inputs of the first and the last layer on the main path.

        NaN where there is none: no layers (the net diverged between two measurements), no gradient.
        """
        norms = [layer.dx_norm for layer in self.layers if layer.stream] or [None]
        return _number(norms[0]), _number(norms[-1])

    def decades_lost(self) -> float:
        """Return log10 of last / first ‖∂L/∂x‖: positive when the gradient vanishes backwards.

        NaN unless both are finite and the last is above 0.
        """
        first, last = self.dx_ends()
        if not (math.isfinite(first) and math.isfinite(last)) or last <= 0:
            return math.nan
        return math.inf if first == 0 else math.log10(last / first)

    def theory(self) -> float | None:
        """Return the predicted `dx_factor` of the untrained net, or None where there is none."""
        return self.setting.theory(self.experiment.batch_size)


def _number(x: float | None) -> float:
    return math.nan if x is None else x


def fit_factor(layers: Sequence[LayerRecord]) -> float | None:
    """Fit ‖∂L/∂x‖ = c · factor^(layers to the end) over the middle 80 % of the layers.

    Least squares on the logarithm, over the layers on the main path. None if fewer than three of
    them have a gradient that is finite and not zero.
    """
    on_path = [layer for layer in layers if layer.stream]
    lo, hi = theory.middle(len(on_path))
    return _fit(on_path[lo:hi])


def _fit(layers: Sequence[LayerRecord]) -> float | None:
    points = [(s.index, s.dx_norm) for s in layers if s.dx_norm and math.isfinite(s.dx_norm)]
    if len(points) < 3:
        return None
    index, norms = zip(*points, strict=True)
    slope = np.polyfit(np.asarray(index, float), np.log(norms), 1)[0]
    return float(np.exp(-slope))


def stages(layers: Sequence[LayerRecord]) -> dict[str, list[LayerRecord]]:
    """Return a conv net's layers by stage, "layer1" and so on; nothing for a net without stages."""
    found: dict[str, list[LayerRecord]] = {}
    for layer in layers:
        stage = layer.name.partition(".")[0]
        if stage.removeprefix("layer").isdecimal() and layer.stream:
            found.setdefault(stage, []).append(layer)
    return found


def stage_factors(layers: Sequence[LayerRecord]) -> dict[str, float | None]:
    """Fit the factor in each stage, over the layers whose input has the size of the stage's maps.

    Zero padding takes fan-in away, the more the smaller the maps, so a stage has its own factor.
    """
    by_stage = stages(layers)
    return {stage: _fit(same[i > 0 :]) for i, (stage, same) in enumerate(by_stage.items())}


def batches(x: Array, y: Array, size: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Yield batches for ever; the order depends on the seed alone, so twins see the same data."""
    loader = datasets.DataLoader(x, y, batch_size=size, shuffle=True, seed=seed, drop_last=True)
    while True:
        yield from loader


def measure(experiment: Experiment, setting: Setting, seed: int, x: Array, y: Array) -> list[Run]:
    """Train one net with SGD (momentum 0.9) and measure it before the steps of the experiment.

    Step 0 is the untrained net. Measuring uses the batch that the step then trains on, so it does
    not change what is computed. A net that diverges is measured no further. Net and data are moved
    to the device of the backend in use.
    """
    device = default_device()
    net = setting.build(x.shape[1:], seed).to(experiment.dtype).to(device)
    optimizer = optim.SGD(net.parameters(), lr=experiment.lr, momentum=0.9)
    x = arrays.to_device(x.astype(experiment.dtype), device)
    y = arrays.to_device(y, device)
    recorders = {step: Recorder(net) for step in experiment.steps}
    runs: list[Run] = []
    source = batches(x, y, experiment.batch_size, seed)
    rise = experiment.warmup
    schedule = LinearWarmup(optimizer, rise, 1 / rise) if rise else None
    how: dict[str, Any] = {"schedule": schedule, "watch": recorders.get, "replay": True}
    for step in train(net, optimizer, source, **how):
        seen = recorders.get(step.index)
        if seen is not None or step.diverged:
            layers, blocks = ([], []) if seen is None else (seen.layers, seen.blocks)
            runs.append(run_of(experiment, setting, seed, step.index, step.loss, layers, blocks))
        if step.index == max(recorders) or (runs and runs[-1].diverged):
            break
    return runs


def run_of(
    experiment: Experiment,
    setting: Setting,
    seed: int,
    step: int,
    loss: float,
    layers: list[LayerRecord],
    blocks: list[BlockRecord],
) -> Run:
    """Return what was seen of a net at a step: no layers if it had diverged before it."""
    values = [v for s in layers for v in (s.forward_rms, s.dx_norm, s.dw_norm) if v is not None]
    diverged = not all(map(math.isfinite, [loss, *values]))
    return Run(
        setting,
        seed,
        step,
        loss,
        None if diverged else fit_factor(layers),
        diverged,
        layers,
        blocks,
        experiment,
        {} if diverged else stage_factors(layers),
    )


def stream(
    experiment: Experiment, progress: Callable[[Jobs], Any] = lambda jobs: jobs
) -> Iterator[list[Run]]:
    """Yield the runs of one net after the other; who stops in between has those before."""
    x, y = experiment.load()
    for setting, seed in progress(experiment.jobs()):
        yield measure(experiment, setting, seed, x, y)


def run(
    *experiment: Any, progress: Callable[[Jobs], Any] = lambda jobs: jobs, **options: Any
) -> list[Run]:
    """Measure every net of an `Experiment`, given as one, or by its fields: run(depths=[56]).

    Returns one `Run` per net, seed and step, in order. `progress` wraps the list of jobs, e.g. in a
    progress bar. Raises ValueError for a value that is not offered, naming those that are.
    """
    whole = len(experiment) == 1 and not options and isinstance(experiment[0], Experiment)
    chosen = experiment[0] if whole else Experiment(*experiment, **options)
    return [found for same in stream(chosen, progress) for found in same]
