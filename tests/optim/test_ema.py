"""EMA: the average of the formula, swapped in and out without a trace, resumed to the bit."""

import numpy as np
import pytest

import minires.functional as F
from minires import Tensor, models, nn, no_grad, optim


def net_of(seed=0):
    return models.resnet(8, width=2, seed=seed)


def train(net, steps, ema=None, seed=0, optimizer=None):
    rng = np.random.default_rng(seed)
    optimizer = optimizer or optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        x = Tensor(rng.standard_normal((4, 3, 8, 8)).astype(np.float32))
        optimizer.zero_grad()
        F.cross_entropy(net(x), rng.integers(0, 10, 4)).backward()
        optimizer.step()
        if ema:
            ema.update()


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[k], b[k]) for k in a)


def test_it_is_the_average_of_the_formula():
    net = net_of()
    ema = optim.EMA(net, decay=0.8)
    expected = {k: v.astype(np.float64) for k, v in net.state_dict().items()}
    for step in range(5):
        train(net, 1, ema, seed=step)
        for name, value in net.state_dict().items():
            if value.dtype.kind == "f":
                expected[name] = 0.8 * expected[name] + 0.2 * value
            else:
                expected[name] = value
    assert ema.updates == 5
    assert set(ema.average) == set(expected)
    for name, average in ema.average.items():
        np.testing.assert_allclose(average, expected[name], rtol=1e-5, atol=1e-7)
        assert average.dtype == net.state_dict()[name].dtype
    assert ema.average["bn1.num_batches_tracked"] == 5


def test_it_is_swapped_in_and_out():
    net = net_of()
    ema = optim.EMA(net, decay=0.5)
    train(net, 3, ema)
    own, average = net.state_dict(), ema.state_dict()["average"]
    arrays = [p.data for p in net.parameters()]
    with ema.applied() as inside:
        assert inside is net
        assert same(net.state_dict(), average)
        net.eval()
        with no_grad():
            inside(Tensor(np.zeros((1, 3, 8, 8), np.float32)))
        net.train()(Tensor(np.ones((2, 3, 8, 8), np.float32)))  # moves the running statistics
    assert same(net.state_dict(), own)
    assert same(ema.average, average)
    assert all(p.data is a for p, a in zip(net.parameters(), arrays, strict=True))


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit])
def test_an_error_inside_swaps_back(error):
    net = net_of()
    ema = optim.EMA(net, decay=0.5)
    train(net, 2, ema)
    own = net.state_dict()
    with pytest.raises(error), ema.applied():
        raise error
    assert same(net.state_dict(), own)
    with ema.applied():
        assert same(net.state_dict(), ema.average)
        with pytest.raises(RuntimeError, match="applied already"), ema.applied():
            pass
        with pytest.raises(RuntimeError, match="average the average"):
            ema.update()
    assert same(net.state_dict(), own)


def test_it_resumes_to_the_bit():
    net = net_of()
    ema, optimizer = optim.EMA(net, 0.7), optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train(net, 2, ema, 0, optimizer)
    weights, moments, average = net.state_dict(), optimizer.state_dict(), ema.state_dict()
    train(net, 3, ema, 1, optimizer)
    assert not same(average["average"], ema.average), "a state is a copy"
    again = net_of(7)
    second = optim.EMA(again, 0.1)
    resumed = optim.SGD(again.parameters(), lr=0.1, momentum=0.9)
    again.load_state_dict(weights)
    resumed.load_state_dict(moments)
    second.load_state_dict(average)
    train(again, 3, second, 1, resumed)
    assert same(second.average, ema.average)
    assert (second.decay, second.updates) == (0.7, 5)


def test_a_state_that_does_not_fit_changes_nothing():
    ema = optim.EMA(net_of(), 0.7)
    before, good = ema.state_dict(), ema.state_dict()
    for state, message in (
        (None, "got NoneType"),
        (good["average"], "expected a state_dict"),
        (good | {"decay": 1.0}, "decay: expected"),
        (good | {"average": optim.EMA(nn.Conv2d(1, 2, 3)).average}, "EMA.load_state_dict"),
        (good | {"average": good["average"] | {"conv1.weight": np.zeros(3)}}, "expected shape"),
    ):
        with pytest.raises(ValueError, match=message):
            ema.load_state_dict(state)
        assert same(ema.average, before["average"])
        assert ema.decay == 0.7


def test_a_net_that_changed_is_told():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    ema = optim.EMA(net, 0.9)
    net[1] = nn.Linear(3, 4)
    with pytest.raises(RuntimeError, match=r"of shape \(4, 3\) .* make the EMA after"):
        ema.update()
    net = nn.Sequential(nn.Linear(2, 3))
    ema = optim.EMA(net, 0.9)
    net.double()
    with pytest.raises(RuntimeError, match=r"float64 .* in the net and float32"), ema.applied():
        pass
    net.float()
    net.add_module("head", nn.Linear(3, 1))
    with pytest.raises(RuntimeError, match=r"head\.bias is only in the net"):
        ema.update()


def test_what_is_refused():
    net = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="expected a Module, got list"):
        optim.EMA(list(net.parameters()))
    with pytest.raises(ValueError, match="decay: expected"):
        optim.EMA(net, 1.0)
    with pytest.raises(ValueError, match="no parameters and no buffers"):
        optim.EMA(nn.ReLU())
    ema = optim.EMA(net)
    ema.decay = float("nan")
    with pytest.raises(ValueError, match="decay"):
        ema.update()


def test_tied_parameters_are_averaged_once():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    ema = optim.EMA(net, 0.0)
    assert len(ema.average) == 3
    net[0].weight.update_(np.full((2, 2), 5, np.float32))
    ema.update()
    assert np.array_equal(ema.average["0.weight"], np.full((2, 2), 5))
