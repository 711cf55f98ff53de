"""State dicts of optimisers and schedulers: all or nothing."""

import numpy as np
import pytest

from minires import nn, optim
from minires.optim.lr_scheduler import LinearWarmup, MultiStepLR

KINDS = {
    "sgd": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9),
    "adam": lambda ps: optim.Adam(ps, lr=0.1),
}


def stepped(kind, shapes=((2,), (3,))):
    params = [nn.Parameter(np.zeros(shape, np.float32)) for shape in shapes]
    optimizer = KINDS[kind](params)
    for p in params:
        p.grad = np.ones(p.shape, np.float32)
    optimizer.step()
    return optimizer, params


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_taken_over(kind):
    (a, ps), (b, qs) = stepped(kind), stepped(kind)
    a.step()
    b.load_state_dict(a.state_dict())
    for p, q in zip(ps, qs, strict=True):
        q.update_(p.data)
    a.step()
    b.step()
    for p, q in zip(ps, qs, strict=True):
        assert np.array_equal(p.data, q.data)


def test_a_state_that_does_not_fit_changes_nothing():
    optimizer, _ = stepped("sgd")
    before = optimizer.state_dict()
    good = optimizer.state_dict()
    wrong_shape = stepped("sgd", ((2,), (4,)))[0].state_dict()
    wrong_rate = good | {"groups": [good["groups"][0] | {"lr": -1.0}]}
    wide = good | {"state": [{"velocity": np.zeros(2)}, good["state"][1]]}
    for state, message in (
        (wrong_shape, r"velocity: expected shape \(3,\), float32, got \(4,\)"),
        (wide, r"velocity: expected shape \(2,\), float32, got \(2,\), float64"),
        (stepped("sgd", ((2,),))[0].state_dict(), "expected the state of 2 parameters"),
        (stepped("adam")[0].state_dict(), "another optimiser.*betas"),
        (wrong_rate, "lr: expected"),
        ({"param_groups": [], "state": {}}, "with `groups` and `state`, got param_groups, state"),
        ([1], "got list"),
    ):
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(state)
        after = optimizer.state_dict()
        assert after["groups"] == before["groups"]
        assert np.array_equal(after["state"][1]["velocity"], before["state"][1]["velocity"])


def test_a_tied_net_has_each_parameter_once():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    optimizer = optim.SGD(net.parameters(), momentum=0.9)
    assert len(optimizer.state_dict()["state"]) == 3
    optimizer.load_state_dict(optim.SGD(net.parameters(), momentum=0.9).state_dict())
    untied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with pytest.raises(ValueError, match="expected the state of 3 parameters"):
        optimizer.load_state_dict(optim.SGD(untied.parameters()).state_dict())


def test_a_scheduler_refuses_what_is_not_its_state():
    optimizer, params = stepped("sgd")
    scheduler = MultiStepLR(optimizer, [1])
    two = optim.SGD([{"params": [p]} for p in params], lr=0.1)
    for state, message in (
        (LinearWarmup(two, 3).state_dict(), "the rates of 1 groups, got 2"),
        (optimizer.state_dict(), "state_dict\\(\\) of a scheduler"),
        (None, "got None"),
    ):
        with pytest.raises(ValueError, match=message):
            scheduler.load_state_dict(state)
    assert scheduler.get_last_lr() == [0.1]
    scheduler.load_state_dict({"t": 1, "base_lrs": [0.2]})
    assert scheduler.get_last_lr() == pytest.approx([0.02])
