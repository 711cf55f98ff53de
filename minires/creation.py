"""Making tensors from numbers, lists and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minires_kernels import arrays, current_backend

from .tensor import Tensor


def tensor(
    data: Any,
    dtype: npt.DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | None = None,
) -> Tensor:
    """Make a leaf from numbers, lists or an array, always copying.

    Python floats become float32 (as in PyTorch); an array keeps its dtype. `device` is "cpu" or
    "cuda"; by default an array on a GPU stays there, and anything else goes to `default_device()`.
    """
    if isinstance(data, Tensor):
        raise TypeError("tensor() of a Tensor: use .detach(), or tensor(t.data) for a copy")
    if arrays.on_gpu(data):
        array = arrays.module_of(data).array(data, dtype=dtype)
        device = "cuda" if device is None else device
    else:
        array = np.array(data, dtype=dtype)
        listed = not isinstance(data, np.ndarray | np.generic)
        if dtype is None and array.dtype == np.float64 and listed:
            array = array.astype(np.float32)
        device = default_device() if device is None else device
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"tensor(): expected real numbers, got {array.dtype}")
    return Tensor(arrays.to_device(array, device), requires_grad)


def default_device() -> str:
    """Return where new tensors are made: "cuda" while `use_backend("cuda")` holds, else "cpu"."""
    return "cuda" if current_backend() == "cuda" else "cpu"
