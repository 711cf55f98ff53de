"""Checks of the project's parts: a learner's own function, its backward pass, its block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...gradcheck import check_backward
from ...tensor import Array
from ..exercise import Wrong, expect_array, require, require_written
from ..expect import described

Own = Callable[..., Any]
STEP = 1e-5  # of finite differences
ONE_NUMBER = [np.array([x]) for x in (-1.5, 0.25, 2.0)]


def array_of(found: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return what was found as finite numbers of this shape."""
    require_written(found)
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        values = None
    if values is None or values.shape != shape:
        raise Wrong(f"{what}: expected an array of shape {shape}, got {described(found)}")
    require(np.isfinite(values).all(), f"{what}: not all of its entries are finite")
    return values


def tuple_of(found: Any, names: str, how_many: int) -> tuple[Any, ...]:
    """Return what was found as a tuple of so many values."""
    require_written(found)
    require(
        isinstance(found, tuple | list) and len(found) == how_many,
        f"expected {names}, got {described(found)}",
    )
    return tuple(found)


def own(x: Any) -> Any:
    """The function of the solution: a squared ReLU."""
    with np.errstate(over="ignore"):
        return np.maximum(x, 0) ** 2


def own_pass(x: Any, dy: Any) -> tuple[Any, Any]:
    """The forward and the backward pass of the solution."""
    with np.errstate(over="ignore", invalid="ignore"):  # deep plain nets may overflow
        return own(x), 2 * np.maximum(x, 0) * dy


def check_function(f: Own) -> None:
    """Require an elementwise function without jumps, neither a line nor the ReLU."""
    x = np.random.default_rng(18).uniform(-4, 4, (6, 5))
    given = x.copy()
    y = array_of(f(given), x.shape, "own(x) for x of shape (6, 5)")
    require((given == x).all(), "own(x) changes the x that it was given: return a new array")
    for shape in ((30,), (5, 6)):
        again = array_of(f(x.reshape(shape)), shape, f"own(x) for x of shape {shape}")
        expect_array(again, y.reshape(shape), f"the same numbers in an array of shape {shape}")
    for i, x_i in enumerate(ONE_NUMBER):
        alone = array_of(f(x_i), (1,), "own(x) for a single number")
        together = array_of(f(np.concatenate(ONE_NUMBER)), (3,), "own(x) for three numbers")
        require(
            abs(alone[0] - together[i]) <= 1e-9 * max(1, abs(alone[0])),
            f"not elementwise: own of {x_i[0]:g} alone is {alone[0]:.6g}, and beside two other "
            f"numbers {together[i]:.6g}",
        )
    _shape_of(f)


def _shape_of(f: Own) -> None:
    """Require a function that is finite, without jumps, bent, and not the ReLU."""
    grid = np.linspace(-8, 8, 4001)
    y = array_of(f(grid), grid.shape, "own(x) for x from -8 to 8")
    fine = array_of(f(grid + 1e-7), grid.shape, "own(x) for x from -8 to 8")
    jumps = np.abs(fine - y) > 1e-3 * (1 + np.abs(y))
    steps = np.abs(np.diff(y))
    worst = int(steps.argmax())
    around = steps[max(worst - 3, 0) : worst + 4]
    jump = steps[worst] > 0.05 and steps[worst] > 20 * np.median(around)
    require(
        not (jumps.any() or jump),
        f"it jumps near x = {grid[int(jumps.argmax()) if jumps.any() else worst]:.3g}: at a jump "
        "there is no derivative; a kink would be allowed",
    )
    line = np.polyval(np.polyfit(grid, y, 1), grid)
    require(
        np.abs(y - line).max() > 1e-3 * (1 + np.abs(y).max()),
        "it is a straight line: two linear layers with a line between them are one linear layer",
    )
    require(
        np.abs(y - np.maximum(grid, 0)).max() > 1e-6,
        "this is the ReLU, with which your block is to be compared: choose one of your own",
    )


def _slope(forward: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """Return the derivative of an elementwise function, and where it has a kink."""
    here, above, below = forward(x), forward(x + STEP), forward(x - STEP)
    right, left = (above - here) / STEP, (here - below) / STEP
    kink = np.abs(right - left) > 1e-2 * (1 + np.abs(right) + np.abs(left))
    return (above - below) / (2 * STEP), kink


def check_backward_pass(f: Own) -> None:
    """Compare a backward pass with differences of the learner's own forward pass."""
    rng = np.random.default_rng(182)
    for shape in ((7,), (4, 5), (200,)):
        x, dy = rng.uniform(-3, 3, shape), rng.standard_normal(shape)
        names = "two arrays (own(x), dL/dx)"
        first = tuple_of(f(x.copy(), dy.copy()), names, 2)
        array_of(first[0], shape, "own(x)")
        dx = array_of(first[1], shape, "dL/dx")

        def forward(at: Array, dy: Array = dy) -> Array:
            return array_of(tuple_of(f(at, dy.copy()), "two arrays", 2)[0], at.shape, "own(x)")

        slope, kink = _slope(forward, x)
        expect_array(
            dx, np.where(kink, dx, dy * slope),
            "dL/dx, beside finite differences of your own forward pass", rtol=1e-4,
            mistakes={
                "that is the derivative; by the chain rule it is multiplied by dy": slope,
                "that is dy itself: multiply by the derivative at x": dy,
                "that is own(x) times dy: take the derivative of own": forward(x) * dy,
            },
        )  # fmt: skip


def block(x: Any, w1: Any, w2: Any, scale: float, dy: Any) -> tuple[Any, Any, Any, Any]:
    """The block of the solution: y, and its gradients by x, w1 and w2."""
    z = x @ w1.T
    hidden, slope = own_pass(z, 1.0)
    dz = scale * (dy @ w2) * slope
    return x + scale * hidden @ w2.T, dy + dz @ w1, dz.T @ x, scale * dy.T @ hidden


def check_block(f: Own) -> None:
    """Compare a block and its gradients with the function that the block itself shows."""
    rng = np.random.default_rng(183)
    n, width = 5, 4
    one, nothing = np.eye(width), np.zeros((n, width))

    def as_seen(z: Array) -> Array:
        """The learner's function, as the block itself shows it: weights of 1 and scale 1."""
        return array_of(f(z, one, one, 1.0, nothing)[0], z.shape, "y") - z

    names = "four arrays (y, dL/dx, dL/dw1, dL/dw2)"
    for scale in (0.5, 1.0, -2.0):
        x, dy = rng.standard_normal((2, n, width))
        w1, w2 = rng.standard_normal((2, width, width))
        found = tuple_of(f(x, w1, w2, scale, dy), names, 4)
        z = x @ w1.T
        hidden = as_seen(z)
        slope, kink = _slope(as_seen, z)
        dz = np.where(kink, 0, scale * (dy @ w2) * slope)
        unsure = bool(kink.any())
        expect_array(
            found[0], x + scale * hidden @ w2.T, f"y for scale {scale:g}", rtol=1e-5,
            mistakes={
                "the skip is missing": scale * hidden @ w2.T,
                "the scale is missing": x + hidden @ w2.T,
                "the scale belongs to the branch only": scale * (x + hidden @ w2.T),
                "w2 is used transposed: a layer computes x @ w.T": x + scale * hidden @ w2,
            },
        )  # fmt: skip
        expect_array(
            found[3], scale * dy.T @ hidden, f"dL/dw2 for scale {scale:g}", rtol=1e-5,
            mistakes={"the scale is missing": dy.T @ hidden},
        )  # fmt: skip
        if unsure:
            continue
        for i, what, right in ((1, "dL/dx", dy + dz @ w1), (2, "dL/dw1", dz.T @ x)):
            expect_array(
                found[i], right, f"{what} for scale {scale:g}", rtol=1e-4,
                mistakes={
                    "the part that comes along the skip is missing": right - dy,
                    "the part that comes through the branch is missing": dy,
                } if i == 1 else {},
            )  # fmt: skip


def _spoilt(which: str) -> Callable[..., Any]:
    """Return a backward pass of a block with softsign in it, one gradient of which is wrong."""

    def backward(dy: Array, x: Array, w1: Array, w2: Array) -> tuple[Array, Array, Array]:
        z = x @ w1.T
        hidden, slope = z / (1 + np.abs(z)), 1 / (1 + np.abs(z)) ** 2
        dz = 0.5 * (dy @ w2) * slope
        dx, dw1, dw2 = dy + dz @ w1, dz.T @ x, 0.5 * dy.T @ hidden
        if which == "x":
            dx = dz @ w1 + dy * (x > -1)
        elif which == "w1":
            dw1 = dw1 * 1.01
        elif which == "w2":
            dw2 = 0.5 * dy.T @ np.where(np.abs(z) > 1, np.sign(z) * 0.5, hidden)
        elif which == "x, w1":
            dz = 0.5 * (dy @ w2) * (1 - hidden**2)
            dx, dw1 = dy + dz @ w1, dz.T @ x
        return dx, dw1, dw2

    return backward


def _softsign_block(x: Array, w1: Array, w2: Array) -> Array:
    z = x @ w1.T
    y: Array = x + 0.5 * (z / (1 + np.abs(z))) @ w2.T
    return y


def find(forward: Own, backward: Own, x: Any, w1: Any, w2: Any) -> list[str]:
    """Return the names of the tensors whose gradient a check refuses."""
    report = check_backward(forward, backward, x, w1, w2, names=("x", "w1", "w2"))
    return [row.tensor for row in report.rows if row.verdict != "PASS"]


def check_find(f: Own) -> None:
    """Try backward passes with no, one and two wrong gradients."""
    rng = np.random.default_rng(184)
    x, w1, w2 = rng.standard_normal((6, 3)), *rng.standard_normal((2, 3, 3))
    x[0, 0] = -2.0
    for which in ("", "w1", "x", "w2", "x, w1"):
        right = [name for name in ("x", "w1", "w2") if name in which.split(", ")]
        found = f(_softsign_block, _spoilt(which), x.copy(), w1.copy(), w2.copy())
        require_written(found)
        names = list(found) if isinstance(found, list | tuple) else None
        if names is None or not all(isinstance(name, str) for name in names):
            raise Wrong(f"expected a list of names from x, w1 and w2, got {described(found)}")
        accused = [name for name in names if name not in right]
        missed = [name for name in right if name not in names]
        require(not accused, f"a right gradient is called wrong: {', '.join(accused)}")
        require(
            not missed,
            f"of a pass with {len(right)} wrong gradient{'s' * (len(right) > 1)}, "
            f"{len(missed)} {'is' if len(missed) == 1 else 'are'} not in your list",
        )
