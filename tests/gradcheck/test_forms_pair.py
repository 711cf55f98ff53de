"""Pairs of functions: what a Subject offers a diagnosis, and the forms gradients may have."""

import functools

import numpy as np
import pytest

import minires as mr
from minires.gradcheck import check_backward
from minires.gradcheck.forms import PairSubject, TensorSubject

RNG = np.random.default_rng(5)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), RNG.standard_normal(2)


def affine(x, w, b):
    return x @ w + b


def affine_backward(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def wrong_backward(dy, x, w, b):
    return dy @ w.T, -x.T @ dy, dy.sum(axis=0)


def test_a_pair_runs_a_candidate_in_place_of_the_users_backward():
    subject = PairSubject(affine, wrong_backward, (X, W, B))
    v = RNG.standard_normal((4, 2))
    assert subject.pair.backward is wrong_backward
    assert subject.pair.forward is affine
    x = X + 1
    dx, dw, db = subject.pair.gradients(affine_backward, v, [x, W, B])
    np.testing.assert_array_equal(dw, x.T @ v)
    assert [g.shape for g in (dx, dw, db)] == [(4, 3), (3, 2), (2,)]
    with pytest.raises(Exception, match=r"gradient of b has shape \(4, 2\), b has shape \(2,\)"):
        subject.pair.gradients(lambda dy, x, w, b: (dy @ w.T, x.T @ dy, dy), v, [x, W, B])


def test_a_pair_is_the_users_function_beneath_its_wrappers():
    @functools.wraps(affine_backward)
    def logged(*args):
        return affine_backward(*args)

    assert PairSubject(affine, logged, (X, W, B)).pair.backward is affine_backward


class Cube(mr.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save(x)
        return x**3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved
        return 2 * x**2 * dy


def test_a_function_of_ours_is_a_pair_too():
    def better(ctx, dy):
        return 3 * ctx.saved[0] ** 2 * dy

    pair = TensorSubject(Cube, (X,)).pair
    assert pair.backward is Cube.__dict__["backward"].__func__
    np.testing.assert_allclose(pair.gradients(better, np.ones_like(X), [X])[0], 3 * X**2)
    assert TensorSubject(lambda x: x * 2.0, (X,)).pair is None


@pytest.mark.parametrize(
    "form",
    [
        list,
        lambda g: dict(zip(("dx", "dw", "db"), g, strict=True)),
        lambda g: dict(zip(("b", "w", "x"), g[::-1], strict=True)),
        lambda g: dict(zip(("grad_x", "w_grad", "d_b"), g, strict=True)),
    ],
    ids=["list", "dx dw db", "by name in another order", "other prefixes"],
)
def test_gradients_come_as_a_list_or_by_name(form):
    assert check_backward(affine, lambda *a: form(affine_backward(*a)), X, W, B)
    report = check_backward(affine, lambda *a: form(wrong_backward(*a)), X, W, B)
    assert [r.verdict for r in report.rows] == ["PASS", "FAIL", "PASS"]


def test_a_check_within_no_grad():
    with mr.no_grad():
        report = mr.gradcheck(Cube, X)
    assert [r.verdict for r in report.rows] == ["FAIL"]
    assert report.rows[0].ratio == pytest.approx(2 / 3)


def test_functions_of_tensors_may_have_several_outputs_numbers_and_options():
    def f(x, scale, dim, kind="sum"):
        return (x * scale).sum(dim), {kind: x.exp()}

    report = mr.gradcheck(f, X, np.float64(2), dim=1, kind="exp")
    assert report.ok, str(report)
    assert [r.tensor for r in report.rows] == ["x", "scale"]
    report = mr.gradcheck(lambda x, scale: x * scale, X, 2.0)
    assert [r.tensor for r in report.rows] == ["x"]
    assert "scale is taken as an option: pass np.float64(2.0) to check it" in report.notes
    layer = mr.nn.Linear(3, 2)
    assert [r.tensor for r in mr.gradcheck(layer, X, wrt="weight").rows] == ["weight"]
    assert mr.gradcheck(lambda xs: mr.ops.concat(xs, 1), [X, X + 1])


def test_a_decorator_that_changes_the_result_leaves_nothing_to_search():
    def doubled(f):
        @functools.wraps(f)
        def twice(*args):
            return tuple(2 * g for g in f(*args))

        return twice

    assert PairSubject(affine, doubled(affine_backward), (X, W, B)).pair is None


def test_a_candidate_is_called_as_the_users_backward_is():
    class Scaled:
        factor = 2.0

        def __call__(self, dy, x):
            return self.factor * x * dy

    def candidate(self, dy, x):
        return 3.0 * x * dy

    def with_factor(dy, x, factor):
        return factor * x * dy

    for backward, other in (
        (Scaled(), candidate),
        (Scaled().__call__, candidate),
        (functools.partial(with_factor, factor=3.0), with_factor),
    ):
        pair = PairSubject(lambda x: x**2, backward, (X,)).pair
        np.testing.assert_array_equal(pair.gradients(other, X, [X])[0], 3.0 * X * X)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda dy: (dy, dy[:2]), "returned shape (2, 3), float64, on cpu for scale; expected"),
        (lambda dy: (dy, None), "returned NoneType for scale, which requires a gradient"),
        (lambda dy: None, "returned 1 gradients for 2 inputs"),
    ],
    ids=["shape", "None", "nothing"],
)
def test_what_a_function_returns_is_told_by_the_names_of_its_inputs(returned, message):
    class Scale(mr.Function):
        @staticmethod
        def forward(ctx, x, scale):
            return x * scale

        @staticmethod
        def backward(ctx, dy):
            return returned(dy)

    error = mr.gradcheck(Scale, X, X + 1).error
    assert f"Scale.backward {message}" in error
    assert "test_forms_pair.py, line" in error
    assert "engine" not in error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_backward(np.sin, X), "backward is an array of shape (4, 3), expected a"),
        (lambda: check_backward(X, np.sin), "forward is an array of shape (4, 3), expected a"),
        (lambda: check_backward(affine, affine_backward, X), "affine: missing a required argument"),
        (lambda: mr.gradcheck(lambda x: [], X), "returned a list of 0, expected a Tensor"),
    ],
    ids=["no backward", "no forward", "an input missing", "no output"],
)
def test_calls_that_are_refused(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert message in str(caught.value)
