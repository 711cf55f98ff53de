"""The geometry of sliding windows, shared by convolution and pooling."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import checks

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
    stride = checks.pair("stride", stride, 1)
    padding = checks.pair("padding", padding, 0)
    dilation = checks.pair("dilation", dilation, 1)
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
    ceil_mode = checks.flag("ceil_mode", ceil_mode)
    size = checks.pair("kernel_size", kernel_size, 1)
    pad = checks.pair("padding", padding, 0)
    if 2 * pad[0] > size[0] or 2 * pad[1] > size[1]:
        raise ValueError(
            f"padding {pad} exceeds half of kernel_size {size}: a window could be empty"
        )
    if size[0] * size[1] > MAX_TAPS:
        raise ValueError(f"kernel_size {size}: expected at most {MAX_TAPS} pixels in a window")
    win = windows(image, size, size if stride is None else stride, pad, dilation, ceil_mode)
    for axis, name in enumerate(("height", "width")):
        start = np.arange(win.output[axis]) * win.stride[axis] - pad[axis]
        end = start + (size[axis] - 1) * win.dilation[axis]
        first = np.where(start < 0, start % win.dilation[axis], start)  # first tap not above/left
        if (first >= image[axis]).any() or (first > end).any():
            raise ValueError(f"a window touches only padding along the {name}; use less dilation")
    return win
