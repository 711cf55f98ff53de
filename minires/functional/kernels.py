"""The Functions that run kernels, one way for all of them; and linear, conv2d, relu.

A kernel's specification says what it takes and gives, so a Function needs no second description.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minires_kernels import specs
from minires_kernels.backends import kernel_for

from ..function import Context, Function
from ..observe import watchers
from ..tensor import Array, Tensor

Size = int | tuple[int, int]


def kernel_function(name: str, kernel: str) -> type[Function]:
    """Return the Function, to be called `name`, that runs the kernel of that name.

    Its specification says all: the inputs, their gradients, the names of what is saved, the branch
    at a kink. Backward runs on the backend of forward; `seen` is called with what forward saved.
    """
    spec = specs()[kernel]
    saved_type, branch = spec.saved, spec.branch
    # for each input its place among the gradients: (x, target), {"dx": ("x",)} → [0, None]
    owners = {x: i for i, xs in enumerate(spec.gradients.values()) for x in xs}
    places = [owners.get(x) for x in spec.inputs]
    in_order = places == list(range(len(places)))

    def forward(ctx: Context, *arrays: Any, seen: Any = None, **options: Any) -> Array:
        ctx.kernel = kernel_for(kernel, arrays[0])
        results = ctx.kernel.forward(*arrays, **options)  # y, *saved
        ctx.saved = tuple.__new__(saved_type, results[1:])
        if branch is not None and watchers.get():
            ctx.branch(lambda: branch(ctx.saved))
        if seen is not None:
            seen(ctx.saved)
        return results[0]  # type: ignore[no-any-return]

    def backward(ctx: Context, dy: Array) -> Any:
        grads = ctx.kernel.backward(dy, *ctx.saved, needs=ctx.needs, onto=ctx.onto)
        grads = grads if isinstance(grads, tuple) else (grads,)
        return grads if in_order else tuple([None if i is None else grads[i] for i in places])

    members = {
        "__doc__": f"{spec.formula}: the kernel {kernel!r}.",
        "forward": staticmethod(forward),
        "backward": staticmethod(backward),
        "new_gradients": spec.new_gradients,
        "spec": spec,
        "places": places,
    }
    return type(name, (Function,), members)


ReLU = kernel_function("ReLU", "relu")
AddReLU = kernel_function("AddReLU", "add_relu")
Linear = kernel_function("Linear", "linear")
Conv2d = kernel_function("Conv2d", "conv2d")
BatchNorm = kernel_function("BatchNorm", "batch_norm")
BatchNormReLU = kernel_function("BatchNormReLU", "batch_norm_relu")
Conv2dNormReLU = kernel_function("Conv2dNormReLU", "conv2d_norm_relu")
LinearNormReLU = kernel_function("LinearNormReLU", "linear_norm_relu")
MaxPool2d = kernel_function("MaxPool2d", "max_pool2d")
AvgPool2d = kernel_function("AvgPool2d", "avg_pool2d")
GlobalAvgPool2d = kernel_function("GlobalAvgPool2d", "global_avg_pool2d")
CrossEntropy = kernel_function("CrossEntropy", "cross_entropy")
Gated = kernel_function("Gated", "gated")
GroupNorm = kernel_function("GroupNorm", "group_norm")


def require_tensor(name: str, x: Any) -> Tensor:
    """Return `x`, or raise TypeError if it is no Tensor."""
    if isinstance(x, Tensor):
        return x
    raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}; minires.tensor(...)")


def relu(x: Tensor) -> Tensor:
    """Return max(x, 0) of each element; the gradient at 0 is 0."""
    return ReLU.apply(x)


def add_relu(a: Tensor, b: Tensor) -> Tensor:
    """max(a + b, 0) for equal shapes, in one pass: the end of a residual block."""
    return AddReLU.apply(a, b)


def linear(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """y = x wᵀ + b: x (…, I), w (O, I), b (O,) → y (…, O)."""
    if require_tensor("x", x).ndim == 2:
        return Linear.apply(x, w, b)
    if x.ndim == 0:
        raise ValueError("linear: x needs at least one dimension")
    rows = int(np.prod(x.shape[:-1], dtype=np.int64))
    y = Linear.apply(x.reshape(rows, x.shape[-1]), w, b)
    return y.reshape(*x.shape[:-1], w.shape[0])


def conv2d(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate x (N, C, H, W) with w (K, C / groups, R, S): y (N, K, P, Q).

    P = (H + 2 padding - dilation (R - 1) - 1) // stride + 1, and Q likewise; sizes are integers or
    pairs (height, width). Padding is with zeros. Raises ValueError if nothing would be left.
    """
    return Conv2d.apply(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
