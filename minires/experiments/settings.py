"""What can be asked for: the nets of an experiment, and on which data they are measured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from minires_kernels import checks

from .. import data as datasets
from .. import models, nn
from ..models import blocks, initialise, mlp, norms, options
from ..tensor import Array

ARCHS = ("mlp", "conv")
SKIPS, NORMS, INITS = mlp.SKIPS, norms.NORMS, initialise.NAMES
ACTIVATIONS = tuple(blocks.ACTIVATIONS)
BRANCH_SCALES = options.BRANCH_SCALES
DATA = ("digits", "synthetic")
DTYPES = ("float32", "float64")
OPTIMIZERS = ("sgd", "adam")
# of an mlp's layers, or filters of a conv net's first stage
GRADFLOW_WIDTH = {"mlp": 128, "conv": 8}
DEGRADATION_WIDTH = {"mlp": 64, "conv": 8}

SKIP_NAMES = {"none": "plain", "identity": "residual", "preact": "pre-act residual"}
NORM_NAMES = {
    "none": "no normalisation", "bn": "batch norm", "ln": "layer norm", "gn": "group norm",
}  # fmt: skip
INIT_NAMES = {"default": "PyTorch's default init", "he": "He init", "xavier": "Xavier init"}


def init_name(init: str) -> str:
    """Return an init's name for a sentence, e.g. "He init"."""
    return INIT_NAMES.get(init, f"{init} init")


@dataclass(frozen=True)
class Setting:
    """What distinguishes one net of an experiment from the others, but for its seed.

    depth counts an mlp's hidden layers of equal width, to which a stem and a head come (so mlp-8
    has 10 weight layers), and all weight layers of a conv net. branch_scale, shortcut and order are
    those of models.options, models.shortcuts and models.blocks.
    """

    arch: str
    depth: int
    skip: str
    norm: str
    init: str
    activation: str
    width: int
    branch_scale: float | str = 1.0
    shortcut: str = "A"
    order: str = "original"

    def label(self) -> str:
        """Return a short name, e.g. "mlp-56 plain bn he"."""
        return f"{self.arch}-{self.depth} {SKIP_NAMES[self.skip]} {self.norm} {self.init}"

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
                shortcut=self.shortcut,
                order=self.order,
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
            shortcut=self.shortcut,
            order="preact" if self.skip == "preact" else self.order,
            skip=self.skip != "none",
            seed=seed,
        )

    def theory(self, batch: int) -> float | None:
        """Return the predicted per-layer factor of ‖∂L/∂x‖, or None where there is none."""
        from . import theory

        return theory.factor(batch=batch, **asdict(self))


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
    one_of("arch", [arch], ARCHS)
    one_of("skip", skips, SKIPS)
    one_of("norm", norms, NORMS)
    one_of("init", inits, INITS)
    one_of("activation", [activation], ACTIVATIONS)
    if len(depths) == 0:
        raise ValueError("depths: expected at least one")
    depths = [checks.integer("depths", depth, 1) for depth in depths]
    for depth in depths:
        if arch == "conv" and (depth < 8 or depth % 6 != 2):
            raise ValueError(f"depths: conv nets have 6n+2 layers (8, 14, 20, …), got {depth}")
        if arch == "mlp" and depth % 2 and set(skips) != {"none"}:
            raise ValueError(f"depths: residual blocks have two layers, so {depth} cannot be odd")
    width = checks.integer("width", GRADFLOW_WIDTH[arch] if width is None else width, 1)
    for norm, skip in itertools.product(norms, skips):
        order = "preact" if skip == "preact" else "original"
        options.check(norm, activation, order, skip != "none", "A", branch_scale)
    return [
        Setting(arch, depth, skip, norm, init, activation, width, branch_scale)
        for init in inits
        for norm in norms
        for depth in depths
        for skip in skips
    ]


def one_of(what: str, given: Sequence[str], offered: Sequence[str]) -> None:
    """Raise ValueError unless something is given, and all of it is offered."""
    if isinstance(given, str):
        raise ValueError(f"{what}: expected a list of names, e.g. [{given!r}], got {given!r}")
    if not given:
        raise ValueError(f"{what}: expected at least one of {', '.join(offered)}")
    for value in given:
        if value not in offered:
            raise ValueError(f"{what}: expected one of {', '.join(offered)}, got {value!r}")


def seed_list(seeds: int | Sequence[int]) -> list[int]:
    """Return the seeds that a count, or a list of seeds, stands for."""
    if not isinstance(seeds, Sequence | np.ndarray):
        count = checks.integer("seeds", seeds, 1)
        if count > 1_000_000:
            raise ValueError(f"seeds: expected at most a million, got {count}")
        return list(range(count))
    chosen = list(seeds)
    if not chosen:
        raise ValueError(f"seeds: expected at least one, got {seeds!r}")
    return [checks.integer("seeds", seed, 0) for seed in chosen]


@dataclass(frozen=True)
class Experiment:
    """A gradient-flow experiment: every net of the grid × seed, measured before each of `steps`.

    seeds       how many, or the seeds themselves
    data        UCI digits, or synthetic images of their shape
    steps       training steps (SGD, momentum 0.9, `lr`) before which to measure; 0: untrained
    warmup      steps over which the rate rises linearly, from lr / warmup to lr; 0: none
    width       of the layers, or filters of a conv net's first stage; None: 128 and 8

    Raises ValueError for a value that is not offered, naming those that are, and TypeError where an
    integer is expected and something else came. The command
    `minires gradflow` has other defaults in one point: the init of PyTorch, "default".
    """

    arch: str = "mlp"
    depths: Sequence[int] = (8, 20, 56)
    skips: Sequence[str] = ("none", "identity")
    norms: Sequence[str] = ("none", "bn")
    inits: Sequence[str] = ("he",)
    activation: str = "relu"
    seeds: int | Sequence[int] = 3
    data: str = "digits"
    steps: Sequence[int] = (0,)
    width: int | None = None
    branch_scale: float | str = 1.0
    batch_size: int = 128
    lr: float = 0.01
    dtype: str = "float32"
    warmup: int = 0

    def __post_init__(self) -> None:
        self.settings()
        seed_list(self.seeds)
        one_of("data", [self.data], DATA)
        one_of("dtype", [self.dtype], DTYPES)
        if len(self.steps) == 0:
            raise ValueError("steps: expected at least one, e.g. (0,) for the untrained net")
        for step in self.steps:
            checks.integer("steps", step, 0)
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr: expected a positive number, got {self.lr}")
        checks.integer("batch_size", self.batch_size, 4)
        checks.integer("warmup", self.warmup, 0)

    def settings(self) -> list[Setting]:
        """Return the nets, in reading order."""
        return grid(
            self.arch,
            self.depths,
            self.skips,
            self.norms,
            self.inits,
            self.activation,
            self.width,
            self.branch_scale,
        )

    def jobs(self) -> list[tuple[Setting, int]]:
        """Return every net with every seed, in order."""
        seeds = seed_list(self.seeds)
        return [(setting, seed) for setting in self.settings() for seed in seeds]

    def load(self) -> tuple[Array, Array]:
        """Return inputs and labels: (n, 64) rows for mlp, (n, 1, 8, 8) images for conv."""
        if self.data == "digits":
            digits = datasets.load_digits()
            x, y = digits.x_train, digits.y_train
        else:
            x, y = datasets.synthetic_images(1500, seed=0)
        if self.batch_size > len(x):
            raise ValueError(f"batch_size: expected 4 to {len(x)}, got {self.batch_size}")
        return (x.reshape(len(x), -1) if self.arch == "mlp" else x), y
