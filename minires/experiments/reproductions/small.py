"""The small nets of the short forms: trained in seconds on digits, or on reduced CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ... import data, nn
from ...random import manual_seed
from ...tensor import Array
from ..degradation import Curve, Recipe, train_net
from ..settings import Setting
from .base import Arm, Form, Result

TRAIN, TEST = 10_000, 2_000  # images of CIFAR-10 that the short forms use
CIFAR_EPOCHS = 5
DATA = ("digits", "cifar10")


@dataclass(frozen=True)
class Sample:
    """Images (n, C, H, W) float32, standardised, and labels, to train and to test on."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    note: str = ""


def sample(form: Form) -> Sample:
    """Return the digits, or CIFAR-10 reduced to 10,000 images of 16 × 16 pixels."""
    return _sample(form.data, form.root)


@lru_cache(maxsize=2)
def _sample(name: str, root: str | None) -> Sample:
    if name == "digits":
        d = data.load_digits()
        return Sample(d.x_train, d.y_train, d.x_test, d.y_test)
    train, test = (data.load(name, split, root) for split in ("train", "test"))
    rng = np.random.default_rng(0)
    kept = rng.permutation(len(train.x))[:TRAIN]
    x, x_test = halved(train.x[kept]), halved(test.x[:TEST])
    mean, std = x.mean(axis=(0, 2, 3), keepdims=True), x.std(axis=(0, 2, 3), keepdims=True)
    return Sample(
        ((x - mean) / std).astype(np.float32),
        train.y[kept],
        ((x_test - mean) / std).astype(np.float32),
        test.y[:TEST],
        train.note,
    )


def halved(x: Array) -> Array:
    """Return images (N, H, W, C) as (N, C, H / 2, W / 2) float32: means of 2 × 2 pixels."""
    n, h, w, c = x.shape
    cells = x[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c)
    mean = cells.mean(axis=(2, 4), dtype=np.float32)
    return np.ascontiguousarray(mean.transpose(0, 3, 1, 2))


def recipe_for(form: Form, recipe: Recipe) -> Recipe:
    """Return the recipe for the data: of CIFAR-10 five epochs, 390 steps of 128."""
    if form.data == "digits":
        return recipe
    return replace(recipe, epochs=CIFAR_EPOCHS)


def trained(
    form: Form, setting: Setting, recipe: Recipe, seed: int
) -> tuple[nn.Module, Curve, Sample]:
    """Train a net; return it, its curve and the data."""
    manual_seed(seed)  # dropout and stochastic depth draw from it
    images = sample(form)
    net, curve = train_net(setting, seed, images, recipe_for(form, recipe))
    return net, curve, images


def measured(curve: Curve, note: str = "", value: str = "train") -> Result:
    """Return the result of a training: value is the "train" or "test" error in %."""
    errors = {
        "train_error": None if curve.final_error is None else 100 * curve.final_error,
        "test_error": None if curve.test_error is None else 100 * curve.test_error,
    }
    points = [
        {"epoch": i, "train_loss": loss, "train_error": 100 * error}
        for i, (loss, error) in enumerate(zip(curve.losses, curve.errors, strict=True), start=1)
    ]
    return Result(errors[f"{value}_error"], curve.diverged_at, {**errors}, points, note)


def arm(
    form: Form,
    name: str,
    setting: Setting,
    recipe: Recipe,
    paper: float | None = None,
    says: str = "",
    value: str = "train",
) -> Arm:
    """Return the arm of a small net whose training or test error is compared."""

    def measure(seed: int) -> Result:
        _, curve, images = trained(form, setting, recipe, seed)
        return measured(curve, images.note, value)

    return Arm(name, measure, paper, says, described(setting, recipe_for(form, recipe)))


def described(setting: Setting, recipe: Recipe) -> Mapping[str, Any]:
    """Return what a small net's run depends on."""
    return {**asdict(setting), **{f"recipe_{k}": v for k, v in asdict(recipe).items()}}


def mlp(depth: int, skip: str = "identity", norm: str = "bn", **options: Any) -> Setting:
    """Return an MLP of width 64 with He's init."""
    return Setting("mlp", depth, skip, norm, "he", "relu", 64, **options)


def conv(depth: int, skip: str = "identity", norm: str = "bn", **options: Any) -> Setting:
    """Return a CIFAR net whose first stage has 8 filters, a half of the paper's."""
    return Setting("conv", depth, skip, norm, "he", "relu", 8, **options)


def about(form: Form) -> str:
    """Return the data for a figure's note."""
    if form.data == "digits":
        return "UCI digits (8 × 8, 1,500 for training)"
    return f"CIFAR-10 reduced to {TRAIN:,} images of 16 × 16"
