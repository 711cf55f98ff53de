"""Winograd's F(4×4, 3×3): the transforms of one tile, on registers of channels.

A 4×4 tile of y depends on 6×6 pixels d of x. With the matrices below,

    y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A          ⊙ element by element, Σ over channels inside […]

has 36 products per channel and filter where the definition has 16 · 9 = 144. The sum over channels
is then a product of matrices for each of the 36 elements (`v4_winograd.py`). The formula is linear
in d and in w, so the gradients are its exact transposes:

    dM = A dy Aᵀ      dd = B [(G w Gᵀ) ⊙ dM] Bᵀ      dw = Gᵀ [(Bᵀ d B) ⊙ dM] G

        ⎡4  0 -5  0  1  0⎤         ⎡ 1/4    0     0 ⎤
        ⎢0 -4 -4  1  1  0⎥         ⎢-1/6  -1/6  -1/6⎥         ⎡1  1  1  1  1  0⎤
   Bᵀ = ⎢0  4 -4 -1  1  0⎥     G = ⎢-1/6   1/6  -1/6⎥    Aᵀ = ⎢0  1 -1  2 -2  0⎥
        ⎢0 -2 -1  2  1  0⎥         ⎢ 1/24  1/12  1/6⎥         ⎢0  1  1  4  4  0⎥
        ⎢0  2 -1 -2  1  0⎥         ⎢ 1/24 -1/12  1/6⎥         ⎣0  1 -1  8 -8  1⎦
        ⎣0  4  0 -5  0  1⎦         ⎣  0     0     1 ⎦

They come from evaluating polynomials at 0, ±1, ±2 and ∞. Entries up to 8 amplify rounding: the
error of y is about ten times that of the direct sum. Hence float32 only, never for gradient checks
in float64. Source: Lavin and Gray 2015 (1509.09308), §4.1 and its reference Winograd 1980.
"""

from __future__ import annotations

from typing import Any

from ...spec import Array
from ..machine.jit import jit_inner
from ..machine.simd import load, load_if, store, store_if

Register = Any
Four = tuple[Register, Register, Register, Register]
Six = tuple[Register, Register, Register, Register, Register, Register]


@jit_inner
def bt(d0: Register, d1: Register, d2: Register, d3: Register, d4: Register, d5: Register) -> Six:
    """Bᵀ d."""
    a, b, c, e = d4 - 4 * d2, d3 - 4 * d1, d4 - d2, 2 * (d3 - d1)
    return 4 * d0 - 5 * d2 + d4, a + b, a - b, c + e, c - e, 4 * d1 - 5 * d3 + d5


@jit_inner
def b(v0: Register, v1: Register, v2: Register, v3: Register, v4: Register, v5: Register) -> Six:
    """B v."""
    p, q, r, s = v1 + v2, v1 - v2, v3 + v4, v3 - v4
    return (
        4 * v0,
        4 * (v5 - q) - 2 * s,
        -5 * v0 - 4 * p - r,
        q + 2 * s - 5 * v5,
        v0 + p + r,
        v5,
    )


@jit_inner
def at(m0: Register, m1: Register, m2: Register, m3: Register, m4: Register, m5: Register) -> Four:
    """Aᵀ m."""
    p, q, r, s = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return m0 + p + r, q + 2 * s, p + 4 * r, q + 8 * s + m5


@jit_inner
def a(y0: Register, y1: Register, y2: Register, y3: Register) -> Six:
    """A y."""
    p, q, r, s = y0 + y2, y1 + y3, y0 + 4 * y2, 2 * y1 + 8 * y3
    return y0, p + q, p - q, r + s, r - s, y3


@jit_inner
def g(w0: Register, w1: Register, w2: Register) -> Six:
    """G w."""
    p, q, r = (1 / 6) * (w0 + w2), (1 / 6) * w1, (1 / 24) * w0 + (1 / 6) * w2
    s = (1 / 12) * w1
    return 0.25 * w0, -1 * (p + q), q - p, r + s, r - s, w2


@jit_inner
def gt(u0: Register, u1: Register, u2: Register, u3: Register, u4: Register, u5: Register) -> Any:
    """Gᵀ u."""
    p, q, r, s = (1 / 6) * (u1 + u2), (1 / 6) * (u2 - u1), u3 + u4, u3 - u4
    return 0.25 * u0 - p + (1 / 24) * r, q + (1 / 12) * s, (1 / 6) * r - p + u5


@jit_inner
def load3(x: Array, o: int, d: int) -> Any:
    """Return the registers at o, o + d, o + 2 d."""
    return load(x, o), load(x, o + d), load(x, o + 2 * d)


@jit_inner
def load6(x: Array, o: int, d: int) -> Six:
    """Return the registers at o, o + d, …, o + 5 d."""
    return (
        load(x, o),
        load(x, o + d),
        load(x, o + 2 * d),
        load(x, o + 3 * d),
        load(x, o + 4 * d),
        load(x, o + 5 * d),
    )


@jit_inner
def store6(x: Array, o: int, d: int, v: Six) -> None:
    """Write registers to o, o + d, …, o + 5 d."""
    store(x, o, v[0])
    store(x, o + d, v[1])
    store(x, o + 2 * d, v[2])
    store(x, o + 3 * d, v[3])
    store(x, o + 4 * d, v[4])
    store(x, o + 5 * d, v[5])


# A tile may reach beyond its image. Bit 6 r + s of `bits` tells that pixel (r, s) lies inside;
# others read as zeros, and are written aside.
@jit_inner
def inside(top: int, left: int, h: int, w: int) -> int:
    """Return the bits of the 6×6 pixels from (top, left) on, in an image of h × w."""
    first, start = min(6, max(0, -top)), min(6, max(0, -left))
    last, end = max(first, min(6, h - top)), max(start, min(6, w - left))
    rows = (1 << 6 * last) - (1 << 6 * first) & 0o010101010101  # the first bit of each row
    return rows * ((1 << end) - (1 << start))


@jit_inner
def column4(x: Array, o: int, d: int, bits: int) -> Four:
    """Return the pixels at o, o + d, … of a column; `bits`: from its first pixel on."""
    return (
        load_if(x, o, bits & 1),
        load_if(x, o + d, bits & 1 << 6),
        load_if(x, o + 2 * d, bits & 1 << 12),
        load_if(x, o + 3 * d, bits & 1 << 18),
    )


@jit_inner
def column6(x: Array, o: int, d: int, bits: int) -> Six:
    """As `column4`, of six pixels."""
    return (
        load_if(x, o, bits & 1),
        load_if(x, o + d, bits & 1 << 6),
        load_if(x, o + 2 * d, bits & 1 << 12),
        load_if(x, o + 3 * d, bits & 1 << 18),
        load_if(x, o + 4 * d, bits & 1 << 24),
        load_if(x, o + 5 * d, bits & 1 << 30),
    )


@jit_inner
def store_row(y: Array, o: int, d: int, v: Four, bits: int, aside: Array) -> None:
    """Write the pixels of a row at o, o + d, …; `bits`: from its first pixel on."""
    store_if(y, o, v[0], bits & 1, aside)
    store_if(y, o + d, v[1], bits & 2, aside)
    store_if(y, o + 2 * d, v[2], bits & 4, aside)
    store_if(y, o + 3 * d, v[3], bits & 8, aside)


@jit_inner
def add_row(x: Array, o: int, d: int, v: Six, bits: int, aside: Array) -> None:
    """Add to the pixels of a row at o, o + d, …, which are six."""
    store_if(x, o, load_if(x, o, bits & 1) + v[0], bits & 1, aside)
    store_if(x, o + d, load_if(x, o + d, bits & 2) + v[1], bits & 2, aside)
    store_if(x, o + 2 * d, load_if(x, o + 2 * d, bits & 4) + v[2], bits & 4, aside)
    store_if(x, o + 3 * d, load_if(x, o + 3 * d, bits & 8) + v[3], bits & 8, aside)
    store_if(x, o + 4 * d, load_if(x, o + 4 * d, bits & 16) + v[4], bits & 16, aside)
    store_if(x, o + 5 * d, load_if(x, o + 5 * d, bits & 32) + v[5], bits & 32, aside)


# In what follows (x, o, row, pixel): register at o of an image's tile, steps to the next row and
# pixel. (v, i, f): register at i of element 0 of 36, f to the next element.
@jit_inner
def input_tile(x: Array, o: int, row: int, pixel: int, bits: int, v: Array, i: int, f: int) -> None:
    """v = Bᵀ d B of the 6×6 pixels d at x[o]."""
    c0 = bt(*column6(x, o, row, bits))
    c1 = bt(*column6(x, o + pixel, row, bits >> 1))
    c2 = bt(*column6(x, o + 2 * pixel, row, bits >> 2))
    c3 = bt(*column6(x, o + 3 * pixel, row, bits >> 3))
    c4 = bt(*column6(x, o + 4 * pixel, row, bits >> 4))
    c5 = bt(*column6(x, o + 5 * pixel, row, bits >> 5))
    store6(v, i, f, bt(c0[0], c1[0], c2[0], c3[0], c4[0], c5[0]))
    store6(v, i + 6 * f, f, bt(c0[1], c1[1], c2[1], c3[1], c4[1], c5[1]))
    store6(v, i + 12 * f, f, bt(c0[2], c1[2], c2[2], c3[2], c4[2], c5[2]))
    store6(v, i + 18 * f, f, bt(c0[3], c1[3], c2[3], c3[3], c4[3], c5[3]))
    store6(v, i + 24 * f, f, bt(c0[4], c1[4], c2[4], c3[4], c4[4], c5[4]))
    store6(v, i + 30 * f, f, bt(c0[5], c1[5], c2[5], c3[5], c4[5], c5[5]))


@jit_inner
def output_tile(m: Array, i: int, f: int, bias: Register, y: Array, o: int, row: int, pixel: int,
                bits: int, aside: Array) -> None:  # fmt: skip
    """The 4×4 pixels at y[o] = Aᵀ m A + bias."""
    c0 = at(*load6(m, i, 6 * f))
    c1 = at(*load6(m, i + f, 6 * f))
    c2 = at(*load6(m, i + 2 * f, 6 * f))
    c3 = at(*load6(m, i + 3 * f, 6 * f))
    c4 = at(*load6(m, i + 4 * f, 6 * f))
    c5 = at(*load6(m, i + 5 * f, 6 * f))
    # Column 0 of Aᵀ is 1 and no other row takes element 0, so a bias is added to the result.
    for r in (at(c0[0], c1[0], c2[0], c3[0], c4[0], c5[0]),
              at(c0[1], c1[1], c2[1], c3[1], c4[1], c5[1]),
              at(c0[2], c1[2], c2[2], c3[2], c4[2], c5[2]),
              at(c0[3], c1[3], c2[3], c3[3], c4[3], c5[3])):  # fmt: skip
        pixels = (r[0] + bias, r[1] + bias, r[2] + bias, r[3] + bias)
        store_row(y, o, pixel, pixels, bits, aside)
        o += row
        bits >>= 6


@jit_inner
def upstream_tile(
    dy: Array, o: int, row: int, pixel: int, bits: int, m: Array, i: int, f: int
) -> None:
    """dM = A dy Aᵀ of the 4×4 pixels at dy[o]."""
    c0 = a(*column4(dy, o, row, bits))
    c1 = a(*column4(dy, o + pixel, row, bits >> 1))
    c2 = a(*column4(dy, o + 2 * pixel, row, bits >> 2))
    c3 = a(*column4(dy, o + 3 * pixel, row, bits >> 3))
    store6(m, i, f, a(c0[0], c1[0], c2[0], c3[0]))
    store6(m, i + 6 * f, f, a(c0[1], c1[1], c2[1], c3[1]))
    store6(m, i + 12 * f, f, a(c0[2], c1[2], c2[2], c3[2]))
    store6(m, i + 18 * f, f, a(c0[3], c1[3], c2[3], c3[3]))
    store6(m, i + 24 * f, f, a(c0[4], c1[4], c2[4], c3[4]))
    store6(m, i + 30 * f, f, a(c0[5], c1[5], c2[5], c3[5]))


@jit_inner
def gradient_tile(v: Array, i: int, f: int, x: Array, o: int, row: int, pixel: int, bits: int,
                  aside: Array) -> None:  # fmt: skip
    """Add dd = B dV Bᵀ to the 6×6 pixels at x[o]; tiles overlap by two pixels."""
    c0 = b(*load6(v, i, 6 * f))
    c1 = b(*load6(v, i + f, 6 * f))
    c2 = b(*load6(v, i + 2 * f, 6 * f))
    c3 = b(*load6(v, i + 3 * f, 6 * f))
    c4 = b(*load6(v, i + 4 * f, 6 * f))
    c5 = b(*load6(v, i + 5 * f, 6 * f))
    add_row(x, o, pixel, b(c0[0], c1[0], c2[0], c3[0], c4[0], c5[0]), bits, aside)
    o += row
    add_row(x, o, pixel, b(c0[1], c1[1], c2[1], c3[1], c4[1], c5[1]), bits >> 6, aside)
    o += row
    add_row(x, o, pixel, b(c0[2], c1[2], c2[2], c3[2], c4[2], c5[2]), bits >> 12, aside)
    o += row
    add_row(x, o, pixel, b(c0[3], c1[3], c2[3], c3[3], c4[3], c5[3]), bits >> 18, aside)
    o += row
    add_row(x, o, pixel, b(c0[4], c1[4], c2[4], c3[4], c4[4], c5[4]), bits >> 24, aside)
    o += row
    add_row(x, o, pixel, b(c0[5], c1[5], c2[5], c3[5], c4[5], c5[5]), bits >> 30, aside)


@jit_inner
def weight_tile(w: Array, o: int, tap: int, u: Array, i: int, f: int) -> None:
    """u = G w Gᵀ of the 3×3 taps at w[o], `tap` apart."""
    c0 = g(*load3(w, o, 3 * tap))
    c1 = g(*load3(w, o + tap, 3 * tap))
    c2 = g(*load3(w, o + 2 * tap, 3 * tap))
    store6(u, i, f, g(c0[0], c1[0], c2[0]))
    store6(u, i + 6 * f, f, g(c0[1], c1[1], c2[1]))
    store6(u, i + 12 * f, f, g(c0[2], c1[2], c2[2]))
    store6(u, i + 18 * f, f, g(c0[3], c1[3], c2[3]))
    store6(u, i + 24 * f, f, g(c0[4], c1[4], c2[4]))
    store6(u, i + 30 * f, f, g(c0[5], c1[5], c2[5]))


@jit_inner
def weight_gradient_tile(u: Array, i: int, f: int, w: Array, o: int, tap: int) -> None:
    """The 3×3 taps at w[o] = Gᵀ dU G."""
    c0 = gt(*load6(u, i, 6 * f))
    c1 = gt(*load6(u, i + f, 6 * f))
    c2 = gt(*load6(u, i + 2 * f, 6 * f))
    c3 = gt(*load6(u, i + 3 * f, 6 * f))
    c4 = gt(*load6(u, i + 4 * f, 6 * f))
    c5 = gt(*load6(u, i + 5 * f, 6 * f))
    for r in (gt(c0[0], c1[0], c2[0], c3[0], c4[0], c5[0]),
              gt(c0[1], c1[1], c2[1], c3[1], c4[1], c5[1]),
              gt(c0[2], c1[2], c2[2], c3[2], c4[2], c5[2])):  # fmt: skip
        store(w, o, r[0])
        store(w, o + tap, r[1])
        store(w, o + 2 * tap, r[2])
        o += 3 * tap
