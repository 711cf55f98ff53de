"""Functions that only rearrange."""

from __future__ import annotations

from typing import Any

from minires_kernels import checks

from .. import ops
from ..tensor import Tensor
from .kernels import require_tensor


def flatten(x: Tensor, start_dim: int = 0) -> Tensor:
    """Merge the dimensions from `start_dim` on into one."""
    return ops.flatten(require_tensor("x", x), start_dim)


def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    """(N, C r², H, W) → (N, C, r H, r W): each r² channels become r × r pixels.

    y[n, c, r h + i, r w + j] = x[n, c r² + r i + j, h, w]. Shi et al. 2016 (1609.05158), eq. 4.
    """
    r = checks.integer("upscale_factor", upscale_factor, 1)
    n, c, h, w = _images("pixel_shuffle", x)
    if c % (r * r):
        raise ValueError(
            f"pixel_shuffle: the number of channels must be a multiple of {r}² = {r * r}, got "
            f"shape {x.shape}"
        )
    y = x.permute(0, 2, 3, 1).reshape(n, h, w, c // (r * r), r, r)  # channels-last, as y will be
    y = y.permute(0, 1, 4, 2, 5, 3)  # (N, H, r, W, r, C)
    return y.reshape(n, h * r, w * r, c // (r * r)).permute(0, 3, 1, 2)


def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    """(N, C, r H, r W) → (N, C r², H, W): what `pixel_shuffle` undoes."""
    r = checks.integer("downscale_factor", downscale_factor, 1)
    n, c, h, w = _images("pixel_unshuffle", x)
    if h % r or w % r:
        raise ValueError(
            f"pixel_unshuffle: height and width must be multiples of {r}, got shape {x.shape}"
        )
    y = x.reshape(n, c, h // r, r, w // r, r).permute(0, 1, 3, 5, 2, 4)  # (N, C, r, r, H, W)
    return y.reshape(n, c * r * r, h // r, w // r)


def _images(who: str, x: Any) -> tuple[int, int, int, int]:
    shape = require_tensor("x", x).shape
    if len(shape) != 4:
        raise ValueError(f"{who}: expected shape (N, C, H, W), got {shape}")
    return shape
