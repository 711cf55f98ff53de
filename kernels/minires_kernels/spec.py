"""What a kernel is: its specification and its versions.

A kernel is a pair of pure functions on arrays:

    forward(x, w, ..., **options)  ->  y, *saved
    backward(dy, *saved, needs)    ->  dx, dw, ...      None where not needed

Inputs are never modified and outputs never alias inputs (a saved value may be an input itself).
A few have no backward pass, and modify what `KernelSpec.writes` names: the steps of optimisers.
The `KernelSpec` beside the reference version says what the kernel computes and checks every call;
each backend brings `Version`s of it, from obvious to fast, with identical signatures and identical
saved values, so that any two of them can be compared, or swapped between forward and backward.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import Array as Array  # kernels take it from here

Arguments = tuple[tuple[Any, ...], dict[str, Any]]  # positional arrays, keyword options
Needs = tuple[bool, ...]  # for each positional argument of forward, whether its gradient is wanted
ALL: Needs = (True,) * 8  # at least as many as any kernel has arguments


def _cast(a: Any, dtype: npt.DTypeLike) -> Any:
    if isinstance(a, list):
        return [_cast(part, dtype) for part in a]
    return a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


@dataclass(frozen=True)
class Case:
    """One example call: float64 arrays (None for an omitted one) and options, with a label.

    An argument may be a list of arrays, as the parameters of an optimiser's step.

    A case `at_kinks` (ties, zeros before a ReLU) has no derivative there: backends must agree on
    it, but it is not compared with finite differences.
    """

    label: str
    arrays: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    at_kinks: bool = False

    def astype(self, dtype: npt.DTypeLike) -> tuple[Any, ...]:
        """Return the arrays with the floating ones cast to `dtype`; labels keep their type."""
        return tuple(_cast(a, dtype) for a in self.arrays)


def _no_backward(*_args: Any) -> None:
    raise TypeError("this kernel has no backward pass")


@dataclass(frozen=True)
class KernelSpec:
    """The contract of one kernel; parity tests, gradient checks and benchmarks follow from it.

    formula        what forward computes, in one line
    inputs         names of the positional arguments of forward, with shapes: {"x": "(N, C, H, W)"}
    check_forward  validates a call of forward; returns it normalised, or raises
    cases          draws example calls that cover the kernel's options and edge cases
    flops, bytes   arithmetic and the least memory traffic of one forward call
    tolerance      relative error allowed against the float64 reference, per dtype name
    writes         names of the arguments that forward modifies; none for a pure function
    any_dtype      every backend takes any float type, and NumPy's arrays while "cuda" is in use;
                   where a loop of its own does not, the reference's arithmetic runs
    witness        index of the argument whose dtype and device are the call's
    values         names of the inputs whose numbers check_forward reads, not only shape and dtype:
                   a call that gives one of them is checked each time (see `checks.signature`)

    A kernel without a backward pass leaves out the rest.

    gradients      names of what backward returns, in order, and the inputs each belongs to
    saved          a NamedTuple: what forward returns after y, and backward takes after dy
    saved_values   names of those whose numbers check_backward reads, as `values`
    check_backward validates a call of backward, or raises
    branch         from `saved`, the choice made at kinks (open ReLUs, winners of maxima)
    new_gradients  whether nobody else refers to what backward returns, one array for each input
    """

    name: str
    formula: str
    inputs: Mapping[str, str]
    check_forward: Callable[..., Arguments]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    flops: Callable[..., int]
    bytes: Callable[..., int]
    tolerance: Mapping[str, float] = field(
        default_factory=lambda: {"float64": 1e-10, "float32": 1e-5}
    )
    writes: tuple[str, ...] = ()
    any_dtype: bool = False
    witness: int = 0
    values: tuple[str, ...] = ()
    gradients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    saved: Any = None
    saved_values: tuple[str, ...] = ()
    check_backward: Callable[..., None] = _no_backward
    branch: Callable[[Any], Array] | None = None
    new_gradients: bool = True


def always(*_args: Any, **_options: Any) -> bool:
    """Return True: what `supports` of most versions says."""
    return True


@dataclass(frozen=True)
class Version:
    """One implementation of a kernel: number, the idea in a line, and the two functions.

    `supports` and `supports_backward` get a validated call and say whether this version can run it,
    by shapes, dtypes and options alone: the answer holds for every call of the same signature.
    `tolerance` multiplies the spec's, for an algorithm that rounds more than the definition does.
    While `offered` is false, it runs only when its number is asked for. One that `adds` takes an
    array `onto` in backward, and may add the first gradient to it: it then returns that array.
    """

    number: int
    idea: str
    forward: Callable[..., Any]
    backward: Callable[..., Any] = _no_backward
    supports: Callable[..., bool] = always
    supports_backward: Callable[..., bool] = always
    tolerance: float = 1.0
    offered: Callable[[], bool] = always
    adds: bool = False


def documented_versions(header: str | None) -> dict[int, str]:
    """Read the lines `v1  idea` of a kernel file's docstring into {1: "idea"}."""
    return {int(n): idea for n, idea in re.findall(r"^ +v(\d+) +(.+)$", header or "", re.M)}


def versions(header: str | None, *pairs: tuple[Any, ...]) -> tuple[Version, ...]:
    """Number (forward[, backward[, …]]), the fields of a `Version` from there on, from 1.

    The idea of each is read from the file's docstring, so that header and code cannot drift apart:
    a version without a line, or a line without a version, raises `ValueError` at import. `python
    -OO` strips docstrings: no idea has words then.
    """
    ideas = documented_versions(header)
    if header is None and sys.flags.optimize > 1:
        ideas = dict.fromkeys(range(1, len(pairs) + 1), "")
    if sorted(ideas) != list(range(1, len(pairs) + 1)):
        raise ValueError(
            f"the file registers versions 1..{len(pairs)}, its header describes {sorted(ideas)}"
        )
    return tuple(Version(n, ideas[n], *pair) for n, pair in enumerate(pairs, start=1))
