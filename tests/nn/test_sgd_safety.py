"""SGD's compiled step writes in place: whatever does not fit is refused before it starts."""

import numpy as np
import pytest

from minires import Tensor, nn, optim


def parameter(n=8000):
    return nn.Parameter(np.ones(n, np.float32))


@pytest.mark.parametrize("shape", [(10,), (1, 8000), (8001,)])
def test_a_gradient_of_another_shape_is_refused(shape):
    p = parameter()
    sgd = optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = np.ones(shape, np.float32)
    with pytest.raises(ValueError, match="gradient"):
        sgd.step()
    assert (p.data == 1).all()


def test_a_velocity_that_no_longer_fits_is_refused():
    p = parameter()
    sgd = optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = np.ones(8000, np.float32)
    sgd.step()
    p.data, p.grad = np.ones(8400, np.float32), np.ones(8400, np.float32)
    with pytest.raises(ValueError, match="velocity"):
        sgd.step()
    state = optim.SGD([p], lr=0.1, momentum=0.9).state_dict()
    state["state"][0]["velocity"] = np.zeros(())
    sgd = optim.SGD([p], lr=0.1, momentum=0.9)
    sgd.load_state_dict(state)
    with pytest.raises(ValueError, match="velocity"):
        sgd.step()


def test_a_failed_step_leaves_no_velocity_behind():
    first, second = parameter(), parameter()
    sgd = optim.SGD([first, second], lr=1.0, momentum=0.9)
    first.grad, second.grad = np.ones(3, np.float32), np.full(8000, 2, np.float32)
    with pytest.raises(ValueError, match="gradient"):
        sgd.step()
    first.grad = np.full(8000, 2, np.float32)
    sgd.step()
    assert (first.data == -1).all()
    assert (second.data == -1).all()


def test_sums_of_gradients_are_arrays():
    x = Tensor(np.full((), 2.0, np.float32), requires_grad=True)
    y = x * 3.0
    seen = []
    y.register_hook(lambda dy: seen.append(type(dy)))
    (y * y).backward()
    assert isinstance(x.grad, np.ndarray)
    assert seen == [np.ndarray]
