"""`Augment`: what is done to training images. Here all of it is drawn; `warp.py` carries it out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minires_kernels import checks

from ..tensor import Array

CROPS = ("pad", "resized", "none")
FLIPS = ("random", "alternating", "none")
PADDINGS = ("zero", "reflect")
AREA = (0.08, 1.0)  # of Inception-style crops, as torchvision.transforms.RandomResizedCrop
RATIO = (3 / 4, 4 / 3)  # width : height
ATTEMPTS = 10
CROP, FLIP, CUTOUT = 1, 2, 3  # streams of random numbers; the order of samples has none of these


class Draws(NamedTuple):
    """What is done to each sample of an epoch.

    box    (N, 4) int32: top, left, height and width of the window, which may begin outside
    flip   (N,) bool: mirror the window
    hole   (N, 4) int32: first and last row, first and last column that are blanked, ends excluded
    """

    box: Array
    flip: Array
    hole: Array


@dataclass(frozen=True)
class Augment:
    """Random changes of training images.

    crop    "pad": a window of `size` anywhere in the image with `pad` pixels around it (He et al.
            2015, §4.2); "resized": a window of 8 to 100 % of the area and a ratio from 3:4 to 4:3,
            scaled to `size` (Szegedy et al. 2014, §6; ranges as PyTorch's RandomResizedCrop);
            "none": the whole image, or its centre of `size`
    flip    "random": mirrored with probability 1/2; "alternating": drawn once for each image, then
            the other way round in every second epoch (Jordan 2024, airbench); "none"
    cutout  side of a square, centred anywhere, that is blanked (DeVries and Taylor 2017); 0: none
    size    side or (height, width) of the result; None: that of the images
    padding "zero": the mean, which is 0 after normalisation; "reflect": mirrored without the edge
    """

    crop: str = "pad"
    pad: int = 4
    flip: str = "random"
    cutout: int = 0
    size: int | tuple[int, int] | None = None
    padding: str = "zero"

    def __post_init__(self) -> None:
        for name, offered in (("crop", CROPS), ("flip", FLIPS), ("padding", PADDINGS)):
            if (value := getattr(self, name)) not in offered:
                raise ValueError(f"{name}: expected one of {', '.join(offered)}; got {value!r}")
        checks.integer("pad", self.pad, 0)
        checks.integer("cutout", self.cutout, 0)
        if self.size is not None:
            object.__setattr__(self, "size", checks.pair("size", self.size, 1))

    def output(self, h: int, w: int) -> tuple[int, int]:
        """Return height and width of the result for images of h × w; ValueError if none fits."""
        p, q = checks.pair("size", self.size or (h, w), 1)
        pad = self.pad if self.crop == "pad" else 0
        if self.crop != "resized" and (p > h + 2 * pad or q > w + 2 * pad):
            raise ValueError(
                f"size: a window of {p} × {q} does not fit into images of {h} × {w}"
                + (f" with {pad} pixels around them" if pad else "")
                + "; use crop='resized', or images of that size"
            )
        if self.crop == "pad" and self.padding == "reflect" and pad >= min(h, w):
            raise ValueError(f"pad: {pad} pixels cannot be mirrored from images of {h} × {w}")
        if p * q > checks.MAX_PIXELS:
            raise ValueError(f"size: {p} × {q} are too many pixels")
        return p, q

    def draw(self, n: int, h: int, w: int, seed: int, epoch: int) -> Draws:
        """Draw for n images of h × w; depends on the arguments alone, and each sample has its own.

        Every kind of draw has a stream of its own, default_rng((seed, epoch, stream)): without
        cutout, say, crops are those that they are with it.
        """
        p, q = self.output(h, w)
        rng = {kind: np.random.default_rng((seed, epoch, kind)) for kind in (CROP, FLIP, CUTOUT)}
        box = np.empty((n, 4), np.int32)
        box[:, 2:] = p, q
        if self.crop == "pad":
            span = (h + 2 * self.pad - p + 1, w + 2 * self.pad - q + 1)
            box[:, :2] = rng[CROP].integers(0, span, (n, 2)) - self.pad
        elif self.crop == "resized":
            box = _inception_boxes(rng[CROP], n, h, w)
        else:
            box[:, :2] = (h - p) // 2, (w - q) // 2
        if self.flip == "alternating":
            first = np.random.default_rng((seed, 0, FLIP)).integers(0, 2, n, dtype=np.uint8)
            flip = (first ^ (epoch & 1)).astype(bool)
        elif self.flip == "random":
            flip = rng[FLIP].integers(0, 2, n, dtype=np.uint8).astype(bool)
        else:
            flip = np.zeros(n, bool)
        hole = np.zeros((n, 4), np.int32)
        if self.cutout:
            start = rng[CUTOUT].integers(0, (p, q), (n, 2)) - self.cutout // 2
            hole[:, ::2] = np.clip(start, 0, (p, q))
            hole[:, 1::2] = np.clip(start + self.cutout, 0, (p, q))
        return Draws(box, flip, hole)


NOTHING = Augment(crop="none", flip="none")


def _inception_boxes(rng: np.random.Generator, n: int, h: int, w: int) -> Array:
    """Return windows (n, 4): area and log ratio uniform, the first of ten that fits.

    Where none of the ten fits, the largest central window whose ratio is allowed.
    """
    ratio = min(max(w / h, RATIO[0]), RATIO[1])
    box_h, box_w = min(h, round(w / ratio)), min(w, round(h * ratio))
    box = np.tile(np.array([(h - box_h) // 2, (w - box_w) // 2, box_h, box_w], np.int32), (n, 1))
    waiting = np.ones(n, bool)
    for _ in range(ATTEMPTS):
        area = h * w * rng.uniform(*AREA, n)
        ratios = np.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1]), n))
        place = rng.random((n, 2))
        hs = np.rint(np.sqrt(area / ratios)).astype(np.int32)
        ws = np.rint(np.sqrt(area * ratios)).astype(np.int32)
        fits = waiting & (hs >= 1) & (hs <= h) & (ws >= 1) & (ws <= w)
        top, left = np.floor(place * np.stack([h - hs + 1, w - ws + 1], 1)).astype(np.int32).T
        box[fits] = np.stack([top, left, hs, ws], 1)[fits]
        waiting &= ~fits
    return box
