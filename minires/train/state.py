"""The state of a training, as a document of plain values and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn, random


def generators(net: nn.Module) -> dict[str, np.random.Generator]:
    """Return the random generators that modules of the net hold themselves, by name."""
    found: dict[int, tuple[str, np.random.Generator]] = {}
    for name, module in net.named_modules():
        for key, value in vars(module).items():
            if isinstance(value, np.random.Generator):
                found.setdefault(id(value), (f"{name}.{key}", value))
    return dict(found.values())


def random_state(net: nn.Module) -> dict[str, Any]:
    """Return the states of the default generator and of the net's own."""
    own = {name: g.bit_generator.state for name, g in generators(net).items()}
    return {"default": random.get_rng_state(), "modules": own}


def set_random_state(net: nn.Module, state: dict[str, Any]) -> None:
    """Let all generators go on from a `random_state`."""
    random.set_rng_state(state["default"])
    for name, generator in generators(net).items():
        if name not in state["modules"]:
            raise ValueError(f"the checkpoint has no state of the generator {name}")
        generator.bit_generator.state = state["modules"][name]
