"""Mistakes that neighbouring lines, other axes or other steps give away."""

from __future__ import annotations

import numpy as np
import pytest

from minires.gradcheck import check_backward
from minires.gradcheck.diagnosis import doctor

RNG = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Let a busy machine take its time: what is limited is the processor's."""
    monkeypatch.setattr(doctor, "WALL", 80.0)


def shift(x, b):
    return x * 2 + b


def shift_backward(g, x, b):
    db = g.sum(axis=0)
    return 2 * g, db


def total(x):
    return x.cumsum(axis=0)


def total_backward(g, x):
    gx = g.cumsum(axis=0)
    return gx


def turned(p, q):
    return np.stack([p[0] * q[0] - p[1] * q[1], p[0] * q[1] + p[1] * q[0]])


def turned_backward(g, p, q):
    c, s = q
    real = g[0] * c - g[1] * s
    imag = g[1] * c + g[0] * s
    return np.stack([real, imag]), np.stack([g[0] * p[0] + g[1] * p[1], g[1] * p[0] - g[0] * p[1]])


def steps(x):
    for _ in range(3):
        x = x + np.sin(x)
    return x


def steps_backward(g, x):
    kept = []
    for _ in range(3):
        kept.append(x)
        x = x + np.sin(x)
    for k in (2, 1, 0):  # noqa: B007 - this is the mistake
        g = g + g * np.cos(x)
    return g


def delayed(x, w):
    y = np.zeros_like(x)
    for k in range(3):
        y[k:] += w[k] * x[: len(x) - k]
    return y


def delayed_backward(g, x, w):
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for k in range(3):
        gw[k] = (g[k:] * x[: len(x) - k]).sum()
        gx[k:] += w[k] * g[: len(x) - k]
    return gx, gw


def energy(x, m):
    return ((x @ m) * x).sum(axis=1)


def energy_backward(g, x, m):
    dx = 2 * g[:, None] * (x @ m)
    return dx, (x * g[:, None]).T @ x


def scaled(x, s):
    c = x - x.mean(axis=1, keepdims=True)
    return s * c / np.sqrt((c**2).mean(axis=1, keepdims=True))


def scaled_backward(g, x, s):
    inv = 1 / x.std(axis=1, keepdims=True)
    y = (x - x.mean(axis=1, keepdims=True)) * inv
    d = g * s
    dx = inv * (d - d.mean(axis=1, keepdims=True))
    return dx, (g * y).sum(axis=0)


def drawn(*shapes):
    return [RNG.standard_normal(shape) for shape in shapes]


CASES = [
    (shift, shift_backward, drawn((2, 3, 4), (3, 1)), "db = g.sum(axis=(0, 2))[:, None]"),
    (total, total_backward, drawn((4, 3)), "gx = g[::-1].cumsum(axis=0)[::-1]"),
    (steps, steps_backward, drawn(3), "g = g + g * np.cos(kept[k])"),
    (energy, energy_backward, drawn((4, 3), (3, 3)), "dx = g[:, None] * (x @ m + x @ m.T)"),
    (
        scaled,
        scaled_backward,
        drawn((2, 5), 5),
        "dx = inv * (d - d.mean(axis=1, keepdims=True) - y * (d * y).mean(axis=1, keepdims=True))",
    ),
    (delayed, delayed_backward, drawn(6, 3), "gx[: len(x) - k] += w[k] * g[k:]"),
]


@pytest.mark.parametrize(
    ("forward", "backward", "inputs", "after"),
    [pytest.param(*case, marks=[pytest.mark.slow] * (i % 3 > 0)) for i, case in enumerate(CASES)],
)
def test_the_line_as_it_should_be(forward, backward, inputs, after):
    assert check_backward(forward, backward, *inputs).diagnosis[0].after == after


def test_two_signs_that_were_exchanged():
    found = check_backward(turned, turned_backward, *drawn((2, 5), (2, 5))).diagnosis[0]
    assert [(line, after) for line, _, after in found.edits] == [
        (3, "real = g[0] * c + g[1] * s"),
        (4, "imag = g[1] * c - g[0] * s"),
    ]


def edge(x):
    return np.pad(x, ((0, 0), (2, 2)), mode="edge") * 1.5


def edge_backward(g, x):
    gp = 1.5 * g
    gx = gp[:, 2:-2].copy()
    gx[:, 0] = gp[:, :2].sum(axis=1)
    gx[:, -1] = gp[:, -2:].sum(axis=1)
    return gx


def lower(x, w):
    return np.minimum(x * w, np.clip(x, -0.4, 0.4) * w).sum(axis=0)


def lower_backward(g, x, w):
    inside = np.clip(x, -0.4, 0.4)
    a, b = x * w, inside * w
    below = np.abs(x) < 0.4
    return g * w * below, g * np.where(a <= b, x, inside)


def pooled(x, w):
    return x + (x.mean(axis=(2, 3)) @ w)[:, :, None, None]


def pooled_backward(g, x, w):
    d = g.sum(axis=(2, 3))
    dx = g.copy()
    return dx, x.mean(axis=(2, 3)).T @ d


def test_a_mistake_that_was_copied_is_mended_in_both_lines():
    found = check_backward(edge, edge_backward, *drawn((2, 6))).diagnosis[0]
    assert [(line, after) for line, _, after in found.edits] == [
        (4, "gx[:, 0] += gp[:, :2].sum(axis=1)"),
        (5, "gx[:, -1] += gp[:, -2:].sum(axis=1)"),
    ]


def test_a_minimum_is_taken_where_it_was():
    found = check_backward(lower, lower_backward, *drawn((4, 3), (4, 3))).diagnosis[0]
    assert found.after == "below = a <= b"


def test_the_path_through_a_pooled_value():
    found = check_backward(pooled, pooled_backward, *drawn((2, 3, 2, 2), (3, 3))).diagnosis[0]
    assert "(d @ w.T)[:, :, None, None]" in found.after
