"""Maxima and means over windows of images."""

from __future__ import annotations

from minires_kernels.memory import zeros_beside

from ..tensor import Array, Tensor
from .kernels import AvgPool2d, GlobalAvgPool2d, MaxPool2d, Size, require_tensor


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
    require_tensor("x", x)
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
