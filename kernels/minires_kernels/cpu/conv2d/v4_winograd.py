"""Convolution v4: Winograd F(4×4, 3×3) for 3×3 filters of stride 1, in float32.

`winograd.py` has the formula, `winograd_stages.py` the loops over tiles, `winograd_products.py` the
products. Here they are put together, in one of two ways. With few channels a thread takes a group
of tiles through all stages while they are in its cache (`_forward_group`, `_backward_group`). With
many, the transformed weights are the larger part: then each stage runs over all tiles, and a thread
takes a register of filters at a time, whose transformed weights stay in its cache
(`winograd_staged.py`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...checks import Windows
from ...memory import empty
from ...spec import ALL, Array, Needs
from ..batch_norm import input_gradient, row_lanes
from ..batch_norm_relu import Summed, masked_input_gradient
from ..machine.jit import jit_inner
from ..machine.layout import kept, to_nchw, to_nhwc
from ..machine.loops import loop
from ..machine.threads import run
from . import few_pixels
from .common import Gradients, bias_gradient, weight_parts
from .winograd_products import FILTERS, TILE, WIDTH, products, products_transposed
from .winograd_staged import Stages
from .winograd_stages import Sizes, add_gradients, buffer, gradients, inputs, outputs, upstreams
from .winograd_weights import transformed, untransformed, whole_blocks

Arrays = tuple[Array, Array, Array, Array]
GROUP_BYTES = 5 << 17  # of transformed tiles, in and out, in a thread's cache
IMAGE_BYTES = 1 << 19  # of dx, computed beside the memory to which it is added
STAGED_BYTES = 1 << 21  # of transformed weights: with more, stages run over the whole batch


class Plan(NamedTuple):
    """What follows from shapes alone."""

    sizes: Sizes
    channels: int  # C in whole blocks
    filters: int  # K in whole blocks
    weight_bytes: int  # of U
    tiles: int  # of the batch
    group: int  # tiles that a thread takes at a time in forward
    parts: int  # of the batch, for the sum of dU
    part_group: int  # tiles that a thread takes at a time in backward

    @property
    def staged(self) -> bool:
        """Whether each stage runs over the whole batch."""
        return self.weight_bytes > STAGED_BYTES


@lru_cache(1024)
def _plan(x: tuple[int, ...], w: tuple[int, ...], win: Windows) -> Plan:
    """Return the plan for x and w of these shapes."""
    (n, c, h, width), k = x, w[0]
    (p, q), (top, left) = win.output, win.padding
    rows, columns = -(-p // 4), -(-q // 4)  # of tiles in an image
    channels, filters = whole_blocks(c), whole_blocks(k)
    fit = GROUP_BYTES // (36 * 4 * (channels + filters))
    weight_bytes = 36 * 4 * channels * filters
    parts = weight_parts(n, weight_bytes)

    def group(images: int) -> int:  # a multiple of TILE
        return max(TILE, min(fit, images * rows * columns + TILE - 1) // TILE * TILE)

    return Plan(
        (h, width, c, k, top, left, p, q, rows, columns),
        channels, filters, weight_bytes, n * rows * columns,
        group(n), parts, group(-(-n // parts)),
    )  # fmt: skip


@loop
def _forward_group(
    lo: int, hi: int, x: Array, u: Array, b: Array, z: Sizes, group: tuple[int, ...], y: Array
) -> None:
    """Groups lo … hi - 1 of tiles: y from x (N, H, W, C) and U; all flat."""
    total, tiles, c_padded, k_padded = group
    v_step, m_step = c_padded * tiles + WIDTH, k_padded * tiles + WIDTH
    v, m = buffer(36 * v_step, x), buffer(36 * m_step, x)
    patch = np.empty(36 * c_padded, x.dtype)
    for g in range(lo, hi):
        first = g * tiles
        count = min(tiles, total - first)
        inputs(x, first, count, z, v, v_step, 0, tiles, patch)
        products(v, v_step, u, m, m_step, count, tiles, c_padded, k_padded)
        outputs(m, m_step, 0, tiles, b, y, first, count, z, patch)


@loop
def _backward_group(
    lo: int, hi: int, x: Array, ut: Array, dy: Array, z: Sizes, group: tuple[int, ...],
    needs: tuple[bool, bool], onto: bool, dx: Array, du: Array, late: Arrays, masked: bool,
) -> None:  # fmt: skip
    """Parts lo … hi - 1 of the batch: dx (zeroed here, or `onto` what is there), and dU[part].

    late: empty, or what `late_upstreams` computes dy from, an image at a time.
    """
    n_all, parts, tiles, c_padded, k_padded = group
    h, w_all, c_all, _, _, _, _, _, rows, columns = z
    v_step, m_step = c_padded * tiles + WIDTH, k_padded * tiles + WIDTH
    v, m = buffer(36 * v_step, dy), buffer(36 * m_step, dy)
    patch = np.empty(37 * max(c_padded, k_padded), dy.dtype)
    image = h * w_all * c_all
    alone = np.empty(image if onto else 0, dy.dtype)  # dx of one image
    made = np.empty((len(late[1]) // n_all, late[1].shape[1]), dy.dtype)  # dy of one image
    for part in range(lo, hi):
        n, end = part * n_all // parts, (part + 1) * n_all // parts
        zeroed = n  # images before this one
        first, last = n * rows * columns, end * rows * columns
        for t in range(first, last, tiles):
            count = min(tiles, last - t)
            if made.size:
                late_upstreams(late, masked, made, t, count, z, m, m_step, tiles, patch)
            else:
                upstreams(dy, t, count, z, m, m_step, 0, tiles, patch)
            if needs[1]:
                inputs(x, t, count, z, v, v_step, 0, tiles, patch)
                at, add = part * 36 * k_padded * c_padded, t > first
                products_transposed(
                    v, v_step, m, m_step, du, at, count, tiles, c_padded, k_padded, add
                )
            if needs[0]:
                products(m, m_step, ut, v, v_step, count, tiles, k_padded, c_padded)
                if onto:
                    add_gradients(v, v_step, tiles, t, count, z, alone, dx, patch)
                    continue
                touched = (t + count + rows * columns - 1) // (rows * columns)
                dx[zeroed * image : touched * image] = 0
                zeroed = touched
                gradients(v, v_step, 0, tiles, dx, t, count, z, patch)


@jit_inner
def late_upstreams(late: Arrays, masked: bool, made: Array, first: int, count: int, z: Sizes,
                   m: Array, step: int, tiles: int, patch: Array) -> None:  # fmt: skip
    """As `upstreams` into tiles 0 …, of the dy that batch norm's backward gives: see `Late`.

    made: room for the dy of one image; here it is computed as that image's first tile is met, or
    this group's.
    """
    g, x, vectors, shares = late
    per_image, rows, t = z[8] * z[9], len(made), first
    while t < first + count:
        n = t // per_image
        end = min((n + 1) * per_image, first + count)
        if t == n * per_image:
            at, to = n * rows, (n + 1) * rows
            if masked:
                masked_input_gradient(0, rows, g[at:to], x[at:to], vectors, shares, made, True)
            else:
                input_gradient(0, rows, g[at:to], x[at:to], vectors, shares, made, True)
        upstreams(made.reshape(-1), t - n * per_image, end - t, z, m, step, t - first, tiles, patch)
        t = end


def conv2d_forward_v4(
    x: Array, w: Array, b: Array | None, *, win: Windows, groups: int
) -> tuple[Any, ...]:
    """y = Aᵀ [U ⊙ V] A per tile."""
    plan, k, source = _plan(x.shape, w.shape, win), len(w), to_nhwc(x)
    y = empty((len(x), *win.output, k), x.dtype)
    bias = np.zeros(plan.filters, x.dtype)
    if b is not None:
        bias[:k] = b
    if plan.staged:
        stages = Stages(len(x), plan.sizes)
        v = stages.transform(source, forward=True)
        stages.output(stages.products(v, w, forward=True), bias, y)
    else:
        u = transformed(w, mirrored=False)
        group = (plan.tiles, plan.group, plan.channels, plan.filters)
        args = (source.reshape(-1), u.reshape(-1), bias, plan.sizes, group, y.reshape(-1))
        run(_forward_group, -(-plan.tiles // plan.group), *args)
    return to_nchw(y), kept(x, source), w, b is not None, win, groups


def conv2d_backward_v4(
    dy: Array,
    x: Array,
    w: Array,
    has_b: bool,
    win: Windows,
    groups: int,
    needs: Needs = ALL,
    onto: Array | None = None,
) -> Gradients:
    """The transposed formula: dM = A dy Aᵀ serves both dx and dw. Adds to `onto` in its memory."""
    dx = dw = None
    if _plan(x.shape, w.shape, win).staged:
        if needs[0] or needs[1]:
            dx, dw = _backward_staged(dy, x, w, win, needs)
    elif needs[0] or needs[1]:
        if onto is not None and not _in_place(onto, x):
            onto = None
        dx, dw = _backward_grouped(to_nhwc(dy), x, w, win, needs, onto)
    return dx, dw, bias_gradient(dy) if has_b and needs[2] else None


def _backward_grouped(
    dy: Array, x: Array, w: Array, win: Windows, needs: tuple[bool, ...], onto: Array | None,
    late: Summed | None = None, masked: bool = False,
) -> tuple[Array | None, Array | None]:  # fmt: skip
    plan, n = _plan(x.shape, w.shape, win), len(x)
    h, width, c = plan.sizes[:3]
    nothing = np.empty(0, x.dtype)
    dx = nothing
    if needs[0]:
        dx = empty((n, h, width, c), x.dtype) if onto is None else to_nhwc(onto)
    shape = (plan.parts, 36, plan.filters // FILTERS, plan.channels, FILTERS)
    du = empty(shape, x.dtype) if needs[1] else nothing
    ut = transformed(w, mirrored=True) if needs[0] else nothing
    run(
        _backward_group,
        plan.parts,
        to_nhwc(x).reshape(-1),
        ut.reshape(-1),
        dy.reshape(-1),
        plan.sizes,
        (n, plan.parts, plan.part_group, plan.channels, plan.filters),
        needs[:2],
        onto is not None,
        dx.reshape(-1),
        du.reshape(-1),
        (np.empty((0, 1), x.dtype),) * 4 if late is None else late[:4],
        masked,
    )
    return (
        (to_nchw(dx) if onto is None else onto) if needs[0] else None,
        untransformed(du, w.shape) if needs[1] else None,
    )


def backward_late(
    s: Summed, masked: bool, x: Array, w: Array, win: Windows, needs: Needs, onto: Array | None
) -> tuple[Array | None, Array | None]:
    """dx, dw of a convolution before batch norm, whose sums are known: dy is never in memory."""
    if onto is not None and not _in_place(onto, x):
        onto = None
    return _backward_grouped(s.g, x, w, win, needs, onto, s, masked)


def late_pays(x: Array, w: Array, win: Windows, groups: int) -> bool:
    """Whether `backward_late` can be used: an image is whole rows of batch norm, in a cache."""
    image = len(w) * win.output[0] * win.output[1]
    return (
        pays(x, w, None, win=win, groups=groups)
        and not _plan(x.shape, w.shape, win).staged
        and image * x.itemsize <= IMAGE_BYTES
        and image % row_lanes(len(x) * win.output[0] * win.output[1], len(w)) == 0
    )


def _in_place(onto: Array, x: Array) -> bool:
    """Whether dx can be added to `onto` image by image, in its memory and within a cache."""
    return onto.transpose(0, 2, 3, 1).flags.carray and x[0].nbytes <= IMAGE_BYTES


def _backward_staged(
    dy: Array, x: Array, w: Array, win: Windows, needs: tuple[bool, ...]
) -> tuple[Array | None, Array | None]:
    stages = Stages(len(x), _plan(x.shape, w.shape, win).sizes)
    dx = dw = None
    m = stages.transform(to_nhwc(dy), forward=False)
    if needs[1]:
        v = stages.transform(to_nhwc(x), forward=True)
        dw = stages.weight_products(v, m)
        del v
    if needs[0]:
        n, c, h, width = x.shape
        dx = empty((n, h, width, c), x.dtype)
        stages.gradient(stages.products(m, w, forward=False), dx)
        dx = to_nchw(dx)
    return dx, dw


def pays(x: Array, w: Array, b: Array | None, *, win: Windows, groups: int) -> bool:
    """Whether Winograd can and should be used: see the top of this file, and the conditions."""
    p, q = win.output
    tiles = -(-p // 4) * -(-q // 4)
    return (
        x.dtype == np.float32
        and w.shape[2:] == (3, 3)
        and win.stride == win.dilation == (1, 1)
        and groups == 1
        and min(w.shape[:2]) >= 8  # with fewer channels the transforms cost more than they save
        and 2 * 36 * tiles <= 9 * p * q  # half of the products or fewer are left
        and len(x) > 0
        and not few_pixels.pays(x, w, win, groups, few_pixels.FLATTER)
    )


def pays_backward(dy: Array, x: Array, w: Array, has_b: bool, win: Windows, groups: int) -> bool:
    """As `pays`."""
    return pays(x, w, None, win=win, groups=groups)
