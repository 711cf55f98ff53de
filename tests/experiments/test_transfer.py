"""Freezing, new heads, gradual unfreezing: what moves, and what must not."""

import numpy as np
import pytest

from minires import models, nn, optim
from minires.experiments import transfer as experiment
from minires.train import loop, transfer

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((8, 1, 8, 8)).astype(np.float32), RNG.integers(0, 5, 8)


def small():
    return models.resnet(8, width=4, in_channels=1, seed=0)


def moved(net, before):
    return {k for k, v in net.state_dict().items() if not np.array_equal(v, before[k])}


def steps(net, n, schedule=None, optimizer=None):
    optimizer = optimizer or optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=1e-2)
    if callable(schedule):
        schedule = schedule(optimizer)
    for _ in loop.train(net, optimizer, [(X, Y)] * n, schedule=schedule):
        pass


def test_what_is_frozen_does_not_move_even_after_train():
    net = small()
    steps(net, 2)
    names = transfer.freeze(net, up_to="layer2")
    before = net.state_dict()
    net.train()
    steps(net, 3)
    changed = moved(net, before)
    assert changed
    assert {k.split(".")[0] for k in changed} == {"layer3", "fc"}
    assert all(net.get_parameter(n).grad is None for n in names)
    assert not net.layer2[0].bn1.training
    assert net.layer3[0].bn1.training


def test_batch_norm_of_the_frozen_part_is_in_evaluation_mode():
    net = small()
    steps(net, 2)
    transfer.freeze(net, "layer1")
    seen = []
    net.layer1.register_forward_hook(lambda m, i, y: seen.append(y.data.copy()))
    for mode in (True, False):
        net.train(mode)
        net(loop.Tensor(X))
    np.testing.assert_array_equal(*seen)


def test_freezing_nothing_thaws():
    net = small()
    transfer.freeze(net, "layer3")
    assert transfer.freeze(net, None) == []
    assert all(p.requires_grad for p in net.parameters())
    assert all(m.training for m in net.train().modules())


def test_a_boundary_inside_a_stage():
    net = models.resnet(14, width=4, in_channels=1, seed=0)
    names = transfer.freeze(net, "layer1.0")
    assert {n.split(".")[0] for n in names} == {"conv1", "bn1", "layer1"}
    assert not any(n.startswith("layer1.1") for n in names)
    assert net.layer1[1].bn1.training


@pytest.mark.parametrize(
    ("up_to", "said"),
    [
        ("layer9", "no module 'layer9'"),
        ("", "no module"),
        (3, "no module 3"),
        ("fc", "leaves nothing"),
    ],
)
def test_wrong_boundaries_are_refused(up_to, said):
    net = small()
    with pytest.raises(ValueError, match=said):
        transfer.freeze(net, up_to)
    assert all(p.requires_grad for p in net.parameters())


def test_replace_head():
    net = small().double()
    transfer.freeze(net, "layer3")
    old = net.fc
    new = transfer.replace_head(net, 5, seed=1)
    assert net.fc is new is not old
    assert new.weight.shape == (5, 16)
    assert new.weight.dtype == np.float64
    assert sum(p.size for p in net.parameters() if p.requires_grad) == 16 * 5 + 5
    again = transfer.replace_head(small(), 5, seed=1)
    np.testing.assert_allclose(again.weight.data, new.weight.data)
    assert np.abs(transfer.replace_head(small(), 5, seed=2).weight.data - new.weight.data).max() > 0
    assert net(loop.Tensor(X.astype(float))).shape == (8, 5)
    with pytest.raises(ValueError, match="classes"):
        transfer.replace_head(net, 0)
    with pytest.raises(ValueError, match="no linear layer"):
        transfer.replace_head(nn.Sequential(nn.ReLU()), 5)


def test_gradual_unfreezing():
    net = small()
    plan = {0: "layer3", 2: "layer1", 4: None}
    thaw = transfer.GradualUnfreezing(net, plan)
    before = net.state_dict()
    optimizer = optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=1e-2)
    steps(net, 2, thaw, optimizer)
    assert {k.split(".")[0] for k in moved(net, before)} == {"fc"}
    steps(net, 2, thaw, optimizer)
    assert {k.split(".")[0] for k in moved(net, before)} == {"fc", "layer2", "layer3"}
    steps(net, 1, thaw, optimizer)
    assert "conv1.weight" in moved(net, before)


def test_gradual_unfreezing_steps_the_rate_too():
    net = small()
    thaw = []

    def schedule(optimizer):
        thaw.append(optimizer)
        cut = optim.lr_scheduler.MultiStepLR(optimizer, [1])
        return transfer.GradualUnfreezing(net, {0: "layer3"}, then=cut)

    steps(net, 2, schedule)
    assert thaw[0].param_groups[0]["lr"] == pytest.approx(0.01)
    with pytest.raises(ValueError, match="no module 'layer7'"):
        transfer.GradualUnfreezing(net, {0: "layer3", 9: "layer7"})
    with pytest.raises(ValueError, match="at least one step"):
        transfer.GradualUnfreezing(net, {})


# ---- the experiment -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def task():
    from minires import data
    from minires.experiments.degradation import Recipe, train_net
    from minires.experiments.reproductions import small

    digits = data.load_digits()
    old = digits.y_train < 5
    classes = small.Sample(digits.x_train[old], digits.y_train[old], digits.x_test, digits.y_test)
    trained, _ = train_net(small.conv(8), 0, classes, Recipe(epochs=8, lr=0.1))
    fresh = models.resnet(8, width=8, in_channels=1, seed=0)
    new, held = digits.y_train >= 5, digits.y_test >= 5
    return trained, fresh, (
        digits.x_train[new], digits.y_train[new] - 5,
        digits.x_test[held], digits.y_test[held] - 5,
    )  # fmt: skip


@pytest.mark.slow
def test_features_help_where_labels_are_few(task):
    trained, fresh, arrays = task
    before = trained.state_dict()
    rows = experiment.transfer(trained, fresh, *arrays, budgets=[5], steps=60)
    errors = {row["how"]: row["error"] for row in rows}
    assert list(errors) == list(experiment.HOWS)
    assert not moved(trained, before)
    best = min(errors["head only"], errors["last stage"], errors["fine-tuned"])
    assert best < errors["from scratch"]
    assert experiment.transfer(trained, fresh, *arrays, budgets=[5], steps=60) == rows


def test_what_each_way_moves(task):
    trained, _, (x, y, *_) = task
    parts = {}
    for how in experiment.HOWS[1:]:
        net = experiment.adapt(trained, how, x[:50], y[:50], steps=6)
        parts[how] = {k.split(".")[0] for k in moved(net, trained.state_dict() | {
            k: v for k, v in net.state_dict().items() if k.startswith("fc")
        })}  # fmt: skip
    assert parts["head only"] == set()
    assert parts["last stage"] == {"layer3"}
    assert "conv1" in parts["fine-tuned"]
    assert "layer2" in parts["gradually"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"how": "magic"}, "how: expected one of"),
        ({"steps": 2}, "steps"),
        ({"y": Y[:3]}, "as many labels"),
    ],
    ids=["how", "steps", "labels"],
)
def test_adapt_refuses(options, said):
    values = {"how": "head only", "y": Y} | options
    with pytest.raises(ValueError, match=said):
        experiment.adapt(small(), values.pop("how"), X, values.pop("y"), **values)


def test_labelled_takes_as_many_of_each_class():
    y = np.array([0, 0, 0, 1, 1, 1, 1])
    chosen = experiment.labelled(y, 2, np.random.default_rng(0))
    assert sorted(y[chosen].tolist()) == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="class 0 has 3"):
        experiment.labelled(y, 4, np.random.default_rng(0))
