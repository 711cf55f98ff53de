"""What is an array, and where it lives: in the memory of NumPy ("cpu") or of a GPU ("cuda").

Arrays on a device are CuPy's. CuPy is never imported here: before somebody has, there are none of
its arrays. A NumPy array is told by its type alone, so that the cpu pays nothing for the question.

Nothing moves by itself. `to_device`, `to_host` and `beside` are the only ways from one memory to
the other, and while a CUDA graph is captured none of them is open: see `transfers_forbidden`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from . import gpu

Array = npt.NDArray[Any]  # also an array on a device, which offers the same operations


_NUMPYS = (np.ndarray, np.generic, int, float)  # told by their types alone, at no cost


class _State(threading.local):
    forbidden = ""  # why arrays must not move now


_state = _State()


def is_device(a: Any) -> bool:
    """Return whether `a` is an array on a device."""
    if isinstance(a, _NUMPYS):
        return False
    # A module in the midst of its import may have no ndarray yet, and then there is no array of it.
    return isinstance(a, getattr(gpu.device_module(), "ndarray", ()))


def is_array(a: Any) -> bool:
    """Return whether `a` is an array, in whichever memory."""
    return isinstance(a, np.ndarray) or is_device(a)


def module_of(a: Any) -> Any:
    """Return the module whose functions work on `a`: NumPy, or the device's."""
    return gpu.device_module() if is_device(a) else np


def place_of(a: Any) -> str:
    """Return "cuda" for an array on a device, "cpu" for anything else."""
    return "cuda" if is_device(a) else "cpu"


def as_array(a: Any) -> Any:
    """Return `a` itself if it lives on a device, else as a plain NumPy array."""
    return a if is_device(a) else np.asarray(a)


def to_host(a: Any) -> Array:
    """Return `a` as a NumPy array; one on a device is copied, which waits for the device."""
    if not is_device(a):
        return np.asarray(a)
    _check_transfer()
    return a.get()  # type: ignore[no-any-return]


def to_device(a: Any) -> Any:
    """Return `a` as an array on the device; one that is there already is returned as it is.

    Raises RuntimeError where no GPU can be used, with what is missing.
    """
    if is_device(a):
        return a
    module = gpu.usable_module()
    _check_transfer()
    return module.asarray(a)


def to_place(a: Any, place: str) -> Any:
    """Return `a` on "cpu" or on "cuda"; ValueError for another name."""
    if place == "cuda":
        return to_device(a)
    if place == "cpu":
        return to_host(a)
    raise ValueError(f"device: expected 'cpu' or 'cuda', got {place!r}")


def beside(a: Any, other: Any) -> Any:
    """Return `a` in the memory where the array `other` lives, copied only if it must be."""
    if is_device(other) == is_device(a):
        return a
    return to_device(a) if is_device(other) else to_host(a)


def require_same_place(first: str, a: Any, **others: Any) -> None:
    """Raise TypeError unless every given array (None is left out) lives where `a` does."""
    for name, b in others.items():
        if type(b) is not type(a) and b is not None and is_device(a) != is_device(b):
            on, off = (first, name) if is_device(a) else (name, first)
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
    if is_device(a):
        return a.copy(order="K")  # arrays on a device cannot be made read-only
    view = a.view()
    view.flags.writeable = False
    return view
