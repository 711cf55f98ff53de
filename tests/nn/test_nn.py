"""Modules, layers and initialisations."""

import math

import numpy as np
import pytest

import minires as mr
from minires import nn
from minires.nn import init


def net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)
    )


def test_parameters_and_buffers_are_found_in_order_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 2)
            self.b = self.a
            self.alone = nn.Parameter(np.zeros(3))

        def forward(self, x):
            return self.b(self.a(x))

    module = Twice()
    assert [n for n, _ in module.named_parameters()] == ["alone", "a.weight", "a.bias"]
    assert [n for n, _ in module.named_modules()] == ["", "a"]
    assert [n for n, _ in net().named_buffers()] == [
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ]
    module.alone = None
    assert "alone" not in dict(module.named_parameters())


def test_state_dict_round_trip_and_refusals():
    a, b = net(), net()
    b.load_state_dict(a.state_dict())
    for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        assert np.array_equal(x, y), name
    state = a.state_dict()
    state["0.weight"][...] = 0
    assert a[0].weight.data.any()  # copies
    before = b.state_dict()
    wrong = a.state_dict()
    del wrong["4.bias"]
    wrong["extra"] = np.zeros(1)
    wrong["0.weight"] = np.zeros((1, 1))
    with pytest.raises(
        ValueError, match=r"missing: 4\.bias.*unexpected: extra.*0\.weight: expected"
    ):
        b.load_state_dict(wrong)
    for name, value in before.items():
        assert np.array_equal(value, b.state_dict()[name])
    del wrong["0.weight"]
    b.load_state_dict(wrong, strict=False)


def test_modes_dtypes_and_gradients():
    module = net()
    assert all(not m.training for m in module.eval().modules())
    assert all(m.training for m in module.train().modules())
    module.double()
    assert {p.dtype for p in module.parameters()} == {np.dtype(np.float64)}
    assert module[1].running_mean.dtype == np.float64
    assert module[1].num_batches_tracked.dtype == np.int64
    module(mr.tensor(np.random.default_rng(0).standard_normal((2, 3, 4, 4)))).sum().backward()
    assert all(p.grad is not None for p in module.parameters())
    module.zero_grad()
    assert all(p.grad is None for p in module.parameters())
    with pytest.raises(TypeError, match="floating"):
        module.to(int)


def test_hooks_change_inputs_and_outputs():
    layer = nn.Identity()
    layer.register_forward_pre_hook(lambda m, inputs: inputs[0] * 2)
    handle = layer.register_forward_hook(lambda m, inputs, y: y + 1)
    assert layer(mr.tensor([3.0])).data.tolist() == [7.0]
    handle.remove()
    assert layer(mr.tensor([3.0])).data.tolist() == [6.0]


def test_forgotten_super_and_forward_are_named():
    class NoSuper(nn.Module):
        def __init__(self):
            self.layer = nn.ReLU()

    with pytest.raises(RuntimeError, match="super"):
        NoSuper()

    class NoForward(nn.Module):
        pass

    with pytest.raises(TypeError, match="NoForward defines no forward"):
        NoForward()(mr.tensor([1.0]))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nn.ReLU().nothing  # noqa: B018
    with pytest.raises(TypeError, match="argument 1"):
        nn.Sequential(nn.ReLU(), 3)
    with pytest.raises(TypeError, match="is a parameter"):
        nn.Linear(1, 1).weight = np.zeros(1)


def test_text_shows_the_layers():
    assert repr(net()).splitlines()[1] == (
        "  (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(0, 0), bias=True)"
    )


def test_batch_norm_running_statistics():
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((6, 3)) * 2 + 1 for _ in range(3)]
    moving, average = nn.BatchNorm1d(3).double(), nn.BatchNorm1d(3, momentum=None).double()
    mean, var = np.zeros(3), np.ones(3)
    for x in batches:
        moving(mr.tensor(x))
        average(mr.tensor(x))
        mean = 0.9 * mean + 0.1 * x.mean(axis=0)
        var = 0.9 * var + 0.1 * x.var(axis=0, ddof=1)
    np.testing.assert_allclose(moving.running_mean, mean)
    np.testing.assert_allclose(moving.running_var, var)
    np.testing.assert_allclose(average.running_mean, np.mean([x.mean(0) for x in batches], axis=0))
    assert int(moving.num_batches_tracked) == 3
    x = mr.tensor(batches[0])
    before = moving.running_mean.copy()
    y = moving.eval()(x)
    assert np.array_equal(moving.running_mean, before)
    np.testing.assert_allclose(y.data, (batches[0] - mean) / np.sqrt(var + 1e-5))
    untracked = nn.BatchNorm1d(3, track_running_stats=False).double().eval()
    np.testing.assert_allclose(untracked(x).data.mean(axis=0), 0, atol=1e-12)
    with pytest.raises(ValueError, match="C = 3"):
        moving(mr.tensor(np.zeros((2, 4))))


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (nn.Linear, {"in_features": 0, "out_features": 1}),
        (nn.Conv2d, {"in_channels": 3, "out_channels": 4, "kernel_size": 0}),
        (nn.Conv2d, {"in_channels": 3, "out_channels": 4, "kernel_size": 3, "stride": 0}),
        (nn.Conv2d, {"in_channels": 3, "out_channels": 4, "kernel_size": 3, "groups": 2}),
        (nn.BatchNorm1d, {"num_features": 0}),
        (nn.Dropout, {"p": 1.0}),
    ],
)
def test_wrong_sizes_are_refused_when_built(layer, arguments):
    with pytest.raises(ValueError, match=r"expected|must divide"):
        layer(**arguments)


def test_default_init_is_pytorchs_distribution():
    mr.manual_seed(0)
    layer = nn.Linear(400, 500)
    bound = 1 / 20
    for p in (layer.weight, layer.bias):
        assert np.abs(p.data).max() <= bound
        assert p.data.var() == pytest.approx(bound**2 / 3, rel=0.1)
    conv = nn.Conv2d(16, 64, 5)
    assert conv.weight.data.var() == pytest.approx(1 / (3 * 16 * 25), rel=0.05)


def test_initialisations():
    w = mr.tensor(np.zeros((300, 200), np.float32))
    for fill, variance in (
        (lambda: init.kaiming_normal_(w, rng=0), 2 / 200),
        (lambda: init.kaiming_normal_(w, mode="fan_out", rng=0), 2 / 300),
        (lambda: init.kaiming_uniform_(w, nonlinearity="relu", rng=0), 2 / 200),
        (lambda: init.xavier_normal_(w, rng=0), 2 / 500),
        (lambda: init.xavier_uniform_(w, gain=2.0, rng=0), 8 / 500),
    ):
        fill()
        assert w.data.var() == pytest.approx(variance, rel=0.03)
        assert abs(w.data.mean()) < 3 * math.sqrt(variance / w.size)
    init.orthogonal_(w, rng=0)
    np.testing.assert_allclose(w.data.T @ w.data, np.eye(200), atol=1e-5)
    k = mr.tensor(np.zeros((6, 4, 3, 3)))
    init.dirac_(k)
    x = mr.tensor(np.random.default_rng(0).standard_normal((2, 4, 5, 5)))
    np.testing.assert_array_equal(mr.functional.conv2d(x, k, padding=1).data[:, :4], x.data)
    init.eye_(w)
    assert w.data.sum() == 200
    a, b = init.normal_(w, rng=7).data.copy(), init.normal_(w, rng=7).data
    assert np.array_equal(a, b)
    with pytest.raises(ValueError, match="mode"):
        init.kaiming_normal_(w, mode="fan")
    with pytest.raises(ValueError, match="leaky_relu"):
        init.calculate_gain("swish")
    with pytest.raises(ValueError, match="two dimensions"):
        init.xavier_normal_(mr.tensor(np.zeros(3)))
