"""What x passes on its way around a branch of convolutions, where the block changes its shape.

Options A, B and C of He et al. 2015 (1512.03385), section 4.1.
"""

from __future__ import annotations

from minires_kernels.memory import zeros_beside

from .. import nn
from ..function import Context, Function
from ..tensor import Array, Tensor


class PadShortcut(Function):
    """Option A: every `stride`-th pixel, and zeros for the channels that x does not have."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, stride: int, channels: int) -> Array:
        """x (N, C, H, W) → (N, channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        ctx.save(x.shape, stride)
        picked = x[:, :, ::stride, ::stride]
        n, c, h, w = picked.shape
        y = zeros_beside(x, (n, h, w, channels)).transpose(0, 3, 1, 2)  # channels-last memory
        y[:, :c] = picked
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy of the picked pixels and present channels, 0 elsewhere."""
        (n, c, h, w), stride = ctx.saved
        dx = zeros_beside(dy, (n, h, w, c)).transpose(0, 3, 1, 2)
        dx[:, :, ::stride, ::stride] = dy[:, :c]
        return dx


class Pad(nn.Module):
    """The parameter-free shortcut where a block changes the shape (option A of the paper)."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, H, W)."""
        return PadShortcut.apply(x, stride=self.stride, channels=self.channels)

    def extra_repr(self) -> str:
        return f"channels={self.channels}, stride={self.stride}"


def make_shortcut(
    kind: str, in_channels: int, channels: int, stride: int, normalised: bool
) -> nn.Module:
    """Return what x passes around a branch of convolutions: option "A", "B" or "C", or "none"."""
    changes = stride != 1 or in_channels != channels
    if kind == "C" or (kind == "B" and changes):
        conv = nn.Conv2d(in_channels, channels, 1, stride, bias=not normalised)
        return nn.Sequential(conv, nn.BatchNorm2d(channels) if normalised else nn.Identity())
    return Pad(channels, stride) if kind != "none" and changes else nn.Identity()
