"""Convolution, batch norm, addition and ReLU on the CPU, in channels-last memory.

backward   sums of batch norm's backward: one read of dy and c (with a residual: and of y, and one
           write of g); then conv2d's, whose dc is computed where it is read: v1 writes it and reads
           it again

Versions
    v1  conv2d, then batch_norm_relu: the newest version of each that takes the call
    v2  backward: Winograd (v4 of conv2d), with the dc of one image at a time, in the cache
"""

from __future__ import annotations

from typing import Any

from ..checks import Windows
from ..spec import ALL, Array, Needs, always, versions
from . import conv2d
from .batch_norm import image_of
from .batch_norm_relu import (
    backward_sums,
    batch_norm_relu_backward_v1,
    batch_norm_relu_forward_v1,
)
from .conv2d import v4_winograd

Gradients = tuple[Array | None, Array | None, Array | None, Array | None, Array | None]


def conv2d_norm_relu_forward_v1(
    x: Array,
    w: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    var: Array | None,
    residual: Array | None,
    *,
    win: Windows,
    groups: int,
    eps: float,
) -> tuple[Any, ...]:
    """Saved: x, w, the geometry, groups, and what batch_norm_relu saves."""
    options = {"win": win, "groups": groups}
    conv = next(v for v in reversed(conv2d.VERSIONS) if v.supports(x, w, None, **options))
    c, x, w, *_ = conv.forward(x, w, None, **options)
    y, *saved = batch_norm_relu_forward_v1(c, weight, bias, mean, var, residual, eps=eps)
    return y, x, w, win, groups, *saved


def conv2d_norm_relu_backward_v1(
    dy: Array,
    x: Array,
    w: Array,
    win: Windows,
    groups: int,
    c: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    y: Array,
    added: bool,
    needs: Needs = ALL,
) -> Gradients:
    """dx, dw, dweight, dbias, dresidual; None where not needed."""
    saved = (c, weight, bias, mean, var, eps, training, y, added)
    dc, *others = batch_norm_relu_backward_v1(dy, *saved, (needs[0] or needs[1], *needs[2:]))
    dx = dw = None
    if dc is not None:
        given = (dc, x, w, False, win, groups)
        conv = next(v for v in reversed(conv2d.VERSIONS) if v.supports_backward(*given))
        dx, dw, _ = conv.backward(*given, needs=(*needs[:2], False))
    dweight, dbias, dresidual = others
    return dx, dw, dweight, dbias, dresidual


conv2d_norm_relu_forward_v2 = conv2d_norm_relu_forward_v1


def conv2d_norm_relu_backward_v2(
    dy: Array,
    x: Array,
    w: Array,
    win: Windows,
    groups: int,
    c: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    var: Array,
    eps: float,
    training: bool,
    y: Array,
    added: bool,
    needs: Needs = ALL,
    onto: Array | None = None,
) -> Gradients:
    """As v1, bit for bit; dx may be added to `onto`."""
    s = backward_sums(dy, c, weight, bias, mean, var, eps, y, added)
    dx = dw = None
    if needs[0] or needs[1]:
        dx, dw = v4_winograd.backward_late(s, not added, x, w, win, needs, onto)
    return (
        dx,
        dw,
        s.dweight if needs[2] else None,
        s.dbias if needs[3] else None,
        image_of(s.g, c) if added and needs[6] else None,
    )


def _pays(x: Array, w: Array, *others: Any, win: Windows, groups: int, eps: float) -> bool:
    return others[2] is None and v4_winograd.late_pays(x, w, win, groups)


def _pays_backward(dy: Array, x: Array, w: Array, win: Windows, groups: int, *others: Any) -> bool:
    return others[6] and v4_winograd.late_pays(x, w, win, groups)  # in training


VERSIONS = versions(
    __doc__,
    (conv2d_norm_relu_forward_v1, conv2d_norm_relu_backward_v1, always, always, 10.0),
    (conv2d_norm_relu_forward_v2, conv2d_norm_relu_backward_v2, _pays, _pays_backward, 10.0,
     always, True),
)  # fmt: skip
