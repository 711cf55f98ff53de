"""Option A's shortcut as compiled loops, see shortcuts.py: the same bits, in channels-last memory.

NumPy takes four times as long: each of its inner loops has no more than the channels of a pixel.
"""

from __future__ import annotations

from minires_kernels.cpu.machine.layout import to_nchw, to_nhwc
from minires_kernels.cpu.machine.loops import loop_exact
from minires_kernels.cpu.machine.threads import run
from minires_kernels.memory import empty

from ..tensor import Array

SMALLEST = 1 << 14  # elements of y: below that a thread costs more than it saves


@loop_exact
def _picked(begin: int, end: int, x: Array, stride: int, y: Array) -> None:
    for n in range(begin, end):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                pixel, out = x[n, i * stride, j * stride], y[n, i, j]
                for c in range(pixel.size):
                    out[c] = pixel[c]
                for c in range(pixel.size, out.size):
                    out[c] = 0


@loop_exact
def _given_back(begin: int, end: int, dy: Array, stride: int, dx: Array) -> None:
    for n in range(begin, end):
        for i in range(dy.shape[1]):
            for j in range(dy.shape[2]):
                pixel, given = dx[n, i * stride, j * stride], dy[n, i, j]
                for c in range(pixel.size):
                    pixel[c] += given[c]


def padded(x: Array, stride: int, channels: int) -> Array:
    """Return every stride-th pixel of x (N, C, H, W), with zeros for channels beyond C."""
    n, _, h, w = x.shape
    y = empty((n, -(-h // stride), -(-w // stride), channels), x.dtype)
    run(_picked, n, to_nhwc(x), stride, y, smallest=SMALLEST // max(1, y[:1].size) + 1)
    return to_nchw(y)


def give_back(dy: Array, stride: int, dx: Array) -> None:
    """Add dy of the first channels to the picked pixels of dx (N, C, H, W), channels last."""
    given = to_nhwc(dy)
    few = SMALLEST // max(1, given[:1].size) + 1
    run(_given_back, len(given), given, stride, dx.transpose(0, 2, 3, 1), smallest=few)
