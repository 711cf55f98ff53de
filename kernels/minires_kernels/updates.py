"""Steps on arrays that are no kernels, having no gradient: sums, optimisers' and running updates.

Each runs where its arrays live, and for NumPy's on the backend in use where that has a faster way,
with the same results up to rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import beside, is_device, require_same_place
from .backends import current_backend, load
from .reference import updates as reference
from .spec import Array

LARGE = 1 << 12  # elements; for fewer, the cpu backend is not worth being loaded
OPTIONS = ("lr", "momentum", "dampening", "weight_decay", "nesterov")

Move = tuple[Array, Array, Array | None, bool]  # parameter, gradient, velocity, first


def _on_cpu(a: Array) -> bool:
    return (
        current_backend() == "cpu"
        and a.dtype.char in "fd"
        and (a.size >= LARGE or "minires_kernels.cpu" in sys.modules)
    )


def _launcher(a: Array) -> Any:
    """Return the `updates` of the CUDA backend that runs `a`, or None where none does."""
    if type(a) is np.ndarray and current_backend() != "cuda-sim":
        return None
    if a.dtype.char not in "fd":
        return None
    return load("cuda" if is_device(a) else "cuda-sim").updates


def add(a: Array, b: Array, owned: bool = False) -> Array:
    """Return a + b, of equal shapes and types; in the memory of `a` if nobody else refers to it."""
    if type(a) is not type(b):
        require_same_place("a", a, b=b)
    if _on_cpu(a) and type(a) is np.ndarray:
        from .cpu import accumulate

        return accumulate.add(a, b, owned)
    launcher = _launcher(a)
    if launcher is not None:
        return launcher.add(a, b, owned)  # type: ignore[no-any-return]
    return a + b if is_device(a) else np.asarray(a + b)


def check_sgd(p: Array, g: Array, v: Array | None) -> None:
    """Raise ValueError or TypeError unless the three agree in shape, dtype and place."""
    shape, dtype, kind = p.shape, p.dtype, type(p)
    for name, a in (("gradient", g), ("velocity", v)):
        if a is None:
            continue
        if type(a) is not kind:
            require_same_place("SGD: a parameter", p, **{f"its {name}": a})
        if a.shape != shape or a.dtype != dtype:
            raise ValueError(
                f"SGD: a parameter is {dtype} of shape {shape}, its {name} {a.dtype} of shape "
                f"{a.shape}; they must agree"
            )


def sgd(p: Array, g: Array, v: Array | None, first: bool, **options: Any) -> None:
    """Take a step of stochastic gradient descent in place: see `reference.updates.sgd`.

    p, g and v (None without momentum) agree in shape, dtype and place, else ValueError or
    TypeError; at `first`, v is yet to be set. `options` are all of `OPTIONS`.
    """
    check_sgd(p, g, v)
    if launches(p, v):
        values = tuple(options[name] for name in OPTIONS)
        _launcher(p).sgd(p, g, v, first, sgd_options(p, values))
    else:
        sgd_by_itself(p, g, v, first, **options)


def sgd_by_itself(p: Array, g: Array, v: Array | None, first: bool, **options: Any) -> None:
    """Take the step of `sgd` without a launch, for arrays that have passed `check_sgd`."""
    values = tuple(options[name] for name in OPTIONS)
    if type(p) is np.ndarray and _on_cpu(p) and p.flags.carray and (v is None or v.flags.carray):
        from .cpu import updates

        updates.sgd(p, g, v, first, *values)
    else:
        reference.sgd(p, g, v, first, *values)


def launches(p: Array, v: Array | None) -> bool:
    """Return whether `sgd_many` takes this parameter: it runs as CUDA C++, on plain memory."""
    return bool(
        _launcher(p) is not None and p.flags.c_contiguous and (v is None or v.flags.c_contiguous)
    )


def sgd_options(p: Array, values: Sequence[float]) -> Array:
    """Return the values of `OPTIONS` as an array of the dtype and in the place of `p`."""
    return beside(np.array(values, p.dtype), p)  # type: ignore[no-any-return]


def sgd_many(moves: Sequence[Move], options: Array) -> None:
    """Take the step for several parameters of one dtype and place, in few launches.

    `options` is what `sgd_options` returns. It is read when the launch runs, so a captured launch
    sees what is written into it later. Every move must satisfy `check_sgd` and `launches`.
    """
    _launcher(options).sgd_many(moves, options)


def running_statistics(
    running_mean: Array,
    running_var: Array,
    mean: Array,
    var: Array,
    count: int,
    momentum: float,
) -> None:
    """Move both running arrays in place: running = (1 - momentum) running + momentum batch.

    `var` is the biased variance of `count` values; the unbiased one, count / (count - 1) times as
    large, goes into the average. All arrays have shape (C,), one dtype and one place.
    """
    shape, dtype, kind = running_mean.shape, running_mean.dtype, type(running_mean)
    for name, a in (("running_var", running_var), ("mean", mean), ("var", var)):
        if type(a) is not kind:
            require_same_place("running_mean", running_mean, **{name: a})
        if a.shape != shape or a.dtype != dtype:
            raise ValueError(
                f"running_mean is {dtype} of shape {shape}, {name} is {a.dtype} of shape "
                f"{a.shape}; they must agree"
            )
    launcher = _launcher(running_mean)
    if launcher is not None and not (
        running_mean.flags.c_contiguous and running_var.flags.c_contiguous
    ):
        launcher = None  # the launch writes plain memory
    updates = reference if launcher is None else launcher
    updates.running_statistics(running_mean, running_var, mean, var, count, momentum)
