"""Learning what is missing from a picture, or the whole picture: residual nets and direct twins.

Super-resolution: Kim, Lee and Lee 2016 (VDSR, 1511.04587). Denoising: Zhang et al. 2017 (DnCNN,
1608.03981). Both add the input to what the net gives, y = x + F(x); the twin gives y = F(x).

    clean, test, _ = pictures.load("leaves", 2000, 200)
    twins = {r: superres.train(clean, test, superres.blurred(2), residual=r) for r in (True, False)}
    twins[True].psnr[-1], twins[False].psnr[-1], twins[True].before       # in dB
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels import checks

from .. import functional as F
from .. import models, nn, optim
from ..grad_mode import no_grad
from ..nn.utils import clip_grad_value_
from ..tensor import Array, Tensor
from ..train import loop
from .pictures import resize

Damage = Callable[[Array, np.random.Generator], Array]


# ---- what is done to pictures -------------------------------------------------------------------
def blurred(factor: int = 2, kind: str = "bicubic") -> Damage:
    """Return what makes pictures (N, 1, H, W) `factor` times smaller and then as large as before.

    kind  of the reduction, "bicubic" or "box"; the enlargement is bicubic, as in the paper
    """
    factor = checks.integer("factor", factor, 2)

    def damage(x: Array, rng: np.random.Generator) -> Array:
        _, _, h, w = x.shape
        if h % factor or w % factor:
            raise ValueError(f"factor: {factor} does not divide pictures of {h} × {w}")
        found = [resize(resize(picture[0], h // factor, w // factor, kind), h, w) for picture in x]
        return np.stack(found)[:, None]

    return damage


def noisy(sigma: float = 25.0) -> Damage:
    """Return what adds Gaussian noise of deviation sigma / 255 to pictures; never clipped."""
    deviation = checks.real("sigma", sigma) / 255

    def damage(x: Array, rng: np.random.Generator) -> Array:
        noise = rng.standard_normal(x.shape, np.float32)
        return np.asarray(x + np.float32(deviation) * noise)

    return damage


def psnr(x: Array, y: Array, peak: float = 1.0) -> float:
    """Return the mean over the pictures of 10 log₁₀(peak² / mean squared difference), in dB.

    x, y (N, …) of one shape; infinite where a picture is the same in both.
    """
    if x.shape != y.shape or x.ndim < 2:
        raise ValueError(f"expected pictures (N, …) of one shape, got {x.shape} and {y.shape}")
    difference = (x.astype(np.float64) - y).reshape(len(x), -1)
    with np.errstate(divide="ignore"):
        return float((10 * np.log10(peak**2 / (difference**2).mean(axis=1))).mean())


# ---- training ------------------------------------------------------------------------------------
class AdjustableClipping:
    """Limits every element of the gradients to ± theta / rate, whatever the rate is now.

    Kim et al. 2016, §3.2: so high rates become safe, and low ones are not slowed down. It is the
    `watch` of the training loop: `watch=lambda step: clipping`.
    """

    def __init__(self, optimizer: optim.Optimizer, theta: float) -> None:
        self.optimizer, self.theta = optimizer, checks.real("theta", theta)

    def __enter__(self) -> AdjustableClipping:
        return self

    def __exit__(self, *error: Any) -> None:
        return None

    def measure_update(self, step: Callable[[], object]) -> None:
        """Limit the gradients, and step."""
        for group in self.optimizer.param_groups:
            clip_grad_value_(group["params"], self.theta / group["lr"])
        step()


@dataclass
class Restored:
    """A trained net, and how good its pictures were along the way.

    steps, psnr  after these steps, mean PSNR of the test pictures in dB
    before       PSNR of the damaged test pictures
    diverged_at  the step whose loss was NaN or infinite, or None
    """

    net: nn.Module
    before: float
    steps: list[int] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    diverged_at: int | None = None


def batches(
    damaged: Array, clean: Array, batch_size: int, seed: int
) -> Iterator[tuple[Array, Array]]:
    """Yield random batches without end: epoch after epoch, each in an order of its own."""
    for epoch in itertools.count():
        order = np.random.default_rng((seed, epoch)).permutation(len(clean))
        for start in range(0, len(order) - batch_size + 1, batch_size):
            which = order[start : start + batch_size]
            yield damaged[which], clean[which]


def train(
    clean: Array,
    test: Array,
    damage: Damage,
    *,
    residual: bool = True,
    depth: int = 20,
    width: int = 16,
    norm: str = "none",
    init: str = "default",
    steps: int = 300,
    lr: float = 1e-3,
    optimizer: str = "adam",
    theta: float | None = None,
    batch_size: int = 32,
    evaluate_at: Sequence[int] = (),
    seed: int = 0,
) -> Restored:
    """Train a net to undo `damage`, by the mean squared error, and measure PSNR on `test`.

    depth, width, residual, norm, init  of `models.vdsr`
    optimizer    "adam", or "sgd" with momentum 0.9 as in the paper
    theta        of `AdjustableClipping`; None: gradients are not limited
    evaluate_at  steps after which to measure; the last one is always measured

    Twins that differ in `residual` start with the same weights and see the same batches.
    Raises ValueError for wrong arguments.
    """
    steps, batch_size = (
        checks.integer("steps", steps, 1),
        checks.integer("batch_size", batch_size, 1),
    )
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer: expected adam or sgd, got {optimizer!r}")
    if batch_size > len(clean):
        raise ValueError(f"batch_size: expected at most {len(clean)}, got {batch_size}")
    rng = np.random.default_rng((seed, 1))
    damaged, damaged_test = damage(clean, rng), damage(test, np.random.default_rng(2))
    net = models.vdsr(depth, width=width, residual=residual, norm=norm, init=init, seed=seed)
    found = Restored(net, psnr(damaged_test, test))
    moves: optim.Optimizer
    if optimizer == "adam":
        moves = optim.Adam(net.parameters(), lr)
    else:
        moves = optim.SGD(net.parameters(), lr, momentum=0.9, weight_decay=1e-4)
    clipping = None if theta is None else AdjustableClipping(moves, theta)
    some = itertools.islice(batches(damaged, clean, batch_size, seed), steps)
    asked = {*evaluate_at, steps}
    for step in loop.train(net, moves, some, loss=F.mse_loss, watch=lambda index: clipping):
        if step.diverged:
            found.diverged_at = step.index
            return found
        if step.index + 1 in asked:
            found.steps.append(step.index + 1)
            found.psnr.append(psnr(restore(net, damaged_test), test))
    if not math.isfinite(found.psnr[-1]):
        found.diverged_at = steps
    return found


def restore(net: nn.Module, x: Array, batch_size: int = 100) -> Array:
    """Return what a net makes of damaged pictures (N, 1, H, W), in evaluation mode."""
    was = net.training
    net.eval()
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        found = [
            net(Tensor(x[start : start + batch_size])).data
            for start in range(0, len(x), batch_size)
        ]
    net.train(was)
    return np.concatenate(found)
