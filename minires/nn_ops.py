"""The operations of networks as Functions: thin wrappers that call kernels.

The mathematics is in `minires_kernels`; a Function only says what is saved and which branch was
taken at a kink. The graph keeps the kernel that ran forward, so backward runs on the same backend:
"cuda" for arrays on a GPU, the one in use for NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minires_kernels.backends import kernel_for

from .engine import Context, Function
from .tensor import Array, Tensor


def _forward(ctx: Context, name: str, *arrays: Any, **options: Any) -> Array:
    """Run a kernel; keep it, with what it saved, for backward, and report the branch taken."""
    ctx.kernel = kernel_for(name, arrays[0])
    y, *saved = ctx.kernel.forward(*arrays, **options)
    ctx.save(*saved)
    spec = ctx.kernel.spec
    if spec.branch is not None:
        ctx.branch(lambda: spec.branch(spec.saved(*saved)))
    return y  # type: ignore[no-any-return]


class ReLU(Function):
    """y = max(x, 0); dx = dy where x > 0, else 0."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """x of any shape."""
        return _forward(ctx, "relu", x)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = dy where y > 0."""
        return ctx.kernel.backward(dy, *ctx.saved)


class AddReLU(Function):
    """y = max(a + b, 0): the end of a residual block, in one pass."""

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Array:
        """Both inputs have one shape."""
        return _forward(ctx, "add_relu", a, b)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """da = db = dy where y > 0."""
        dz = ctx.kernel.backward(dy, *ctx.saved)
        return dz, dz


class Linear(Function):
    """y = x wᵀ + b."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, w: Array, b: Array | None) -> Array:
        """x (M, I), w (O, I), b (O,) or None; y (M, O)."""
        return _forward(ctx, "linear", x, w, b)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx = dy w, dw = dyᵀ x, db = sum of dy."""
        return ctx.kernel.backward(dy, *ctx.saved, needs=ctx.needs)


class Conv2d(Function):
    """Cross-correlation of images with filters."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, w: Array, b: Array | None, **geometry: Any) -> Array:
        """x (N, C, H, W), w (K, C / groups, R, S), b (K,) or None; y (N, K, P, Q)."""
        return _forward(ctx, "conv2d", x, w, b, **geometry)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx, dw, db."""
        return ctx.kernel.backward(dy, *ctx.saved, needs=ctx.needs)


class BatchNorm(Function):
    """Normalisation over the batch (mean and var None), or with given statistics."""

    new_gradients = True

    @staticmethod
    def forward(
        ctx: Context,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        mean: Array | None,
        var: Array | None,
        eps: float,
        observe: Callable[[Array, Array], None] | None = None,
    ) -> Array:
        """x (N, C) or (N, C, H, W); `observe` is called with the mean and biased variance used."""
        y = _forward(ctx, "batch_norm", x, weight, bias, mean, var, eps=eps)
        if observe is not None:
            observe(ctx.saved[2], ctx.saved[3])
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx, dweight, dbias."""
        return ctx.kernel.backward(dy, *ctx.saved, needs=(*ctx.needs, False, False))


class BatchNormReLU(Function):
    """max(batch_norm(x) + residual, 0) in one pass: the end of a layer, or of a residual block."""

    new_gradients = True

    @staticmethod
    def forward(
        ctx: Context,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        residual: Array | None,
        *,
        mean: Array | None,
        var: Array | None,
        eps: float,
        observe: Callable[[Array, Array], None] | None = None,
    ) -> Array:
        """As BatchNorm; residual like x, or None."""
        y = _forward(ctx, "batch_norm_relu", x, weight, bias, mean, var, residual, eps=eps)
        if observe is not None:
            observe(ctx.saved[3], ctx.saved[4])
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dx, dweight, dbias, dresidual."""
        needs = (*ctx.needs[:3], False, False, ctx.needs[3])
        return ctx.kernel.backward(dy, *ctx.saved, needs=needs)


class MaxPool2d(Function):
    """Maximum of each window; the first of equals wins."""

    @staticmethod
    def forward(ctx: Context, x: Array, **geometry: Any) -> Array:
        """x (N, C, H, W); y (N, C, P, Q)."""
        return _forward(ctx, "max_pool2d", x, **geometry)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """Each dy goes to the winner of its window."""
        return ctx.kernel.backward(dy, *ctx.saved)


class AvgPool2d(Function):
    """Mean of each window."""

    @staticmethod
    def forward(ctx: Context, x: Array, **geometry: Any) -> Array:
        """x (N, C, H, W); y (N, C, P, Q)."""
        return _forward(ctx, "avg_pool2d", x, **geometry)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """Each dy is shared equally by its window."""
        return ctx.kernel.backward(dy, *ctx.saved)


class GlobalAvgPool2d(Function):
    """Mean of each channel."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """x (N, C, H, W); y (N, C, 1, 1)."""
        return _forward(ctx, "global_avg_pool2d", x)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """Each dy is shared equally by its channel."""
        return ctx.kernel.backward(dy, *ctx.saved)


class CrossEntropy(Function):
    """Negative log-probability of each label under softmax(logits)."""

    @staticmethod
    def forward(ctx: Context, logits: Array, target: Array) -> Array:
        """logits (N, C), target (N,) integers; y (N,)."""
        return _forward(ctx, "cross_entropy", logits, target)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """dlogits = (softmax - one-hot) dy."""
        return ctx.kernel.backward(dy, *ctx.saved), None


def relu(x: Tensor) -> Tensor:
    """Return max(x, 0) of each element; the gradient at 0 is 0."""
    return ReLU.apply(x)
