"""Wrong backward passes, to test the tester: each is a mistake that people make.

A mutant is the reference kernel with one line of its backward changed. `gradcheck` must reject it,
must accept the same function unchanged, and its hint should name the family of the mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minires_kernels import kernel, specs

from ..engine import unbroadcast
from ..tensor import Array
from .check import check_backward
from .report import GradcheckReport

Arrays = tuple[Array, ...]


@dataclass(frozen=True)
class Mutant:
    """A forward pass, its right and its wrong backward pass, and inputs that tell them apart.

    family   what the hint should say; see `hints.py`
    """

    name: str
    family: str
    forward: Callable[..., Any]
    right: Callable[..., Any]
    wrong: Callable[..., Any]
    arrays: Arrays

    def check(self, mutated: bool = True, seed: int = 0) -> GradcheckReport:
        """Gradient-check the wrong pass, or the right one."""
        backward = self.wrong if mutated else self.right
        spec = specs().get(self.name.split(":")[0])
        names = [] if spec is None else list(spec.inputs)[: len(self.arrays)]
        report = check_backward(self.forward, backward, *self.arrays, names=names, seed=seed)
        report.name = self.name
        return report


def _kernel_pair(name: str, *fixed: Any, **options: Any) -> tuple[Callable[..., Any], Any]:
    """Return (forward, backward) of a reference kernel; `fixed` arguments come after the arrays."""
    k = kernel(name, "reference")

    def forward(*arrays: Array) -> Any:
        return k.forward(*arrays, *fixed, **options)

    def backward(dy: Array, *saved: Any) -> Any:
        grads = k.backward(dy, *saved)
        return tuple(g for g in grads if g is not None) if isinstance(grads, tuple) else grads

    return forward, backward


def _conv_dx(rng: np.random.Generator) -> list[Mutant]:
    x, w = rng.standard_normal((2, 3, 5, 5)), rng.standard_normal((3, 3, 3, 3))
    forward, right = _kernel_pair("conv2d", None, padding=1)
    strided, strided_right = _kernel_pair("conv2d", None, stride=2, padding=1)
    x6 = rng.standard_normal((2, 3, 6, 6))

    def unflipped(dy: Array, *saved: Any) -> Arrays:  # dx = dy ⋆ w without rotating w
        x, w, *rest = saved
        dx, _ = right(dy, x, w[:, :, ::-1, ::-1], *rest)
        return dx, right(dy, *saved)[1]

    def transposed(dy: Array, *saved: Any) -> Arrays:  # w[c, k] where w[k, c] belongs
        x, w, *rest = saved
        dx, _ = right(dy, x, w.swapaxes(0, 1), *rest)
        return dx, right(dy, *saved)[1]

    def remainder(dy: Array, *saved: Any) -> Arrays:  # the last row, which no full stride reaches
        dx, dw = strided_right(dy, *saved)
        dx[:, :, -1] = 0
        return dx, dw

    def offset(dy: Array, *saved: Any) -> Arrays:  # the border is cut off one pixel too late
        dx, dw = right(dy, *saved)
        return np.roll(dx, 1, axis=2), dw

    def border_row(dy: Array, *saved: Any) -> Arrays:
        dx, dw = right(dy, *saved)
        dx[:, :, 0] *= 0.5
        return dx, dw

    return [
        Mutant("conv2d: kernel not flipped in dx", "not flipped", forward, right, unflipped,
               (x, w)),
        Mutant("conv2d: channels exchanged", "transposed", forward, right, transposed, (x, w)),
        Mutant("conv2d: stride's last row not written", "wrong stride/padding", strided,
               strided_right,
               remainder, (x, w)),
        Mutant("conv2d: padding offset by one", "wrong stride/padding", forward, right, offset,
               (x6, w)),
        Mutant("conv2d: one border row wrong", "wrong stride/padding", forward, right, border_row,
               (x, w)),
    ]  # fmt: skip


def _conv_dw(rng: np.random.Generator) -> list[Mutant]:
    x, w = rng.standard_normal((2, 3, 5, 5)), rng.standard_normal((3, 3, 3, 3))
    forward, right = _kernel_pair("conv2d", None, padding=1)
    dilated, dilated_right = _kernel_pair("conv2d", None, padding=2, dilation=2)

    def flipped_dw(dy: Array, *saved: Any) -> Arrays:
        dx, dw = right(dy, *saved)
        return dx, dw[:, :, ::-1, ::-1]

    def sign(dy: Array, *saved: Any) -> Arrays:
        dx, dw = right(dy, *saved)
        return dx, -dw

    def undilated(dy: Array, *saved: Any) -> Arrays:  # taps next to each other in dw
        dx, _ = dilated_right(dy, *saved)
        x, w, *_ = saved
        _, *other = kernel("conv2d", "reference").forward(x, w, None, padding=1)
        return dx, kernel("conv2d", "reference").backward(dy, *other)[1]

    return [
        Mutant("conv2d: dw rotated", "not flipped", forward, right, flipped_dw, (x, w)),
        Mutant("conv2d: sign of dw", "sign", forward, right, sign, (x, w)),
        Mutant("conv2d: dilation ignored in dw", "other", dilated, dilated_right, undilated,
               (x, w)),
    ]  # fmt: skip


def _batch_norm(rng: np.random.Generator) -> list[Mutant]:
    x = rng.standard_normal((8, 3, 2, 2)) * 2 + 1
    weight, bias = rng.standard_normal(3), rng.standard_normal(3)
    forward, right = _kernel_pair("batch_norm", None, None)

    def parts(dy: Array, *saved: Any) -> tuple[Any, ...]:
        x, weight, mean, var, eps, _ = saved
        sigma = np.sqrt(var + eps)[:, None, None]
        x_hat = (x - mean[:, None, None]) / sigma
        axes = (0, 2, 3)
        mean_term = dy.mean(axes, keepdims=True)
        variance_term = x_hat * (dy * x_hat).mean(axes, keepdims=True)
        return np.asarray(weight[:, None, None] / sigma), mean_term, variance_term

    def change(name: str, family: str, formula: Callable[..., Array]) -> Mutant:
        def wrong(dy: Array, *saved: Any) -> Arrays:
            _, dweight, dbias = right(dy, *saved)
            dx: Array = formula(dy, *parts(dy, *saved))
            return dx, dweight, dbias

        return Mutant(f"batch_norm: {name}", family, forward, right, wrong, (x, weight, bias))

    m = x.size // 3
    return [
        change("mean term dropped", "detached path", lambda dy, s, a, b: s * (dy - b)),
        change("variance term dropped", "detached path", lambda dy, s, a, b: s * (dy - a)),
        change("1/N missing", "wrong scale", lambda dy, s, a, b: s * (dy - m * a - m * b)),
        change("zero dx", "fact", lambda dy, s, a, b: np.zeros_like(dy)),
        change("evaluation formula in training", "detached path", lambda dy, s, a, b: s * dy),
    ]


def _elementwise(rng: np.random.Generator) -> list[Mutant]:
    x, z = rng.standard_normal((2, 6, 5))
    relu, relu_right = _kernel_pair("relu")

    def add(a: Array, b: Array) -> Array:
        return a + b

    def block(x: Array, w: Array) -> Array:  # the residual pattern: x is used twice
        return np.asarray(x + np.tanh(x @ w))

    def block_right(dy: Array, x: Array, w: Array) -> Arrays:
        d = dy * (1 - np.tanh(x @ w) ** 2)
        return dy + d @ w.T, x.T @ d

    def block_overwrites(dy: Array, x: Array, w: Array) -> Arrays:
        return block_right(dy, x, w)[0] - dy, block_right(dy, x, w)[1]

    def block_skip_only(dy: Array, x: Array, w: Array) -> Arrays:
        return dy.copy(), block_right(dy, x, w)[1]

    def shift(x: Array, b: Array) -> Array:  # b (5,) is broadcast over the rows of x
        return x * b

    def shift_right(dy: Array, x: Array, b: Array) -> Arrays:
        return dy * b, unbroadcast(dy * x, b.shape)

    def shift_mean(dy: Array, x: Array, b: Array) -> Arrays:
        return dy * b, (dy * x).mean(axis=0)

    def shift_unsummed(dy: Array, x: Array, b: Array) -> Arrays:
        return dy * b, dy * x

    def shift_axis(dy: Array, x: Array, b: Array) -> Arrays:
        return dy * b, (dy * x)[0]

    w, b = rng.standard_normal((5, 5)), rng.standard_normal(5)
    return [
        Mutant("relu: sign", "sign", relu, relu_right, lambda dy, y: -dy * (y > 0), (x,)),
        Mutant("relu: mask from dy", "wrong mask/branch", relu, relu_right,
               lambda dy, y: dy * (dy > 0), (x,)),
        Mutant("relu: leaky", "wrong mask/branch", relu, relu_right,
               lambda dy, y: dy * np.where(y > 0, 1, 0.01), (x,)),
        Mutant("add: one input forgotten", "fact", add, lambda dy, a, b: (dy.copy(), dy.copy()),
               lambda dy, a, b: (dy.copy(), 0 * dy), (x, z)),
        Mutant("residual: skip overwritten by branch", "detached path", block, block_right,
               block_overwrites, (x, w)),
        Mutant("residual: branch forgotten", "fact", block, block_right, block_skip_only,
               (x, w)),
        Mutant("broadcast: mean in place of sum", "wrong scale", shift, shift_right, shift_mean,
               (x, b)),
        Mutant("broadcast: not summed", "missing broadcast sum", shift, shift_right,
               shift_unsummed, (x, b)),
        Mutant("broadcast: only the first row", "missing broadcast sum", shift, shift_right,
               shift_axis, (x, b)),
    ]  # fmt: skip


def _pooling(rng: np.random.Generator) -> list[Mutant]:
    x = rng.standard_normal((2, 2, 6, 6))
    ties = rng.standard_normal((4, 2, 6, 6))
    ties[0, 0, 0, :2] = ties[0].max() + 1  # one tie, of the two first pixels of a window
    pool, pool_right = _kernel_pair("max_pool2d", kernel_size=2)
    average, average_right = _kernel_pair("avg_pool2d", kernel_size=3, stride=2, padding=1)
    padded, padded_right = _kernel_pair("avg_pool2d", kernel_size=2, padding=1)
    means, means_right = _kernel_pair("global_avg_pool2d")

    def all_ties(dy: Array, *saved: Any) -> Array:
        dx = pool_right(dy, *saved)
        dx[0, 0, 0, 1] = dx[0, 0, 0, 0]
        return np.asarray(dx)

    def area_missing(dy: Array, *saved: Any) -> Array:
        return np.asarray(9 * average_right(dy, *saved))

    def no_mean(dy: Array, *saved: Any) -> Array:
        return np.asarray(36 * means_right(dy, *saved))

    def area_inside(dy: Array, shape: Any, windows: Any, count_include_pad: bool) -> Array:
        return np.asarray(padded_right(dy, shape, windows, False))

    def columns_reversed(dy: Array, *saved: Any) -> Array:
        dx = pool_right(dy, *saved)
        return np.asarray(dx[..., ::-1])

    return [
        Mutant("max_pool2d: every tie gets the gradient", "wrong mask/branch", pool, pool_right,
               all_ties,
               (ties,)),
        Mutant("max_pool2d: columns reversed", "other", pool, pool_right, columns_reversed, (x,)),
        Mutant("avg_pool2d: 1 / area missing", "wrong scale", average, average_right, area_missing,
               (x,)),
        Mutant("avg_pool2d: padding not counted in backward", "wrong stride/padding", padded,
               padded_right,
               area_inside, (x,)),
        Mutant("global_avg_pool2d: 1 / (H W) missing", "wrong scale", means, means_right, no_mean,
               (x,)),
    ]  # fmt: skip


def _loss(rng: np.random.Generator) -> list[Mutant]:
    logits, target = rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
    forward, right = _kernel_pair("cross_entropy", target)
    linear, linear_right = _kernel_pair("linear", None)
    x, w = rng.standard_normal((6, 5)), rng.standard_normal((5, 5))

    def mean_loss(logits: Array) -> Any:
        loss, *saved = forward(logits)
        return loss.mean(), *saved

    def mean_right(dy: Array, *saved: Any) -> Array:
        return np.asarray(right(np.full(5, dy / 5), *saved))

    def no_mean(dy: Array, *saved: Any) -> Array:
        return np.asarray(right(np.full(5, dy), *saved))

    def no_onehot(dy: Array, log_p: Array, *_saved: Any) -> Array:
        return np.asarray(np.exp(log_p) * dy[:, None])

    def no_upstream(dy: Array, *saved: Any) -> Array:
        return np.asarray(right(np.ones(5), *saved))

    def transposed(dy: Array, x: Array, w: Array, has_b: bool) -> Arrays:
        return dy @ w.T, dy.T @ x

    def transposed_dw(dy: Array, x: Array, w: Array, has_b: bool) -> Arrays:
        return dy @ w, x.T @ dy

    return [
        Mutant("cross_entropy: 1/N missing", "wrong scale", mean_loss, mean_right, no_mean,
               (logits,)),
        Mutant("cross_entropy: one-hot missing", "missing term", forward, right, no_onehot,
               (logits,)),
        Mutant("cross_entropy: upstream ignored", "missing upstream dy", forward, right,
               no_upstream,
               (logits,)),
        Mutant("linear: w transposed", "transposed", linear, linear_right, transposed, (x, w)),
        Mutant("linear: dw transposed", "transposed", linear, linear_right, transposed_dw, (x, w)),
    ]  # fmt: skip


def mutants(seed: int = 0) -> list[Mutant]:
    """Return all mutants; those of family "other" have no hint of their own."""
    rng = np.random.default_rng(seed)
    families = (_conv_dx, _conv_dw, _batch_norm, _elementwise, _pooling, _loss)
    return [mutant for make in families for mutant in make(rng)]
