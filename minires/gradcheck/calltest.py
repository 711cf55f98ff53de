"""One vector-Jacobian test of one recorded call: ⟨u, J d⟩ by differences beside ⟨backward(u), d⟩.

The call runs again by itself, in float64, on what it was given. One random direction d per input
says whether its backward pass is right, at a cost that does not depend on the number of elements;
if it is not, halving the direction finds a wrong one.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array, to_device_of, to_host

from .. import random as minires_random
from ..engine import unbroadcast
from ..function import Context
from ..tensor import Array
from .branches import observe_branches
from .calls import Call

STEPS = (1e-3, 1e-5, 1e-7)  # of each element's size; the shorter ones if a kink lies within
NOTABLE = 1e-6  # of the norm of what the elements contribute: less is not called wrong
EPS = float(np.finfo(np.float64).eps)


@dataclass
class Slip:
    """What is wrong with a call's backward pass: `text` says it, `input` is the place it concerns.

    undecided   differences could not tell (a kink everywhere, a random forward pass)
    """

    input: int
    text: str
    undecided: bool = False


@dataclass
class Slope:
    """A derivative by differences: its value and its error bound (infinite if there is none)."""

    value: float
    bound: float


class Replay:
    """Runs a call again on float64 copies of its inputs, with the same random numbers each time."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.rng = copy.deepcopy(minires_random.generator())
        self.inputs = [_double(x) for x in call.inputs]
        self.options = {k: _double(x) for k, x in call.options.items()}
        if hasattr(call.function, "spec"):
            self.options.pop("seen", None)  # it moves running statistics
        self.written: set[int] = set()  # inputs that forward wrote into

    def forward(self, moved: dict[int, Array]) -> tuple[Array, Context, bytes | None]:
        """Return y, the context, and the fingerprint of the branches taken."""
        given = [moved.get(i, x) for i, x in enumerate(self.inputs)]
        given = [_placed(x, o) for x, o in zip(given, self.call.inputs, strict=True)]
        before = [to_host(x).copy() if is_array(x) else x for x in given]
        ctx = Context()
        ctx.needs = self.call.needs
        with minires_random.using(copy.deepcopy(self.rng)), observe_branches() as log:
            y = self.call.function.forward(ctx, *given, **self.options)
        for i, (x, b) in enumerate(zip(given, before, strict=True)):
            if is_array(x) and not np.array_equal(to_host(x), b, equal_nan=b.dtype.kind == "f"):
                self.written.add(i)
        return to_host(np.asarray(y) if isinstance(y, np.generic) else y), ctx, (
            log.digest() if log.count else None
        )  # fmt: skip

    def backward(self, ctx: Context, u: Array) -> list[Any]:
        """Return the gradients as NumPy's arrays, None where none is wanted. Raises what it may."""
        grads = self.call.function.backward(ctx, to_device_of(u.copy(), self.call.y))
        if not isinstance(grads, tuple):
            grads = grads if isinstance(grads, list) and len(self.inputs) > 1 else (grads,)
        if len(grads) != len(self.inputs):
            raise ValueError(f"{len(grads)} gradients for {len(self.inputs)} inputs")
        found: list[Any] = []
        for x, g, needed in zip(self.inputs, grads, self.call.needs, strict=True):
            if not needed:
                found.append(None)
                continue
            if g is None:
                raise ValueError("None for an input that requires a gradient")
            g = to_host(g) if is_array(g) else np.asarray(g)
            g = unbroadcast(g, x.shape) if g.shape == u.shape else g
            if g.shape != x.shape:
                raise ValueError(f"a gradient of shape {g.shape} for an input of shape {x.shape}")
            found.append(g)
        return found


def _double(x: Any) -> Any:
    if is_array(x):
        host = to_host(x)
        return host.astype(np.float64) if host.dtype.kind == "f" else host.copy()
    return x


def _placed(x: Any, like: Any) -> Any:
    return to_device_of(x.copy(), like) if is_array(x) and is_array(like) else x


def check_call(call: Call, seed: int = 0) -> Slip | None:
    """Return what is wrong with the backward pass of `call`, or None; `seed` is of directions."""
    rng = np.random.default_rng(seed)
    replay = Replay(call)
    try:
        with np.errstate(all="ignore"):
            return _check(replay, rng)
    except Exception as error:  # whatever a user's Function may raise
        return Slip(0, f"stopped by {type(error).__name__}: {error}")


def _check(replay: Replay, rng: np.random.Generator) -> Slip | None:
    y, ctx, digest = replay.forward({})
    if not np.isfinite(y).all():
        return Slip(0, "its output is not finite in float64, so it was not checked", True)
    u = np.asarray(rng.standard_normal(y.shape))
    grads = replay.backward(ctx, u)
    again, _, _ = replay.forward({})
    if not np.array_equal(y, again):
        return Slip(0, "its forward pass gives other values the second time", True)
    doubt = None
    for i, (x, g) in enumerate(zip(replay.inputs, grads, strict=True)):
        if g is None or not x.size:
            continue
        if not np.isfinite(g).all():
            name = replay.call.input_name(i)
            return Slip(i, f"its gradient of {name} is NaN or infinite where y is finite")
        slip = _Input(replay, i, g, u, y, digest).check(rng)
        if slip is not None and not slip.undecided:
            return slip
        doubt = doubt or slip
    for i in sorted(replay.written):
        name = replay.call.input_name(i)
        return Slip(i, f"its forward pass writes into {name}, which others may use: copy it")
    return doubt


class _Input:
    """The test of one input of a call."""

    def __init__(
        self, replay: Replay, i: int, g: Array, u: Array, y: Array, digest: bytes | None
    ) -> None:
        self.replay, self.i, self.g, self.u, self.y, self.digest = replay, i, g, u, y, digest
        self.x, self.name = replay.inputs[i], replay.call.input_name(i)
        root = float(np.sqrt(np.mean(self.x**2)))
        self.unit = np.where(self.x != 0, np.abs(self.x), root or 1.0)

    def check(self, rng: np.random.Generator) -> Slip | None:
        d = np.asarray(rng.standard_normal(self.x.shape)) * self.unit
        for direction in (d, np.where(self.x != 0, d, 0.0)):  # at 0 a maximum has ties, ReLU a kink
            slope = self.slope(direction)
            if np.isfinite(slope.bound):
                break
        else:
            return Slip(self.i, f"differences do not settle for {self.name} (kinks?)", True)
        if not self.differs(direction, slope):
            return None
        return self.halved(direction)

    def differs(self, d: Array, slope: Slope) -> bool:
        contributions = float(np.linalg.norm(self.g * d))
        allowed = slope.bound + NOTABLE * max(contributions, abs(slope.value))
        return abs(float(np.sum(self.g * d)) - slope.value) > allowed

    def slope(self, d: Array) -> Slope:
        """Return ⟨u, J d⟩ from three central differences by Richardson's extrapolation."""
        for h in STEPS:
            values = [self.central(d, step) for step in (h, h / 2, h / 4)]
            if any(v is None for v in values):
                continue
            a, b, c = (float(v) for v in values if v is not None)
            first, second = (4 * b - a) / 3, (4 * c - b) / 3
            value = (16 * second - first) / 15
            rounding = 40 * EPS * float(np.linalg.norm(self.u * self.y)) / h
            bound = 2 * abs(value - second) + rounding
            size = max(abs(value), float(np.linalg.norm(self.g * d)))
            if bound <= 1e-4 * size or (a == b == c == 0) or bound <= 1e-12:
                return Slope(value, bound)
        return Slope(0.0, np.inf)

    def central(self, d: Array, h: float) -> float | None:
        """Return one central difference, None if a branch changed or a value is not finite."""
        sides = []
        for sign in (h, -h):
            y, _, digest = self.replay.forward({self.i: self.x + sign * d})
            if digest != self.digest or not np.isfinite(y).all():
                return None
            sides.append(y)
        return float(np.sum(self.u * (sides[0] - sides[1]))) / (2 * h)

    def halved(self, d: Array) -> Slip:
        """Halve a direction that differs until one element is left, and tell its two values."""
        where = np.flatnonzero(d)
        while len(where) > 1:
            for half in (where[: len(where) // 2], where[len(where) // 2 :]):
                part = np.zeros_like(d)
                part.flat[half] = d.flat[half]
                slope = self.slope(part)
                if np.isfinite(slope.bound) and self.differs(part, slope):
                    break
            else:
                text = f"its gradient of {self.name} differs from differences of its forward"
                return Slip(self.i, text)
            where = half
        k = int(where[0])
        element = np.zeros_like(d)
        element.flat[k] = d.flat[k]
        numeric = self.slope(element).value / float(d.flat[k])
        if self._kink(element):
            return Slip(self.i, f"differences meet a kink of {self.name}", True)
        at = tuple(int(n) for n in np.unravel_index(k, d.shape))
        place = f" at {at}" if at else ""
        text = (
            f"its gradient of {self.name}{place} is {self.g.flat[k]:.6g}, should be {numeric:.6g}"
        )
        return Slip(self.i, text)

    def _kink(self, d: Array) -> bool:
        """Do the one-sided slopes differ, also for half the step?"""
        gaps = []
        for h in (1e-5, 5e-6):
            sides = [
                float(np.sum(self.u * (self.replay.forward({self.i: self.x + s * d})[0] - self.y)))
                for s in (h, -h)
            ]
            gaps.append(abs(sides[0] + sides[1]) / h)
        noise = 1e3 * EPS * float(np.linalg.norm(self.u * self.y)) / 1e-5
        return gaps[0] > noise and gaps[1] > 0.75 * gaps[0]
