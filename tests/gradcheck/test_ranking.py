"""Which of several fixes the diagnosis shows first, and the edits it tries for common mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from minires.gradcheck import check_backward
from minires.gradcheck.diagnosis import doctor, goals
from minires.gradcheck.diagnosis.analogy import likeness
from minires.gradcheck.edits import Scene, Source, edits_of

RNG = np.random.default_rng(5)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), RNG.standard_normal(2)


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    monkeypatch.setattr(doctor, "WALL", 80.0)


def test_the_fix_that_holds_for_other_sizes_is_first():
    def backward(dy, x):
        return np.tile(dy / 2, (len(x), 1))

    found = check_backward(lambda x: x.sum(axis=0) / len(x), backward, X).diagnosis
    assert found[0].after.replace("len(x)", "x.shape[0]").count("x.shape[0]") == 2


def test_a_gradient_that_lacks_dy_is_mended_as_the_one_beside_it():
    def forward(x, w):
        return np.array(np.sum(x @ w))

    def backward(dy, x, w):
        dx = np.outer(np.ones(4), w.sum(axis=1))
        dw = np.outer(x.sum(axis=0), np.ones(2))
        return dy * dx, dw

    found = check_backward(forward, backward, X, W).diagnosis
    assert found[0].after in ("return dy * dx, dy * dw", "return dy * dx, dw * dy")


def test_two_mistakes_that_each_spoil_a_tensor_are_mended_together():
    def backward(dy, x, w, b):
        dx = -(dy @ w.T)
        db = dy.mean(axis=0)
        return dx, x.T @ dy, db

    found = check_backward(lambda x, w, b: x @ w + b, backward, X, W, B).diagnosis
    assert [(line, after) for line, _, after in found[0].edits] == [
        (2, "dx = dy @ w.T"),
        (3, "db = dy.sum(axis=0)"),
    ]


EDITS = [
    ("a[1:] = p\n    a[:-1] = q", "a[1:] = q\n    a[:-1] = p"),  # exchanged
    ("a = np.pad(dy, ((0, 0), (0, 2)))", "a = np.pad(dy, ((0, 0), (1, 1)))"),
    ("a = dy[:, ::2]", "a = dy[:, ::2] + dy[:, 1::2]"),
    ("a = w[:, ::-1]", "a = w[:, ::-1, ::-1]"),
    ("a = dy.take([0], axis=1)", "a = dy.sum(axis=1, keepdims=True)"),
    ("a = x.reshape(-1)", "a = x.reshape(-1).copy()"),
    ("a = [np.zeros(3)] * 4", "a = [np.zeros(3) for _ in range(4)]"),
    ("a = dy[:-2]", "a = dy[1:-1]"),
    ("a.append(x)", "a.append(x.copy())"),
    ("a = np.roll(x, 1) + np.roll(p, -k)", "a = np.roll(x, -1) + np.roll(p, k)"),
    ("a = x[:, None] + w[None, :]", "a = x[None, :] + w[:, None]"),
    ("a = np.cumsum(dy[::-1])[::-1]", "a = np.cumsum(dy[::-1])[::-1] - dy"),
    ("a = np.exp(p) / (np.exp(p) + np.exp(q))", "a = np.exp(p - np.logaddexp(p, q))"),
    ("p, q = x\n    a -= p", "p, q = x\n    a -= p + q"),
    ("p -= q\n    b = p * w\n    a = b * p", "b = (p - q) * w\n    a = b * p"),
    ("p = q > 1 and x\n    a = x if w else 1", "p = q > 1 and x\n    a = x if w and q > 1 else 1"),
    (
        "p = q[w] > q[w - 2] and x\n    a = p if w and p else 1",
        "p = q[w] > q[w - 2] and x\n    a = p if w and p and q[w] > q[w + 2] else 1",
    ),
]


@pytest.mark.parametrize(("wrong", "right"), EDITS)
def test_the_edit_for_a_common_mistake_is_among_those_tried(wrong, right):
    text = "def backward(dy, x, w, p, q):\n    {}\n    return a\n"
    source = Source(text.format(wrong))
    assert text.format(right) in {source.edited(e.spans) for e in edits_of(Scene(source))}


def test_what_makes_expressions_alike():
    text = "def f(dy, p, c, k, r):\n    da = (dy - (dy * p).sum(axis=0)) / c\n    dk = {} / r\n"
    plain = text.format("da")
    assert likeness(plain, text.format("(da - (k * da).sum(axis=1))")) > 0
    assert likeness(plain, text.format("(da - (k * da).mean(axis=1))")) == 0
    assert likeness(plain, text.format("2 * da")) == 0


def test_other_inputs_grow_where_their_sizes_are_the_same():
    shapes = [[a.shape for a in arrays] for arrays in goals.others([X, W, B], lambda arrays: False)]
    assert shapes[0] == [(4, 3), (3, 2), (2,)]
    assert [(4, 3), (3, 3), (3,)] in shapes[1:]
    assert [(4, 4), (4, 2), (2,)] in shapes[1:]


def test_sizes_that_are_equal_by_chance_grow_apart():
    ways = goals.others([X, np.ones(4)], lambda arrays: arrays[0].shape[0] >= arrays[1].shape[0])
    shapes = [[a.shape for a in arrays] for arrays in ways]
    assert [(5, 3), (4,)] in shapes
    assert [(5, 3), (5,)] in shapes
    assert [(4, 3), (5,)] not in shapes


def test_a_line_like_another_is_as_likely_whether_it_takes_a_part_or_all():
    text = "def f(d):\n    p = d.sum(axis=0, keepdims=True)\n    c = d[:, :1]{}\n    return p, c\n"
    assert likeness(text.format(""), text.format(".sum(axis=0, keepdims=True)")) > 0
