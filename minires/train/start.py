"""How a recipe starts a net, beyond the init that the net was built with.

whiten   the filters of the first convolution are the principal directions of the training images'
         patches, each divided by its deviation, and their negatives (Jordan 2024, airbench)
dirac    the first filters of every other convolution of more than one pixel pass a channel on as it
         is, as far as its channels go (the same source; Zagoruyko and Komodakis 2017)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..data import Images, Normalise
from ..tensor import Array

STARTS = ("whiten", "dirac")
PATCHES = 1000  # images that patches are taken from
EPS = 5e-4  # of the variances, which are about 1 for the strongest direction


def start(net: nn.Module, images: Images, normalise: Normalise, starts: tuple[str, ...]) -> None:
    """Start the convolutions of a net in place. ValueError if it has none."""
    convolutions: list[Any] = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    if starts and not convolutions:
        raise ValueError(f"start: {type(net).__name__} has no convolutions to {starts[0]}")
    if "whiten" in starts:
        weight = convolutions[0].weight
        weight.update_(whitening(normalise(images.x[:PATCHES]), weight.shape).astype(weight.dtype))
    if "dirac" in starts:
        for module in convolutions[1:]:
            k, c, r, s = module.weight.shape
            if r * s == 1:
                continue
            w = module.weight.data.copy()
            n = min(k, c)
            w[:n] = 0
            w[np.arange(n), np.arange(n), r // 2, s // 2] = 1
            module.weight.update_(w)


def whitening(x: Array, shape: tuple[int, ...]) -> Array:
    """Return filters (K, C, R, S) that make patches of images x (N, C, H, W) white.

    Filter i is vᵢ/√(λᵢ + ε), of the eigenvectors v of the patches' covariance with the largest
    eigenvalues λ; those after the first half are the negatives of the first. With more filters than
    directions, they are repeated.
    """
    k, c, r, s = shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (r, s), axis=(2, 3))
    patches = windows[:, :, ::2, ::2].transpose(0, 2, 3, 1, 4, 5).reshape(-1, c * r * s)
    patches = patches.astype(np.float64)
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    white = (vectors / np.sqrt(np.maximum(values, 0) + EPS)).T[::-1]  # strongest first
    half = np.resize(white, (-(-k // 2), c * r * s))
    found: Array = np.concatenate([half, -half])[:k].reshape(shape)
    return found
