"""How a recipe starts a net, beyond the init that the net was built with.

whiten   the filters of the first convolution are the principal directions of the training images'
         patches, each divided by its deviation, and their negatives (Jordan 2024, airbench)
dirac    the first filters of every other convolution of more than one pixel pass a channel on as it
         is, as far as its channels go (the same source; Zagoruyko and Komodakis 2017)
"""

from __future__ import annotations

from typing import Any

from .. import nn
from ..data import Images, Normalise
from ..models.airbench import start_as_identity, whiten_

STARTS = ("whiten", "dirac")
PATCHES = 5000  # images that patches are taken from


def start(net: nn.Module, images: Images, normalise: Normalise, starts: tuple[str, ...]) -> None:
    """Start the convolutions of a net in place. ValueError if it has none."""
    convolutions: list[Any] = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    if starts and not convolutions:
        raise ValueError(f"start: {type(net).__name__} has no convolutions to {starts[0]}")
    if "whiten" in starts:
        step = max(1, len(images) // PATCHES)  # of all classes
        whiten_(convolutions[0], normalise(images.x[::step][:PATCHES]))
    if "dirac" in starts:
        for module in convolutions[1:]:
            if module.weight.shape[2:] != (1, 1):
                start_as_identity(module.weight)
