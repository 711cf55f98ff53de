"""Tensors between NumPy's arrays, numbers and functions, and in Python's own."""

import numpy as np
import pytest

import minires as mr


def leaf(values=(1.0, 4.0)):
    return mr.tensor(np.array(values, np.float32), requires_grad=True)


OPERATORS = {
    "+": (lambda a, b: a + b, 3.0),
    "-": (lambda a, b: a - b, 1.0),
    "*": (lambda a, b: a * b, 2.0),
    "/": (lambda a, b: a / b, 2.0),
    "np.add": (np.add, 3.0),
    "np.multiply": (np.multiply, 2.0),
}


@pytest.mark.parametrize("symbol", OPERATORS)
def test_numpy_on_the_left_of_an_operator_keeps_history_and_dtype(symbol):
    operator, expected = OPERATORS[symbol]
    for two in (np.full(2, 2, np.float32), np.full((), 2, np.float32), np.float64(2), np.int64(2)):
        one = leaf([1.0, 1.0])
        y = operator(two, one)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.data, expected)
        y.sum().backward()
        assert one.grad is not None


def test_numpys_functions_that_a_tensor_has_are_its_own():
    x = leaf()
    (np.exp(x) + np.log(x) + np.sqrt(x) + np.tanh(x) + np.abs(x) - (-x)).sum().backward()
    a = x.data.astype(np.float64)
    expected = np.exp(a) + 1 / a + 0.5 / np.sqrt(a) + 1 - np.tanh(a) ** 2 + 2
    np.testing.assert_allclose(x.grad, expected, rtol=1e-5)
    assert (np.ones(2) < x.double()).data.tolist() == [False, True]
    assert (np.eye(2, dtype=np.float32) @ x).data.tolist() == [1.0, 4.0]


def test_numpys_other_functions_take_the_array():
    x = leaf().detach()
    assert np.sum(x) == 5.0
    assert np.mean(x, axis=0) == 2.5
    assert np.stack([x, x]).tolist() == [[1.0, 4.0]] * 2
    assert np.concatenate((x, x)).shape == (4,)
    assert np.maximum(x, 2.0).tolist() == [2.0, 4.0]
    assert np.add.reduce(x) == 5.0
    assert np.isnan(x).tolist() == [False, False]
    assert np.allclose(x, [1.0, 4.0])
    assert (np.shape(leaf()), np.ndim(leaf()), np.size(leaf())) == ((2,), 1, 2)


def test_numpys_functions_do_not_lose_a_gradient_silently():
    x, total = leaf(), np.zeros(2, np.float32)
    for name, f in (
        ("sum", lambda: np.sum(x)),
        ("stack", lambda: np.stack([x, x])),
        ("maximum", lambda: np.maximum(x, 0)),
        ("where", lambda: np.where([True, False], x, 0)),
        ("add", lambda: np.add(total, x, out=total)),
        ("add", lambda: total.__iadd__(x)),
    ):
        with pytest.raises(RuntimeError, match=rf"numpy\.{name} knows no gradients.*detach"):
            f()
    assert total.tolist() == [0.0, 0.0]
    total += x.detach()
    assert total.tolist() == [1.0, 4.0]


def test_lists_of_numpys_numbers_keep_their_precision():
    for data in ([np.float64(1)], [[1.0, np.float64(2)]], [np.ones(2)], (mr.tensor(np.ones(2)),)):
        assert mr.tensor(data).dtype == np.float64
    for data in ([1.0, 2.0], [[1.0], [2]], 1.5, [np.float32(1)], [mr.tensor([1.0])]):
        assert mr.tensor(data).dtype == np.float32
    with pytest.raises(TypeError, match="mask"):
        mr.tensor(np.ma.array([1.0, 2.0], mask=[True, False]))


def test_pythons_own_functions():
    x = leaf()
    assert f"{x.sum():.2f} {mr.tensor(3):03d}" == "5.00 003"
    assert f"{x}" == str(x)
    with pytest.raises(TypeError, match="one number, this tensor has shape"):
        f"{x:.2f}"
    assert (+x) is x
    assert sum([x, x]).data.tolist() == [2.0, 8.0]
    assert max(x).item() == 4.0
    assert sorted(mr.tensor([3.0, 1.0]))[0].item() == 1.0
    assert 4.0 in x
    with pytest.raises(TypeError, match="deleted"):
        del x[0]
