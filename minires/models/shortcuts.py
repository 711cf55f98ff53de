"""What x passes on its way around a branch: by name, or any module of your own.

    name          what is added to the branch F                                  source
    "A"           x; where the shape changes every stride-th pixel and zero      2015 §4.1
                  channels
    "B"           a projection (1×1 convolution, norm) where the shape changes   2015 §4.1
    "C"           a projection in every block                                    2015 §4.1, 2016 (e)
    "scale:0.5"   0.5 x                                                          2016 (b)
    "gate:-6"     (1 - g) x with g = σ(W x + b), b starting at -6                2016 (d)
    "exclusive:-6" (1 - g) x, and F is multiplied by g                           2016 (c)
    "dropout:0.5" x with half of its elements zeroed, the others doubled         2016 (f)

The number may be left out: 0.5, 0, 0 and 0.5 are the defaults. Where the shape changes, the last
four act on what option A makes of x. Sources: He et al. 2015 (1512.03385), section 4.1; He et al.
2016 (1603.05027), Figure 2 and Table 1, whose "1×1 conv shortcut" (e) is option C.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minires_kernels import checks
from minires_kernels.memory import zeros_beside

from .. import functional as F
from .. import nn
from ..function import Context, Function
from ..nn import init
from ..tensor import Array, Tensor
from .norms import NORMS, norm_of, takes_bias

OPTIONS = ("A", "B", "C")
Factory = Callable[[int], nn.Module]  # from the number of channels (or features)


class PadShortcut(Function):
    """Option A: every `stride`-th pixel, and zeros for the channels that x does not have."""

    new_gradients = True

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
        dx = ctx.onto  # what the branch has sent: most of it stays as it is
        if dx is None:
            dx = zeros_beside(dy, (n, h, w, c)).transpose(0, 3, 1, 2)
        dx[:, :, ::stride, ::stride] += dy[:, :c]
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


class Scale(nn.Module):
    """factor · x: constant scaling of the shortcut (He et al. 2016, Figure 2(b))."""

    def __init__(self, factor: float = 0.5) -> None:
        super().__init__()
        self.factor = checks.real("factor", factor, -math.inf)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor

    def extra_repr(self) -> str:
        return f"{self.factor}"


class Gate(nn.Module):
    """(1 - g(x)) ⊙ x with g(x) = σ(W x + b): shortcut-only gating (He et al. 2016, Figure 2(d)).

    W (channels, channels) acts on the features of x (N, C), or as a 1×1 convolution on x
    (N, C, H, W). It starts as U(±1 / √channels), b (channels,) at `bias`: the more negative, the
    more of x passes.
    """

    def __init__(self, channels: int, bias: float = 0.0) -> None:
        super().__init__()
        channels = checks.integer("channels", channels, 1)
        self.start = checks.real("bias", bias, -math.inf)
        self.weight = nn.Parameter(np.zeros((channels, channels), np.float32))
        self.bias = nn.Parameter(np.full(channels, self.start, np.float32))
        bound = 1 / math.sqrt(channels)
        init.uniform_(self.weight, -bound, bound)

    def opening(self, x: Tensor) -> Tensor:
        """g(x), of the shape of x."""
        if x.ndim == 4:
            c = self.weight.shape[0]
            return F.sigmoid(F.conv2d(x, self.weight.reshape(c, c, 1, 1), self.bias))
        return F.sigmoid(F.linear(x, self.weight, self.bias))

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 - self.opening(x))

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, bias={self.start}"


class ExclusiveGate(Gate):
    """(1 - g(x)) ⊙ x + g(x) ⊙ F: exclusive gating, as in highway networks (2016, Figure 2(c))."""

    takes_branch = True

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:  # type: ignore[override]
        g = self.opening(x)
        return x * (1 - g) + branch * g


class Matched(nn.Sequential):
    """What makes x's shape that of the branch, and then what sits on the shortcut."""

    def __init__(self, match: nn.Module, then: nn.Module) -> None:
        super().__init__(match, then)
        self.takes_branch = takes_branch(then)

    def forward(self, x: Tensor, *branch: Tensor) -> Tensor:
        match, then = self
        return then(match(x), *branch)  # type: ignore[no-any-return]


def takes_branch(module: nn.Module) -> bool:
    """Return whether a module weighs the branch too: module(x, branch) is the sum of both.

    Your own module says so by an attribute `takes_branch = True`.
    """
    return getattr(module, "takes_branch", False) is True


_SITTING: dict[str, tuple[float, Callable[[int, float], nn.Module]]] = {
    "scale": (0.5, lambda channels, number: Scale(number)),
    "gate": (0.0, Gate),
    "exclusive": (0.0, ExclusiveGate),
    "dropout": (0.5, lambda channels, number: nn.Dropout(number)),
}
NAMES = (*OPTIONS, *_SITTING)


def parse(shortcut: str | Factory) -> tuple[str, Factory | None]:
    """Return the option by which shapes are matched, and what makes the module that sits there.

    "gate:-6" → ("A", channels ↦ Gate(channels, -6)); "B" → ("B", None). Raises ValueError.
    """
    if not isinstance(shortcut, str):
        if not callable(shortcut):
            raise TypeError(
                f"shortcut: expected a name or a function channels -> Module, got {shortcut!r}"
            )
        return "A", shortcut
    name, colon, text = shortcut.partition(":")
    if name in OPTIONS and not colon:
        return name, None
    if name not in _SITTING:
        raise ValueError(f"shortcut: expected one of {', '.join(NAMES)}, got {shortcut!r}")
    number, make = _SITTING[name]
    if colon:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
    if not math.isfinite(number) or (name == "dropout" and not 0 <= number < 1):
        kind = "a probability below 1" if name == "dropout" else "a number"
        raise ValueError(f"shortcut: expected {kind} after {name}:, got {shortcut!r}")
    return "A", lambda channels: make(channels, number)


def make_shortcut(kind: str, in_channels: int, channels: int, stride: int, norm: str) -> nn.Module:
    """Return what x passes around a branch of convolutions: option "A", "B" or "C", or "none".

    norm   of a projection: "bn", "ln"; "of the block" where the block has one, so that a projection
           needs no bias either; without both it has a bias
    """
    changes = stride != 1 or in_channels != channels
    if kind == "C" or (kind == "B" and changes):
        bias = takes_bias(norm) and norm != "of the block"
        conv = nn.Conv2d(in_channels, channels, 1, stride, bias=bias)
        after = norm_of(channels, norm, 4) if norm in NORMS else nn.Identity()
        return nn.Sequential(conv, after)
    return Pad(channels, stride) if kind != "none" and changes else nn.Identity()
