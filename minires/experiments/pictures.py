"""Grey pictures for super-resolution and denoising: of CIFAR-10, of a folder, or made here.

    clean, test, note = pictures.load("leaves", 2000, 200)      # (n, 1, 32, 32) float32, 0 to 1

"leaves" are random discs that lie on top of each other: the dead-leaves model (Lee, Mumford and
Huang 2001), whose edges and sizes are distributed much as in photographs. They need no download.
"""

from __future__ import annotations

import numpy as np

from minires_kernels import checks

from .. import data
from ..tensor import Array

SOURCES = ("leaves", "cifar10", "cifar100", "digits", "folder:PATH")
DISCS = 100  # of a picture of "leaves"
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def load(
    source: str, train: int, test: int, size: int = 32, root: str | None = None
) -> tuple[Array, Array, str]:
    """Return pictures to train and to test on, (n, 1, size, size) float32 in 0 … 1, and a note.

    source  "leaves"; "cifar10" or "cifar100" as grey values; "folder:PATH" with class folders of
            images; "digits", enlarged, which is no more than a test that everything runs
    Fewer pictures are returned where a source has fewer. Raises ValueError for another source.
    """
    train, test = checks.integer("train", train, 1), checks.integer("test", test, 1)
    size = checks.integer("size", size, 8)
    if source == "leaves":
        found = leaves(train + test, size)
        return found[:train], found[train:], ""
    if source.partition(":")[0] not in [s.partition(":")[0] for s in SOURCES]:
        raise ValueError(f"source: expected one of {', '.join(SOURCES)}, got {source!r}")
    more = {"size": size} if source.startswith("folder:") else {}
    images = [data.load(source, split, root, **more) for split in ("train", "test")]
    x, x_test = (
        grey(split.x[:count], size) for split, count in zip(images, (train, test), strict=True)
    )
    return x, x_test, images[0].note


def grey(x: Array, size: int) -> Array:
    """Return images (N, H, W, C) uint8 as (N, 1, size, size) float32 grey values in 0 … 1."""
    values = x.astype(np.float32) / 255
    y = values @ LUMA if x.shape[3] == 3 else values.mean(axis=3)
    if y.shape[1:] != (size, size):
        y = np.stack([resize(picture, size, size) for picture in y])
    return np.ascontiguousarray(y[:, None], np.float32)


def leaves(n: int, size: int = 32, seed: int = 0) -> Array:
    """Return n pictures (n, 1, size, size) of discs that cover each other, in random grey values.

    Each has DISCS discs, whose radii have a density ∝ r⁻³ from 1.5 to size / 2, the later ones on
    top. Pictures are drawn at twice the size and reduced, so that edges are smooth.
    """
    rng = np.random.default_rng(checks.integer("seed", seed, 0))
    side, low, high = 2 * size, 3.0, float(size)
    pictures = np.empty((n, side, side), np.float32)
    at = np.arange(side)
    for picture in pictures:
        picture[:] = rng.random()
        radii = (low**-2 - rng.random(DISCS) * (low**-2 - high**-2)) ** -0.5
        centres = rng.uniform(0, side, (DISCS, 2))
        greys = rng.random(DISCS)
        for r, (x, y), value in zip(radii, centres, greys, strict=True):
            box = tuple(slice(max(0, int(c - r)), int(c + r) + 2) for c in (y, x))
            inside = (at[box[0], None] - y) ** 2 + (at[None, box[1]] - x) ** 2 <= r * r
            picture[box][inside] = value
    cells = pictures.reshape(n, size, 2, size, 2)
    return np.ascontiguousarray(cells.mean(axis=(2, 4))[:, None])


def resize(picture: Array, height: int, width: int, kind: str = "bicubic") -> Array:
    """Return a picture (H, W) float32 of another size, by Pillow; a smaller one is filtered first.

    kind  "bicubic" or "box" (means over areas)
    """
    from PIL import Image

    ways = {"bicubic": Image.Resampling.BICUBIC, "box": Image.Resampling.BOX}
    if kind not in ways:
        raise ValueError(f"kind: expected bicubic or box, got {kind!r}")
    image = Image.fromarray(np.asarray(picture, np.float32))
    return np.asarray(image.resize((width, height), ways[kind]), np.float32)
