"""Checks at a kernel's public edge: say what came, what was expected, and what to do.

Also the geometry of sliding windows, `Windows`, which is checked and completed in one; and the
`signature` of a call, by which it is known that an equal one was checked before.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .arrays import is_array, on_gpu, require_same_device
from .spec import Array

BOOLEANS = (bool, np.bool_)


def array(name: str, a: Any) -> Array:
    """Return `a` as a plain ndarray, or as it is if it lives on a GPU; else raise TypeError.

    Lists and masked arrays are refused.
    """
    if type(a) is np.ndarray or on_gpu(a):
        return a  # type: ignore[no-any-return]
    if not isinstance(a, np.ndarray):
        raise TypeError(
            f"{name}: expected a NumPy array, got {type(a).__name__}; use np.asarray({name})"
        )
    if isinstance(a, np.ma.MaskedArray):
        raise TypeError(f"{name}: a masked array would lose its mask; use .filled(0)")
    return np.asarray(a)


def floating(name: str, a: Any, shape: str | None = None) -> Array:
    """Return `a` as a float array of as many dimensions as `shape` names, e.g. "(N, C, H, W)"."""
    x: Array = a if type(a) is np.ndarray else array(name, a)
    dtype = x.dtype
    if dtype.kind != "f" or not dtype.isnative:
        raise TypeError(
            f"{name}: expected a floating dtype in native byte order, got {dtype}; "
            f"use {name}.astype(np.float32)"
        )
    if shape is not None and x.ndim != _dimensions(shape):
        raise ValueError(f"{name}: expected shape {shape}, got {x.shape} ({x.ndim} dimensions)")
    return x


@cache
def _dimensions(shape: str) -> int:
    """Return how many dimensions a shape like "(N, C)" or "(C,)" names."""
    return shape.count(",") + (0 if shape.endswith(",)") else 1)


def same_dtype(first: str, a: Array, **others: Array | None) -> None:
    """Raise TypeError unless every given array has the dtype of `a` and lives where `a` does.

    Nothing is cast or moved silently.
    """
    for name, b in others.items():
        if b is None:
            continue
        if type(b) is not type(a):
            require_same_device(first, a, **{name: b})
        if b.dtype != a.dtype:
            raise TypeError(
                f"{first} is {a.dtype} but {name} is {b.dtype}; cast one of them, "
                f"e.g. {name}.astype(np.{a.dtype})"
            )


def has_shape(name: str, a: Array, expected: Sequence[int], why: str = "") -> None:
    """Raise ValueError unless `a.shape` equals `expected`."""
    if a.shape != expected and a.shape != tuple(expected):
        because = f" ({why})" if why else ""
        raise ValueError(f"{name}: expected shape {tuple(expected)}{because}, got {a.shape}")


def no_zero_size(name: str, a: Array, axes: str) -> None:
    """Raise ValueError if any axis but the first (the batch) is empty; `axes` like "N C H W"."""
    for axis, size in zip(axes.split()[1:], a.shape[1:], strict=True):
        if size == 0:
            raise ValueError(f"{name}: {axis} is 0 in shape {a.shape}; it must be at least 1")


def integer(name: str, value: Any, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`; bools and floats are refused."""
    if isinstance(value, BOOLEANS):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    try:
        n = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if n < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {n}")
    if n > 2**31 - 1:
        raise ValueError(f"{name}: expected at most 2**31 - 1, got {n}")
    return n


def pair(name: str, value: Any, minimum: int) -> tuple[int, int]:
    """Return an integer or a pair of integers as a pair (height, width)."""
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise ValueError(f"{name}: expected one integer or two (height, width), got {value!r}")
        return integer(name, value[0], minimum), integer(name, value[1], minimum)
    n = integer(name, value, minimum)
    return n, n


def real(name: str, value: Any, minimum: float = 0.0) -> float:
    """Return `value` as a finite float of at least `minimum`."""
    try:
        x = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name}: expected a finite number, got {value!r}") from None
    if not (math.isfinite(x) and x >= minimum):
        raise ValueError(f"{name}: expected a finite number of at least {minimum}, got {x}")
    return x


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool; anything but a bool is refused, however true it may be."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def upstream(dy: Any, like: Array, expected: Sequence[int]) -> Array:
    """Check the gradient handed to a backward pass: shape of y, dtype and device of `like`."""
    checked = floating("dy", dy)
    if type(checked) is not type(like):
        require_same_device("dy", checked, x=like)
    has_shape("dy", checked, expected, "the shape of y")
    if checked.dtype != like.dtype:
        raise TypeError(f"dy is {checked.dtype}, the forward pass ran in {like.dtype}; cast dy")
    return checked


def numbers(name: str, a: Any) -> Array:
    """Return `a` as a plain array of real numbers in native byte order, or raise TypeError."""
    if not is_array(a):
        raise TypeError(
            f"{name}: expected an array, got {type(a).__name__}; minires.tensor(...) takes numbers "
            "and lists"
        )
    x = array(name, a)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected real numbers, got {x.dtype}")
    if not x.dtype.isnative:
        raise TypeError(
            f"{name}: {x.dtype} is not in this machine's byte order; minires.tensor(...) converts, "
            "and so does a.astype(a.dtype.newbyteorder('='))"
        )
    return x


# ---- the geometry of sliding windows, for convolution and pooling -------------------------------
# Absurd sizes are refused before memory is asked for, because asking can end the process.
MAX_PIXELS = 2**28  # of one padded image: 1 GiB per channel in float32
MAX_ELEMENTS = 2**31 - 1  # of a batch
MAX_TAPS = 2**20  # of one pooling window


class Windows(NamedTuple):
    """R × S windows with stride, padding and dilation over H × W pixels, P × Q of them."""

    size: tuple[int, int]  # R, S
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    output: tuple[int, int]  # P, Q

    def padded(self, h: int, w: int) -> tuple[int, int]:
        """Return the height and width of an image with all pixels that the windows touch.

        At least H + padding, W + padding: the image keeps its place also if no window reaches it.
        """
        (r, s), (p, q) = self.size, self.output
        return (
            max(h + self.padding[0], (p - 1) * self.stride[0] + (r - 1) * self.dilation[0] + 1),
            max(w + self.padding[1], (q - 1) * self.stride[1] + (s - 1) * self.dilation[1] + 1),
        )


def windows(
    image: tuple[int, int],
    size: tuple[int, int],
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool = False,
) -> Windows:
    """Validate and complete the geometry; raises ValueError if no window fits.

    output = floor((H + 2 padding - dilation (R - 1) - 1) / stride) + 1; with ceil_mode rounded up,
    but a last window must start inside the image or its first padding, as in PyTorch.
    """
    stride = pair("stride", stride, 1)
    padding = pair("padding", padding, 0)
    dilation = pair("dilation", dilation, 1)
    output = []
    for axis, name in enumerate(("height", "width")):
        reach = dilation[axis] * (size[axis] - 1) + 1
        span = image[axis] + 2 * padding[axis]
        if reach > span:
            raise ValueError(
                f"the window's {name} {reach} (kernel {size[axis]}, dilation {dilation[axis]}) "
                f"exceeds the padded input's {span} ({image[axis]} + 2 × {padding[axis]})"
            )
        steps, rest = divmod(span - reach, stride[axis])
        n = steps + 1 + (ceil_mode and rest > 0)
        if ceil_mode and (n - 1) * stride[axis] >= image[axis] + padding[axis]:
            n -= 1
        output.append(n)
    if (image[0] + 2 * padding[0]) * (image[1] + 2 * padding[1]) > MAX_PIXELS:
        raise ValueError(f"padding {padding} of an image of {image} makes too many pixels")
    return Windows(size, stride, padding, dilation, (output[0], output[1]))


def pooling_windows(
    image: tuple[int, int],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    ceil_mode: Any = False,
) -> Windows:
    """Validate the geometry of pooling, where every window must touch the image.

    `stride` None means the kernel size. Raises ValueError if padding exceeds half of the kernel, or
    if a dilated window steps over the image.
    """
    ceil_mode = flag("ceil_mode", ceil_mode)
    size = pair("kernel_size", kernel_size, 1)
    pad = pair("padding", padding, 0)
    if 2 * pad[0] > size[0] or 2 * pad[1] > size[1]:
        raise ValueError(
            f"padding {pad} exceeds half of kernel_size {size}: a window could be empty"
        )
    if size[0] * size[1] > MAX_TAPS:
        raise ValueError(f"kernel_size {size}: expected at most {MAX_TAPS} pixels in a window")
    win = windows(image, size, size if stride is None else stride, pad, dilation, ceil_mode)
    if win.dilation == (1, 1):  # no tap is stepped over, so the padding's limit is enough
        return win
    for axis, name in enumerate(("height", "width")):
        start = np.arange(win.output[axis]) * win.stride[axis] - pad[axis]
        end = start + (size[axis] - 1) * win.dilation[axis]
        first = np.where(start < 0, start % win.dilation[axis], start)  # first tap not above/left
        if (first >= image[axis]).any() or (first > end).any():
            raise ValueError(f"a window touches only padding along the {name}; use less dilation")
    return win


# ---- calls that were checked before -------------------------------------------------------------
# A training step makes the same calls again and again, with other numbers in arrays of the same
# shapes and dtypes. What was found for one of them holds for all of its signature, so that
# `backends.Kernel` looks it up. Only right calls are remembered, and none whose check reads numbers
# from an array: `KernelSpec.values` names these arrays.
MOST = 512  # signatures that are remembered for one kernel and direction
_EXACT = frozenset({type(None), bool, int, str})


def signature(arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...] | None:
    """Return a key that is equal for calls which no check can tell apart by shapes and options.

    Options count with their types: True and 1.0 are no 1, also within a pair, and -0.0 is no 0.0.
    None for a call with anything else than NumPy's arrays, numbers, strings, and pairs of integers.
    """
    parts: list[Any] = [tuple(options)]
    for a in (*arguments, *options.values()):
        kind = type(a)
        if kind is np.ndarray:
            parts += a.shape, a.dtype
        elif kind in _EXACT or kind is Windows:  # a Windows holds the integers of a check
            parts += kind, a
        elif kind is tuple and _EXACT.issuperset(map(type, a)):
            parts += kind, a, *map(type, a)
        elif kind is float:
            parts += kind, a or repr(a)
        else:
            return None
    return tuple(parts)


def remember(known: dict[Any, Any], key: tuple[Any, ...] | None, what: Any) -> None:
    """Keep `what` under `key`, if there is one; MOST at a time, so that memory is bounded."""
    if key is None:
        return
    if len(known) >= MOST:
        known.clear()
    known[key] = what
