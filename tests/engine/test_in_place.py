"""What PyTorch's users do in place, and what may not be done silently."""

import numpy as np
import pytest

import minires as mr
from minires import optim
from minires.tensor import Tensor


def leaf(values, dtype=np.float64):
    return mr.tensor(np.array(values, dtype), requires_grad=True)


UPDATES = {
    "+=": (lambda p: p.__iadd__(2.0), [3.0, 4.0]),
    "-=": (lambda p: p.__isub__(np.array([1.0, 2.0])), [0.0, 0.0]),
    "*=": (lambda p: p.__imul__(mr.tensor(np.array([3.0, 4.0]))), [3.0, 8.0]),
    "/=": (lambda p: p.__itruediv__(2), [0.5, 1.0]),
    "**=": (lambda p: p.__ipow__(2), [1.0, 4.0]),
    "@=": (lambda p: p.__imatmul__(np.array([[0.0, 1.0], [1.0, 0.0]])), [2.0, 1.0]),
}


@pytest.mark.parametrize("symbol", UPDATES)
def test_augmented_assignment_writes_a_leaf(symbol):
    update, expected = UPDATES[symbol]
    p = leaf([1.0, 2.0])
    data, graph = p.data, (p * p).sum()
    with mr.no_grad():
        assert update(p) is p
    assert p.data is data
    assert p.data.tolist() == expected
    assert p.requires_grad
    with pytest.raises(RuntimeError, match="updated in place"):
        graph.backward()


@pytest.mark.parametrize("symbol", UPDATES)
def test_while_recording_a_leaf_that_is_trained_is_refused(symbol):
    p = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"update_\(\)") as raised:
        UPDATES[symbol][0](p)
    assert symbol in str(raised.value)
    assert p.data.tolist() == [1.0, 2.0]


def test_gradient_descent_as_it_is_written_with_pytorch():
    def descend(step):
        w = leaf([4.0, -2.0])
        for _ in range(50):
            (w * w).sum().backward()
            step(w)
            w.grad = None
        return w.data

    def by_hand(w):
        with mr.no_grad():
            w -= 0.1 * w.grad

    def through_data(w):
        w.data -= 0.1 * w.grad

    expected = descend(lambda w: optim.SGD([w], lr=0.1).step())
    np.testing.assert_allclose(descend(by_hand), expected, rtol=1e-12)
    np.testing.assert_allclose(descend(through_data), expected, rtol=1e-12)
    assert abs(expected).max() < 1e-4


def test_plain_tensors_are_written_too_so_that_aliases_see_it():
    velocities = [mr.tensor(np.zeros(2)) for _ in range(2)]
    for v in velocities:
        v += 1.0
    assert [v.data.tolist() for v in velocities] == [[1.0, 1.0]] * 2


def test_a_sum_of_losses_keeps_its_history():
    w, total = leaf([1.0, 2.0]), mr.tensor(np.zeros(()))
    for factor in (1.0, 2.0):
        total += (w * factor).sum()
    total.backward()
    assert w.grad.tolist() == [3.0, 3.0]
    y = w * 2
    y += 1.0  # a value with a history is replaced, not overwritten
    y.sum().backward()
    assert w.grad.tolist() == [5.0, 5.0]


def test_a_value_with_a_history_is_not_overwritten_under_no_grad():
    y = leaf([1.0]) * 2
    with pytest.raises(RuntimeError, match="history"), mr.no_grad():
        y += 1.0


def test_results_that_do_not_fit_are_refused_and_change_nothing():
    p, whole = leaf([1.0, 2.0]), mr.tensor([1, 2])
    with mr.no_grad():
        with pytest.raises(ValueError, match="shape"):
            p += np.ones((3, 2))
        with pytest.raises(TypeError, match="float64 with float32"):
            p += np.ones(2, np.float32)
        with pytest.raises(TypeError, match="int64"):
            whole /= 2
        with pytest.raises(TypeError, match="int64"):
            whole += 0.5
    assert p.data.tolist() == [1.0, 2.0]
    assert whole.data.tolist() == [1, 2]


@pytest.mark.parametrize("alias", [Tensor.detach, lambda x: x.detach().reshape(2, 1)])
def test_an_update_through_an_alias_is_noticed(alias):
    x = leaf([1.0, 2.0])
    y = x.exp()
    z = (y * y).sum()
    shared = alias(y)
    with mr.no_grad():
        shared *= 0.0
    with pytest.raises(RuntimeError, match="updated in place"):
        z.backward()


def test_a_view_of_a_parameter_marks_the_parameter():
    w = leaf([[1.0, 2.0]])
    y = (w * w).sum()
    with mr.no_grad():
        flat = w.reshape(-1)
        flat -= 1.0
    assert w.data.tolist() == [[0.0, 1.0]]
    with pytest.raises(RuntimeError, match="updated in place"):
        y.backward()


def test_items_of_a_leaf_are_written_where_the_leaf_may_be():
    w = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = (w * w).sum()
    with mr.no_grad():
        w[0] -= 1.0
        w[w > 3.0] = 0.0
        w[1, 0] = mr.tensor(7.0)
        w[[0, 1], 1] *= np.array([5.0, 2.0])
        for row in w:
            row += 1.0
        last = w[1, 1]
        last -= 3.0
    assert w.data.tolist() == [[1.0, 6.0], [8.0, -2.0]]
    with pytest.raises(RuntimeError, match="updated in place"):
        y.backward()
    plain = mr.tensor([1, 2, 3])
    plain[::2] = 0
    plain[1] += 5
    assert plain.data.tolist() == [0, 7, 0]


def test_items_that_the_graph_needs_are_not_written():
    w, plain = leaf([1.0, 2.0]), mr.tensor(np.zeros(2))
    z = w * 2.0
    with pytest.raises(TypeError, match="where"):
        w[0] = 0.0
    with pytest.raises(TypeError, match="where"):
        w[0] += 1.0
    with pytest.raises(TypeError, match="where"):
        plain[0] = z[0]
    with mr.no_grad():
        with pytest.raises(TypeError, match="where"):
            z[0] -= 1.0
        for index, value, error in (
            (0, "a", TypeError),
            (0, None, TypeError),
            (0, 1j, TypeError),
            (slice(None), np.ones(3), ValueError),
            (5, 1.0, IndexError),
        ):
            with pytest.raises(error):
                w[index] = value
        with pytest.raises(TypeError, match="int64 cannot hold float64"):
            mr.tensor([1, 2])[0] = 0.5
    assert w.data.tolist() == [1.0, 2.0]
    assert z.data.tolist() == [2.0, 4.0]
    assert plain.data.tolist() == [0.0, 0.0]
    z.sum().backward()


def test_assigning_data_counts_as_an_update():
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    w.data = np.zeros(2)
    with pytest.raises(RuntimeError, match="updated in place"):
        y.backward()
    w.data = np.zeros(3, np.float32)  # another shape and dtype: later graphs are of the new array
    (w * 2.0).sum().backward()
    assert w.grad.dtype == np.float32
    assert w.grad.tolist() == [2.0] * 3
    z = (w + 1.0).sum()
    w.data = np.zeros(2)
    with pytest.raises(RuntimeError, match="replaced"):
        z.backward()
    for wrong, message in ((1.0, "array"), (np.array(["a"]), "real numbers"), ([1.0], "array")):
        with pytest.raises(TypeError, match=message):
            w.data = wrong


def test_hooks_stay_when_data_is_replaced():
    w, seen = leaf([1.0]), []
    handle = w.register_hook(lambda g: seen.append(g.dtype))
    w.data = w.data.astype(np.float32)
    (w * 2.0).sum().backward()
    assert seen == [np.float32]
    handle.remove()
    (w * 2.0).sum().backward()
    assert len(seen) == 1
