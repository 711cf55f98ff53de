"""Convolution with many 1×1 filters on fewer pixels: products by BLAS, on images as they lie.

    y (pixels, K) = x (pixels, C) wᵀ        dx = dy w        dw = dyᵀ x

A stride leaves pixels of x out. BLAS copies both factors into blocks of the caches' sizes, as it
goes; v3 copies all weights before and dw after, which few pixels do not repay.
"""

from __future__ import annotations

from ...checks import Windows
from ...memory import empty, zeros
from ...spec import Array, Needs
from ..machine.blas import multiply
from ..machine.layout import plain, to_nchw
from ..machine.threads import parts, run

MANY_WEIGHTS = 1 << 18
NARROWEST = 256  # columns of a product of its own
MOST_PIECES = 8


def pays(x: Array, w: Array, win: Windows, groups: int) -> bool:
    """Whether w is large, with fewer pixels than a side of it; zeros around x are not met."""
    pixels = len(x) * win.output[0] * win.output[1]
    alone = groups == 1 and win.size == (1, 1) and win.padding == (0, 0)
    return alone and w.size >= MANY_WEIGHTS and 0 < pixels**2 <= w.size


def _product(a: Array, b: Array, y: Array) -> None:
    """y = a @ b, some columns at a time for the threads: how many, the sizes alone decide."""
    n = b.shape[1]
    cuts = parts(n, NARROWEST, MOST_PIECES)
    columns = [slice(i * n // cuts, (i + 1) * n // cuts) for i in range(cuts)]
    run(multiply, cuts, [(a, b[:, i], y[:, i]) for i in columns])


def _met(x: Array, win: Windows) -> Array:
    """Return the view (N, P, Q, C) of the pixels of x (N, H, W, C) that windows meet."""
    return x[:, :: win.stride[0], :: win.stride[1]]


def forward(x: Array, w: Array, b: Array | None, win: Windows, y: Array) -> None:
    """y (N, P, Q, K) = b + x wᵀ, from x (N, H, W, C)."""
    k, c = w.shape[:2]
    _product(plain(_met(x, win)).reshape(-1, c), plain(w).reshape(k, c).T, y.reshape(-1, k))
    if b is not None:
        y += b


def backward(
    dy: Array, x: Array, w: Array, win: Windows, needs: Needs
) -> tuple[Array | None, Array | None]:
    """Return dx and dw from dy (N, P, Q, K) and x (N, H, W, C)."""
    (k, c), dx, dw = w.shape[:2], None, None
    upstream = dy.reshape(-1, k)
    if needs[0]:
        dx = pixels = empty((*dy.shape[:3], c), x.dtype)
        _product(upstream, plain(w).reshape(k, c), pixels.reshape(-1, c))
        if win.stride != (1, 1):  # pixels that no window meets get no gradient
            dx = zeros(x.shape, x.dtype)
            _met(dx, win)[:] = pixels
        dx = to_nchw(dx)
    if needs[1]:
        dw = empty(w.shape, w.dtype)
        _product(upstream.T, plain(_met(x, win)).reshape(-1, c), dw.reshape(k, c))
    return dx, dw
