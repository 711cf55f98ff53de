"""Weights, normalisation, addition and activation as one step: `layer` and `norm_act`.

They are separate modules, and mean what they say; but each of them reads and writes every
activation once, and memory is what limits them. Where all that happens is act(norm(x) + add), one
pass does; where x is a convolution, its backward computes the norm's gradient where it reads it.
Fusion changes no value, and it is off wherever somebody looks in between: a module with hooks, or
with a forward of its own, runs by itself, and an observer is shown weights by themselves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from minires_kernels.backends import use_versions
from minires_kernels.checks import windows
from minires_kernels.setting import Setting

from .. import functional as F
from ..observe import watchers
from ..tensor import Tensor
from .activations import ReLU
from .layers import Conv2d, Linear
from .module import Module
from .norms import BatchNorm1d, BatchNorm2d

_PAIRS = {Conv2d: BatchNorm2d, Linear: BatchNorm1d}  # weights and the norm that fits them
_windows = lru_cache(1024, typed=True)(windows)
_NORMS = frozenset(_PAIRS.values())


class use_fusion(Setting):
    """Switch fusion on or off, for good or as a `with` block: `with nn.use_fusion(False): …`."""

    first = True

    def __init__(self, enabled: bool) -> None:
        if not isinstance(enabled, bool):
            raise TypeError(f"use_fusion: expected True or False, got {enabled!r}")
        super().__init__(enabled)


def layer(
    weights: Module,
    norm: Module,
    act: Module,
    x: Tensor,
    add: Tensor | None = None,
) -> Tensor:
    """act(norm(weights(x)) + add): a layer, with `add` the last one of a residual block.

    In training, a convolution or a linear layer without bias, batch norm and ReLU run as one
    kernel, unless one of them is hooked, an observer looks on, versions are chosen by
    `use_versions`, or fusion is off.
    """
    watched = watchers.get()
    if not (
        use_fusion.current()
        and _PAIRS.get(type(weights)) is type(norm)
        and type(act) is ReLU
        and _plain(weights, norm, act)
        and norm.training
        and weights.bias is None
        and weights.weight.shape[0] == norm.num_features
        and x.ndim == norm.ndim
        and not (watched and any(observer.apart for observer in watched))
        and not use_versions.current()
    ):
        return norm_act(norm, act, weights(x), add)
    if add is None or add.shape == _output(weights, x):
        return norm.of_weights_then_relu(weights, x, add)  # type: ignore[no-any-return]
    return norm_act(norm, act, weights(x), add)


def norm_act(norm: Module, act: Module, x: Tensor, add: Tensor | None = None) -> Tensor:
    """act(norm(x) + add), the end of a layer or (with `add`) of a residual block.

    Batch norm and ReLU run as one kernel, unless one of them is hooked or fusion is off.
    """
    if (
        use_fusion.current()
        and type(norm) in _NORMS
        and type(act) is ReLU
        and _plain(norm, act)
        and (add is None or add.shape == x.shape)
    ):
        return norm.then_relu(x, add)  # type: ignore[no-any-return]
    y: Tensor = norm(x)
    return act(y) if add is None else add_act(act, y, add)


def add_act(act: Module, x: Tensor, add: Tensor) -> Tensor:
    """act(x + add), as one kernel if it is ReLU of equal shapes, under the conditions above."""
    if use_fusion.current() and type(act) is ReLU and _plain(act) and add.shape == x.shape:
        return F.add_relu(x, add)
    return act(x + add)  # type: ignore[no-any-return]


def _output(weights: Any, x: Tensor) -> tuple[int, ...]:
    """Return the shape of weights(x)."""
    if type(weights) is Linear:
        return x.shape[0], weights.out_features
    n, _, h, w = x.shape
    sizes = weights.kernel_size, weights.stride, weights.padding, weights.dilation
    try:
        win = _windows((h, w), *sizes)
    except TypeError:  # a list, say, that somebody has assigned
        win = windows((h, w), *sizes)
    return (n, weights.out_channels, *win.output)


def _plain(*modules: Module) -> bool:
    """Whether nobody watches or replaces the forward of these modules, all of classes above."""
    for module in modules:
        own = module.__dict__
        if own["_pre_hooks"] or own["_hooks"] or "forward" in own:
            return False
    return True
