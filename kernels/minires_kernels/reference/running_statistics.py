"""The running mean and variance that batch normalisation keeps for evaluation, moved in place.

forward    running ← (1 - momentum) running + momentum batch
           the batch's variance made unbiased: var · count / (count - 1)
backward   none
shapes     all (C,); `count` values of each channel gave mean and var
source     Ioffe and Szegedy 2015 (1502.03167), Algorithm 2; an exponential average as in PyTorch

Versions
    v1  NumPy
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks
from ..arrays import require_same_device
from ..spec import Arguments, Array, Case, KernelSpec, versions


def running_statistics_forward_v1(
    running_mean: Array, running_var: Array, mean: Array, var: Array, *, count: int, momentum: float
) -> tuple[()]:
    """Move both."""
    for running, batch in ((running_mean, mean), (running_var, count / (count - 1) * var)):
        running *= 1 - momentum
        running += momentum * batch
    return ()


def _check_forward(
    running_mean: Any, running_var: Any, mean: Any, var: Any, *, count: Any, momentum: Any
) -> Arguments:
    running_mean = checks.floating("running_mean", running_mean, "(C,)")
    shape, dtype, kind = running_mean.shape, running_mean.dtype, type(running_mean)
    for name, a in (("running_var", running_var), ("mean", mean), ("var", var)):
        if type(a) is not kind:
            require_same_device("running_mean", running_mean, **{name: checks.array(name, a)})
        if a.shape != shape or a.dtype != dtype:
            raise ValueError(
                f"running_mean is {dtype} of shape {shape}, {name} is {a.dtype} of shape "
                f"{a.shape}; they must agree"
            )
    options = {
        "count": checks.integer("count", count, 2),
        "momentum": checks.real("momentum", momentum),
    }
    return (running_mean, running_var, mean, var), options


def _cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case(f"{c} channels", tuple(rng.uniform(0.5, 2, (4, c))), {"count": 10, "momentum": 0.1})
        for c in (0, 1, 3, 300)
    ]


SPEC = KernelSpec(
    name="running_statistics",
    formula="running = (1 - momentum) running + momentum batch",
    inputs={"running_mean": "(C,)", "running_var": "(C,)", "mean": "(C,)", "var": "(C,)"},
    writes=("running_mean", "running_var"),
    check_forward=_check_forward,
    cases=_cases,
    flops=lambda running_mean, *_, **__: 7 * running_mean.size,
    bytes=lambda running_mean, *_, **__: 6 * running_mean.nbytes,
    tolerance={"float64": 1e-14, "float32": 1e-6},
    any_dtype=True,
)
VERSIONS = versions(__doc__, (running_statistics_forward_v1,))
