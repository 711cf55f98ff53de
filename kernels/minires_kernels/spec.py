"""What a kernel is: its specification, its versions, and the public edge that validates a call.

A kernel is a pair of pure functions on arrays:

    forward(x, w, ..., **options)  ->  y, *saved
    backward(dy, *saved, needs)    ->  dx, dw, ...      None where not needed

Inputs are never modified and outputs never alias inputs (a saved value may be an input itself).
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

from .arrays import is_device

Array = npt.NDArray[Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]  # positional arrays, keyword options
Needs = tuple[bool, ...]  # for each positional argument of forward, whether its gradient is wanted
ALL: Needs = (True,) * 8  # at least as many as any kernel has arguments


@dataclass(frozen=True)
class Case:
    """One example call: float64 arrays (None for an omitted one) and options, with a label.

    A case `at_kinks` (ties, zeros before a ReLU) has no derivative there: backends must agree on
    it, but it is not compared with finite differences.
    """

    label: str
    arrays: tuple[Array | None, ...]
    options: dict[str, Any] = field(default_factory=dict)
    at_kinks: bool = False

    def astype(self, dtype: npt.DTypeLike) -> tuple[Array | None, ...]:
        """Return the arrays with the floating ones cast to `dtype`; labels keep their type."""
        return tuple(
            a.astype(dtype) if a is not None and a.dtype.kind == "f" else a for a in self.arrays
        )


@dataclass(frozen=True)
class KernelSpec:
    """The contract of one kernel; parity tests, gradient checks and benchmarks follow from it.

    formula        what forward computes, in one line
    inputs         names of the positional arguments of forward, with shapes: {"x": "(N, C, H, W)"}
    gradients      names of what backward returns, in order, and the inputs each belongs to
    saved          a NamedTuple: what forward returns after y, and backward takes after dy
    check_forward  validates a call of forward; returns it normalised, or raises
    check_backward validates a call of backward, or raises
    cases          draws example calls that cover the kernel's options and edge cases
    flops, bytes   arithmetic and the least memory traffic of one forward call
    tolerance      relative error allowed against the float64 reference, per dtype name
    branch         from `saved`, the choice made at kinks (open ReLUs, winners of maxima)
    new_gradients  whether nobody else refers to what backward returns, one array for each input
    """

    name: str
    formula: str
    inputs: Mapping[str, str]
    gradients: Mapping[str, tuple[str, ...]]
    saved: Any
    check_forward: Callable[..., Arguments]
    check_backward: Callable[..., None]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    flops: Callable[..., int]
    bytes: Callable[..., int]
    tolerance: Mapping[str, float] = field(
        default_factory=lambda: {"float64": 1e-10, "float32": 1e-5}
    )
    branch: Callable[[Any], Array] | None = None
    new_gradients: bool = True


def _always(*_args: Any, **_options: Any) -> bool:
    return True


@dataclass(frozen=True)
class Version:
    """One implementation of a kernel: number, the idea in a line, and the two functions.

    `supports` and `supports_backward` get a validated call and say whether this version can run it.
    `tolerance` multiplies the spec's, for an algorithm that rounds more than the definition does.
    While `offered` is false, it runs only when its number is asked for.
    """

    number: int
    idea: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    supports: Callable[..., bool] = _always
    supports_backward: Callable[..., bool] = _always
    tolerance: float = 1.0
    offered: Callable[[], bool] = _always


def documented_versions(header: str | None) -> dict[int, str]:
    """Read the lines `v1  idea` of a kernel file's docstring into {1: "idea"}."""
    return {int(n): idea for n, idea in re.findall(r"^ +v(\d+) +(.+)$", header or "", re.M)}


def versions(header: str | None, *pairs: tuple[Any, ...]) -> tuple[Version, ...]:
    """Number (forward, backward[, supports[, supports_backward[, tolerance[, offered]]]]) from 1.

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


@dataclass(frozen=True)
class Kernel:
    """A kernel on one backend: the public edge. Every call is validated before any of it runs.

    With `version` None, the highest-numbered version that supports the arguments runs.
    """

    spec: KernelSpec
    backend: str
    implementations: tuple[Version, ...]
    dtypes: tuple[np.dtype[Any], ...] | None = None  # None: any float type
    version: int | None = None

    def forward(self, *arrays: Any, **options: Any) -> tuple[Any, ...]:
        """Validate the call and compute `y, *saved`; raises ValueError or TypeError."""
        arrays, options = self.spec.check_forward(*arrays, **options)
        self._check_dtype(arrays[0])
        run = self._select("supports", arrays, options)
        return run.forward(*arrays, **options)  # type: ignore[no-any-return]

    def backward(self, dy: Array, *saved: Any, needs: Needs = ALL) -> Any:
        """Validate the call and compute the gradients named in `spec.gradients`, in that order.

        `needs` says for each of `spec.inputs` whether its gradient is wanted, which is None where
        it is not; a kernel with one gradient always computes it.
        """
        spec = self.spec
        if needs is not ALL and len(needs) != len(spec.inputs):
            raise ValueError(
                f"{spec.name}: needs: expected one of True and False for each of "
                f"{', '.join(spec.inputs)}, got {needs!r}"
            )
        spec.check_backward(dy, *saved)
        self._check_dtype(dy)
        run = self._select("supports_backward", (dy, *saved), {})
        if len(spec.gradients) == 1:
            return run.backward(dy, *saved)
        return run.backward(dy, *saved, needs=needs)

    def _check_dtype(self, x: Array) -> None:
        if is_device(x) != (self.backend == "cuda"):
            came = "an array on the GPU" if is_device(x) else "a NumPy array"
            raise TypeError(
                f"{self.spec.name}: the {self.backend} backend got {came}; leave `backend` out, "
                'or move the array: x.to("cuda") or x.to("cpu") for a Tensor'
            )
        if self.dtypes is not None and x.dtype not in self.dtypes:
            raise TypeError(
                f"{self.spec.name}: the {self.backend} backend computes in "
                f"{' and '.join(map(str, self.dtypes))}, got {x.dtype}; cast the arrays, or use "
                "the reference backend, which takes any float type"
            )

    def _select(self, predicate: str, arrays: Any, options: dict[str, Any]) -> Version:
        if self.version is not None:
            for v in self.implementations:
                if v.number == self.version:
                    if getattr(v, predicate)(*arrays, **options):
                        return v
                    raise ValueError(
                        f"{self.spec.name} v{v.number} ({self.backend}) does not support this "
                        "call; leave `version` out to let one be chosen"
                    )
            have = ", ".join(str(v.number) for v in self.implementations)
            raise ValueError(
                f"{self.spec.name} has versions {have} on the {self.backend} backend, "
                f"got version={self.version}"
            )
        for v in reversed(self.implementations):
            if v.offered() and getattr(v, predicate)(*arrays, **options):
                return v
        raise ValueError(f"no version of {self.spec.name} on {self.backend} supports this call")
