"""What v3 computes, for both passes over images: each output pixel gathers taps of a source image.

    dst[p, q, k] = b[k] + Σ_taps Σ_c src[p·step + dr, q·step + ds, c] · w[tap, c, k]

Forward, src is x and a tap (dr, ds) = (r·dilation - padding, …). For dx with stride 1, src is dy
and the taps are mirrored. With stride s, the pixels of dx whose row and column leave the same
remainders modulo s meet the same taps: each of the s·s *phases* is such a gather of its own, with
stride 1 in dy, and no product with a zero is ever formed.

Taps next to each other in a row of src, channels included, are one contiguous *run* of numbers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ...checks import Windows

Tap = tuple[int, int, int]  # dr, ds, index r·S + s of the weights


class Gather(NamedTuple):
    """One gather: see the top of this file."""

    output: tuple[int, int]  # pixels p, q
    step: tuple[int, int]  # of src per output pixel
    origin: tuple[int, int]  # smallest dr, ds
    reach: tuple[int, int]  # largest dr - smallest dr, and of ds
    taps: tuple[Tap, ...]  # in the order of src's memory
    start: tuple[int, int]  # the first pixel in dst
    spread: tuple[int, int]  # of dst per output pixel

    def runs(self, merge: bool) -> list[tuple[int, int, int]]:
        """Return (dr, ds, length) of rows of adjacent taps, or of each tap if not `merge`."""
        found: list[tuple[int, int, int]] = []
        for dr, ds, _ in self.taps:
            if merge and found and found[-1][0] == dr and sum(found[-1][1:]) == ds:
                found[-1] = (dr, found[-1][1], found[-1][2] + 1)
            else:
                found.append((dr, ds, 1))
        return found


def _gather(
    output: tuple[int, int],
    step: tuple[int, int],
    taps: list[Tap],
    start: tuple[int, int],
    spread: tuple[int, int],
) -> Gather:
    rows, columns = [t[0] for t in taps] or [0], [t[1] for t in taps] or [0]
    origin = min(rows), min(columns)
    reach = max(rows) - origin[0], max(columns) - origin[1]
    return Gather(output, step, origin, reach, tuple(sorted(taps)), start, spread)


def _all_taps(win: Windows) -> list[tuple[int, int]]:
    return [(r, s) for r in range(win.size[0]) for s in range(win.size[1])]


@lru_cache(maxsize=1024)
def forward_gather(win: Windows) -> Gather:
    """Return the gather of y from x."""
    taps = [
        (
            r * win.dilation[0] - win.padding[0],
            s * win.dilation[1] - win.padding[1],
            r * win.size[1] + s,
        )
        for r, s in _all_taps(win)
    ]
    return _gather(win.output, win.stride, taps, (0, 0), (1, 1))


@lru_cache(maxsize=1024)
def backward_gathers(win: Windows, image: tuple[int, int]) -> tuple[Gather, ...]:
    """Return the gathers of dx, H × W = `image`, from dy: one for each phase of the stride.

    y's pixel p uses x's row h = p·stride + r·dilation - padding, so with h = a + stride·h', phase
    a, dx's row h gathers p = h' + (a + padding - r·dilation) / stride where that is whole.
    """
    gathers = []
    for a in range(min(win.stride[0], image[0])):
        for b in range(min(win.stride[1], image[1])):
            taps = []
            for r, s in _all_taps(win):
                dp, rest_p = divmod(a + win.padding[0] - r * win.dilation[0], win.stride[0])
                dq, rest_q = divmod(b + win.padding[1] - s * win.dilation[1], win.stride[1])
                if rest_p == rest_q == 0:
                    taps.append((dp, dq, r * win.size[1] + s))
            output = (-(-(image[0] - a) // win.stride[0]), -(-(image[1] - b) // win.stride[1]))
            gathers.append(_gather(output, (1, 1), taps, (a, b), win.stride))
    return tuple(gathers)
