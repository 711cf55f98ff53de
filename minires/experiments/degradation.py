"""Does a deeper net train worse? Plain and residual twins, trained alike, compared by depth.

He et al. 2015 (1512.03385), Figures 1 and 6: the *training* error of plain nets rises with depth,
that of residual nets does not. Here on small digits, in seconds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels import arrays, checks

from .. import data as datasets
from .. import nn, optim
from ..creation import default_device
from ..grad_mode import no_grad
from ..optim.lr_scheduler import LinearWarmup, MultiStepLR, Scheduler, SequentialLR
from ..tensor import Array, Tensor
from ..train import loop
from .settings import DEGRADATION_WIDTH, OPTIMIZERS, Setting, grid, one_of, seed_list

Jobs = list[tuple[Setting, int]]


@dataclass(frozen=True)
class Recipe:
    """How every net of the comparison is trained: SGD, momentum 0.9, lr / 10 at 50 % and 75 %.

    optimizer   sgd, or adam (β 0.9 and 0.999), which has no momentum to choose
    milestones  fractions of the training at which the rate is cut to a tenth
    warmup      steps over which the rate rises linearly, from lr / warmup to lr; 0: none
    clip        largest norm of all gradients together: longer ones are scaled to it; None: no limit
    """

    epochs: int = 20
    batch_size: int = 128
    lr: float = 0.01
    weight_decay: float = 1e-4
    momentum: float = 0.9
    optimizer: str = "sgd"
    milestones: tuple[float, ...] = (0.5, 0.75)
    warmup: int = 0
    clip: float | None = None

    def __post_init__(self) -> None:
        checks.integer("epochs", self.epochs, 1)
        checks.integer("batch_size", self.batch_size, 4)
        checks.integer("warmup", self.warmup, 0)
        one_of("optimizer", [self.optimizer], OPTIMIZERS)
        for name, value in (("lr", self.lr), ("clip", self.clip)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: expected a positive number, got {value}")
        for cut in self.milestones:
            if not 0 < cut < 1:
                raise ValueError(
                    f"milestones: expected fractions of the training, e.g. (0.5, 0.75), got {cut}"
                )

    def cuts(self, length: int) -> list[int]:
        """Return where the rate is cut, of a training of `length` steps (or epochs, …)."""
        return [int(length * cut) for cut in sorted(self.milestones)]

    def optimise(self, net: nn.Module, steps: int) -> tuple[optim.Optimizer, Scheduler]:
        """Return the optimiser of a net, and its schedule over a training of `steps` steps."""
        optimizer: optim.Optimizer
        if self.optimizer == "adam":
            optimizer = optim.Adam(net.parameters(), self.lr, weight_decay=self.weight_decay)
        else:
            optimizer = optim.SGD(
                net.parameters(),
                lr=self.lr,
                momentum=self.momentum,
                weight_decay=self.weight_decay,
            )
        if not self.warmup:
            return optimizer, MultiStepLR(optimizer, self.cuts(steps))
        rise = LinearWarmup(optimizer, self.warmup, 1 / self.warmup)
        fall = MultiStepLR(optimizer, [max(cut - self.warmup, 0) for cut in self.cuts(steps)])
        return optimizer, SequentialLR(optimizer, [rise, fall], [self.warmup])


@dataclass
class Curve:
    """One net's training: per epoch the mean loss and the error over the batches as they ran.

    losses       mean cross-entropy of the epoch's batches, in nats
    errors       fraction of the epoch's training samples misclassified, 0 to 1
    test_error   fraction of the test samples misclassified after training (evaluation mode)
    diverged_at  the step whose loss was NaN or infinite, or None; training stopped there

    Errors come from the forward passes that trained the net (batch statistics): a half-trained
    deep net in evaluation mode can be far worse, which would exaggerate the effect.
    """

    setting: Setting
    seed: int
    losses: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    test_error: float | None = None
    diverged_at: int | None = None
    recipe: Recipe = Recipe()

    @property
    def final_error(self) -> float | None:
        """Training error over the last epoch, or None after divergence."""
        return None if self.diverged_at is not None or not self.errors else self.errors[-1]


def train(setting: Setting, seed: int, digits: Any, recipe: Recipe) -> Curve:
    """Train one net; twins of one seed start alike and see the same batches in the same order.

    Net and data are moved to the device of the backend in use.
    """
    return train_net(setting, seed, digits, recipe)[1]


def train_net(setting: Setting, seed: int, digits: Any, recipe: Recipe) -> tuple[nn.Module, Curve]:
    """Do what `train` does, and return the trained net too."""
    device = default_device()
    x, y, x_test, y_test = (
        arrays.to_device(a.reshape(len(a), -1) if flat else a, device)
        for a, flat in (
            (digits.x_train, setting.arch == "mlp"),
            (digits.y_train, False),
            (digits.x_test, setting.arch == "mlp"),
            (digits.y_test, False),
        )
    )
    net = setting.build(x.shape[1:], seed).to(device)
    loader = datasets.DataLoader(
        x, y, batch_size=recipe.batch_size, shuffle=True, seed=seed, drop_last=True
    )
    optimizer, schedule = recipe.optimise(net, recipe.epochs * len(loader))
    curve = Curve(setting, seed, recipe=recipe)
    epochs = itertools.chain.from_iterable(itertools.repeat(loader, recipe.epochs))
    losses: list[float] = []
    wrong = 0
    how: dict[str, Any] = {"schedule": schedule, "clip": recipe.clip, "replay": True}
    for step in loop.train(net, optimizer, epochs, **how):
        if step.diverged:
            curve.diverged_at = step.index
            return net, curve
        losses.append(step.loss)
        wrong += step.errors
        if len(losses) == len(loader):
            curve.losses.append(float(np.mean(losses)))
            curve.errors.append(wrong / (len(loader) * recipe.batch_size))
            losses, wrong = [], 0
    curve.test_error = error(net, x_test, y_test)
    return net, curve


def error(net: nn.Module, x: Array, y: Array) -> float:
    """Return the fraction of misclassified samples in evaluation mode."""
    net.eval()
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        found = net(Tensor(x)).data.argmax(axis=1)
    net.train()
    return float((found != y).mean())


def stream(
    arch: str = "mlp",
    depths: Sequence[int] = (6, 18, 54, 108),
    skips: Sequence[str] = ("none", "identity"),
    norm: str = "bn",
    init: str = "he",
    seeds: int | Sequence[int] = 3,
    *,
    width: int | None = None,
    branch_scale: float | str = 1.0,
    activation: str = "relu",
    recipe: Recipe | None = None,
    progress: Callable[[Jobs], Any] = lambda jobs: jobs,
) -> Iterator[list[Curve]]:
    """Train every depth, plain and residual, for every seed, on the UCI digits.

    Yields the curve of one net after the other; who stops in between has those before. Raises
    ValueError at once for a value that is not offered.
    """
    width = DEGRADATION_WIDTH.get(arch) if width is None else width
    settings = grid(arch, depths, skips, [norm], [init], activation, width, branch_scale)
    jobs = [(setting, seed) for setting in settings for seed in seed_list(seeds)]
    digits = datasets.load_digits()
    chosen = recipe or Recipe()
    if chosen.batch_size > len(digits.x_train):
        raise ValueError(
            f"batch_size: expected 4 to {len(digits.x_train)}, got {chosen.batch_size}"
        )
    return ([train(setting, seed, digits, chosen)] for setting, seed in progress(jobs))


def run(*nets: Any, **options: Any) -> list[Curve]:
    """Return one `Curve` per net; the arguments are those of `stream`."""
    return [curve for found in stream(*nets, **options) for curve in found]
