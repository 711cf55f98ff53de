"""What is an array, and on which device: "cpu", in NumPy's memory, or "cuda", in that of a GPU.

Arrays on a GPU are CuPy's. CuPy is never imported here: before somebody has, there are none of its
arrays. A NumPy array is told by its type alone, so that the cpu pays nothing for the question.

Nothing moves by itself. `to_device`, `to_device_of`, `to_gpu` and `to_host` are the only ways from
one to the other, and while a CUDA graph is captured none is open: see `transfers_forbidden`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from . import gpu

Array = npt.NDArray[Any]  # also an array on a GPU, which offers the same operations
_NUMPYS = (np.ndarray, np.generic, int, float)  # told by their types alone, at no cost


class _State(threading.local):
    forbidden = ""  # why arrays must not move now


_state = _State()


def on_gpu(a: Any) -> bool:
    """Return whether `a` is an array on a GPU."""
    if isinstance(a, _NUMPYS):
        return False
    # A module in the midst of its import may have no ndarray yet, and then there is no array of it.
    return isinstance(a, getattr(gpu.array_module(), "ndarray", ()))


def is_array(a: Any) -> bool:
    """Return whether `a` is an array, in whichever memory."""
    return isinstance(a, np.ndarray) or on_gpu(a)


def module_of(a: Any) -> Any:
    """Return the module whose functions work on `a`: NumPy, or the GPU's."""
    return gpu.array_module() if on_gpu(a) else np


def device_of(a: Any) -> str:
    """Return "cuda" for an array on a GPU, "cpu" for anything else."""
    return "cuda" if on_gpu(a) else "cpu"


def as_array(a: Any) -> Any:
    """Return `a` itself if it lives on a GPU, else as a plain NumPy array."""
    return a if on_gpu(a) else np.asarray(a)


def to_host(a: Any) -> Array:
    """Return `a` as a NumPy array; one on a GPU is copied, which waits for the GPU."""
    if not on_gpu(a):
        return np.asarray(a)
    _check_transfer()
    return a.get()  # type: ignore[no-any-return]


def to_gpu(a: Any) -> Any:
    """Return `a` as an array on the GPU; one that is there already is returned as it is.

    Raises RuntimeError where no GPU can be used, with what is missing.
    """
    if on_gpu(a):
        return a
    module = gpu.usable_module()
    _check_transfer()
    return module.asarray(a)


def to_device(a: Any, device: str) -> Any:
    """Return `a` on "cpu" or on "cuda"; ValueError for another name."""
    if device == "cuda":
        return to_gpu(a)
    if device == "cpu":
        return to_host(a)
    raise ValueError(f"device: expected 'cpu' or 'cuda', got {device!r}")


def to_device_of(a: Any, other: Any) -> Any:
    """Return `a` on the device of the array `other`, copied only if it must be."""
    if on_gpu(other) == on_gpu(a):
        return a
    return to_gpu(a) if on_gpu(other) else to_host(a)


def require_same_device(first: str, a: Any, **others: Any) -> None:
    """Raise TypeError unless every given array (None is left out) is on the device of `a`."""
    for name, b in others.items():
        if type(b) is not type(a) and b is not None and on_gpu(a) != on_gpu(b):
            on, off = (first, name) if on_gpu(a) else (name, first)
            raise TypeError(
                f"{on} lives on the GPU, {off} is a NumPy array; move one of them: a Tensor or a "
                'net by .to("cuda") (then make its optimiser anew), data by minires.tensor(…, '
                'device="cuda")'
            )


@contextlib.contextmanager
def transfers_forbidden(reason: str) -> Iterator[None]:
    """Within the block (in this thread) an array that would move raises RuntimeError instead."""
    before, _state.forbidden = _state.forbidden, reason
    try:
        yield
    finally:
        _state.forbidden = before


def _check_transfer() -> None:
    if _state.forbidden:
        raise RuntimeError(_state.forbidden)


def read_only(a: Any) -> Any:
    """Return `a` so that whoever gets it cannot change it: a view, or on a device a copy."""
    if on_gpu(a):
        return a.copy(order="K")  # arrays on a device cannot be made read-only
    view = a.view()
    view.flags.writeable = False
    return view
