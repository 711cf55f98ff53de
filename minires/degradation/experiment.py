"""Does a deeper net train worse? Plain and residual twins, trained alike, compared by depth.

He et al. 2015 (1512.03385), Figures 1 and 6: the *training* error of plain nets rises with depth,
that of residual nets does not. Here on small digits, in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels import arrays

from .. import data as datasets
from .. import functional as F
from .. import nn, optim
from ..creation import default_device
from ..engine import no_grad
from ..gradflow.experiment import Setting, grid
from ..tensor import Array, Tensor

DEFAULT_WIDTH = {"mlp": 64, "conv": 8}


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

    @property
    def final_error(self) -> float | None:
        """Training error over the last epoch, or None after divergence."""
        return None if self.diverged_at is not None or not self.errors else self.errors[-1]


@dataclass(frozen=True)
class Recipe:
    """How every net of the comparison is trained: SGD, momentum 0.9, lr / 10 at 50 % and 75 %."""

    epochs: int = 20
    batch_size: int = 128
    lr: float = 0.01
    weight_decay: float = 1e-4
    momentum: float = 0.9

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 4:
            raise ValueError("expected at least 1 epoch and a batch size of at least 4")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr: expected a positive number, got {self.lr}")


def train(setting: Setting, seed: int, digits: Any, recipe: Recipe) -> Curve:
    """Train one net; twins of one seed start alike and see the same batches in the same order.

    Net and data are moved to the device of the backend in use.
    """
    as_input = _flat if setting.arch == "mlp" else _same
    device = default_device()
    x, y = (arrays.to_place(a, device) for a in (as_input(digits.x_train), digits.y_train))
    net = setting.build(x.shape[1:], seed).to(device)
    loader = datasets.DataLoader(
        x, y, batch_size=recipe.batch_size, shuffle=True, seed=seed, drop_last=True
    )
    sgd = optim.SGD(
        net.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    steps = recipe.epochs * len(loader)
    schedule = optim.lr_scheduler.MultiStepLR(sgd, [steps // 2, steps * 3 // 4])
    curve = Curve(setting, seed)
    for epoch in range(recipe.epochs):
        losses: list[float] = []
        wrong = seen = 0
        for xb, yb in loader:
            loss, errors = _step(net, sgd, xb, yb)
            if not math.isfinite(loss):
                curve.diverged_at = epoch * len(loader) + len(losses)
                return curve
            schedule.step()
            losses.append(loss)
            wrong, seen = wrong + errors, seen + len(yb)
        curve.losses.append(float(np.mean(losses)))
        curve.errors.append(wrong / seen)
    tests = (arrays.to_place(a, device) for a in (as_input(digits.x_test), digits.y_test))
    curve.test_error = error(net, *tests)
    return curve


def _step(net: nn.Module, sgd: optim.SGD, x: Array, y: Array) -> tuple[float, int]:
    """Take one step; return the loss and the number of misclassified samples before it."""
    sgd.zero_grad()
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is detected by the caller
        logits = net(Tensor(x))
        loss = F.cross_entropy(logits, y)
        if math.isfinite(value := float(loss.item())):
            loss.backward()
            sgd.step()
    return value, int((logits.data.argmax(axis=1) != y).sum())


def error(net: nn.Module, x: Array, y: Array) -> float:
    """Return the fraction of misclassified samples in evaluation mode."""
    net.eval()
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        found = net(Tensor(x)).data.argmax(axis=1)
    net.train()
    return float((found != y).mean())


def _flat(x: Array) -> Array:
    return x.reshape(len(x), -1)


def _same(x: Array) -> Array:
    return x


def run(
    arch: str = "mlp",
    depths: Sequence[int] = (6, 18, 54, 108),
    skips: Sequence[str] = ("none", "identity"),
    norm: str = "bn",
    init: str = "he",
    seeds: int | Sequence[int] = 3,
    *,
    width: int | None = None,
    branch_scale: float | str = 1.0,
    recipe: Recipe | None = None,
    progress: Callable[[list[tuple[Setting, int]]], Any] = lambda jobs: jobs,
) -> list[Curve]:
    """Train every depth, plain and residual, for every seed, on the UCI digits.

    Returns one `Curve` per net. Raises ValueError for a value that is not offered.
    """
    width = DEFAULT_WIDTH.get(arch) if width is None else width
    settings = grid(arch, depths, skips, [norm], [init], "relu", width, branch_scale)
    chosen = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not chosen:
        raise ValueError("seeds: expected at least one")
    digits = datasets.load_digits()
    jobs = [(setting, seed) for setting in settings for seed in chosen]
    return [train(setting, seed, digits, recipe or Recipe()) for setting, seed in progress(jobs)]
