"""Named initialisations for whole nets, as the gradient-flow experiments compare them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .. import nn
from ..nn import init
from ..random import generator, using
from .shortcuts import Gate

Net = TypeVar("Net", bound=nn.Module)

_WEIGHTS: dict[str, Callable[..., object]] = {
    "he": lambda w, rng, gain: init.kaiming_normal_(w, **gain, rng=rng),
    "xavier": lambda w, rng, _: init.xavier_normal_(w, rng=rng),
    "orthogonal": lambda w, rng, _: init.orthogonal_(w, rng=rng),
    "identity": lambda w, *_: init.dirac_(w) if w.ndim == 4 else init.eye_(w),
}
# what He init asks of kaiming_normal_; for other activations it is He et al.'s own, ReLU's
_GAINS: dict[str, dict[str, Any]] = {
    "leaky_relu": {"a": 0.01},  # the slope of nn.LeakyReLU
    "gelu": {"nonlinearity": "gelu"},
    "silu": {"nonlinearity": "silu"},
}
NAMES = (*_WEIGHTS, "default")


def initialise(
    net: nn.Module, name: str, rng: np.random.Generator, activation: str = "relu"
) -> None:
    """Draw the weights of every Linear, Conv2d and Gate of `net` anew, in order, from `rng`.

    "he" N(0, g² / fan_in), g being √2, or the gain of leaky_relu, gelu or silu (see
    `nn.init.calculate_gain`), "xavier" N(0, 2 / (fan_in + fan_out)), "orthogonal" and "identity"
    have zero biases; "default" is PyTorch's U(±1 / √fan_in) for weights and biases. A gate's bias
    stays.
    """
    if name not in NAMES:
        raise ValueError(f"init: expected one of {', '.join(NAMES)}, got {name!r}")
    for module in net.modules():
        if not isinstance(module, nn.Linear | nn.Conv2d | Gate):
            continue
        bias = None if isinstance(module, Gate) else module.bias
        if name == "default":
            bound = 1 / np.sqrt(init.fans(module.weight)[0])
            init.uniform_(module.weight, -bound, bound, rng)
            if bias is not None:
                init.uniform_(bias, -bound, bound, rng)
            continue
        _WEIGHTS[name](module.weight, rng, _GAINS.get(activation, {}))
        if bias is not None:
            init.zeros_(bias)


def seeded(
    make: Callable[[], Net],
    name: str,
    seed: np.random.Generator | int | None,
    activation: str = "relu",
) -> Net:
    """Return what `make` builds, initialised by that name; all random numbers are of the seed."""
    rng = generator(seed)
    with using(rng):
        net = make()
    initialise(net, name, rng, activation)
    return net
