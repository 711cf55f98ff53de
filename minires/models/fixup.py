"""Fixup (Zhang, Dauphin and Ma 2019, 1901.09321): deep residual nets without normalisation.

1. The last weight layer of every branch, and the classifier, start at 0.
2. The other m - 1 weight layers of a branch: a usual init × L^(-1 / (2m - 2)), L being the number
   of blocks. With m = 2 layers that is 1 / √L.
3. A scalar multiplier (starting at 1) in each branch, and a scalar bias (starting at 0) before
   every weight layer and every activation. Layers have no other biases.
"""

from __future__ import annotations

import numpy as np

from .. import nn
from ..nn import init
from ..tensor import Tensor


class Shift(nn.Module):
    """x + b with one scalar b, starting at 0; `multiplied` also m · x with a scalar m, from 1."""

    def __init__(self, multiplied: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(np.ones((), np.float32)) if multiplied else None
        self.bias = nn.Parameter(np.zeros((), np.float32))

    def forward(self, x: Tensor) -> Tensor:
        return (x if self.scale is None else x * self.scale) + self.bias


def shifted(layer: nn.Linear | nn.Conv2d) -> nn.Sequential:
    """Return a weight layer with a scalar bias before it, and none of its own.

    It was made with one, so that a net draws the same weights as without Fixup.
    """
    layer.bias = None
    return nn.Sequential(Shift(), layer)


def start(branches: list[list[nn.Module]], classifier: nn.Linear) -> None:
    """Set the weights as Fixup does: `branches` are the weight layers of each block, drawn."""
    for layers in branches:
        *others, last = [weight_of(layer) for layer in layers]
        factor = len(branches) ** (-1 / (2 * len(layers) - 2))
        for w in others:
            w.update_(w.data * np.asarray(factor, w.dtype))
        init.zeros_(last)
    init.zeros_(classifier.weight)
    if classifier.bias is not None:
        init.zeros_(classifier.bias)


def weight_of(layer: nn.Module) -> nn.Parameter:
    """Return the weights of a layer, shifted or not."""
    (w,) = (p for p in layer.parameters() if p.ndim >= 2)
    return w
