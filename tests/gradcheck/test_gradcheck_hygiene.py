"""Backward passes that compute the right values in a wrong manner."""

import numpy as np
import pytest

from minires import Function, Tensor, gradcheck
from minires.gradcheck import check_backward

X = np.random.default_rng(7).standard_normal((4, 5))
pytestmark = pytest.mark.usefixtures("undiagnosed")


def square(forward=None, backward=None):
    """Return a Function y = x², with one of its passes replaced."""

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save(x)
            return x * x if forward is None else forward(x)

        @staticmethod
        def backward(ctx, dy):
            (x,) = ctx.saved
            return 2 * x * dy if backward is None else backward(dy, x)

    return Square


def failures(f, *arrays):
    report = gradcheck(f, *arrays)
    assert not report.ok
    assert report.verdict == "FAIL"
    for name in report.hygiene:
        assert f"hygiene: {name}" in str(report)
    return set(report.hygiene)


def test_a_clean_function_has_no_failures():
    report = gradcheck(square(), X)
    assert report.ok
    assert report.hygiene == {}
    assert "hygiene: ok" in str(report)


def test_input_modified():
    def forward(x):
        y = x * x
        x[0, 0] = 3.0
        return y

    assert "inputs unmodified" in failures(square(forward), X)


def test_input_modified_by_an_idempotent_forward():
    class InPlaceReLU(Function):
        @staticmethod
        def forward(ctx, x):
            np.maximum(x, 0, out=x)
            ctx.save(x > 0)
            return x.copy()

        @staticmethod
        def backward(ctx, dy):
            return dy * ctx.saved[0]

    before = X.copy()
    assert "inputs unmodified" in failures(InPlaceReLU, X)
    np.testing.assert_array_equal(X, before)  # gradcheck works on copies


def test_upstream_modified():
    def backward(dy, x):
        dy *= 2 * x
        return dy

    assert failures(square(backward=backward), X) == {"upstream unmodified"}


def test_saved_array_modified():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = np.exp(x)
            ctx.save(y.copy())
            return y

        @staticmethod
        def backward(ctx, dy):
            ctx.saved[0][...] *= dy
            return ctx.saved[0].copy()

    assert "saved unmodified" in failures(Exp, X)


def test_not_reentrant():
    rng = np.random.default_rng(0)
    noisy = square(backward=lambda dy, x: 2 * x * dy * (1 + 1e-14 * rng.standard_normal()))
    assert failures(noisy, X) == {"reentrant"}


def test_upstream_of_zero():
    assert "zero upstream" in failures(square(backward=lambda dy, x: 2 * x * dy + 1e-13), X)


def test_not_linear_in_the_upstream():
    # Right for the upstream of the comparison, whose largest entry is less than 10.
    found = failures(square(backward=lambda dy, x: 2 * x * np.clip(dy, -2.0, 2.0)), X)
    assert "linear in dy" in found


def test_memory_order():
    def backward(dy, x):
        return (2 * x.ravel(order="K") * dy.ravel()).reshape(x.shape)

    assert failures(square(backward=backward), X) == {"any memory order"}


@pytest.mark.parametrize(
    ("backward", "shared"),
    [
        (lambda dy, a, b: (dy, dy.copy()), "dy"),
        (lambda dy, a, b: (dy.copy(), dy[:]), "dy"),
        (lambda dy, a, b: (2 * dy / 2,) * 2, "the gradient of a"),
    ],
    ids=["dy", "a view of dy", "each other"],
)
def test_aliasing_gradients_are_right_and_told(backward, shared):
    report = check_backward(lambda a, b: a + b, backward, X, X + 1)
    assert report.ok
    assert [f"shares memory with {shared}:" in note for note in report.notes] == [True]


def test_a_flattening_layer_may_return_a_view():
    assert check_backward(lambda x: x.reshape(-1), lambda dy, x: dy.reshape(x.shape), X).ok


def test_gradient_not_summed_over_the_broadcast_axes():
    report = check_backward(
        lambda x, b: x + b, lambda dy, x, b: (dy.copy(), dy.copy()), X, np.ones(5)
    )
    assert not report.ok
    assert "gradient of b has shape (4, 5), b has (5,)" in report.hygiene["shapes"]


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda dy, x: (2 * x * dy)[:2], r"shape \(2, 5\)"),
        (lambda dy, x: (2 * x * dy).astype(np.float32), "float32"),
        (lambda dy, x: None, r"NoneType|\(None\)"),
        (lambda dy, x: (2 * x * dy, dy), "2 gradients for 1 input"),
        (lambda dy, x: dy[7], "IndexError.*test_gradcheck_hygiene.py, line"),
    ],
    ids=["shape", "dtype", "None", "count", "exception"],
)
def test_results_that_cannot_be_compared_are_reported(backward, message):
    for report in (
        gradcheck(square(backward=backward), X),
        check_backward(lambda x: x * x, backward, X),
    ):
        assert not report.ok
        assert report.verdict == "FAIL"
        with pytest.raises(AssertionError, match=message):
            raise AssertionError(" ".join(str(report).split()))


def test_forward_that_is_not_a_function_of_its_inputs():
    rng = np.random.default_rng(0)
    report = gradcheck(lambda x: x * Tensor(rng.standard_normal(5)), X)
    assert report.verdict == "UNDECIDED"
    assert "other values the second time" in str(report)


def test_negative_strides_may_be_refused():
    def backward(dy, x):
        if min(dy.strides) < 0:
            raise ValueError("as PyTorch does")
        return 2 * x * dy

    assert check_backward(lambda x: x * x, backward, X)


def test_code_that_refuses_strided_arrays_is_told_in_a_note():
    def backward(dy, x):
        if min(dy.strides) < 0 or not dy.flags.c_contiguous:
            raise ValueError("expected contiguous memory")
        return 2 * x * dy

    report = check_backward(lambda x: x * x, backward, X)
    text = " ".join(str(report).split())
    assert report.ok, text
    assert "refused, so the check used none: ValueError: expected contiguous memory" in text


def test_code_that_takes_no_negative_strides_is_probed_with_positive_ones():
    def backward(dy, x, order="C"):
        if min(dy.strides) < 0:
            raise ValueError("negative strides")
        return (2 * x.ravel(order="C") * dy.ravel(order=order)).reshape(x.shape)

    assert check_backward(lambda x: x * x, backward, X).ok
    report = check_backward(lambda x: x * x, lambda dy, x: backward(dy, x, "K"), X)
    assert list(report.hygiene) == ["any memory order"]


def test_a_probe_that_raises_is_a_row_and_the_check_goes_on():
    def backward(dy, x):
        return 2 * x * dy / (1 if dy.any() else 0 // 0)

    report = check_backward(lambda x: x * x, backward, X)
    assert list(report.hygiene) == ["zero upstream"]
    assert "it raised ZeroDivisionError" in report.hygiene["zero upstream"]
    assert report.rows[0].verdict == "PASS"


def test_inaccurate_sums_are_no_failure_of_linearity_or_memory_order():
    """A mean near 1e9 is wrong by 1e-7, and by another 1e-7 in another order of memory."""
    x = 1e9 + np.random.default_rng(0).standard_normal((6, 50))

    def forward(x):
        return (x - x.mean(axis=1, keepdims=True)) ** 2

    def backward(dy, x):
        c = x - x.mean(axis=1, keepdims=True)
        g = 2 * dy * c
        return g - g.mean(axis=1, keepdims=True)

    assert check_backward(forward, backward, x).hygiene == {}
