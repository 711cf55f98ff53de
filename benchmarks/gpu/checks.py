"""Are the kernels right on this GPU? Every version and case against the float64 reference.

small cases   those of each kernel's specification: result and gradients against the reference
stages        the calls of a ResNet-20 step at its batch of 128. Of many values some lie so near a
              kink that rounding decides its side; so the gradients are compared with those that the
              reference computes from what this version saved

Each case runs in two memory orders, and twice in the first: all bits must be the same. What is
allowed is the specification's tolerance, times the version's; of a stage ten times as much, since
sums have up to 131,072 terms there, which the first versions add up one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels import Case, Kernel, kernel, specs
from minires_kernels.backends import load

from .. import shapes
from ..timing import Row, note
from .place import Place
from .plan import Plan

LEAST_TOLERANCE = 1e-14
STAGE_TOLERANCE = 10.0  # times that of the small cases


class Lost(RuntimeError):
    """The GPU takes no more work in this process, after an access outside of memory for example."""


@dataclass(frozen=True)
class Example:
    """A case, and whether its gradients are compared from what the version saved."""

    case: Case
    stage: bool = False


@dataclass
class Found:
    """Rows of a table, one per kernel, version and dtype, and the failures among their cases."""

    rows: list[Row] = field(default_factory=list)
    failures: list[Row] = field(default_factory=list)


def examples(name: str, stages: bool) -> list[Example]:
    """Return the cases of a kernel; with `stages` the calls of a ResNet-20 step too."""
    found = [Example(case) for case in specs()[name].cases(np.random.default_rng(0))]
    if stages:
        for call in shapes.calls(name, "cifar") or []:
            found.append(Example(Case(call.label, tuple(call.arrays()), call.options), stage=True))
    return found


def as_tuple(gradients: Any) -> tuple[Any, ...]:
    """Return what a backward pass returned as a tuple."""
    return gradients if isinstance(gradients, tuple) else (gradients,)


def double(a: Any) -> Any:
    """Return a float array as float64, anything else as it is."""
    return a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def error(got: Any, expected: Any) -> float:
    """Return the largest error over the largest expected value; inf for another shape or None."""
    if got is None or expected is None:
        return 0.0 if got is expected else float("inf")
    if got.shape != expected.shape:
        return float("inf")
    if not expected.size:
        return 0.0
    scale = float(np.abs(expected).max())
    return float(np.abs(got.astype(np.float64) - expected).max()) / (scale or 1.0)


@dataclass
class Run:
    """What one call of a version gave, as NumPy's arrays; no gradients where it has no backward."""

    y: Any
    saved: list[Any]
    gradients: tuple[Any, ...] | None

    def bits(self) -> list[bytes]:
        """Return the bytes of all results."""
        return [a.tobytes() for a in (self.y, *(self.gradients or ())) if a is not None]


def run(
    place: Place, k: Kernel, arrays: Sequence[Any], options: Any, dy: Any, order: str = "C"
) -> Run | None:
    """Run version `k.version` forward and backward; None if it does not support the call."""
    (version,) = [v for v in k.implementations if v.number == k.version]
    given = (put_in_order(place, a, order) for a in arrays)
    checked, normal = k.spec.check_forward(*given, **options)
    if not version.supports(*checked, **normal):
        return None
    y, *saved = k.forward(*checked, **options)
    gradients = None
    upstream = put_in_order(place, dy, order)
    if version.supports_backward(upstream, *saved):
        gradients = tuple(place.get(g) for g in as_tuple(k.backward(upstream, *saved)))
    return Run(place.get(y), [place.get(a) for a in saved], gradients)


ORDERS = ("C", "channels last")


def put_in_order(place: Place, a: Any, order: str) -> Any:
    """Return a NumPy array on the place, with its channels last in memory if that is the order."""
    here = place.put(a)
    if a is None or a.ndim < 2 or order == "C":
        return here
    xp = place.xp
    return xp.moveaxis(xp.ascontiguousarray(xp.moveaxis(here, 1, -1)), -1, 1)


class Reference:
    """The float64 reference of each example of a kernel, computed once."""

    def __init__(self, name: str) -> None:
        self.kernel = kernel(name, "reference")
        self._found: dict[int, tuple[Any, Any, tuple[Any, ...]]] = {}

    def of(self, i: int, example: Example) -> tuple[Any, Any, tuple[Any, ...]]:
        """Return y, an upstream gradient, and the gradients (none for a stage)."""
        if i not in self._found:
            case = example.case
            y, *saved = self.kernel.forward(*map(double, case.arrays), **case.options)
            dy = np.asarray(np.random.default_rng(1000 + i).standard_normal(y.shape))
            wanted = () if example.stage else as_tuple(self.kernel.backward(dy, *saved))
            self._found[i] = y, dy, wanted
        return self._found[i]

    def gradients(self, dy: Any, saved: Sequence[Any]) -> tuple[Any, ...]:
        """Return the gradients that follow from what a version saved."""
        return as_tuple(self.kernel.backward(double(dy), *map(double, saved)))


def faults(
    place: Place, k: Kernel, i: int, example: Example, dtype: str, reference: Reference
) -> Iterator[tuple[str, float]] | None:
    """Run an example in each order; yield (what, error) of every result, None if not supported."""
    case = example.case
    y0, dy0, gradients0 = reference.of(i, example)
    dy = dy0.astype(dtype)
    first = run(place, k, case.astype(dtype), case.options, dy)
    if first is None:
        return None

    def compare() -> Iterator[tuple[str, float]]:
        for order in ORDERS:
            got = first
            if order != "C":
                got = run(place, k, case.astype(dtype), case.options, dy, order)
            if got is None:
                continue
            yield f"y, {order}", error(got.y, y0)
            if got.gradients is not None:
                expected = reference.gradients(dy, got.saved) if example.stage else gradients0
                for name, g, g0 in zip(k.spec.gradients, got.gradients, expected, strict=True):
                    yield f"{name}, {order}", error(g, g0)
        again = run(place, k, case.astype(dtype), case.options, dy)
        same = again is not None and again.bits() == first.bits()
        yield "two runs differ", 0.0 if same else float("inf")

    return compare()


def check_kernels(place: Place, plan: Plan, found: Found, names: Sequence[str] = ()) -> None:
    """Check every version of the kernels (all if none are named). Raises Lost."""
    for name in names or [name for name, spec in specs().items() if spec.gradients]:
        reference, cases = Reference(name), examples(name, plan.stages)
        for version in load(place.backend).KERNELS[name]:
            for dtype in plan.dtypes:
                found.rows.append(
                    _check_version(place, name, version, dtype, cases, reference, found.failures)
                )
        note(f"checks: {name} done")


def _check_version(
    place: Place,
    name: str,
    version: Any,
    dtype: str,
    cases: Sequence[Example],
    reference: Reference,
    failures: list[Row],
) -> Row:
    k = kernel(name, place.backend, version.number)
    small = max(k.spec.tolerance[dtype] * version.tolerance, LEAST_TOLERANCE)
    who: Row = {"kernel": name, "version": f"v{version.number}", "dtype": dtype}
    ran, worst, before = 0, 0.0, len(failures)
    needs_tensor_cores = (name, version.number) == ("conv2d", 4)
    for i, example in enumerate(cases if place.tensor_cores or not needs_tensor_cores else ()):
        allowed = small * (STAGE_TOLERANCE if example.stage else 1)
        try:
            results = faults(place, k, i, example, dtype, reference)
            ran += results is not None
            for what, e in results or ():
                worst = max(worst, e / allowed) if e == e else float("nan")
                if not e <= allowed:
                    case = {"case": example.case.label, "what": what}
                    failures.append({**who, **case, "error": e, "allowed": allowed})
        except Exception as problem:  # whatever it is, the other cases are of interest
            told = f"{type(problem).__name__}: {str(problem).strip().partition(chr(10))[0]}"
            failures.append({**who, "case": example.case.label, "what": told})
            require_alive(place, f"{name} v{version.number}, {example.case.label}: {told}")
    failed = len(failures) - before
    return {**who, "cases": ran, "left out": len(cases) - ran, "worst": worst, "failed": failed}


def require_alive(place: Place, after: str) -> None:
    """Raise Lost if the GPU takes no more work."""
    try:
        place.synchronize()
    except Exception as problem:
        raise Lost(f"the GPU takes no more work in this process after {after}") from problem


def check_updates(place: Place, plan: Plan, found: Found) -> None:
    """Check what has no gradient and writes in place: sums, SGD and running statistics."""
    for name, spec in specs().items():
        if spec.gradients:
            continue
        cases = spec.cases(np.random.default_rng(0))
        for version in load(place.backend).KERNELS[name]:
            for dtype in plan.dtypes:
                who: Row = {"kernel": name, "version": f"v{version.number}", "dtype": dtype}
                before, worst = len(found.failures), 0.0
                k = kernel(name, place.backend, version.number)
                for case in cases:
                    e = _worst_update(place, k, case, dtype)
                    worst = max(worst, e / spec.tolerance[dtype]) if e == e else float("nan")
                    if not e <= spec.tolerance[dtype]:
                        allowed = {"error": e, "allowed": spec.tolerance[dtype]}
                        row = {**who, "case": case.label, "what": "result", **allowed}
                        found.failures.append(row)
                failed = len(found.failures) - before
                counts = {"cases": len(cases), "left out": 0, "worst": worst, "failed": failed}
                found.rows.append({**who, **counts})


def _worst_update(place: Place, k: Kernel, case: Case, dtype: str) -> float:
    """Return the largest error of what a kernel returns or, if that is nothing, of its arrays.

    An array that the caller gave up (`owned`) may hold anything afterwards.
    """
    arrays = _each(lambda a: place.put(a.copy()), case.astype(dtype))
    wanted = _each(double, case.astype(dtype))  # sums of what was rounded to dtype
    got = k.forward(*arrays, **case.options) or arrays
    expected = kernel(k.spec.name, "reference").forward(*wanted, **case.options) or wanted
    pairs = zip(_flattened(got), _flattened(expected), strict=True)
    return max(error(place.get(a), b) for a, b in pairs)


def _each(change: Callable[[Any], Any], a: Any) -> Any:
    """Change the arrays among the values and in their lists."""
    if isinstance(a, list | tuple):
        return [_each(change, part) for part in a]
    return change(a) if isinstance(a, np.ndarray) else a


def _flattened(values: Sequence[Any]) -> list[Any]:
    """Return the arrays among the values and in their lists."""
    parts = [part for a in values for part in (a if isinstance(a, list) else [a])]
    return [a for a in parts if a is not None and not isinstance(a, bool)]
