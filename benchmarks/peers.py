"""The same kernels elsewhere: PyTorch in both memory orders, JAX, MyGrad and plain NumPy.

Each function returns {peer: {pass: call}}, and {} where the peer is not installed or does not have
the kernel. A call does the arithmetic of one pass and nothing else, as far as its library allows:
JAX compiles beforehand and MyGrad cannot leave out what autograd costs it.

passes   "forward", "backward"; for conv2d also "backward-data" and "backward-weight"
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minires_kernels.cpu.machine import threads

from . import numpy_conv

Passes = dict[str, Callable[[], Any]]
TORCH_ORDERS = ("NCHW", "channels_last")


@lru_cache
def _module(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except Exception:  # absent or broken: then there is no such peer, which is no error here
        return None


def torch() -> Any:
    """Return the module torch with our number of threads, or None."""
    found = _module("torch")
    if found is not None and found.get_num_threads() != threads.num_threads():
        found.set_num_threads(threads.num_threads())
    return found


def jax() -> Any:
    """Return the module jax, or None."""
    return _module("jax")


def mygrad() -> Any:
    """Return the module mygrad, or None."""
    return _module("mygrad")


def _functions(options: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return what PyTorch calls each kernel, on the kernel's positional arguments."""
    f = _module("torch.nn.functional")

    def batch_norm_relu(
        x: Any, weight: Any, bias: Any, mean: Any, var: Any, residual: Any = None
    ) -> Any:
        y = f.batch_norm(x, mean, var, weight, bias, training=mean is None, eps=eps)
        return f.relu(y if residual is None else y + residual)

    eps = options.get("eps", 1e-5)
    window = [options.get(k, d) for k, d in (("kernel_size", 1), ("stride", None), ("padding", 0))]
    return {
        "conv2d": lambda x, w, b=None: f.conv2d(x, w, b, **options),
        "linear": f.linear,
        "batch_norm": lambda x, w, b, mean=None, var=None: f.batch_norm(
            x, mean, var, w, b, training=mean is None, eps=eps
        ),
        "batch_norm_relu": batch_norm_relu,
        "group_norm": lambda x, w=None, b=None: f.group_norm(
            x, options.get("groups", 1), w, b, eps
        ),
        "relu": f.relu,
        "gated": {
            "normal": f.gelu,
            "tanh": functools.partial(f.gelu, approximate="tanh"),
            "logistic": f.silu,
        }.get(options.get("gate", "normal")),
        "add": lambda a, b: a + b,
        "add_relu": lambda a, b: f.relu(a + b),
        "max_pool2d": lambda x: f.max_pool2d(x, *window),
        "avg_pool2d": lambda x: f.avg_pool2d(x, *window),
        "global_avg_pool2d": lambda x: f.adaptive_avg_pool2d(x, 1),
        "cross_entropy": lambda x, t: f.cross_entropy(x, t, reduction="none"),
    }


def torch_kernel(name: str, arrays: Sequence[Any], options: dict[str, Any]) -> dict[str, Passes]:
    """Return the passes of a kernel in PyTorch, eager, in each memory order that images can have.

    Where there are no images, the only order is called NCHW.
    """
    t = torch()
    function = None if t is None else _functions(options).get(name)
    if function is None:
        return {}
    images = any(a is not None and a.ndim == 4 for a in arrays)
    orders = TORCH_ORDERS if images else TORCH_ORDERS[:1]
    return {f"PyTorch {order}": _torch_passes(t, function, arrays, order) for order in orders}


def _torch_passes(t: Any, function: Callable[..., Any], arrays: Any, order: str) -> Passes:
    inputs = []
    for a in arrays:
        v = None if a is None else t.from_numpy(np.array(a, order="C"))
        if v is not None and v.ndim == 4 and order == "channels_last":
            v = v.contiguous(memory_format=t.channels_last)
        inputs.append(v if v is None or not v.is_floating_point() else v.requires_grad_())
    y = function(*inputs)
    dy = t.ones_like(y)
    leaves = [v for v in inputs if v is not None and v.requires_grad]

    def forward() -> None:
        with t.no_grad():
            function(*inputs)

    def grad(wanted: list[Any]) -> Callable[[], Any]:
        return lambda: t.autograd.grad(y, wanted, dy, retain_graph=True)

    return {
        "forward": forward,
        "backward": grad(leaves),
        "backward-data": grad(leaves[:1]),
        "backward-weight": grad(leaves[1:2] or leaves),
    }


def numpy_conv2d(arrays: Sequence[Any], options: dict[str, Any]) -> dict[str, Passes]:
    """Return the passes of plain NumPy's im2col."""
    x, w = (np.ascontiguousarray(a) for a in arrays[:2])
    geometry = options.get("stride", 1), options.get("padding", 0)
    y = numpy_conv.forward(x, w, *geometry)
    dy = np.ones(y.shape, y.dtype)
    return {
        "NumPy im2col": {
            "forward": lambda: numpy_conv.forward(x, w, *geometry),
            "backward": lambda: numpy_conv.backward(dy, x, w, *geometry),
            "backward-data": lambda: numpy_conv.backward_data(dy, x, w, *geometry),
            "backward-weight": lambda: numpy_conv.backward_weight(dy, x, w, *geometry),
        }
    }


def jax_conv2d(arrays: Sequence[Any], options: dict[str, Any]) -> dict[str, Passes]:
    """Return the passes of JAX, compiled; it chooses its threads itself."""
    j = jax()
    if j is None:
        return {}
    x, w = (j.numpy.asarray(np.ascontiguousarray(a)) for a in arrays[:2])
    stride, padding = (options.get("stride", 1),) * 2, ((options.get("padding", 0),) * 2,) * 2

    def convolve(x: Any, w: Any) -> Any:
        return j.lax.conv_general_dilated(x, w, stride, padding)

    def gradient(wanted: tuple[int, ...]) -> Callable[[], Any]:
        def compute(x: Any, w: Any, dy: Any) -> Any:
            grads = j.vjp(convolve, x, w)[1](dy)
            return [grads[i] for i in wanted]

        compiled = j.jit(compute)
        return lambda: j.block_until_ready(compiled(x, w, dy))

    forward = j.jit(convolve)
    dy = j.numpy.ones_like(forward(x, w))
    return {
        "JAX": {
            "forward": lambda: forward(x, w).block_until_ready(),
            "backward": gradient((0, 1)),
            "backward-data": gradient((0,)),
            "backward-weight": gradient((1,)),
        }
    }


def mygrad_conv2d(arrays: Sequence[Any], options: dict[str, Any]) -> dict[str, Passes]:
    """Return forward of MyGrad, and forward with backward, which needs a new graph each time."""
    mg, layers = mygrad(), _module("mygrad.nnet.layers")
    if mg is None or layers is None:
        return {}
    x, w = (np.ascontiguousarray(a) for a in arrays[:2])
    geometry = {"stride": options.get("stride", 1), "padding": options.get("padding", 0)}

    def forward() -> None:
        with mg.no_autodiff:
            layers.conv_nd(x, w, **geometry)

    def both() -> None:
        tx, tw = mg.tensor(x), mg.tensor(w)
        y = layers.conv_nd(tx, tw, **geometry)
        y.backward(np.ones_like(y.data))

    return {"MyGrad": {"forward": forward, "forward + backward": both}}


def kernel_peers(
    name: str, arrays: Sequence[Any], options: dict[str, Any], others: bool = False
) -> dict[str, Passes]:
    """Return every peer of a kernel that is installed; `others` adds those besides PyTorch."""
    found = torch_kernel(name, arrays, options)
    if others and name == "conv2d":
        for make in (numpy_conv2d, jax_conv2d, mygrad_conv2d):
            found.update(make(arrays, options))
    return found
