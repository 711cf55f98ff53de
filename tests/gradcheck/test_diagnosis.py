"""The diagnosis names the line of a wrong backward pass, and what mends it."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest

from minires.gradcheck import check_backward
from minires.gradcheck.diagnosis import Finding

RNG = np.random.default_rng(3)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), RNG.standard_normal(2)


def dense(x, w, b):
    return np.tanh(x @ w + b)


def dense_sign(dy, x, w, b):
    y = np.tanh(x @ w + b)
    dz = dy * (1 + y**2)  # the derivative of tanh
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def dense_unsummed(dy, x, w, b):
    y = np.tanh(x @ w + b)
    dz = dy * (1 - y**2)
    db = dz.mean(axis=0)
    return dz @ w.T, x.T @ dz, db


def dense_no_dy(dy, x, w, b):
    y = np.tanh(x @ w + b)
    dz = 1 - y**2
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def dense_exchanged(dy, x, w, b):
    dz = dy * (
        1  # of the tanh
        - np.tanh(x @ w + b) ** 3
    )
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def slope(y):
    return 1 - y


def dense_helper(dy, x, w, b):
    dz = dy * slope(np.tanh(x @ w + b))
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


CASES = [
    (dense_sign, 3, "dz = dy * (1 - y**2)", "sign"),
    (dense_unsummed, 4, "db = dz.sum(axis=0)", "wrong scale"),
    (dense_no_dy, 3, "dz = (1 - y**2) * dy", "missing upstream dy"),
    (dense_exchanged, 4, "- np.tanh(x @ w + b) ** 2", "wrong factor"),
]


def mended(function, finding: Finding):
    """Put `after` for `before` at each line of the source that `inspect.getsource` shows."""
    lines = inspect.getsource(function).splitlines(keepends=True)
    for line, before, after in sorted(finding.edits, reverse=True):
        pad = "\n" + lines[line - 1][: lines[line - 1].index(before.splitlines()[0])]
        rest = "".join(lines[line - 1 :])
        new = rest.replace(before.replace("\n", pad), after.replace("\n", pad), 1)
        lines[line - 1 :] = [new]
    space = dict(function.__globals__)
    exec(textwrap.dedent("".join(lines)), space)
    return space[function.__name__]


@pytest.mark.parametrize(("backward", "line", "after", "family"), CASES)
def test_the_line_the_text_and_the_family(backward, line, after, family):
    report = check_backward(dense, backward, X, W, B)
    found = report.diagnosis[0]
    assert (found.line, found.after, found.family) == (line, after, family)
    assert found.function == backward.__name__
    assert Path(found.file) == Path(__file__)
    source, first = inspect.getsourcelines(backward)
    assert found.before in source[line - 1]
    assert found.number == first + line - 1
    assert found.after in str(report)


@pytest.mark.parametrize("backward", [case[0] for case in CASES])
def test_every_finding_is_a_substitution_that_passes(backward):
    for finding in check_backward(dense, backward, X, W, B).diagnosis:
        assert check_backward(dense, mended(backward, finding), X, W, B).verdict == "PASS"
        assert "lesson" in finding.text


def test_a_helper_of_the_same_module_is_searched_too():
    found = check_backward(dense, dense_helper, X, W, B).diagnosis
    first = next(f for f in found if f.function == "slope")
    assert (first.line, first.before) == (2, "return 1 - y")


def test_nothing_is_looked_for_in_a_right_backward():
    def right(dy, x, w, b):
        dz = dy * (1 - np.tanh(x @ w + b) ** 2)
        return dz @ w.T, x.T @ dz, dz.sum(axis=0)

    report = check_backward(dense, right, X, W, B)
    assert report.ok
    assert report.diagnosis == []
    assert report.diagnosis.tried == 0
