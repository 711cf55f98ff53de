"""The full forms: nets of the paper's size, on CIFAR-10, with the recipes of `minires train`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import data, models, train
from ...train.checkpoint import NAME as CHECKPOINT
from ...train.console import Console
from ...train.outputs import MODEL
from .base import Arm, Form, Result
from .running import RUNS, slug

DEEP = 110  # layers from which the paper warms up


def arm(
    form: Form,
    name: str,
    model: str,
    options: Mapping[str, Any] | None = None,
    *,
    paper: float | None = None,
    says: str = "",
    value: str = "test",
) -> Arm:
    """Return the arm of a net of the registry, trained as in He et al. 2015.

    value   "test" or "train": which error is compared
    The run keeps its checkpoints in form.out / "runs"; begun again, it goes on where it stopped.
    """
    chosen = dict(options or {})
    recipe = recipe_for(model)

    def measure(seed: int) -> Result:
        return trained(form, name, model, chosen, seed, value)[1]

    settings = {"model": model, "options": chosen, "recipe": recipe.document(), "value": value}
    return Arm(name, measure, paper, says, settings)


def described(path: str) -> str:
    """Return the weights of an arm as its settings tell them: the name and a hash of the file.

    So that a file with the same name but other weights is another run. Raises FileNotFoundError.
    """
    if path == "shipped":
        return path
    file = Path(path) / MODEL if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise FileNotFoundError(
            f"weights: there is no file {file}; name a run's folder or its model"
        )
    return f"{file.name} (SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()[:12]})"


def recipe_for(model: str) -> train.Recipe:
    """Return the paper's recipe; with its warm-up for nets of 110 layers and more."""
    layers = int("".join(c for c in model if c.isdigit()))
    return train.RECIPES["he2015-110" if layers >= DEEP else "he2015"]


def trained(
    form: Form,
    name: str,
    model: str,
    options: Mapping[str, Any],
    seed: int,
    value: str = "test",
    images: tuple[data.Images, data.Images] | None = None,
) -> tuple[train.Trained | None, Result]:
    """Train a net of the registry, or go on with it; return it (None: it diverged) and its result.

    images  to train and to test on; None: those of form.data
    Raises KeyboardInterrupt when a signal has stopped the training, which is saved.
    """
    if images is None:
        images = (data.load(form.data, "train", form.root), data.load(form.data, "test", form.root))
    known, test = images
    channels, classes = known.x.shape[3], len(known.classes)
    built = {**options, "in_channels": channels, "num_classes": classes}
    net = models.build(model, **built, seed=seed)
    out = form.out / RUNS / slug(name, seed)
    run = train.fit(
        net,
        known,
        test,
        recipe_for(model),
        out=out,
        resume=(out / CHECKPOINT).exists(),
        seed=seed,
        model={"name": model, "options": dict(options)},
        habits=train.Habits(listeners=[Console()]),
    )
    if run.status == "interrupted":
        raise KeyboardInterrupt
    if run.status == "failed":
        raise OSError(run.reason)
    errors = {"train_error": run.train_error, "test_error": run.test_error}
    numbers = {k: None if v is None else 100 * v for k, v in errors.items()}
    points = [
        {"iteration": row.iteration, "epoch": row.epoch, "train_loss": row.train_loss,
         "train_error": 100 * row.train_error}
        for row in run.rows
        if row.kind == "epoch" and row.train_error is not None
    ]  # fmt: skip
    if run.status == "diverged":
        return None, Result(None, run.iteration, numbers, points, known.note)
    result = Result(numbers[f"{value}_error"], None, numbers, points, known.note)
    return train.load_trained(out), result
