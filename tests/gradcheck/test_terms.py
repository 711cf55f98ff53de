"""Term regression: sentences about the terms of a wrong gradient, with line and coefficient."""

import ast

import numpy as np
import pytest

from minires.gradcheck.diagnosis.terms import regression, trial
from minires.gradcheck.edits.source import Source
from minires.gradcheck.forms import PairSubject

RNG = np.random.default_rng(11)
X = RNG.standard_normal((6, 4))
W = RNG.uniform(1, 2, 4)


def differences(subject, v):
    """Central differences of Σ v·y for every element, and a bound that is true for them."""
    numeric = []
    for t, a in enumerate(subject.arrays):
        n = np.empty(a.shape)
        for i in np.ndindex(*a.shape):
            sides = []
            for h in (1e-3, -1e-3, 5e-4, -5e-4):
                arrays = [b.copy() for b in subject.arrays]
                arrays[t][i] += h
                sides.append(float(np.sum(v * subject.value(arrays)[0])))
            n[i] = (4 * (sides[2] - sides[3]) / 1e-3 - (sides[0] - sides[1]) / 2e-3) / 3
        numeric.append(n)
    return numeric, [np.full(n.shape, 1e-8) for n in numeric]


def findings(forward, backward, *arrays):
    subject = PairSubject(forward, backward, arrays)
    root = Source.of(backward).root
    y, _ = subject.value(subject.arrays)
    trials = []
    for seed in (0, 1):
        v = np.asarray(np.random.default_rng((seed, 5)).standard_normal(y.shape))
        trials.append(trial(subject.pair, v, subject.arrays, *differences(subject, v)))
    return regression(root, trials, subject.names)


def only(*arguments):
    (found,) = findings(*arguments)
    return found


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return p, p


def test_a_sign():
    def backward(dy, p):
        inner = (dy * p).sum(axis=1, keepdims=True)
        dx = p * (dy + inner)
        return dx

    found = only(softmax, backward, X)
    assert (found.line, found.family, found.coefficient) == (3, "sign", pytest.approx(-1))
    assert "`p * inner` has the wrong sign" in found.text
    assert ast.unparse(found.node) == "inner"
    assert found.after == "-inner"


def test_a_scale_by_a_size_in_scope():
    def backward(dy, p):
        n = p.shape[1]
        inner = (dy * p).sum(axis=1, keepdims=True)
        return p * (dy - n * inner)

    found = only(softmax, backward, X)
    assert (found.line, found.family) == (4, "wrong scale")
    assert "is scaled by n (n = 4); it should have factor 1" in found.text


def batch_norm(x, w):
    mean, std = x.mean(axis=0), np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - mean) / std
    return w * x_hat, (x_hat, std, w)


def test_the_line_of_a_term_is_that_of_its_statement():
    def backward(dy, cache):
        x_hat, std, w = cache
        n = len(dy)  # noqa: F841
        g = dy * w
        variance = x_hat * (g * x_hat).sum(axis=0)
        back = g - g.mean(axis=0) - variance
        dx = back / std
        return dx, (dy * x_hat).sum(axis=0)

    found = only(batch_norm, backward, X, W)
    assert found.line == 6
    assert "`-variance / std` is scaled by n (n = 6)" in found.text
    assert found.after == "variance / n"


def test_a_missing_path():
    def backward(dy, cache):
        x_hat, std, w = cache
        g = dy * w
        dx = (g - x_hat * (g * x_hat).mean(axis=0)) / std
        return dx, (dy * x_hat).sum(axis=0)

    found = only(batch_norm, backward, X, W)
    assert (found.line, found.family, found.tensor) == (4, "missing term", "x")
    assert "through a mean is missing" in found.text
    assert "mean(axis=0, keepdims=True)" in found.text


def test_readme_what_comes_back_through_mean_and_variance():
    def forward(x):
        x_hat, std = (x - x.mean(axis=0)) / x.std(axis=0), x.std(axis=0)
        return x_hat, (x_hat, std)

    def backward(dout, cache):
        return dout / cache[1]

    found = only(forward, backward, X)
    assert (found.line, found.family) == (2, "missing term")
    assert "through the mean and the variance is missing" in found.text
    assert_right(found.after, forward, X)


def assert_right(text, forward, x):
    """The proposed expression is right on other inputs, of another size."""
    other = RNG.standard_normal((5, 3)) if x.shape == (6, 4) else x

    def corrected(dout, cache):
        return eval(text, {"np": np, "dout": dout, "cache": cache})

    subject = PairSubject(forward, corrected, (other,))
    y, _ = subject.value(subject.arrays)
    v = RNG.standard_normal(y.shape)
    (numeric,), _ = differences(subject, v)
    np.testing.assert_allclose(subject.gradients(v)[0], numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("forward", "backward", "told", "family"),
    [
        (np.sin, lambda dy, x: dy.copy(), "lacks the factor `np.cos(x)`", "wrong factor"),
        (
            lambda x: np.log1p(np.exp(x)),
            lambda dy, x: dy * np.exp(x) / (1 + np.exp(x)) ** 2,
            "it should be `dy / (1 + np.exp(-x))`",
            "",
        ),
        (lambda x: x**2, lambda dy, x: dy * x, "should have the factor 2", "wrong scale"),
    ],
    ids=["sin", "softplus", "square"],
)
def test_elementary_functions(forward, backward, told, family):
    def plain(x):
        return forward(x)

    assert told in (found := only(plain, backward, X)).text
    assert found.family == family


def test_a_name_of_the_module_is_a_familiar_number():
    keep = 0.75

    def forward(x):
        return x / keep

    def backward(dy, x):
        dx = dy * 1.0
        return dx

    found = only(forward, backward, X)
    assert "1 / keep (keep = 0.75)" in found.text


def test_an_operand_of_a_matrix_product():
    def forward(x, w):
        return x @ w

    def backward(dy, x, w):
        dx = dy @ w.T
        dw = dy.T @ x
        return dx, dw

    found = only(forward, backward, X[:4], RNG.standard_normal((4, 4)))
    assert (found.line, found.family, found.tensor) == (3, "transposed", "w")
    assert found.after == "x.T @ dy"


def test_a_sum_that_is_missing_has_another_shape():
    def forward(x, b):
        return x + b

    def backward(dy, x, b):
        return dy.copy(), dy.copy()

    found = only(forward, backward, X, W)
    assert (found.family, found.tensor) == ("missing broadcast sum", "b")
    assert "dy.sum(axis=0)" in found.text


# ---- silence ----
def test_silent_where_nothing_is_wrong():
    def backward(dy, p):
        return p * (dy - (dy * p).sum(axis=1, keepdims=True))

    assert findings(softmax, backward, X) == []


@pytest.mark.parametrize("factor", [1.2345, -0.777])
def test_silent_about_numbers_that_are_not_familiar(factor):
    def forward(x):
        y, p = softmax(x)
        return y + 0.31 * np.sin(5 * factor * x), p

    def backward(dy, p):
        inner = (dy * p).sum(axis=1, keepdims=True)
        return p * (dy - inner)

    assert findings(forward, backward, X) == []


def test_silent_where_terms_cannot_be_told_apart():
    """Two terms that are the same array: no coefficient is sure."""

    def backward(dy, x):
        a = dy * x
        b = x * dy
        return 3.1 * a - 0.4 * b

    told = findings(lambda x: 0.7 * x**2 + 0.013 * x**3, backward, X)
    assert told == []


def test_silent_about_a_fit_of_one_upstream_only():
    """dy² is dy · c for one upstream of equal elements, and for no other."""

    def forward(x):
        return x * 1.0

    def backward(dy, x):
        return dy * np.abs(dy)

    assert all("factor" not in f.text or "dy" in f.text for f in findings(forward, backward, X))
