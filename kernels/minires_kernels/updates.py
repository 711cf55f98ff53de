"""The old names of the kernels add, sgd and running_statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import beside
from .backends import kernel_for
from .reference.sgd import OPTIONS, check_parameter
from .spec import Array

__all__ = ["OPTIONS"]

Move = tuple[Array, Array, Array | None, bool]  # parameter, gradient, velocity, first
check_sgd = check_parameter


def add(a: Array, b: Array, owned: bool = False) -> Array:
    """Return a + b."""
    return kernel_for("add", a).forward(a, b, owned=owned)[0]  # type: ignore[no-any-return]


def sgd(p: Array, g: Array, v: Array | None, first: bool, **options: Any) -> None:
    """Take a step in place."""
    values = sgd_options(p, [options[name] for name in OPTIONS])
    kernel_for("sgd", p).forward([p], [g], [v], [first], values)


sgd_by_itself = sgd


def launches(p: Array, v: Array | None) -> bool:
    """Return whether `sgd_many` takes this parameter in a CUDA launch."""
    return (
        kernel_for("sgd", p).backend in ("cuda", "cuda-sim")
        and p.dtype.char in "fd"
        and bool(p.flags.c_contiguous and (v is None or v.flags.c_contiguous))
    )


def sgd_options(p: Array, values: Sequence[float]) -> Array:
    """Return the values of `OPTIONS` as an array of the dtype and in the place of `p`."""
    return beside(np.array(values, p.dtype), p)  # type: ignore[no-any-return]


def sgd_many(moves: Sequence[Move], options: Array) -> None:
    """Take the step for several parameters of one dtype and place."""
    kernel_for("sgd", options).forward(*zip(*moves, strict=True), options)


def running_statistics(
    running_mean: Array, running_var: Array, mean: Array, var: Array, count: int, momentum: float
) -> None:
    """Move both running arrays in place."""
    k = kernel_for("running_statistics", running_mean)
    k.forward(running_mean, running_var, mean, var, count=count, momentum=momentum)
