"""Trained nets: what `fit` has saved, ready to be evaluated and to predict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import models, nn, results, weights
from ..data import Normalise
from ..tensor import Array
from ..weights.shipped import pretrained
from .evaluate import log_softmax, predictions
from .outputs import MODEL, normalise_of

KIND = "minires model"


@dataclass
class Trained:
    """A net with what one needs to use it.

    classes    their names, in the order of the net's outputs
    normalise  what images are normalised by
    shape      (H, W, C) of the images it was trained on
    metadata   all that the file says of itself, as text
    """

    net: nn.Module
    classes: tuple[str, ...]
    normalise: Normalise
    shape: tuple[int, int, int]
    metadata: dict[str, str]

    def probabilities(self, x: Array, flip: bool = False) -> Array:
        """Return (N, classes) float64 of images x (N, H, W, C) uint8 of the shape `shape`.

        `flip` averages the logits of each image and of its mirror image. Raises ValueError for
        images of another shape.
        """
        if x.ndim != 4 or x.shape[1:] != self.shape or x.dtype != np.uint8:
            raise ValueError(
                f"expected uint8 images (N, {', '.join(map(str, self.shape))}), got {x.dtype} "
                f"{x.shape}"
            )
        none = np.zeros(len(x), np.int64)
        found = [y for y, _ in predictions(self.net, x, none, self.normalise, flip, 250)]
        return np.exp(log_softmax(np.concatenate(found)))


def load_trained(path: results.StrPath) -> Trained:
    """Return the net of a run's folder, or of its model.safetensors.

        trained = train.load_trained("out/resnet20")
        trained.probabilities(data.load("cifar10", "test").x[:8])

    Raises FileNotFoundError without one, ValueError for a file that `fit` has not written.
    """
    file = Path(path)
    if file.is_dir():
        file /= MODEL
        if not file.exists():
            raise FileNotFoundError(
                f"there is no {file}: the run has not finished, or this is no folder of a run"
            )
    elif not file.exists():
        raise FileNotFoundError(f"there is no {file}; name a run's folder, or its {MODEL}")
    metadata, state = _read(file)
    try:
        name, options = metadata["model"], json.loads(metadata["options"])
        classes, shape = json.loads(metadata["classes"]), json.loads(metadata["shape"])
        normalise = normalise_of(metadata["normalise"])
        height, width, channels = (int(n) for n in shape)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{file}: what it says of its model is incomplete ({error!r})") from None
    net = models.build(name, **{**options, "in_channels": channels, "num_classes": len(classes)})
    net.load_state_dict(state)
    return Trained(
        net.eval(), tuple(map(str, classes)), normalise, (height, width, channels), metadata
    )


def _read(file: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return metadata and arrays of a model's file."""
    metadata = weights.metadata(file)
    if metadata.get("kind") != KIND:
        what = metadata.get("kind", "weights without their model's name")
        raise ValueError(
            f"{file} holds {what}, not a model of `minires train`; its folder has {MODEL}, and "
            "weights.load_into loads weights into a net of yours"
        )
    return metadata, weights.load(file)


def shipped(model: str, images: str) -> Trained:
    """Return a net whose trained weights come with minires, e.g. `shipped("resnet20", "cifar10")`.

    ValueError lists those that there are.
    """
    return load_trained(pretrained(model, images).path)
