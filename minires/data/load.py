"""`load`: the images of a data set by its name."""

from __future__ import annotations

import numpy as np

from .cifar import load_cifar
from .cifar_layouts import SETS
from .digits import TRAIN, load_raw
from .images import SPLITS, Images
from .places import StrPath
from .synthetic import synthetic_images

NAMES = (*SETS, "digits", "synthetic", "folder:PATH")
SYNTHETIC = (2000, 500)  # images for training and test


def load(
    name: str,
    split: str = "train",
    root: StrPath | None = None,
    *,
    size: int | None = None,
) -> Images:
    """Return the images of one split; nothing is downloaded.

    name   "cifar10", "cifar100", "digits" (8 × 8, grey), "synthetic" (32 × 32 stripes in noise), or
           "folder:PATH", a folder with a folder of images for each class
    split  "train" or "test"
    root   where CIFAR is looked for; None: `MINIRES_DATA`, ./data, and the cache
    size   side to which the images of a folder are brought; None: they must all have the same

    Raises FileNotFoundError with how to get what is not there, ValueError for broken files.
    """
    if not isinstance(name, str):
        raise TypeError(f"name: expected text, got {type(name).__name__}")
    if split not in SPLITS:
        raise ValueError(f"split: expected 'train' or 'test', got {split!r}")
    kind, _, path = name.partition(":")
    if size is not None and kind != "folder":
        raise ValueError(f"size: is for 'folder:PATH'; {name} has the size that it has")
    if name in SETS:
        return load_cifar(SETS[name], split, root)
    if name == "digits":
        return _digits(split)
    if name == "synthetic":
        return _synthetic(split)
    if kind == "folder" and path:
        from .folder import load_folder  # needs Pillow

        return load_folder(path, split, size=size)
    raise ValueError(f"name: expected one of {', '.join(NAMES)}; got {name!r}")


def _part(split: str, first: int) -> slice:
    return slice(None, first) if split == "train" else slice(first, None)


def _digits(split: str) -> Images:
    """The split of `load_digits()`; the 17 shades are spread over 0 to 255."""
    pixels, labels = load_raw()
    part = _part(split, TRAIN)
    x = np.rint(pixels[part, :, :, None] * (255 / 16)).astype(np.uint8)
    return Images(x, labels[part].astype(np.int64), tuple("0123456789"), "digits", split)


def _synthetic(split: str) -> Images:
    x, y = synthetic_images(sum(SYNTHETIC), size=32, channels=3, noise=1.0)
    part = _part(split, SYNTHETIC[0])
    pixels = np.clip(np.rint(x[part] * 48 + 128), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    classes = tuple(f"{18 * k}°" for k in range(10))
    return Images(np.ascontiguousarray(pixels), y[part], classes, "synthetic", split)
