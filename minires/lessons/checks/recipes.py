"""Checks of lesson 11's later exercises: crops, survivors of a change, a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..exercise import NotDone, expect_array, require
from ..expect import described


def pair(found: Any, what: str) -> tuple[Any, Any]:
    """Return the two values of an answer; Wrong or NotDone if there are not two."""
    if found is None:
        raise NotDone("the function returned None: write your code below TODO")
    if isinstance(found, np.ndarray) and found.ndim:
        found = list(found)
    require(
        isinstance(found, tuple | list) and len(found) == 2,
        f"expected {what}, two values in a tuple, got {described(found)}",
    )
    return found[0], found[1]


def crop(image: Any, pad: int, top: int, left: int) -> Any:
    """Return the window of a padded image."""
    h, w = np.shape(image)
    padded = np.zeros((h + 2 * pad, w + 2 * pad))
    padded[pad : pad + h, pad : pad + w] = image
    return padded[top : top + h, left : left + w]


def check_crop(f: Callable[..., Any]) -> None:
    """Check exercise 11.5."""
    rng = np.random.default_rng(5)
    for h, w, pad in ((3, 3, 1), (4, 5, 2)):
        image = rng.integers(1, 10, (h, w)).astype(float)
        for top, left in ((pad, pad), (0, pad), (2 * pad, 0), (0, 2 * pad), (1, 0)):
            right = crop(image, pad, top, left)
            expect_array(
                f(image.copy(), pad, top, left), right,
                f"{h} × {w}, pad {pad}, top {top}, left {left}", 1e-9,
                mistakes={
                    "what leaves on one side must not come back on the other":
                        np.roll(image, (pad - top, pad - left), (0, 1)),
                    "the window moves, so the image in it moves the other way":
                        crop(image, pad, 2 * pad - top, 2 * pad - left),
                    "top counts rows and left counts columns":
                        crop(image, pad, left, top),
                    "outside of the image there are zeros, not its edge":
                        np.pad(image, pad, mode="edge")[top : top + h, left : left + w],
                },
            )  # fmt: skip


def survivors(
    predict: Callable[[Any], Any], images: Any, labels: Any, change: Callable[[Any], Any]
) -> list[float]:
    """Return the share of each class that is recognised after a change."""
    right = np.asarray(predict(change(images))) == labels
    return [float(right[labels == k].mean()) for k in range(int(labels.max()) + 1)]


def check_survivors(f: Callable[..., Any]) -> None:
    """Check exercise 11.6."""
    rng = np.random.default_rng(6)
    for classes, n in ((2, 12), (4, 40)):
        images = rng.standard_normal((n, 3, 3))
        labels = rng.permutation(np.arange(n) % classes)

        def predict(x: Any, classes: int = classes) -> Any:
            return (np.abs(np.asarray(x)[:, 0, 0]) * 7).astype(int) % classes

        def mirror(x: Any) -> Any:
            return np.asarray(x)[:, :, ::-1].copy()

        right = survivors(predict, images, labels, mirror)
        before = survivors(predict, images, labels, lambda x: x)
        same = predict(mirror(images)) == predict(images)
        expect_array(
            f(predict, images.copy(), labels.copy(), mirror), right,
            f"the shares of {classes} classes", 1e-9,
            mistakes={
                "the images have to be changed first": before,
                "compare with the labels, not with the predictions before the change":
                    [float(same[labels == k].mean()) for k in range(classes)],
                "the share of the images of the class, not of all images":
                    [r * float((labels == k).mean()) for k, r in enumerate(right)],
                "that is the share of errors": [1 - r for r in right],
                "a share is a number between 0 and 1, not per cent": [100 * r for r in right],
                "that is how many there are; divide by the number of images of the class":
                    [r * float((labels == k).sum()) for k, r in enumerate(right)],
            },
        )  # fmt: skip


def run_epochs(
    epochs: int, batches: int, to_train: Any, to_eval: Any, step: Any, evaluate: Any
) -> list[Any]:
    """Train and evaluate, each in its mode."""
    errors = []
    for epoch in range(epochs):
        to_train()
        for batch in range(batches):
            step(epoch, batch)
        to_eval()
        errors.append(evaluate())
    return errors


def check_run_epochs(f: Callable[..., Any]) -> None:
    """Check exercise 11.7."""
    for epochs, batches in ((3, 2), (1, 4), (4, 1)):
        mode = ["train"]  # a new net is in training mode
        log: list[tuple[Any, ...]] = []

        def to_train(mode: list[str] = mode) -> None:
            mode[0] = "train"

        def to_eval(mode: list[str] = mode) -> None:
            mode[0] = "eval"

        def step(epoch: int, batch: int, mode: Any = mode, log: Any = log) -> None:
            log.append(("step", mode[0], int(epoch), int(batch)))

        def evaluate(mode: Any = mode, log: Any = log) -> float:
            log.append(("evaluate", mode[0]))
            return float(len(log))

        found = f(epochs, batches, to_train, to_eval, step, evaluate)
        if found is None and not log:
            raise NotDone("the function returned None: write your code below TODO")
        what = f"{epochs} epochs of {batches} batches"
        late = [entry for entry in log if entry[0] == "step" and entry[1] == "eval"]
        require(
            not late,
            f"{what}: {len(late)} steps are taken in evaluation mode"
            + (f", the first in epoch {late[0][2]}" if late else "")
            + "; which call was the last before them?",
        )
        require(("evaluate", "train") not in log, f"{what}: the net is evaluated in training mode")
        order = [entry[2:] for entry in log if entry[0] == "step"]
        wanted = [(e, b) for e in range(epochs) for b in range(batches)]
        require(order == wanted, f"{what}: {len(wanted)} steps were expected, got {len(order)}")
        times = [i + 1.0 for i, entry in enumerate(log) if entry[0] == "evaluate"]
        expect_array(found, [(batches + 1.0) * (e + 1) for e in range(epochs)], f"{what}: the list")
        require(len(times) == epochs, f"{what}: it is evaluated {len(times)} times")
