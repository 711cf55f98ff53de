"""The default source of random numbers: one seeded generator for init, dropout and shuffles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

_generator = np.random.default_rng(0)


def manual_seed(seed: int) -> None:
    """Restart the default generator; the same seed gives the same weights, masks and orders."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator(rng: np.random.Generator | int | None = None) -> np.random.Generator:
    """Return `rng` itself, a new Generator from a seed, or the default one for None."""
    if rng is None:
        return _generator
    return np.random.default_rng(rng)


@contextlib.contextmanager
def using(rng: np.random.Generator) -> Iterator[None]:
    """Make `rng` the default generator within the block."""
    global _generator
    before, _generator = _generator, rng
    try:
        yield
    finally:
        _generator = before
