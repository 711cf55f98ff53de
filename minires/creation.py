"""Making tensors from numbers, lists and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minires_kernels import arrays, checks, current_backend

from .tensor import Tensor


def tensor(
    data: Any,
    dtype: npt.DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | None = None,
) -> Tensor:
    """Make a leaf from numbers, lists or an array, always copying.

    Python floats become float32 (as in PyTorch); arrays and NumPy's numbers, in lists too, keep
    their dtype. `device` is "cpu" or
    "cuda"; by default an array on a GPU stays there, and anything else goes to `default_device()`.
    """
    if isinstance(data, Tensor):
        raise TypeError("tensor() of a Tensor: use .detach(), or tensor(t.data) for a copy")
    if arrays.on_gpu(data):
        array = arrays.module_of(data).array(data, dtype=dtype)
        device = "cuda" if device is None else device
    else:
        if isinstance(data, np.ndarray):
            data = checks.array("tensor()", data)
        array = np.array(data, dtype=dtype)
        if dtype is None and array.dtype == np.float64 and not _has_dtype(data):
            array = array.astype(np.float32)
        device = default_device() if device is None else device
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"tensor(): expected real numbers, got {array.dtype}")
    return Tensor(arrays.to_device(array, device), requires_grad)


def _has_dtype(data: Any) -> bool:
    """Whether `data` is NumPy's, or a tensor, or a list of which one element is."""
    if isinstance(data, list | tuple):
        return any(map(_has_dtype, data))
    return hasattr(data, "dtype")


def default_device() -> str:
    """Return where new tensors are made: "cuda" while `use_backend("cuda")` holds, else "cpu"."""
    return "cuda" if current_backend() == "cuda" else "cpu"
