"""The default source of random numbers: one seeded generator for init, dropout and shuffles.

It is one for all threads, but for those within a block of `using`. A step that must be repeated
bit by bit keeps the state: `state = get_rng_state()`, and later `set_rng_state(state)`.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minires_kernels.setting import Scoped

_generator = np.random.default_rng(0)


def _seeded(seed: int) -> np.random.Generator:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed: expected an integer, got {seed!r}")
    if seed < 0:
        raise ValueError(f"seed: expected at least 0, got {seed}")
    return np.random.default_rng(seed)


class using(Scoped):
    """Make `rng` (a Generator or a seed) the default generator of this thread within the block.

    As a decorator, of each run of the function. A seed is expanded once: the block goes on where
    it ended the last time.
    """

    def __init__(self, rng: np.random.Generator | int) -> None:
        self._rng = rng if isinstance(rng, np.random.Generator) else _seeded(rng)

    def _value(self) -> np.random.Generator:
        return self._rng


def manual_seed(seed: int) -> None:
    """Restart the default generator; the same seed gives the same weights, masks and orders.

    Within a block of `using` it is that of the block, until the block ends.
    """
    global _generator
    rng = _seeded(seed)
    if not using.replace(rng):
        _generator = rng


def generator(rng: np.random.Generator | int | None = None) -> np.random.Generator:
    """Return `rng` itself, a new Generator from a seed, or the default one for None."""
    if rng is not None:
        return np.random.default_rng(rng)
    found: np.random.Generator | None = using.held()
    return _generator if found is None else found


def get_rng_state() -> dict[str, Any]:
    """Return the state of the default generator, a dict of names and numbers."""
    return copy.deepcopy(dict(generator().bit_generator.state))


def set_rng_state(state: dict[str, Any]) -> None:
    """Let the default generator go on from a state that `get_rng_state` has returned."""
    if not isinstance(state, dict):
        raise TypeError(f"set_rng_state: expected a state of get_rng_state(), got {state!r}")
    try:
        generator().bit_generator.state = copy.deepcopy(state)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"set_rng_state: this is no state of a {type(generator().bit_generator).__name__} "
            f"generator ({error})"
        ) from error
