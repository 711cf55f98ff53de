"""A step of stochastic gradient descent, in place, for any number of parameters.

forward    g ← g + λ p;   v ← μ v + (1 - τ) g   (v = g at `first`);   p ← p - η v
           with `nesterov` p ← p - η (g + μ v); without momentum or a velocity p ← p - η g
backward   none
options    (5,): learning rate η, momentum μ, dampening τ, weight decay λ, nesterov (0 or 1); an
           array, because a captured CUDA launch reads it each time that it runs
source     Sutskever et al. 2013, On the importance of initialization and momentum, as in PyTorch

Versions
    v1  NumPy
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks
from ..arrays import require_same_device, to_host
from ..spec import Arguments, Array, Case, KernelSpec, versions

OPTIONS = ("lr", "momentum", "dampening", "weight_decay", "nesterov")


def sgd_forward_v1(
    params: Sequence[Array],
    grads: Sequence[Array],
    velocities: Sequence[Array | None],
    first: Sequence[bool],
    options: Array,
) -> tuple[()]:
    """Move one parameter after another."""
    lr, momentum, dampening, weight_decay, nesterov = to_host(options).tolist()
    for p, g, v, at_first in zip(params, grads, velocities, first, strict=True):
        number = p.dtype.type
        if weight_decay:
            g = g + number(weight_decay) * p
        if momentum and v is not None:
            if at_first:
                v[...] = g
            else:
                v *= number(momentum)
                v += number(1 - dampening) * g
            g = g + number(momentum) * v if nesterov else v
        p -= number(lr) * g
    return ()


def _check_forward(params: Any, grads: Any, velocities: Any, first: Any, options: Any) -> Arguments:
    if not len(params) == len(grads) == len(velocities) == len(first):
        raise ValueError(
            f"SGD: {len(params)} parameters, {len(grads)} gradients, {len(velocities)} velocities "
            f"and {len(first)} flags `first`; there must be one of each for a parameter"
        )
    options = checks.floating("options", options)
    checks.has_shape("options", options, (len(OPTIONS),), ", ".join(OPTIONS))
    kind, dtype = type(options), options.dtype
    for p, g, v in zip(params, grads, velocities, strict=True):
        if type(p) is not kind:
            require_same_device("SGD: a parameter", checks.array("a parameter", p), options=options)
        if p.dtype != dtype:
            raise TypeError(
                f"SGD: a parameter is {p.dtype} but options is {dtype}; give one call for each "
                "dtype"
            )
        check_parameter(p, g, v)
    return (params, grads, velocities, first, options), {}


def check_parameter(p: Array, g: Array, v: Array | None) -> None:
    """Raise ValueError or TypeError unless the three agree in shape, dtype and device."""
    shape, dtype, kind = p.shape, p.dtype, type(p)
    for name, a in (("gradient", g), ("velocity", g if v is None else v)):
        if type(a) is not kind:
            require_same_device("SGD: a parameter", p, **{f"its {name}": checks.array(name, a)})
        if a.shape != shape or a.dtype != dtype:
            raise ValueError(
                f"SGD: a parameter is {dtype} of shape {shape}, its {name} {a.dtype} of shape "
                f"{a.shape}; they must agree"
            )


def _cases(rng: np.random.Generator) -> list[Case]:
    """Twenty parameters, which is three CUDA launches; some at their first step, one empty."""
    shapes = [(3,), (), (0,), (300,), (2, 3, 3, 3), (100, 99), *[(k,) for k in range(1, 15)]]

    def case(label: str, *options: float, velocities: bool = True) -> Case:
        p, g, v = ([np.asarray(rng.standard_normal(s)) for s in shapes] for _ in range(3))
        moving: list[Array | None] = [*v] if velocities else [None] * len(shapes)
        first = [i % 2 == 0 for i in range(len(shapes))]
        return Case(label, (p, g, moving, first, np.array(options)))

    return [
        case("plain", 0.1, 0, 0, 0, 0, velocities=False),
        case("no momentum now", 0.1, 0, 0, 0, 0),
        case("momentum", 0.1, 0.9, 0, 0, 0),
        case("momentum without velocities", 0.1, 0.9, 0, 0, 0, velocities=False),
        case("dampened, decayed", 0.1, 0.9, 0.3, 0.01, 0),
        case("nesterov, decayed", 0.1, 0.9, 0, 0.01, 1),
    ]


SPEC = KernelSpec(
    name="sgd",
    formula="g += λ p;  v = μ v + (1 - τ) g;  p -= η v",
    inputs={
        "params": "arrays of any shapes, of one dtype",
        "grads": "arrays of those shapes",
        "velocities": "arrays of those shapes, or None each",
        "first": "whether each velocity is yet to be set",
        "options": "(5,) " + ", ".join(OPTIONS),
    },
    writes=("params", "velocities"),
    check_forward=_check_forward,
    cases=_cases,
    flops=lambda params, *_: 6 * sum(p.size for p in params),
    bytes=lambda params, *_: 5 * sum(p.nbytes for p in params),
    tolerance={"float64": 1e-14, "float32": 1e-6},
    any_dtype=True,
    witness=4,
)
VERSIONS = versions(__doc__, (sgd_forward_v1,))
