"""The four steps of batch norm's backward pass, and what may be wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Array
from ..exercise import Wrong, expect_array, require, require_written


def centre(dc: Array) -> Array:
    """Return dL/dx of c = x - mean(x)."""
    return np.asarray(dc - dc.mean(axis=0))


def variance(dv: Array, c: Array) -> Array:
    """Return dL/dc of v = mean(c²)."""
    return np.asarray(2 * c * dv / len(c))


def divide(dy: Array, c: Array, v: Array) -> tuple[Array, Array]:
    """Return dL/dc and dL/dv of y = c / sqrt(v + 1e-5)."""
    sigma = np.sqrt(v + 1e-5)
    return dy / sigma, (dy * c).sum(axis=0) * -0.5 / sigma**3


def batch_norm(x: Array) -> Array:
    """Return the forward pass."""
    return np.asarray((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5))


def batch_norm_backward(dy: Array, x: Array, mean: float = 1.0, variance: float = 1.0) -> Array:
    """Return the gradient with its terms weighted; all of them once is right."""
    y, sigma = batch_norm(x), np.sqrt(x.var(axis=0) + 1e-5)
    through = mean * dy.mean(axis=0) + variance * y * (dy * y).mean(axis=0)
    return np.asarray((dy - through) / sigma)


def values_of(found: Any, names: tuple[str, ...]) -> list[Any]:
    """Return the values of a learner's tuple; raises Wrong if there are others than these."""
    require_written(found)
    if not isinstance(found, tuple | list | np.ndarray):
        raise Wrong(f"expected a tuple ({', '.join(names)}), got {type(found).__name__}")
    if len(found) != len(names):
        raise Wrong(f"expected {len(names)} values ({', '.join(names)}), got {len(found)}")
    return list(found)


def batches() -> list[Array]:
    """Return arrays (5, n, c): of one channel, of several, far from zero."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal((5, n, c)) * 2 + 1 for n, c in ((5, 1), (6, 3), (4, 4), (9, 2))]


def check_centre(f: Callable[..., Any]) -> None:
    """Check exercise 1.7."""
    for dc, *_ in batches():
        expect_array(
            f(dc.copy()), centre(dc), f"dx, for dc of shape {dc.shape}", 1e-9,
            mistakes={"the way through the mean is missing": dc,
                      "the way through the mean has a minus: all the c's fall":
                      dc + dc.mean(axis=0),
                      "the mean lowers all the c's, not only the one with the same index":
                      dc * (1 - 1 / len(dc)),
                      "the mean runs over the examples of a channel, which are the rows":
                      dc - dc.mean(axis=1, keepdims=True),
                      "a mean over all channels: each channel has its own": dc - dc.mean(),
                      "a sum where the mean belongs": dc - dc.sum(axis=0)},
        )  # fmt: skip


def check_variance(f: Callable[..., Any]) -> None:
    """Check exercise 1.8."""
    for raw, other, *_ in batches():
        c, dv = raw - raw.mean(axis=0), other[0]
        right = variance(dv, c)
        expect_array(
            f(dv.copy(), c.copy()), right, f"dc, for dv {dv.shape}, c {c.shape}", 1e-9,
            mistakes={"a mean: each c² counts only one part in n": right * len(c),
                      "the derivative of c² is not c": right / 2,
                      "n is the number of examples, not of all entries": right / c.shape[1],
                      "dv is missing": 2 * c / len(c)},
        )  # fmt: skip


def check_divide(f: Callable[..., Any]) -> None:
    """Check exercise 1.9."""
    for raw, dy, *_ in batches():
        c = raw - raw.mean(axis=0)
        v = (c**2).mean(axis=0)
        sigma = np.sqrt(v + 1e-5)
        found = values_of(f(dy.copy(), c.copy(), v.copy()), ("dc", "dv"))
        dc, dv = divide(dy, c, v)
        shapes = f", for dy and c {c.shape}, v {v.shape}"
        expect_array(
            found[0], dc, "dc" + shapes, 1e-9,
            mistakes={"the 1e-5 under the root is missing": dy / np.sqrt(v),
                      "divide by the square root of v, not by v": dy / (v + 1e-5),
                      "that is a product with σ": dy * sigma,
                      "that is c; what c is sent contains dy": c / sigma},
        )  # fmt: skip
        require(
            np.shape(found[1]) != c.shape or c.shape == v.shape,
            f"dv has shape {np.shape(found[1])}, v has {v.shape}: every output of a channel uses "
            "the same v, so their parts are added",
        )
        expect_array(
            found[1], dv, "dv" + shapes, 1e-9,
            mistakes={"the 1e-5 is missing": (dy * c).sum(axis=0) * -0.5 / v**1.5,
                      "c is missing: it is the number that is multiplied by the power":
                      dy.sum(axis=0) * -0.5 / sigma**3,
                      "its sign: a larger v makes y smaller": -dv,
                      "the factor 1/2 of the power": 2 * dv,
                      "the power is -3/2, so σ stands there to the third": dv * sigma**2,
                      "the power is -3/2: σ to the third, not v to the third":
                      dv / sigma**3,
                      "a mean where a sum belongs": dv / len(c)},
        )  # fmt: skip


def check_batch_norm(f: Callable[..., Any]) -> None:
    """Check exercise 1.10."""
    for x, dy, *_ in batches():
        n, v = len(x), x.var(axis=0)
        dc, dv = divide(dy, x, v)
        expect_array(
            f(dy.copy(), x.copy()), batch_norm_backward(dy, x), f"dx, for x {x.shape}", 1e-7,
            mistakes={
                "the way through the mean is missing (step one)": batch_norm_backward(dy, x, 0, 1),
                "the way through the variance is missing (step two)":
                    batch_norm_backward(dy, x, 1, 0),
                "only the direct way is there": batch_norm_backward(dy, x, 0, 0),
                "only the way through the variance is there: c is read twice, so add":
                    batch_norm_backward(dy, x) - batch_norm_backward(dy, x, 1, 0),
                "the way through the variance counts n times": batch_norm_backward(dy, x, 1, n),
                "the steps work on the centred c, not on x": centre(dc + variance(dv, x)),
            },
        )  # fmt: skip


def check_upstream(f: Callable[..., Any]) -> None:
    """Check exercise 1.11."""
    wrong = {
        "lacks its mean term": (0.0, 1.0),
        "lacks its variance term": (1.0, 0.0),
    }
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((int(rng.integers(8, 17)), 3))
        y = batch_norm(x)
        found = f(y.copy())
        require_written(found)
        dy = np.asarray(found, dtype=np.float64)
        require(dy.shape == y.shape, f"expected dy of shape {y.shape}, got {dy.shape}")
        require(np.isfinite(dy).all() and dy.any(), "dy has to be finite, and not all zeros")
        require(
            np.array_equal(dy, np.asarray(f(y.copy()), dtype=np.float64)),
            "dy came out differently the second time: do without random numbers",
        )
        right, most = batch_norm_backward(dy, x), 0.1 * np.abs(dy).max()
        seen = {name: batch_norm_backward(dy, x, *terms) - right for name, terms in wrong.items()}
        seen["returns zeros"] = -right
        for name, error in seen.items():
            require(
                np.abs(error).max() >= most,
                f"on a batch of {len(x)} your dy accepts the pass that {name}: it is off by only "
                f"{np.abs(error).max() / np.abs(dy).max():.1g} of the largest entry of dy, not a "
                "tenth",
            )
