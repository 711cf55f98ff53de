"""Evaluation: error, loss and confusion of a net on images, in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minires_kernels import checks

from .. import nn
from ..data import Images, Normalise
from ..grad_mode import no_grad
from ..parallel.ranks import Ranks
from ..tensor import Array, Tensor

VIEWS = {
    1: "the image",
    2: "the image and its mirror image",
    6: "the image, its mirror image, and both shifted by one pixel down and right, and up and "
    "left; the shifted ones, whose edges mirror the image, count half",
}
"""What is averaged, by the number of views. Six are those of Jordan 2024 (2404.00498)."""


class Evaluation(NamedTuple):
    """What a net makes of images.

    error      share misclassified, 0 to 1
    loss       mean cross-entropy, in nats
    confusion  (classes, classes) int64: row = true class, column = predicted
    views      of each image, over which logits were averaged
    """

    error: float
    loss: float
    confusion: Array
    views: int = 1

    @property
    def images(self) -> int:
        """The number of images."""
        return int(self.confusion.sum())

    def class_errors(self) -> list[float | None]:
        """Return the error of each class, None for one without images."""
        totals, right = self.confusion.sum(axis=1), np.diag(self.confusion)
        return [float(1 - r / n) if n else None for r, n in zip(right, totals, strict=True)]


def evaluate(
    net: nn.Module,
    images: Images,
    normalise: Normalise | None = None,
    *,
    views: int = 1,
    batch_size: int = 250,
) -> Evaluation:
    """Return error and loss of `net` on images, in evaluation mode; the mode it had is restored.

        error, loss, *_ = train.evaluate(net, data.load("cifar10", "test"), run.normalise)

    normalise  what the net was trained with; None: measured on these images, per channel
    views      1; 2: average the logits of each image and its mirror image; 6: see `VIEWS`
    Raises ValueError if the net has fewer outputs than there are classes.
    """
    normalise = Normalise.of(images) if normalise is None else normalise
    confusion = np.zeros((0, 0), np.int64)
    total = 0.0
    for logits, y in predictions(net, images.x, images.y, normalise, views, batch_size):
        classes = logits.shape[1]
        if classes < len(images.classes):
            raise ValueError(
                f"the net has {classes} outputs, but there are {len(images.classes)} classes in "
                f"{images.name}"
            )
        if not confusion.size:
            confusion = np.zeros((classes, classes), np.int64)
        np.add.at(confusion, (y, logits.argmax(axis=1)), 1)
        total -= float(log_softmax(logits)[np.arange(len(y)), y].sum())
    n = len(images)
    return Evaluation(float(1 - np.trace(confusion) / n), total / n, confusion, views)


def evaluate_together(
    net: nn.Module, images: Images, normalise: Normalise, ranks: Ranks, views: int = 1
) -> Evaluation:
    """Return what `evaluate` does, each rank having looked at its share of the images."""
    rank, size, n = ranks.rank, ranks.size, len(images)
    if size == 1 or n < size:
        return evaluate(net, images, normalise, views=views)
    share = np.arange(rank * n // size, (rank + 1) * n // size)
    own = evaluate(net, images.subset(share), normalise, views=views)
    told = np.array([own.loss * own.images, *own.confusion.ravel()])
    total, *counts = ranks.comm.sum(told)
    confusion = np.array(counts).astype(np.int64).reshape(own.confusion.shape)
    return Evaluation(float(1 - np.trace(confusion) / n), float(total) / n, confusion, views)


def predictions(
    net: nn.Module, x: Array, y: Array, normalise: Normalise, views: int, batch_size: int
) -> Iterator[tuple[Array, Array]]:
    """Yield (logits, labels) of batches of images x (N, H, W, C) uint8, in evaluation mode."""
    checks.integer("batch_size", batch_size, 1)
    if isinstance(views, bool) or views not in VIEWS:
        raise ValueError(f"views: expected one of {', '.join(map(str, VIEWS))}, got {views!r}")
    training = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with no_grad(), np.errstate(over="ignore", invalid="ignore"):
            for i in range(0, len(x), batch_size):
                batch = normalise(x[i : i + batch_size])
                logits = net(Tensor(batch)).data
                if views > 1:
                    logits = (logits + net(Tensor(np.flip(batch, axis=3))).data) / 2
                if views == 6:
                    logits = (logits + _shifted(net, batch)) / 2
                yield logits, y[i : i + batch_size]
    finally:
        for module, mode in training:
            module.training = mode


def _shifted(net: nn.Module, batch: Array) -> Array:
    """Return the mean logits of x (N, C, H, W) and its mirror, each shifted by (±1, ±1) pixels."""
    h, w = batch.shape[2:]
    padded = np.pad(batch, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    shifted = [padded[:, :, i : i + h, i : i + w] for i in (0, 2)]
    found: Array = sum(net(Tensor(np.flip(x, a))).data for x in shifted for a in ((), 3)) / 4
    return found


def log_softmax(logits: Array) -> Array:
    """Return log softmax of each row, in float64."""
    z = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        z = z - z.max(axis=1, keepdims=True)
        found: Array = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return found
