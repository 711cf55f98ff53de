"""Images without a download: stripes whose direction is the class."""

from __future__ import annotations

import numpy as np

from minires_kernels import checks

from ..tensor import Array


def synthetic_images(
    n: int,
    size: int = 8,
    classes: int = 10,
    channels: int = 1,
    noise: float = 0.5,
    seed: int = 0,
) -> tuple[Array, Array]:
    """Return standardised images (n, channels, size, size) float32 and labels (n,) int64.

    Class k is a sine wave of period size / 2 in direction π k / classes with a random phase per
    image, plus Gaussian noise of standard deviation `noise`. The phase hides the class from any
    single pixel, so a classifier must combine them.
    """
    n, size = checks.integer("n", n, 1), checks.integer("size", size, 2)
    classes, channels = (
        checks.integer("classes", classes, 1),
        checks.integer("channels", channels, 1),
    )
    noise = checks.real("noise", noise)
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    angle = (np.pi * y / classes)[:, None, None]
    rows, columns = np.mgrid[:size, :size] / size
    wave = np.sin(4 * np.pi * (columns * np.cos(angle) + rows * np.sin(angle)) + phase)
    x = wave[:, None] + noise * rng.standard_normal((n, channels, size, size))
    return ((x - x.mean()) / x.std()).astype(np.float32), y.astype(np.int64)
