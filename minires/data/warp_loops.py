"""The loops of `warp.py`, to be compiled. What each argument is, stands there."""

from __future__ import annotations

import numpy as np

from ..tensor import Array


def crop(
    x: Array,
    index: Array,
    c: int,
    reflect: bool,
    box: Array,
    flip: Array,
    hole: Array,
    m: Array,
    r: Array,
    y: Array,
) -> None:
    """Fill y (B, P, Q·C) with windows of x (N, H, W·C); pixels outside are 0 or mirrored ones."""
    h, w = x.shape[1], x.shape[2] // c
    p, q = y.shape[1], y.shape[2] // c
    zero, line = np.float32(0), np.empty(w * c, np.float32)
    back = np.empty(w * c, np.uint64)  # a mirrored line's element j is element size - back[j]
    for j in range(back.size):
        back[j] = j - 2 * (j % c) + c
    for b in range(index.size):
        image, out, top, left = x[index[b]], y[b], box[b, 0], box[b, 1]
        begin = min(max(0, -left), q)  # columns of the window that are inside the image
        end = max(begin, min(q, w - left))
        source = slice((left + begin) * c, (left + end) * c)
        first, after = (q - end, q - begin) if flip[b] else (begin, end)  # and where they get to
        for i in range(p):
            row = top + i
            if reflect:
                row = abs(row)
                if row >= h:
                    row = 2 * (h - 1) - row
            elif row < 0 or row >= h:
                out[i, :] = zero
                continue
            pixels, mean, scale = image[row][source], m[row][source], r[source]
            inside = out[i, first * c : after * c]
            normal = line[: inside.size] if flip[b] else inside
            for j in range(normal.size):
                normal[j] = (np.float32(pixels[j]) - mean[j]) * scale[j]
            if flip[b]:
                size = np.uint64(normal.size)
                for j in range(normal.size):
                    inside[j] = normal[size - back[j]]
            if not reflect:
                out[i, : first * c] = zero
                out[i, after * c :] = zero
                continue
            for j in range(q):
                if begin <= j < end:
                    continue
                column, here = abs(left + j), ((q - 1 - j) if flip[b] else j) * c
                if column >= w:
                    column = 2 * (w - 1) - column
                for k in range(c):
                    there = column * c + k
                    out[i, here + k] = (np.float32(image[row, there]) - m[row, there]) * r[there]
        for i in range(hole[b, 0], hole[b, 1]):
            out[i, hole[b, 2] * c : hole[b, 3] * c] = zero


def resize(
    x: Array,
    index: Array,
    c: int,
    box: Array,
    flip: Array,
    hole: Array,
    m: Array,
    r: Array,
    y: Array,
) -> None:
    """Fill y (B, P, Q·C) with windows of x (N, H, W·C), each scaled: rows first, then columns."""
    h, w = x.shape[1], x.shape[2] // c
    p, q = y.shape[1], y.shape[2] // c
    zero, one, half = np.float32(0), np.float64(1), np.float64(0.5)
    across = np.empty((h, q * c), np.float32)
    pixels = np.empty((h, w * c), np.float32)
    weights = np.empty(max(h, w), np.float64)
    for b in range(index.size):
        image, out = x[index[b]], y[b]
        top, left, height, width = box[b, 0], box[b, 1], box[b, 2], box[b, 3]
        for i in range(height):
            for j in range(width * c):
                k = left * c + j
                pixels[i, j] = (np.float32(image[top + i, k]) - m[top + i, k]) * r[j]
        across[:height] = zero
        scale = width / q
        reach = max(scale, one)
        for j in range(q):
            centre = (j + half) * scale
            first = max(int(centre - reach + half), 0)
            n = min(int(centre + reach + half), width) - first
            total = np.float64(0)
            for t in range(n):
                weights[t] = max(one - abs(first + t + half - centre) / reach, np.float64(0))
                total += weights[t]
            here = (q - 1 - j if flip[b] else j) * c
            for t in range(n):
                weight = np.float32(weights[t] / total)
                there = (first + t) * c
                for i in range(height):
                    for k in range(c):
                        across[i, here + k] += weight * pixels[i, there + k]
        scale = height / p
        reach = max(scale, one)
        for i in range(p):
            centre = (i + half) * scale
            first = max(int(centre - reach + half), 0)
            n = min(int(centre + reach + half), height) - first
            total = np.float64(0)
            for t in range(n):
                weights[t] = max(one - abs(first + t + half - centre) / reach, np.float64(0))
                total += weights[t]
            out[i, :] = zero
            for t in range(n):
                weight = np.float32(weights[t] / total)
                for j in range(q * c):
                    out[i, j] += weight * across[first + t, j]
        for i in range(hole[b, 0], hole[b, 1]):
            out[i, hole[b, 2] * c : hole[b, 3] * c] = zero
