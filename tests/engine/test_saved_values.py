"""What a graph has saved stays as it was, or its backward pass refuses to run."""

import os
import signal

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import nn
from minires.tensor import _storing


def leaf(values):
    return mr.tensor(np.array(values, np.float64), requires_grad=True)


def test_arrays_that_are_no_tensors_are_copied():
    x, factor = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    y = (x * factor).sum()
    factor += 100.0
    y.backward()
    assert x.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("kind", [np.array, mr.tensor])
def test_masks_may_change_after_they_were_used(kind):
    x, mask = leaf([1.0, 2.0]), kind([True, False])
    y = mr.where(mask, x, 0.0).sum()
    mask ^= True
    y.backward()
    assert x.grad.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("kind", [np.array, mr.tensor, list])
def test_indices_may_change_after_they_were_used(kind):
    x, index = leaf([1.0, 2.0]), kind([0])
    y = x[index].sum()
    if kind is list:
        index[0] = 1
    else:
        index += 1
    y.backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_running_averages_move_on_while_an_evaluation_waits_for_its_backward():
    x = np.random.default_rng(0).standard_normal((6, 2))

    def gradient(between):
        bn = nn.BatchNorm1d(2).double()
        bn(mr.tensor(x))
        bn.eval()
        t = leaf(x)
        y = (bn(t) * bn(t)).sum()
        if between:
            bn.train()
            bn(mr.tensor(10 * x))
        y.backward()
        return t.grad

    np.testing.assert_array_equal(gradient(True), gradient(False))


def test_a_refused_pass_stores_nothing():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = (a + b).sum()
    b.data = np.zeros(2, np.float32)
    with pytest.raises(RuntimeError, match="replaced"):
        y.backward()
    assert a.grad is None
    with pytest.raises(RuntimeError, match="or one that failed"):
        y.backward()


def test_matrix_products_compute_what_is_wanted_alone():
    a, b = leaf(np.ones((2, 3))), mr.tensor(np.ones((3, 4)))
    y = a @ b
    grads = y.node.function.backward(y.node.ctx, np.ones((2, 4)))
    assert grads[1] is None
    y.sum().backward()
    assert a.grad.tolist() == [[4.0] * 3] * 2


@pytest.mark.parametrize("momentum", [float("nan"), -0.1, "much", None])
def test_a_wrong_momentum_moves_nothing(momentum):
    mean, var = np.zeros(2), np.ones(2)
    with pytest.raises((ValueError, TypeError), match="momentum"):
        F.batch_norm(leaf(np.ones((3, 2))), mean, var, training=True, momentum=momentum)
    assert mean.tolist() == [0.0, 0.0]


def test_a_refused_batch_is_not_counted():
    bn = nn.BatchNorm1d(1, momentum=None)
    with pytest.raises(ValueError, match="at least 2"):
        bn(mr.tensor([[5.0]]))
    bn(mr.tensor([[1.0], [3.0]]))
    assert bn.running_mean.tolist() == [2.0]
    assert int(bn.num_batches_tracked) == 1


def test_a_cast_to_what_it_is_changes_nothing():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    y = net(mr.tensor(np.ones((3, 2), np.float32))).sum()
    net.float()
    y.backward()
    assert net[0].weight.grad is not None
    net.float()
    assert net[0].weight.grad is not None
    other = nn.BatchNorm1d(2)
    other._buffers["running_mean"] = net[1].running_mean
    both = nn.Sequential(net, other).double()
    assert both[1].running_mean is both[0][1].running_mean


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_gradients_are_stored_can_store_its_own():
    x = leaf([1.0])
    with _storing:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            (x * 2.0).sum().backward()
            os._exit(0 if x.grad.tolist() == [2.0] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_group_that_was_taken_out_does_not_stop_the_others():
    a, b = leaf([1.0]), leaf([1.0])
    sgd = mr.optim.SGD([{"params": [a]}, {"params": [b]}], lr=0.1)
    (a + b).sum().backward()
    sgd.step()
    del sgd.param_groups[1]
    sgd.step()
    assert a.data.tolist() == [0.8]
    assert b.data.tolist() == [0.9]


@pytest.mark.parametrize(("f", "name"), [(F.softmax, "softmax"), (lambda x: x.var(), "var")])
def test_integers_are_refused_in_the_users_words(f, name):
    with pytest.raises(TypeError, match=f"^{name}: expected a floating tensor"):
        f(mr.tensor([[1, 2]]))
