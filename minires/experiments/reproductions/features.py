"""Transfer: features of some classes for others, after Yosinski et al. 2014."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ... import data, models, nn, plotting, train
from ...data import Images
from ...plotting import COLOURS, GREYS
from ...tensor import Array
from .. import transfer
from ..degradation import Recipe, train_net
from . import drawing, real, small
from .base import DIFFERS, HOLDS, Arm, Form, Found, Reproduction, Result, Verdict, percent

BUDGETS = (5, 10, 25, 100)
SPLIT = 5  # classes below are the source, the others the target
TESTED = 2_000  # images at most, of a trained net's new data


def arms(form: Form) -> list[Arm]:
    """Return every way to adapt with every number of labels per class."""
    if len(form.weights) > 1:
        raise ValueError(f"weights: transfer takes one net, got {', '.join(form.weights)}")
    source = _source(form)
    return [
        Arm(
            f"{how}, {labels} per class",
            _measure(source, how, labels),
            settings={"source": _source_settings(form), "steps": 150},
        )
        for labels in BUDGETS
        for how in transfer.HOWS
    ]


def _described(form: Form) -> str:
    if form.weights:
        return " ".join(f"{k}={v}" for k, v in form.weights.items())
    return "resnet20, he2015" if form.full else "resnet8, 8 filters, 20 epochs"


def _source_settings(form: Form) -> str:
    if form.weights:
        return " ".join(f"{k}={real.described(v)}" for k, v in form.weights.items())
    return _described(form)


def _measure(source: Any, how: str, labels: int) -> Any:
    def measure(seed: int) -> Result:
        task = source(seed)
        if task is None:
            return Result(None, 0)
        (row,) = transfer.transfer(
            task.trained, task.fresh, *task.arrays, budgets=[labels], hows=[how], seed=seed
        )
        numbers = {"how": how, "labels": labels}
        return Result(100 * row["error"], None, numbers, note=task.note)

    return measure


@dataclass(frozen=True)
class Task:
    """What is transferred: a trained net, a fresh one, and the new classes' images and labels.

    arrays  x, y, x_test, y_test
    """

    trained: nn.Module
    fresh: nn.Module
    arrays: tuple[Array, Array, Array, Array]
    note: str


def _source(form: Form) -> Callable[[int], Task | None]:
    """Return what makes the task of a seed, once; None if the source net diverged."""

    @lru_cache(maxsize=1)
    def source(seed: int) -> Task | None:
        if form.weights:
            return _of_weights(form, seed)
        return _full(form, seed) if form.full else _small(form, seed)

    return source


def _small(form: Form, seed: int) -> Task | None:
    images = small.sample(form)
    old, new = images.y_train < SPLIT, images.y_train >= SPLIT
    tested_old, tested_new = images.y_test < SPLIT, images.y_test >= SPLIT
    classes = small.Sample(
        images.x_train[old], images.y_train[old], images.x_test[tested_old],
        images.y_test[tested_old],
    )  # fmt: skip
    setting, recipe = small.conv(8), Recipe(epochs=20, lr=0.1)
    net, curve = train_net(setting, seed, classes, recipe)
    if curve.diverged_at is not None:
        return None
    arrays = (
        images.x_train[new], images.y_train[new] - SPLIT,
        images.x_test[tested_new], images.y_test[tested_new] - SPLIT,
    )  # fmt: skip
    return Task(net, setting.build(images.x_train.shape[1:], seed), arrays, images.note)


def _full(form: Form, seed: int) -> Task | None:
    both = [data.load(form.data, split, form.root) for split in ("train", "test")]
    old = tuple(images.subset(np.flatnonzero(images.y < SPLIT)) for images in both)
    trained, _ = real.trained(form, "source", "resnet20", {}, seed, images=(old[0], old[1]))
    if trained is None:
        return None
    new = [images.subset(np.flatnonzero(images.y >= SPLIT)) for images in both]
    return _task(trained, new, SPLIT, seed)


def _of_weights(form: Form, seed: int) -> Task:
    ((name, path),) = form.weights.items()
    trained = train.shipped(name, "cifar10") if path == "shipped" else train.load_trained(path)
    size = {"size": trained.shape[0]} if form.data.startswith("folder:") else {}
    new = [data.load(form.data, split, form.root, **size) for split in ("train", "test")]
    return _task(trained, new, 0, seed)


def _task(trained: train.Trained, new: list[Images], first: int, seed: int) -> Task:
    """Return the task of a net of `minires train` and new images, brought to its shape."""
    named = trained.metadata
    options = {
        **json.loads(named["options"]),
        "in_channels": trained.shape[2],
        "num_classes": len(trained.classes),
    }
    arrays: list[Array] = []
    for images in new:
        some = images.subset(min(len(images), TESTED)) if images.split == "test" else images
        arrays += [trained.normalise(fitted(some.x, trained.shape)), some.y - first]
    fresh = models.build(named["model"], **options, seed=seed)
    x, y, x_test, y_test = arrays
    return Task(trained.net, fresh, (x, y, x_test, y_test), new[0].note)


def fitted(x: Array, shape: tuple[int, int, int]) -> Array:
    """Return images (N, H, W, C) uint8 with the height, width and channels of `shape`.

    Smaller ones are enlarged by a whole number, grey ones get three equal channels. Raises
    ValueError where that is not possible.
    """
    height, width, channels = shape
    _, h, w, c = x.shape
    if height % h or width % w or c not in (1, channels):
        raise ValueError(
            f"images of {h} × {w} with {c} channels cannot be enlarged to the {height} × {width} "
            f"with {channels} that the net was trained on"
        )
    large = x.repeat(height // h, axis=1).repeat(width // w, axis=2)
    return large.repeat(channels // c, axis=3)


def verdict(form: Form, found: Found) -> Verdict:
    """Check the pattern: few labels favour features over scratch; many favour fine-tuning."""
    few, many = BUDGETS[0], BUDGETS[-1]

    def level(how: str, labels: int) -> float:
        return found.level(f"{how}, {labels} per class", 100.0)

    def listed(labels: int) -> str:
        hows = ("from scratch", "head only", "fine-tuned")
        each = ", ".join(f"{how} {percent(level(how, labels))}" for how in hows)
        return f"with {labels} labels per class: {each}"

    frozen = ("head only", "last stage")
    gain = level("from scratch", few) - min(level(h, few) for h in frozen)
    freezing = min(level(h, few) for h in frozen) - level("fine-tuned", few)
    tuning = level("fine-tuned", many) - level("head only", many)
    holds = gain > 0 and tuning < 0
    best = min(level(h, few) for h in frozen)
    headline = (
        f"With {few} labels per class a net from scratch errs on "
        f"{percent(level('from scratch', few))}, on frozen features {percent(best)}, fine-tuned "
        f"{percent(level('fine-tuned', few))}"
    )
    text = (
        f"{listed(few)}; {listed(many)}. Freezing is "
        f"{'better' if freezing < 0 else 'not better'} than fine-tuning with few labels, and "
        f"{'worse' if tuning < 0 else 'not worse'} with many."
    )
    lead = "the pattern holds, features transfer and fine-tuning needs labels: "
    return Verdict(HOLDS if holds else DIFFERS, headline, (lead if holds else "") + text)


def draw(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw the test error over the labels per class."""
    figure, axes = plotting.new_figure(1, 1, 7.2, 4.2)
    axis = axes[0, 0]
    plotting.label_axes(axis, "labels per class", "test error of the new classes, %", "x")
    for how, colour in zip(transfer.HOWS, (*GREYS[:1], *COLOURS), strict=False):
        runs = [[r.value for r in found.by_arm[f"{how}, {n} per class"]] for n in BUDGETS]
        seeds = min(map(len, runs))
        ys = [[np.nan if v[s] is None else v[s] for v in runs] for s in range(seeds)]
        if ys:
            plotting.band_curve(axis, BUDGETS, np.array(ys, float), how, colour, marker="o")
    axis.set_xticks(BUDGETS, [str(n) for n in BUDGETS])
    axis.minorticks_off()
    what = "classes 0 to 4 → 5 to 9" if not form.weights else f"{_described(form)} → {form.data}"
    data_said = small.about(form) if not (form.full or form.weights) else "Whole images"
    note = f"{data_said}, {what}, 150 steps; frozen batch norms keep their statistics."
    drawing.state(figure, verdict, drawing.small_note(found, note))
    plotting.label_curves(axis)
    return figure


REPRODUCTIONS = (
    Reproduction(
        name="transfer",
        title="Do features of some classes help to learn others?",
        paper="after Yosinski, Clune, Bengio and Lipson 2014 (1411.1792), in small",
        theirs="the question and the method; their nets, data and numbers are of ImageNet",
        ours=("test error of the new classes, %",) * 2,
        short="ResNet-8 of 8 filters on digits, classes 0 to 4 → 5 to 9; or a trained net → other "
        "data: --data digits --weights resnet20=shipped",
        minutes=1.5,
        full="ResNet-20 with the he2015 recipe on five classes of CIFAR-10: half its hours",
        data=("digits", "cifar10", "cifar100", "folder:PATH"),
        arms=arms,
        verdict=verdict,
        draw=draw,
        seeds=3,
        weights=True,
    ),
)
