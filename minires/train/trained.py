"""Trained nets: what `fit` has saved, ready to be evaluated and to predict."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import models, nn, results
from ..data import Normalise
from ..random import using
from ..tensor import Array
from ..weights.formats import read
from ..weights.shipped import pretrained
from .evaluate import log_softmax, predictions
from .outputs import MODEL, normalise_of

KIND = "minires model"
MOST_PIXELS = 4096  # along a side of the images of a net that a file names


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

    def probabilities(self, x: Array, views: int = 1) -> Array:
        """Return (N, classes) float64 of images x (N, H, W, C) uint8 of the shape `shape`.

        `views` of each image are averaged, see `evaluate`. Raises ValueError for images of another
        shape.
        """
        if x.ndim != 4 or x.shape[1:] != self.shape or x.dtype != np.uint8:
            raise ValueError(
                f"expected uint8 images (N, {', '.join(map(str, self.shape))}), got {x.dtype} "
                f"{x.shape}"
            )
        none = np.zeros(len(x), np.int64)
        found = [y for y, _ in predictions(self.net, x, none, self.normalise, views, 250)]
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
        name, options = metadata["model"], dict(json.loads(metadata["options"]))
        classes = tuple(str(c)[:255] for c in json.loads(metadata["classes"]))
        height, width, channels = shape = _sizes(json.loads(metadata["shape"]))
        normalise = normalise_of(metadata["normalise"])
        normalise.check((1, *shape))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{file}: what it says of its model is incomplete ({error!r})") from None
    for begun in ("weights", "init"):  # how its weights began, which these replace
        options.pop(begun, None)
    options |= {"in_channels": channels, "num_classes": len(classes)}
    options.pop("seed", None)
    try:
        with sparing(state):
            net = models.build(name, **options)
        net.load_state_dict(state)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file}: {error}") from None
    return Trained(net.eval(), classes, normalise, (height, width, channels), metadata)


def sparing(state: Mapping[str, Array]) -> using:
    """Return what lets nets that are built within it be no larger than a file's arrays."""
    return using(Sparing(4 * sum(a.size for a in state.values())))


class Sparing(np.random.Generator):
    """Draws no more than `left` numbers, so that no net is made that is larger than its file.

    A net draws a weight as its layer does by default, as its `init` says, and again for a layer
    that takes another's place.
    """

    def __init__(self, left: int) -> None:
        super().__init__(np.random.PCG64(0))
        self.left = left

    def _take(self, size: Any) -> None:
        self.left -= math.prod(size or ())
        if self.left < 0:
            raise ValueError("the net that it names has more weights than the file")

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        self._take(size)
        return super().normal(loc, scale, size)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        self._take(size)
        return super().uniform(low, high, size)


def _sizes(shape: Any) -> tuple[int, int, int]:
    height, width, channels = shape
    if not all(type(n) is int and 0 < n <= MOST_PIXELS for n in shape) or channels not in (1, 3):
        raise ValueError(f"shape: expected the sizes of an image, got {shape!r:.80}")
    return height, width, channels


def _read(file: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return metadata and arrays of a model's file."""
    content = read(file)
    metadata = content.metadata
    if metadata.get("kind") != KIND:
        what = metadata.get("kind", "weights without their model's name")
        raise ValueError(
            f"{file} holds {what}, not a model of `minires train`; its folder has {MODEL}, and "
            "weights.load_into loads weights into a net of yours"
        )
    return metadata, content.arrays


def shipped(model: str, images: str) -> Trained:
    """Return a net whose trained weights come with minires, e.g. `shipped("resnet20", "cifar10")`.

    ValueError lists those that there are.
    """
    return load_trained(pretrained(model, images).path)
