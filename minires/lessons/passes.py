"""Forward passes of the exercises in which a backward pass is written, with inputs to try it on.

With them a wrong answer can be compared with differences, and the line that is wrong be named. They
are what the lessons themselves show; the solutions are in `checks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array


@dataclass(frozen=True)
class Passes:
    """`forward(*inputs)` returns y, or (y, *saved); the exercise is `backward(dy, *saved)`."""

    forward: Callable[..., Any]
    inputs: Callable[[np.random.Generator], tuple[Any, ...]]


def _normal(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    return lambda rng: tuple(np.asarray(rng.standard_normal(shape)) for shape in shapes)


def _numbers(rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(0.5, 2)), float(rng.uniform(-2, -0.5))


def _linear(x: Array, w: Array, b: Array) -> tuple[Array, Array, Array]:
    return x @ w.T + b, x, w


def _centre(x: Array) -> tuple[Array]:
    return (x - x.mean(axis=0),)  # nothing is kept


def _divide_inputs(rng: np.random.Generator) -> tuple[Array, Array]:
    return rng.standard_normal((5, 3)), rng.uniform(0.5, 2, 3)


def _batch_norm(x: Array) -> Array:
    c = x - x.mean(axis=0)
    return np.asarray(c / np.sqrt((c**2).mean(axis=0) + 1e-5))


def _branch(x: Array, w: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Return tanh(x w) and its backward pass."""
    f = np.tanh(x @ w)
    return f, lambda d: np.asarray((d * (1 - f**2)) @ w.T)


_W = np.random.default_rng(7).standard_normal((3, 3))


def _sum(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    f, backward = _branch(x, _W)
    return x + f, backward


def _block(x: Array) -> tuple[Array, Array, Array, Callable[[Array], Array]]:
    f, backward = _branch(x, _W)
    return np.maximum(x + f, 0), x, f, backward


PASSES = {
    "0.2": Passes(lambda a, b: a + b, _numbers),
    "0.3": Passes(lambda a, b: a * b, _numbers),
    "0.4": Passes(lambda a: max(a, 0.0), lambda rng: (float(rng.uniform(0.5, 2)),)),
    "1.5": Passes(lambda x: np.maximum(x, 0), _normal((5, 4))),
    "1.6": Passes(_linear, _normal((4, 3), (2, 3), (2,))),
    "1.7": Passes(_centre, _normal((5, 3))),
    "1.8": Passes(lambda c: (c**2).mean(axis=0), _normal((5, 3))),
    "1.9": Passes(lambda c, v: c / np.sqrt(v + 1e-5), _divide_inputs),
    "1.10": Passes(_batch_norm, _normal((6, 3))),
    "7.3": Passes(_sum, _normal((4, 3))),
    "7.4": Passes(_block, _normal((5, 3))),
}
