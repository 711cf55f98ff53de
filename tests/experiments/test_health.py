"""The diagnosis of nets with known ailments, and of healthy ones: no false alarm, no miss."""

import copy

import numpy as np
import pytest
from nets_of_minires import HEALTHY, HEALTHY_SLOW, SICK, SICK_SLOW

import minires as mr
from minires import data, gradflow, models, nn, optim

digits = data.load_digits()
X, Y = digits.x_train[:128], digits.y_train[:128]


def seeds(thorough):
    return (0, 1, 2) if thorough else (0,)


def profiled(make, seed, name):
    net = make(seed)
    return gradflow.profile(net, X.reshape(128, -1) if name.startswith("mlp") else X, Y)


def slow(nets):
    return [pytest.param(name, marks=pytest.mark.slow) for name in nets]


@pytest.mark.parametrize("name", [*HEALTHY, *slow(HEALTHY_SLOW)])
def test_healthy_nets_are_called_healthy(name, thorough):
    for seed in seeds(thorough):
        found = profiled((HEALTHY | HEALTHY_SLOW)[name], seed, name).diagnosis
        assert found.healthy, found
        assert str(found).startswith("Healthy")


@pytest.mark.parametrize("name", [*SICK, *slow(SICK_SLOW)])
def test_what_ails_a_net_is_found(name, thorough):
    make, expected = (SICK | SICK_SLOW)[name]
    for seed in seeds(thorough):
        found = profiled(make, seed, name).diagnosis
        assert set(expected.split(", ")) <= {f.name for f in found.findings}, found
        assert not found.healthy


def test_every_finding_has_a_rule_a_source_advice_and_a_lesson():
    found = profiled(SICK["mlp-56 residual He"][0], 0, "mlp")
    for finding in found.diagnosis.findings:
        assert "calibration" in finding.rule
        assert finding.advice
        assert f"lessons run {finding.lesson}" in str(finding)
    assert found.diagnosis.findings[0].text in found.plot().get_suptitle().replace("\n", " ")


def test_a_net_whose_head_is_0_is_not_judged():
    net = models.mlp_stack(8, 32, "identity", branch_scale="fixup", in_features=64, seed=0)
    found = gradflow.profile(net, X.reshape(128, -1), Y).diagnosis
    assert not found.findings
    assert not found.healthy
    assert "all 0" in str(found)


def test_steps_that_are_too_large_or_too_small():
    names = []
    for rate in (1e-9, 0.01, 10.0):
        net = models.mlp_stack(4, 32, in_features=64, seed=0)
        sgd = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
        found = gradflow.profile(net, X.reshape(128, -1), Y, optimizer=sgd)
        names.append([f.name for f in found.diagnosis.findings])
    assert names == [["steps too small"], [], ["steps too large"]]


def test_signal_and_input_of_images_that_nobody_normalised():
    net = models.mlp_stack(4, 64, in_features=64, seed=0)
    found = gradflow.profile(net, 255 * X.reshape(128, -1), Y).diagnosis
    assert [f.name for f in found.findings] == ["signal large"]
    assert "the input has an RMS of" in str(found)


def test_a_net_of_minires_is_left_as_it_was():
    net = models.resnet(8, width=4, in_channels=1, shortcut="dropout:0.5", seed=0)
    adam = optim.Adam(net.parameters(), lr=0.1)
    net(mr.tensor(X)).sum().backward()
    adam.step()
    before = copy.deepcopy((net.state_dict(), [p.grad for p in net.parameters()]))
    state, numbers = copy.deepcopy(adam.state_dict()), mr.random.get_rng_state()
    first = gradflow.profile(net, X, Y, optimizer=adam)
    second = gradflow.profile(net, X, Y, optimizer=adam)
    assert first.rows == second.rows
    after = net.state_dict(), [p.grad for p in net.parameters()]
    np.testing.assert_equal(after, before)
    np.testing.assert_equal(adam.state_dict(), state)
    assert mr.random.get_rng_state() == numbers


def test_the_figure_of_a_net_with_nan_says_so_where_no_curve_is():
    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    net[2].weight.data[0, 0] = np.nan
    x = np.random.default_rng(0).standard_normal((4, 8)).astype(np.float32)
    dx, signal, dw = gradflow.profile(net, x, np.array([0, 1, 0, 1])).plot().axes
    for axis, said in ((dx, "not finite"), (signal, "not finite beyond"), (dw, "not finite")):
        assert [text.get_text() for text in axis.texts] == [said]
        low, high = axis.get_xlim()
        assert 0 < low < 1
        assert 3 < high < 4
        assert all(tick == round(tick) for tick in axis.get_xticks())


def test_the_figure_of_a_net_of_one_layer_shows_its_point():
    found = gradflow.profile(nn.Linear(8, 2), np.ones((4, 8), np.float32), np.array([0, 1, 0, 1]))
    for axis in found.plot().axes:
        assert any(line.get_marker() == "o" and len(line.get_xdata()) == 1 for line in axis.lines)
        assert list(axis.get_xticks()) == [1]


def test_saving_a_profile(tmp_path):
    found = gradflow.profile(models.plain20(width=4, in_channels=1, seed=0), X, Y)
    written = {path.name for path in found.save(tmp_path)}
    assert written == {"profile.png", "profile.svg", "layers.csv", "diagnosis.txt", "run.json"}
    assert (tmp_path / "diagnosis.txt").read_text(encoding="utf-8").startswith("Healthy")
    assert len((tmp_path / "layers.csv").read_text(encoding="utf-8").splitlines()) == 21
    assert "layer3.2.conv2" in found.table()


@pytest.mark.parametrize(
    ("net", "x", "y", "message"),
    [
        (3, X, Y, "expected a module of minires or of PyTorch, got int"),
        (nn.Linear, X, Y, "a class; make a net of it"),
        (nn.ReLU(), X, Y.astype(float), "which loss"),
        (nn.ReLU(), X, X, "called no weight layer"),
        (nn.Linear(8, 2), X, None, "give y, or loss="),
    ],
)
def test_what_cannot_be_profiled_is_refused(net, x, y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.profile(net, x, y)
