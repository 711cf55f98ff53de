"""Operations: values as NumPy's, gradients as finite differences, shapes by hypothesis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minires as mr
from minires import functional as F
from minires import ops
from minires.tensor import Tensor

RNG = np.random.default_rng(0)


def check(f, *arrays):
    report = mr.gradcheck(f, *arrays)
    assert report.ok, str(report)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3), st.integers(0, 3))
def test_arithmetic_broadcasts_forward_and_backward(shapes, which):
    f, g = [
        (lambda a, b: a + b, np.add),
        (lambda a, b: a - b, np.subtract),
        (lambda a, b: a * b, np.multiply),
        (lambda a, b: a / b, np.divide),
    ][which]
    rng = np.random.default_rng(1)
    a = np.asarray(rng.standard_normal(shapes.input_shapes[0]))
    b = np.asarray(rng.uniform(0.5, 2, shapes.input_shapes[1]))
    ta, tb = mr.tensor(a, requires_grad=True), mr.tensor(b, requires_grad=True)
    y = f(ta, tb)
    np.testing.assert_array_equal(y.data, g(a, b))
    v = np.asarray(rng.standard_normal(y.shape))
    y.backward(v)
    assert ta.grad.shape == a.shape
    assert tb.grad.shape == b.shape
    ones = np.asarray(1e-6)
    for t, values, move in ((ta, a, 0), (tb, b, 1)):
        moved = [a, b]
        plus, minus = list(moved), list(moved)
        plus[move], minus[move] = values + ones, values - ones
        numeric = (v * (g(*plus) - g(*minus))).sum() / 2e-6
        assert t.grad.sum() == pytest.approx(numeric, rel=1e-4, abs=1e-6)


@given(
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["sum", "mean", "max"]),
)
def test_reductions_match_numpy(shape, dim, keepdim, name):
    x = np.random.default_rng(2).standard_normal(shape)
    dim = dim if dim < len(shape) else None
    found = getattr(mr.tensor(x), name)(dim, keepdim)
    np.testing.assert_allclose(found.data, getattr(np, name)(x, axis=dim, keepdims=keepdim))


@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 4), (4, 2)), ((4,), (4, 2)), ((3, 4), (4,)), ((4,), (4,)), ((2, 1, 3, 4), (5, 4, 2)),
     ((4,), (5, 4, 2)), ((5, 3, 4), (4,))],
)  # fmt: skip
def test_matmul(a, b):
    x, y = RNG.standard_normal(a), RNG.standard_normal(b)
    np.testing.assert_allclose((mr.tensor(x) @ mr.tensor(y)).data, x @ y)
    check(lambda p, q: p @ q, x, y)


def test_functions_of_one_element_are_stable():
    x = mr.tensor(np.array([-1e4, -1.0, 0.0, 1.0, 1e4]))
    with np.errstate(all="raise", under="ignore"):
        assert x.sigmoid().data[[0, 2, 4]].tolist() == [0.0, 0.5, 1.0]
        assert F.softmax(x).data.sum() == pytest.approx(1)
        assert np.isfinite(F.log_softmax(x).data).all()


def test_shapes():
    x = RNG.standard_normal((2, 3, 4))
    t = mr.tensor(x)
    assert t.reshape(6, -1).shape == (6, 4)
    assert t.reshape((3, 8)).shape == (3, 8)
    assert t.flatten(1).shape == (2, 12)
    assert mr.tensor(np.zeros((0, 3, 2))).flatten(1).shape == (0, 6)
    np.testing.assert_array_equal(t.permute(2, 0, 1).data, x.transpose(2, 0, 1))
    np.testing.assert_array_equal(t.transpose(0, -1).data, x.swapaxes(0, -1))
    padded = ops.pad(t, (1, 2, 0, 1), 7.0).data
    assert padded.shape == (2, 4, 7)
    assert padded[0, 3, 0] == 7.0
    joined = mr.concat([t, t * 2], dim=1)
    assert joined.shape == (2, 6, 4)


def test_an_index_used_twice_receives_both_gradients():
    x = mr.tensor(np.zeros(3), requires_grad=True)
    x[[0, 0, 2]].backward(np.array([1.0, 2.0, 4.0]))
    assert x.grad.tolist() == [3.0, 0.0, 4.0]
    mask = np.array([True, False, True])
    assert x[mask].shape == (2,)


def test_the_first_of_equal_maxima_wins():
    x = mr.tensor(np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 0.0]]), requires_grad=True)
    x.max(1).sum().backward()
    assert x.grad.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_var_and_mean_against_numpy():
    x = RNG.standard_normal((5, 4))
    np.testing.assert_allclose(mr.tensor(x).var(0).data, x.var(axis=0, ddof=1))
    np.testing.assert_allclose(mr.tensor(x).var(correction=0).data, x.var())
    with pytest.raises(ValueError, match="need more"):
        mr.tensor(np.zeros((1, 3))).var(0)
    with pytest.raises(ValueError, match="no elements"):
        mr.tensor(np.zeros((0, 3))).mean(0)


def test_dtypes_are_never_mixed_silently():
    single, double = mr.tensor([1.0]), mr.tensor(np.array([1.0]))
    with pytest.raises(TypeError, match="float32 with float64"):
        single + double
    with pytest.raises(TypeError, match="cast"):
        single * np.ones(1)
    assert (single * 2.5).dtype == np.float32
    assert (single * np.float64(2.5)).dtype == np.float32
    assert (single * mr.tensor([2])).dtype == np.float32
    assert (2 - single).data.tolist() == [1.0]
    assert mr.where(single > 0, single, 0.0).dtype == np.float32
    for wrong in ("a", None, [1.0]):
        with pytest.raises(TypeError):
            single + wrong


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.sum(5), "dim 5"),
        (lambda t: t.sum((0, 0)), "twice"),
        (lambda t: t.permute(0, 0), "no order"),
        (lambda t: t.clip(), "min, max or both"),
        (lambda t: ops.pad(t, (1,)), "pairs"),
        (lambda t: ops.pad(t, (-1, 0)), "at least 0"),
        (lambda t: mr.concat([]), "at least one"),
        (lambda t: t**t, "exponent"),
        (lambda t: mr.where(t, t, t), "boolean"),
        (lambda t: Tensor(np.array([1])).exp(), "floating"),
        (lambda t: F.cross_entropy(t, np.array([0, 1]), reduction="max"), "reduction"),
        (lambda t: F.mse_loss(t, mr.tensor(np.zeros((3, 2)))), "differ in shape"),
        (lambda t: F.dropout(t, 1.0), "0 <= p < 1"),
        (lambda t: F.batch_norm(t, None, None), "running_mean"),
    ],
)
def test_wrong_calls_say_why(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(mr.tensor(np.ones((2, 2))))


def test_adaptive_pooling_cells_are_pytorchs():
    x = np.arange(35.0).reshape(1, 1, 5, 7)
    found = F.adaptive_avg_pool2d(mr.tensor(x), (2, 3)).data[0, 0]
    expected = [
        [x[0, 0, r0:r1, c0:c1].mean() for c0, c1 in ((0, 3), (2, 5), (4, 7))]
        for r0, r1 in ((0, 3), (2, 5))
    ]
    np.testing.assert_allclose(found, expected)


def test_dropout_keeps_the_mean_and_follows_the_seed():
    x = mr.tensor(np.ones((100, 100)))
    masks = []
    for _ in range(2):
        mr.manual_seed(3)
        masks.append(F.dropout(x, 0.3).data)
    assert np.array_equal(*masks)
    assert masks[0].mean() == pytest.approx(1, abs=0.02)
    assert set(np.unique(masks[0])) == {0.0, 1 / 0.7}
    assert F.dropout(x, 0.3, training=False) is x
