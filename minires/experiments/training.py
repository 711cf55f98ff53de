"""Training a net for some steps, and measuring it before those of them that are asked for.

One run gives the profile of the untrained net (a record at step 0), how it changes, and where the
training ends: what a map of trainability needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from minires_kernels import arrays, checks

from .. import data as datasets
from ..creation import default_device
from ..tensor import Array
from ..train import loop
from .degradation import Recipe, error
from .gradflow import Run, batches, run_of
from .record import Recorder
from .settings import DATA, Experiment, Setting, one_of

POINTS = 100  # of a training curve
SYNTHETIC = (1500, 500)  # images for training and test

Split = tuple[Array, Array, Array, Array]  # x, y for training; x, y for the test


@dataclass
class Training:
    """What came of a training.

    records      the net before each step that was asked for and came
    curve        rows of step (taken at the row's end), loss and error: means since the row before
    train_loss   mean loss of the last epoch's batches as they ran, in nats; None after divergence
    train_error  fraction of their samples misclassified
    test_error   fraction of the test samples misclassified after training, in evaluation mode
    diverged_at  the step whose loss was NaN or infinite, or None; training stopped there
    """

    records: list[Run] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    train_loss: float | None = None
    train_error: float | None = None
    test_error: float | None = None
    diverged_at: int | None = None


@cache
def load(name: str) -> Split:
    """Return the images (n, 1, 8, 8) and labels of "digits" or "synthetic"; do not change them."""
    one_of("data", [name], DATA)
    if name == "digits":
        digits = datasets.load_digits()
        return digits.x_train, digits.y_train, digits.x_test, digits.y_test
    (train, test), (x, y) = SYNTHETIC, datasets.synthetic_images(SYNTHETIC[0], seed=0)
    assert len(x) == train
    return (x, y, *datasets.synthetic_images(test, seed=1))


def check_records(records: Sequence[int], iterations: int) -> list[int]:
    """Return the steps in order; ValueError for one that the training does not take."""
    for step in records:
        if not 0 <= checks.integer("records", step, 0) < iterations:
            raise ValueError(
                f"records: expected steps from 0 to {iterations - 1}, before which to measure; "
                f"got {step}"
            )
    return sorted(set(records))


def train(
    setting: Setting,
    seed: int,
    recipe: Recipe,
    iterations: int,
    records: Sequence[int] = (0,),
    data: str = "digits",
    dtype: str = "float32",
) -> Training:
    """Train one net by the recipe, for `iterations` steps whatever its epochs are.

    The batches are those of `gradflow.measure`, so a record at step 0 is its measurement. Net and
    data are moved to the device of the backend in use.
    """
    records = check_records(records, checks.integer("iterations", iterations, 1))
    device = default_device()
    flat = setting.arch == "mlp"
    x, y, x_test, y_test = (
        arrays.to_device(a if i % 2 else _as(a, dtype, flat), device)
        for i, a in enumerate(load(data))
    )
    net = setting.build(x.shape[1:], seed).to(dtype).to(device)
    optimizer, schedule = recipe.optimise(net, iterations)
    batch = recipe.batch_size
    how = Experiment(data=data, batch_size=batch, lr=recipe.lr, dtype=dtype, warmup=recipe.warmup)
    recorders = {step: Recorder(net) for step in records}
    found, losses, wrong = Training(), list[float](), list[int]()
    every = -(-iterations // POINTS)
    for step in loop.train(
        net,
        optimizer,
        batches(x, y, batch, seed),
        schedule=schedule,
        watch=recorders.get,
        clip=recipe.clip,
        replay=True,
    ):
        if (seen := recorders.get(step.index)) is not None:
            found.records.append(
                run_of(how, setting, seed, step.index, step.loss, seen.layers, seen.blocks)
            )
        if step.diverged:
            found.diverged_at = step.index
            return found
        losses.append(step.loss)
        wrong.append(step.errors)
        taken = step.index + 1
        if taken % every == 0 or taken == iterations:
            since = (taken - 1) // every * every
            found.curve.append({"step": taken, **_means(losses[since:], wrong[since:], batch)})
        if taken == iterations:
            break
    epoch = len(x) // batch
    last = _means(losses[-epoch:], wrong[-epoch:], batch)
    found.train_loss, found.train_error = last["loss"], last["error"]
    found.test_error = error(net, x_test, y_test)
    return found


def _as(x: Array, dtype: str, flat: bool) -> Array:
    x = x.astype(dtype)
    return x.reshape(len(x), -1) if flat else x


def _means(losses: Sequence[float], wrong: Sequence[int], batch: int) -> dict[str, float]:
    return {"loss": float(np.mean(losses)), "error": sum(wrong) / (len(wrong) * batch)}
