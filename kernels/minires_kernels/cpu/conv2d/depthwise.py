"""Depthwise convolution in v3: each channel has its own filter, so registers hold channels.

    dst[p, q, c] = b[c] + Σ_taps src[p·step + dr, q·step + ds, c] · w[tap, c]

There is no sum over channels and nothing to reuse: the loop reads src once per tap.
"""

from __future__ import annotations

import numpy as np

from ...memory import empty, zeros
from ...spec import Array
from ..machine.layout import plain
from ..machine.loops import loop
from ..machine.simd import fill, lanes, load, store
from ..machine.threads import run
from .common import SMALLEST_FLOPS, sum_parts, weight_parts
from .gather import Gather
from .units import copy_band, units


@loop
def _gather(
    lo: int,
    hi: int,
    source: Array,  # flat (N, h, w, c)
    w: Array,  # flat (taps, c)
    b: Array,  # (c,)
    y: Array,  # flat (N, …, …, c)
    unit: tuple[int, ...],
    gather: tuple[int, ...],
    to: tuple[int, ...],
    taps: Array,
) -> None:
    bands, band, height, width, copied, pitch = unit
    h, w_all, c_all, top, left, p_all, q_all, step_r, step_s = gather
    y_image, y_row, y_pixel, y_start = to
    per_register = lanes(source)
    whole = c_all - c_all % per_register
    scratch = np.empty(height * width * c_all if copied else 1, source.dtype)
    x = scratch if copied else source
    for u in range(lo, hi):
        n, p0 = u // bands, u % bands * band
        base = 0
        if copied:
            top_here, size = p0 * step_r + top, (h, w_all, c_all)
            copy_band(source, n, size, top_here, left, x, 0, height, width)
        else:
            base = ((n * h + p0 * step_r + top) * w_all + left) * c_all
        for p in range(min(band, p_all - p0)):
            for q in range(q_all):
                window = base + p * step_r * pitch + q * step_s * c_all
                pixel = n * y_image + (p0 + p) * y_row + q * y_pixel + y_start
                for c in range(0, whole, per_register):
                    total = load(b, c)
                    for t in range(taps.size):
                        total = total + load(x, window + taps[t] + c) * load(w, t * c_all + c)
                    store(y, pixel + c, total)
                for c in range(whole, c_all):
                    value = b[c]
                    for t in range(taps.size):
                        value += x[window + taps[t] + c] * w[t * c_all + c]
                    y[pixel + c] = value


@loop
def _weight_sums(
    lo: int,
    hi: int,
    x: Array,  # flat (N, h, w, c)
    dy: Array,  # flat (N, p, q, c)
    partial: Array,  # flat (parts, taps, c)
    unit: tuple[int, ...],
    gather: tuple[int, ...],
    taps: Array,
) -> None:
    n_all, parts, band, height, width, copied, pitch = unit
    h, w_all, c_all, top, left, p_all, q_all, step_r, step_s = gather
    per_register = lanes(x)
    whole = c_all - c_all % per_register
    scratch = np.empty(height * width * c_all if copied else 1, x.dtype)
    source = scratch if copied else x
    for part in range(lo, hi):
        for n in range(part * n_all // parts, (part + 1) * n_all // parts):
            for p0 in range(0, p_all, band):
                base = 0
                if copied:
                    top_here, size = p0 * step_r + top, (h, w_all, c_all)
                    copy_band(x, n, size, top_here, left, source, 0, height, width)
                else:
                    base = ((n * h + p0 * step_r + top) * w_all + left) * c_all
                for t in range(taps.size):
                    sums = (part * taps.size + t) * c_all
                    for p in range(min(band, p_all - p0)):
                        window = base + taps[t] + p * step_r * pitch
                        upstream = (n * p_all + p0 + p) * q_all * c_all
                        for c in range(0, whole, per_register):
                            total = fill(x, 0)
                            for q in range(q_all):
                                here = load(source, window + q * step_s * c_all + c)
                                total = total + here * load(dy, upstream + q * c_all + c)
                            store(partial, sums + c, load(partial, sums + c) + total)
                        for c in range(whole, c_all):
                            for q in range(q_all):
                                here = source[window + q * step_s * c_all + c]
                                partial[sums + c] += here * dy[upstream + q * c_all + c]


def _tap_offsets(gather: Gather, pitch: int, c: int) -> Array:
    r, s = gather.origin
    return np.array([(dr - r) * pitch + (ds - s) * c for dr, ds, _ in gather.taps], np.int64)


def gather(g: Gather, source: Array, w: Array, b: Array | None, y: Array) -> None:
    """Compute one gather: source (N, h, w, C), w (C, 1, R, S) → y (N, …, …, C)."""
    n, h, width, c = source.shape
    u = units(g, h, width, c, source.itemsize)
    taps = [t for _, _, t in g.taps]
    w_taps = plain(w.reshape(c, -1)[:, taps].T)  # (taps, C)
    row = y.shape[2] * c
    run(
        _gather,
        u.count(n),
        source.reshape(-1),
        w_taps.reshape(-1),
        np.zeros(c, y.dtype) if b is None else plain(b),
        y.reshape(-1),
        (u.bands, u.band, u.height, u.width, int(u.copied), u.pitch),
        (h, width, c, *g.origin, *g.output, *g.step),
        (y.shape[1] * row, g.spread[0] * row, g.spread[1] * c, g.start[0] * row + g.start[1] * c),
        _tap_offsets(g, u.pitch, c),
        smallest=SMALLEST_FLOPS // (2 * u.band * g.output[1] * c * (len(taps) + 1)) + 1,
    )


def weight_gradient(g: Gather, x: Array, dy: Array, shape: tuple[int, ...]) -> Array:
    """Return dw of `shape` (C, 1, R, S) from x (N, H, W, C) and dy (N, P, Q, C)."""
    n, h, w, c = x.shape
    u = units(g, h, w, c, x.itemsize)
    count = weight_parts(n, len(g.taps) * c * x.itemsize)
    partial = zeros((count, len(g.taps), c), x.dtype)
    run(
        _weight_sums,
        count,
        x.reshape(-1),
        dy.reshape(-1),
        partial.reshape(-1),
        (n, count, u.band, u.height, u.width, int(u.copied), u.pitch),
        (h, w, c, *g.origin, *g.output, *g.step),
        _tap_offsets(g, u.pitch, c),
    )
    dw = empty((len(g.taps), c), x.dtype)
    dw[[t for _, _, t in g.taps]] = sum_parts(partial)
    return plain(dw.T).reshape(shape)
