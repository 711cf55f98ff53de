"""`Images`: the images of one split as they are stored, before any augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minires_kernels import checks

from ..tensor import Array

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Images:
    """The images of one split.

    x        (N, H, W, C) uint8, with one channel or three
    y        (N,) int64, classes from 0
    classes  the names of the classes
    name     of the data set, e.g. "cifar10"
    split    "train" or "test"
    note     what a figure must say beside a result, e.g. that the files are not the official ones
    """

    x: Array
    y: Array
    classes: tuple[str, ...]
    name: str = "images"
    split: str = "train"
    note: str = ""

    def __post_init__(self) -> None:
        x, y = checks.array("x", self.x), checks.array("y", self.y)
        if x.dtype != np.uint8 or x.ndim != 4:
            raise TypeError(f"x: expected uint8 (N, H, W, C), got {x.dtype} {x.shape}")
        checks.no_zero_size("x", x, "N H W C")
        if len(x) == 0:
            raise ValueError("x: expected at least one image, got none")
        if y.dtype.kind not in "iu":
            raise TypeError(f"y: expected integers, got {y.dtype}")
        checks.has_shape("y", y, (len(x),), "one label per image")
        if y.min() < 0 or y.max() >= len(self.classes):
            raise ValueError(
                f"y: expected labels from 0 to {len(self.classes) - 1}, one for each of the "
                f"{len(self.classes)} classes, got {y.min()} to {y.max()}"
            )
        if self.split not in SPLITS:
            raise ValueError(f"split: expected 'train' or 'test', got {self.split!r}")
        object.__setattr__(self, "y", y.astype(np.int64, copy=False))
        object.__setattr__(self, "classes", tuple(self.classes))

    def __len__(self) -> int:
        return len(self.x)

    def subset(self, which: int | Sequence[int] | Array) -> Images:
        """Return the first `which` images, or those at the given indices, with a note that says so.

        Raises ValueError for more images than there are, or for an index that is not there.
        """
        if isinstance(which, int | np.integer):
            which = np.arange(checks.integer("which", which, 1))
        index = np.asarray(which)
        if index.dtype.kind not in "iu" or index.ndim != 1 or len(index) == 0:
            raise TypeError(f"which: expected a number or a list of indices, got {which!r:.80}")
        if index.min() < 0 or index.max() >= len(self):
            raise ValueError(
                f"which: asks for image {index.max() if index.max() >= len(self) else index.min()},"
                f" but {self.name} ({self.split}) has {len(self)}"
            )
        said = f"{len(index):,} of {len(self):,} images"
        note = f"{self.note}; {said}" if self.note else said
        return replace(self, x=self.x[index], y=self.y[index], note=note)
