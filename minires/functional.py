"""Functions of tensors for networks, under PyTorch's names and with its defaults.

import minires.functional as F
y = F.relu(F.conv2d(x, w, b, stride=2, padding=1))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from minires_kernels import specs
from minires_kernels.arrays import require_same_device, to_device_of
from minires_kernels.backends import kernel_for
from minires_kernels.memory import zeros_beside

from . import ops as _ops
from .function import Context, Function
from .observe import watchers
from .ops import concat, pad, sigmoid, tanh, where
from .random import generator
from .tensor import Array, Tensor

Size = int | tuple[int, int]

__all__ = [
    "adaptive_avg_pool2d",
    "add_relu",
    "avg_pool2d",
    "batch_norm",
    "batch_norm_relu",
    "concat",
    "conv2d",
    "cross_entropy",
    "dropout",
    "flatten",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
    "where",
]


def kernel_function(name: str, kernel: str) -> type[Function]:
    """Return the Function, to be called `name`, that runs the kernel of that name.

    Its specification says all: the inputs, their gradients, the names of what is saved, the branch
    at a kink. Backward runs on the backend of forward; `seen` is called with what forward saved.
    """
    spec = specs()[kernel]
    named, branch = spec.saved._make, spec.branch
    # for each input its place among the gradients: (x, target), {"dx": ("x",)} → [0, None]
    owners = {x: i for i, xs in enumerate(spec.gradients.values()) for x in xs}
    places = [owners.get(x) for x in spec.inputs]

    def forward(ctx: Context, *arrays: Any, seen: Any = None, **options: Any) -> Array:
        ctx.kernel = kernel_for(kernel, arrays[0])
        y, *saved = ctx.kernel.forward(*arrays, **options)
        ctx.saved = named(saved)
        if branch is not None and watchers.get():
            ctx.branch(lambda: branch(ctx.saved))
        if seen is not None:
            seen(ctx.saved)
        return y  # type: ignore[no-any-return]

    def backward(ctx: Context, dy: Array) -> Any:
        grads = ctx.kernel.backward(dy, *ctx.saved, needs=ctx.needs)
        grads = grads if isinstance(grads, tuple) else (grads,)
        return tuple([None if i is None else grads[i] for i in places])

    members = {
        "__doc__": f"{spec.formula}: the kernel {kernel!r}.",
        "forward": staticmethod(forward),
        "backward": staticmethod(backward),
        "new_gradients": spec.new_gradients,
        "spec": spec,
    }
    return type(name, (Function,), members)


ReLU = kernel_function("ReLU", "relu")
AddReLU = kernel_function("AddReLU", "add_relu")
Linear = kernel_function("Linear", "linear")
Conv2d = kernel_function("Conv2d", "conv2d")
BatchNorm = kernel_function("BatchNorm", "batch_norm")
BatchNormReLU = kernel_function("BatchNormReLU", "batch_norm_relu")
MaxPool2d = kernel_function("MaxPool2d", "max_pool2d")
AvgPool2d = kernel_function("AvgPool2d", "avg_pool2d")
GlobalAvgPool2d = kernel_function("GlobalAvgPool2d", "global_avg_pool2d")
CrossEntropy = kernel_function("CrossEntropy", "cross_entropy")


def relu(x: Tensor) -> Tensor:
    """Return max(x, 0) of each element; the gradient at 0 is 0."""
    return ReLU.apply(x)


def _tensor(name: str, x: Any) -> Tensor:
    if isinstance(x, Tensor):
        return x
    raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}; minires.tensor(...)")


def flatten(x: Tensor, start_dim: int = 0) -> Tensor:
    """Merge the dimensions from `start_dim` on into one."""
    return _ops.flatten(_tensor("x", x), start_dim)


def linear(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """y = x wᵀ + b: x (…, I), w (O, I), b (O,) → y (…, O)."""
    if _tensor("x", x).ndim == 2:
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


def batch_norm(
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - mean) / sqrt(var + eps) · weight + bias, per channel of x (N, C[, H, W]).

    Training uses the batch's mean and biased variance, and moves the running arrays (C,) in place:
    running = (1 - momentum) running + momentum batch, with the unbiased variance. Evaluation uses
    the running arrays. Both modes are differentiable. Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    mean, var, seen = _statistics(x, running_mean, running_var, training, momentum)
    return BatchNorm.apply(x, weight, bias, mean, var, eps=eps, seen=seen)


def batch_norm_relu(
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """relu(batch_norm(x, …) + residual), in one pass; residual like x, or None for zero.

    The values are those of the three functions one after another; see `nn.norm_act`.
    """
    mean, var, seen = _statistics(x, running_mean, running_var, training, momentum)
    return BatchNormReLU.apply(x, weight, bias, mean, var, residual, eps=eps, seen=seen)


def _statistics(
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    training: bool,
    momentum: float,
) -> tuple[Array | None, Array | None, Callable[[Any], None] | None]:
    """Return the mean and variance to use (None: the batch's), and what to do with those used."""
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: evaluation needs running_mean and running_var")
        return running_mean, running_var, None
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch_norm: give both running_mean and running_var, or neither")
    if running_mean is None or running_var is None:
        return None, None, None
    if type(running_mean) is not type(x.data):
        require_same_device("x", x.data, running_mean=running_mean)

    def move_average(saved: Any) -> None:
        move = kernel_for("running_statistics", running_mean).forward
        count = x.size // saved.mean.size
        move(running_mean, running_var, saved.mean, saved.var, count=count, momentum=momentum)

    return None, None, move_average


def add_relu(a: Tensor, b: Tensor) -> Tensor:
    """max(a + b, 0) for equal shapes, in one pass: the end of a residual block."""
    return AddReLU.apply(a, b)


def max_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Maximum over windows of x (N, C, H, W); stride None means kernel_size.

    Among equals the first in row-major order wins, in value and in gradient.
    """
    return MaxPool2d.apply(
        x,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


def avg_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Mean over windows of x (N, C, H, W); stride None means kernel_size."""
    return AvgPool2d.apply(
        x,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


def adaptive_avg_pool2d(x: Tensor, output_size: Size) -> Tensor:
    """Mean over H' × W' cells of x (N, C, H, W), whose sizes differ by at most one pixel.

    Cell i covers rows floor(i H / H') to ceil((i + 1) H / H') - 1, as in PyTorch.
    """
    _tensor("x", x)
    rows, columns = (output_size,) * 2 if isinstance(output_size, int) else output_size
    if rows < 1 or columns < 1:
        raise ValueError(f"adaptive_avg_pool2d: expected positive sizes, got {output_size}")
    if (rows, columns) == (1, 1):
        return GlobalAvgPool2d.apply(x)
    if x.ndim != 4:
        raise ValueError(f"x: expected shape (N, C, H, W), got {x.shape}")
    if x.shape[2] % rows == 0 and x.shape[3] % columns == 0:
        return avg_pool2d(x, (x.shape[2] // rows, x.shape[3] // columns))
    left = _cell_means(rows, x.shape[2], x.data)  # (H', H)
    right = _cell_means(columns, x.shape[3], x.data).T  # (W, W')
    return Tensor(left) @ x @ Tensor(right)


def _cell_means(cells: int, size: int, like: Array) -> Array:
    """Return the (cells, size) matrix whose row i averages cell i, of dtype and place of `like`."""
    matrix = zeros_beside(like, (cells, size))
    for i in range(cells):
        lo, hi = i * size // cells, -(-(i + 1) * size // cells)
        matrix[i, lo:hi] = 1 / (hi - lo)
    return matrix


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """x - log(sum(exp(x))) along `dim`, without overflow."""
    _ops.require_float(_tensor("x", x), "log_softmax")
    shifted = x - x.detach().max(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`, without overflow."""
    _ops.require_float(_tensor("x", x), "softmax")
    return log_softmax(x, dim).exp()


def cross_entropy(
    input: Tensor, target: Tensor | Array, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """-log softmax(input)[target]: input (N, C), target (N,) integers in [0, C).

    `reduction` "none" returns the N losses. Stable for logits of any size that is finite.
    """
    return _reduce(CrossEntropy.apply(input, target), reduction)


def mse_loss(
    input: Tensor, target: Tensor | Array, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """(input - target)², for equal shapes."""
    _ops.require_float(_tensor("input", input), "mse_loss")
    if not hasattr(target, "shape"):
        raise TypeError(f"target: expected a Tensor or an array, got {type(target).__name__}")
    if input.shape != target.shape:
        raise ValueError(f"mse_loss: input {input.shape} and target {target.shape} differ in shape")
    require_same_device("input", input.data, target=_ops.values(target))
    d = input - target
    return _reduce(d * d, reduction)


def _reduce(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction: expected 'mean', 'sum' or 'none', got {reduction!r}")


def dropout(
    x: Tensor,
    p: float = 0.5,
    training: bool = True,
    rng: np.random.Generator | int | None = None,
) -> Tensor:
    """Zero each element with probability p and scale the others by 1 / (1 - p), in training only.

    The mask comes from `rng`, by default the generator of `minires.manual_seed`; it is drawn in
    NumPy's memory and moved to where x is, so that a seed means the same everywhere.
    """
    _ops.require_float(x, "dropout")
    if not 0 <= p < 1:
        raise ValueError(f"dropout: expected 0 <= p < 1, got {p}")
    if not training or p == 0:
        return x
    kept = generator(rng).random(x.shape) >= p
    return x * Tensor(to_device_of(kept.astype(x.dtype) / x.dtype.type(1 - p), x.data))
