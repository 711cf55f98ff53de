"""The family of a mistake follows from what an edit changes, in its place."""

from __future__ import annotations

import textwrap

import pytest

from minires.gradcheck.diagnosis.meaning import family_of
from minires.gradcheck.diagnosis.rules import sentence
from minires.gradcheck.edits import Source

FORWARD = """
def forward(x, w):
    mean = x.mean(axis=1, keepdims=True)
    h = np.maximum(x - mean, 0) @ w
    return h ** 2 / np.sqrt(h.var(axis=0) + 1e-5)
"""
CASES = [  # a statement, what it should be, the family
    ("dx = dh @ w.T", "dx = -(dh @ w.T)", "sign"),
    ("dx = dy * (a - b)", "dx = dy * (b - a)", "sign"),
    ("dx = dh @ w.T", "dx = w.T @ dh", "transposed"),
    ("dw = dh.T @ x", "dw = x.T @ dh", "transposed"),
    ("dx = dy.reshape(n, c, t)", "dx = dy.reshape(n, t, c).transpose(0, 2, 1)", "order of reshape"),
    ("dx = dy * w / x.shape[1]", "dx = dy * w / x.shape[0]", "wrong scale"),
    ("dx = dy * w", "dx = dy * w / len(x)", "wrong scale"),
    ("dx = dy * w.mean()", "dx = dy * w.sum()", "wrong scale"),
    ("dx = dy * h", "dx = dy * h * 2", "wrong factor"),  # forward's square
    ("dx = dy * w", "dx = dy * w * x", "wrong factor"),
    ("dx = dy * w ** 2", "dx = dy * w ** 3", "wrong factor"),
    ("dx = x * w", "dx = dy * x * w", "missing upstream dy"),
    ("dx = dy * (w + x)", "dx = dy * (w + x + w * x)", "missing term"),
    ("dx = dh @ w.T", "dx = dh @ w.T + dmean * x", "detached path"),
    ("dx = dh", "dx = dh - dh.mean(axis=1, keepdims=True)", "detached path"),
    ("db = dy", "db = dy.sum(axis=0)", "missing broadcast sum"),
    ("db = dy[0]", "db = dy.sum(axis=0)", "missing broadcast sum"),
    ("m = dh.mean(axis=0)", "m = dh.mean(axis=1)", "wrong axis"),
    ("dx = dy * (x > 0)", "dx = dy * (x >= w)", "wrong mask/branch"),
    ("dx = np.where(x > 0, dy, 0)", "dx = np.where(x < 0, dy, 0)", "wrong mask/branch"),
    ("dx[:-1] += dy", "dx[1:] += dy", "off by one"),
    ("dx[:, i : i + 3] += dy", "dx[:, 2 * i : 2 * i + 3] += dy", "wrong stride/padding"),
    ("dx = padded[:, :-2]", "dx = padded[:, 1:-1]", "wrong stride/padding"),
    ("dx = np.cumsum(dy, axis=1)", "dx = np.cumsum(dy[:, ::-1], axis=1)[:, ::-1]", "not flipped"),
    ("dx[idx] += dy", "np.add.at(dx, idx, dy)", "not accumulated"),
    ("for i in j:\n    dx = dh", "for i in j:\n    dx += dh", "not accumulated"),
    ("dx = dy\ndx = dh @ w.T", "dx = dy\ndx += dh @ w.T", "stale or overwritten buffer"),
    ("dx = dy", "dx = dy.copy()", "in-place modification"),
    ("dx = np.zeros(3, dtype=int)", "dx = np.zeros(3)", "dtype or integer division"),
    ("t = dy * (x // 2)", "t = dy * (x / 2)", "dtype or integer division"),
    ("s = np.sqrt(v) + 1e-5", "s = np.sqrt(v + 1e-5)", "eps placement"),
    ("s = np.log(p)", "s = np.log(np.maximum(p, 1e-12))", "not finite"),
    ("dx = dy * x * (1 - x)", "dx = dy * h * (1 - h)", "wrong variable"),
]


def _source(body: str) -> Source:
    inner = textwrap.indent(body, "    ")
    return Source(f"def backward(dy, x, w):\n    dh = dy * x\n    dmean = dh.sum()\n{inner}\n"
                  "    return dx\n")  # fmt: skip


@pytest.mark.parametrize(("wrong", "right", "family"), CASES)
def test_the_family_of_an_edit_follows_from_what_it_changes(
    wrong: str, right: str, family: str
) -> None:
    source = _source(wrong)
    spans = ((0, len(source.text), _source(right).text),)
    assert family_of(source, spans, "?", Source(FORWARD)) == family


@pytest.mark.parametrize(
    ("family", "before", "after", "said"),
    [
        ("wrong variable", "dx = dy * x", "dx = dy * s", "`dx` uses `x` where `s` belongs"),
        ("wrong scale", "dx = dy / len(x)", "dx = dy / x.shape[1]", "a mean over N elements"),
        ("wrong scale", "dx = dy * x", "dx = 2 * dy * x", "a constant factor"),
        ("not accumulated", "dx[i] += dy", "np.add.at(dx, i, dy)", "np.add.at adds every time"),
        ("stale or overwritten buffer", "dx = dh", "dx += dh", "overwrites the gradient"),
        ("not finite", "dx = np.log(x)", "dx = np.log(x + 1)", "the logarithm of zero"),
        ("missing term", "dx = dy * x + dy", "dx = dy * x", "a term too many"),
        ("missing upstream dy", "dx = x", "dx = dy * x", "upstream gradient `dy`"),
    ],
)
def test_the_sentence_says_what_this_edit_shows(
    family: str, before: str, after: str, said: str
) -> None:
    assert said in sentence(_source(before), family, 4, before, after)


def test_a_gradient_that_is_not_finite_is_called_so() -> None:
    source = _source("dx = dy / x")
    spans = ((0, len(source.text), _source("dx = dy / (x + w)").text),)
    assert family_of(source, spans, "?", Source(FORWARD), finite=False) == "not finite"
