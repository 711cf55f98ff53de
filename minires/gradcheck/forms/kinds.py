"""Arrays of every kind: NumPy's, CuPy's, and those of PyTorch and JAX, which are never imported
here: before somebody has imported them, there are none of their arrays.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

import numpy as np

from minires_kernels import arrays

from ...tensor import Array


def _torch_tensor(x: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, getattr(torch, "Tensor", ()))


def is_jax_array(x: Any) -> bool:
    """Whether `x` is an array of JAX."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(x, getattr(jax, "Array", ()))


def is_array(x: Any) -> bool:
    """Whether `x` is an array of any kind."""
    return arrays.is_array(x) or _torch_tensor(x) or is_jax_array(x)


def to_host(x: Any) -> Array:
    """Return an array, or a number, as a NumPy array; it may share memory."""
    if _torch_tensor(x):
        return x.detach().cpu().numpy()  # type: ignore[no-any-return]
    return np.asarray(x) if is_jax_array(x) else arrays.to_host(x)


def is_float_array(x: Any) -> bool:
    """Whether `x` is an array of floating numbers."""
    if _torch_tensor(x):
        return bool(x.dtype.is_floating_point)
    return is_array(x) and x.dtype.kind == "f"


def copied(x: Any) -> Any:
    """Return a copy of an array."""
    if _torch_tensor(x):
        return x.detach().clone()
    return x if is_jax_array(x) else x.copy()  # those of JAX cannot be written to


def like(a: Array, original: Any) -> Any:
    """Return a NumPy array of float64 as the kind of array that `original` is, in float64."""
    if _torch_tensor(original):
        return torch_tensor(a).to(original.device).requires_grad_(original.requires_grad)
    if is_jax_array(original):
        return sys.modules["jax"].numpy.asarray(a)
    return arrays.to_gpu(a) if arrays.on_gpu(original) else a


def torch_tensor(a: Array) -> Any:
    """Return a copy of a NumPy array as a tensor of PyTorch.

    It has no negative strides; an array that is not contiguous becomes such a tensor, too.
    """
    torch = sys.modules["torch"]
    if a.flags.c_contiguous or a.ndim < 2:
        return torch.from_numpy(np.array(a, order="C"))
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(a, -1, 0)).copy()).movedim(0, -1)


def share_memory(a: Any, b: Any) -> bool:
    """Whether two arrays lie in the same memory."""
    module = arrays.module_of(a)
    if arrays.module_of(b) is not module:
        return False
    return bool(module.shares_memory(a, b) if arrays.on_gpu(a) else
                np.shares_memory(to_host(a), to_host(b)))  # fmt: skip


def precise(in_jax: bool) -> contextlib.AbstractContextManager[Any]:
    """Within the block JAX, if it is in use, computes in float64."""
    jax: Any = sys.modules.get("jax")
    if not in_jax or jax is None:
        return contextlib.nullcontext()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)  # type: ignore[no-any-return]
    experimental: Any = importlib.import_module("jax.experimental")  # of older versions
    return experimental.enable_x64()  # type: ignore[no-any-return]
