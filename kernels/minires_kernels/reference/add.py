"""The sum of two arrays: where two gradients of one value meet.

forward    y = a + b              equal shapes and dtypes; `owned` lets y take the memory of a
backward   none

Versions
    v1  NumPy
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks
from ..spec import Arguments, Array, Case, KernelSpec, versions


def add_forward_v1(a: Array, b: Array, *, owned: bool) -> tuple[Array]:
    """y = a + b, in new memory."""
    y = a + b
    return (np.asarray(y) if type(a) is np.ndarray else y,)  # a sum of () arrays is no array


def _check_forward(a: Any, b: Any, *, owned: Any = False) -> Arguments:
    a, b = checks.floating("a", a), checks.floating("b", b)
    if type(a) is not type(b) or a.dtype is not b.dtype:
        checks.same_dtype("a", a, b=b)
    if a.shape != b.shape:
        checks.has_shape("b", b, a.shape, "the shape of a")
    return (a, b), {"owned": owned if type(owned) is bool else checks.flag("owned", owned)}


def _cases(rng: np.random.Generator) -> list[Case]:
    shapes: list[tuple[int, ...]] = [(2, 3, 5, 4), (7,), (), (0, 3), (64, 16, 9, 9)]
    return [
        Case(f"shape {s}{', owned' * owned}", tuple(map(np.asarray, rng.standard_normal((2, *s)))),
             {"owned": owned})
        for s in shapes for owned in (False, True)
    ]  # fmt: skip


SPEC = KernelSpec(
    name="add",
    formula="y = a + b",
    inputs={"a": "any shape", "b": "the shape of a"},
    writes=("a",),  # if owned
    check_forward=_check_forward,
    cases=_cases,
    flops=lambda a, b, **_: a.size,
    bytes=lambda a, b, **_: 3 * a.nbytes,
    tolerance={"float64": 1e-15, "float32": 1e-6},
    any_dtype=True,
)
VERSIONS = versions(__doc__, (add_forward_v1,))
