"""The experiment: nets × depth × skip × norm × init × seed, each measured layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from minires_kernels import arrays, checks

from .. import data as datasets
from .. import functional as F
from .. import models, nn, optim
from ..creation import default_device
from ..record import BlockRecord, LayerRecord, Recorder
from ..tensor import Array, Tensor
from . import theory

ARCHS = ("mlp", "conv")
SKIPS = ("none", "identity", "preact")
NORMS = ("none", "bn")
INITS = ("he", "xavier", "default", "orthogonal")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "identity")
DATA = ("digits", "synthetic")
DEFAULT_WIDTH = {"mlp": 128, "conv": 8}


@dataclass(frozen=True)
class Setting:
    """What distinguishes one net of the experiment from the others, but for its seed."""

    arch: str
    depth: int
    skip: str
    norm: str
    init: str
    activation: str
    width: int
    branch_scale: float | str = 1.0

    def label(self) -> str:
        """Return a short name, e.g. "mlp-56 plain bn he"."""
        kind = {"none": "plain", "identity": "residual", "preact": "pre-act residual"}[self.skip]
        return f"{self.arch}-{self.depth} {kind} {self.norm} {self.init}"

    def build(self, features: tuple[int, ...], seed: int) -> nn.Module:
        """Make the net; the same seed gives plain and residual twins the same weights."""
        if self.arch == "mlp":
            return models.mlp_stack(
                self.depth,
                self.width,
                skip=self.skip,
                norm=self.norm,
                activation=self.activation,
                init=self.init,
                branch_scale=self.branch_scale,
                in_features=math.prod(features),
                seed=seed,
            )
        return models.resnet(
            self.depth,
            width=self.width,
            in_channels=features[0],
            init=self.init,
            norm=self.norm,
            activation=self.activation,
            branch_scale=self.branch_scale,
            skip=self.skip != "none",
            seed=seed,
        )

    def theory(self, batch: int) -> float | None:
        """Return the predicted per-layer factor of ‖∂L/∂x‖, or None where there is none."""
        fields = asdict(self)
        return theory.factor(batch=batch, **fields)


@dataclass
class Run:
    """One net after `step` steps of training: a row per weight layer, a row per residual block.

    dx_factor  factor of ‖∂L/∂x‖ per layer going backwards, or None where it cannot be fitted
    diverged   True once a loss or a norm was NaN or infinite; later steps are not measured
    """

    setting: Setting
    seed: int
    step: int
    loss: float
    dx_factor: float | None
    diverged: bool
    layers: list[LayerRecord]
    blocks: list[BlockRecord] = field(default_factory=list)

    def dx_ends(self) -> tuple[float, float]:
        """Return ‖∂L/∂x‖ at the inputs of the first and the last layer on the main path."""
        norms = [layer.dx_norm for layer in self.layers if layer.stream]
        return _number(norms[0]), _number(norms[-1])

    def decades_lost(self) -> float:
        """Return log10 of last / first ‖∂L/∂x‖: positive when the gradient vanishes backwards."""
        first, last = self.dx_ends()
        if not (math.isfinite(first) and math.isfinite(last)) or last <= 0:
            return math.nan
        return math.inf if first == 0 else math.log10(last / first)


def _number(x: float | None) -> float:
    return math.nan if x is None else x


def fit_factor(layers: Sequence[LayerRecord]) -> float | None:
    """Fit ‖∂L/∂x‖ = c · factor^(layers to the end) over the middle 80 % of the layers.

    Least squares on the logarithm, over the layers on the main path. None if fewer than three of
    them have a gradient that is finite and not zero.
    """
    stream = [layer for layer in layers if layer.stream]
    lo, hi = theory.middle(len(stream))
    points = [(s.index, s.dx_norm) for s in stream[lo:hi] if s.dx_norm and math.isfinite(s.dx_norm)]
    if len(points) < 3:
        return None
    index, norms = zip(*points, strict=True)
    slope = np.polyfit(np.asarray(index, float), np.log(norms), 1)[0]
    return float(np.exp(-slope))


def grid(
    arch: str,
    depths: Sequence[int],
    skips: Sequence[str],
    norms: Sequence[str],
    inits: Sequence[str],
    activation: str,
    width: int | None = None,
    branch_scale: float | str = 1.0,
) -> list[Setting]:
    """Return the settings in reading order; raises ValueError for a value that is not offered."""
    _one_of("arch", [arch], ARCHS)
    _one_of("skip", skips, SKIPS)
    _one_of("norm", norms, NORMS)
    _one_of("init", inits, INITS)
    _one_of("activation", [activation], ACTIVATIONS)
    if arch == "conv" and "preact" in skips:
        raise ValueError("skip: the conv nets take none or identity; preact is for arch mlp")
    for depth in depths:
        if depth < 1:
            raise ValueError(f"depths: expected positive integers, got {depth}")
        if arch == "conv" and (depth < 8 or depth % 6 != 2):
            raise ValueError(f"depths: conv nets have 6n+2 layers (8, 14, 20, …), got {depth}")
        if arch == "mlp" and depth % 2 and set(skips) != {"none"}:
            raise ValueError(f"depths: residual blocks have two layers, so {depth} cannot be odd")
    width = checks.integer("width", DEFAULT_WIDTH[arch] if width is None else width, 1)
    models.branch_factor(branch_scale, 1)  # raises for one that is not offered
    return [
        Setting(arch, depth, skip, norm, init, activation, width, branch_scale)
        for init in inits
        for norm in norms
        for depth in depths
        for skip in skips
    ]


def _one_of(what: str, given: Sequence[str], offered: Sequence[str]) -> None:
    if not given:
        raise ValueError(f"{what}: expected at least one of {', '.join(offered)}")
    for value in given:
        if value not in offered:
            raise ValueError(f"{what}: expected one of {', '.join(offered)}, got {value!r}")


def load(name: str, arch: str, seed: int = 0) -> tuple[Array, Array]:
    """Return training inputs and labels: (n, 64) rows for mlp, (n, 1, 8, 8) images for conv."""
    _one_of("data", [name], DATA)
    if name == "digits":
        digits = datasets.load_digits()
        x, y = digits.x_train, digits.y_train
    else:
        x, y = datasets.synthetic_images(1500, seed=seed)
    return (x.reshape(len(x), -1) if arch == "mlp" else x), y


def batches(x: Array, y: Array, size: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Yield batches for ever; the order depends on the seed alone, so twins see the same data."""
    loader = datasets.DataLoader(x, y, batch_size=size, shuffle=True, seed=seed, drop_last=True)
    while True:
        yield from loader


def measure(
    setting: Setting,
    seed: int,
    x: Array,
    y: Array,
    *,
    steps: Sequence[int] = (0,),
    batch_size: int = 128,
    lr: float = 0.01,
    dtype: str = "float32",
) -> list[Run]:
    """Train one net with SGD (momentum 0.9) and measure it before the steps named in `steps`.

    Step 0 is the untrained net. Measuring uses the batch that the step then trains on, so it does
    not change what is computed. A net that diverges is measured no further. Net and data are moved
    to the device of the backend in use.
    """
    device = default_device()
    net = setting.build(x.shape[1:], seed).to(dtype).to(device)
    optimizer = optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    x, y = arrays.to_place(x.astype(dtype), device), arrays.to_place(y, device)
    source = batches(x, y, batch_size, seed)
    runs: list[Run] = []
    for step in range(max(steps) + 1):
        xb, yb = next(source)
        optimizer.zero_grad()
        recorder = Recorder(net)
        if step in steps:
            with recorder:
                loss = _loss_and_gradients(net, xb, yb)
            recorder.measure_update(optimizer.step)
            runs.append(_run(setting, seed, step, loss, recorder))
        else:
            loss = _loss_and_gradients(net, xb, yb)
            optimizer.step()
        if not math.isfinite(loss) or (runs and runs[-1].diverged):
            if not runs or not runs[-1].diverged:
                runs.append(Run(setting, seed, step, loss, None, True, []))
            break
    return runs


def _loss_and_gradients(net: nn.Module, x: Array, y: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is detected, and recorded
        loss = F.cross_entropy(net(Tensor(x)), y)
        loss.backward()
    return float(loss.item())


def _run(setting: Setting, seed: int, step: int, loss: float, recorder: Recorder) -> Run:
    values = [
        v
        for layer in recorder.layers
        for v in (layer.forward_rms, layer.dx_norm, layer.dw_norm)
        if v is not None
    ]
    diverged = not (math.isfinite(loss) and all(math.isfinite(v) for v in values))
    fitted = None if diverged else fit_factor(recorder.layers)
    layers = [replace(layer) for layer in recorder.layers]
    return Run(setting, seed, step, loss, fitted, diverged, layers, list(recorder.blocks))


def run(
    arch: str = "mlp",
    depths: Sequence[int] = (8, 20, 56),
    skips: Sequence[str] = ("none", "identity"),
    norms: Sequence[str] = ("none", "bn"),
    inits: Sequence[str] = ("he",),
    activation: str = "relu",
    seeds: int | Sequence[int] = 3,
    data: str = "digits",
    steps: Sequence[int] = (0,),
    *,
    width: int | None = None,
    branch_scale: float | str = 1.0,
    batch_size: int = 128,
    lr: float = 0.01,
    dtype: str = "float32",
    progress: Callable[[list[tuple[Setting, int]]], Any] = lambda jobs: jobs,
) -> list[Run]:
    """Measure every combination of the settings, for every seed, before each of `steps`.

    Returns one `Run` per net, seed and step, in order. `seeds` is a count or the seeds themselves.
    `progress` wraps the list of jobs, e.g. in a progress bar. Raises ValueError for a value that
    is not offered, naming those that are.
    """
    settings = grid(arch, depths, skips, norms, inits, activation, width, branch_scale)
    chosen = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not chosen or not steps or min(steps) < 0:
        raise ValueError("expected at least one seed and one step, and no step below 0")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype: expected float32 or float64, got {dtype!r}")
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"lr: expected a positive number, got {lr}")
    x, y = load(data, arch)
    if not 4 <= batch_size <= len(x):
        raise ValueError(f"batch_size: expected 4 to {len(x)}, got {batch_size}")
    runs: list[Run] = []
    for setting, seed in progress([(s, k) for s in settings for k in chosen]):
        runs += measure(setting, seed, x, y, steps=steps, batch_size=batch_size, lr=lr, dtype=dtype)
    return runs
