"""Parameter groups: options of their own, added later, and without decay for norms and biases."""

import numpy as np
import pytest

from minires import models, nn, optim


def names(net, group):
    of = {id(p): name for name, p in net.named_parameters()}
    return [of[id(p)] for p in group["params"]]


def test_norms_and_biases_do_not_decay():
    net = models.resnet20(seed=0)
    decayed, others = optim.groups(net, weight_decay=5e-4, lr=0.2)
    assert decayed["weight_decay"] == 5e-4
    assert others["weight_decay"] == 0
    assert decayed["lr"] == others["lr"] == 0.2
    assert all(n.endswith("weight") and "bn" not in n for n in names(net, decayed))
    assert all("bn" in n or n.endswith("bias") for n in names(net, others))
    assert len(decayed["params"]) + len(others["params"]) == len(list(net.parameters()))
    optimizer = optim.SGD([decayed, others], momentum=0.9)
    assert [g["lr"] for g in optimizer.param_groups] == [0.2, 0.2]


def test_weights_of_a_norm_do_not_decay_whatever_their_shape():
    class Wide(nn.Norm):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.ones((3, 4, 4)))

    net = nn.Sequential(nn.Conv2d(3, 3, 1), Wide())
    net[0].weight, tied = nn.Parameter(np.ones((3, 3, 1, 1))), nn.Linear(2, 2, bias=False)
    net.add_module("a", tied)
    net.add_module("b", tied)
    decayed, others = optim.groups(net, 0.1)
    assert names(net, decayed) == ["0.weight", "a.weight"]
    assert names(net, others) == ["0.bias", "1.weight"]


def test_an_empty_group_is_left_out():
    assert len(optim.groups(nn.Linear(2, 2, bias=False), 0.1)) == 1
    with pytest.raises(TypeError, match="expected a Module, got list"):
        optim.groups([nn.Parameter(np.zeros(1))], 0.1)
    with pytest.raises(ValueError, match="weight_decay"):
        optim.groups(nn.Linear(2, 2), -1)
    with pytest.raises(TypeError, match="give only options"):
        optim.groups(nn.Linear(2, 2), 0.1, params=[])


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW])
def test_a_group_is_added_and_resumed(make):
    ps = [nn.Parameter(np.ones(3)), nn.Parameter(np.ones(2))]

    def build(params):
        optimizer = make(params[:1], lr=0.1)
        optimizer.add_param_group({"params": params[1], "lr": 0.01, "weight_decay": 0.5})
        return optimizer

    def steps(optimizer, params, n):
        for _ in range(n):
            for p in params:
                p.grad = p.data**2
            optimizer.step()

    a = build(ps)
    steps(a, ps, 3)
    qs = [nn.Parameter(p.data.copy()) for p in ps]
    b = build(qs)
    b.load_state_dict(a.state_dict())
    steps(a, ps, 4)
    steps(b, qs, 4)
    assert all(np.array_equal(p.data, q.data) for p, q in zip(ps, qs, strict=True))
    with pytest.raises(ValueError, match="in 1 groups, got 2 in 2"):
        make(ps).load_state_dict(a.state_dict())


def test_a_bad_group_adds_nothing():
    p, q = nn.Parameter(np.ones(3)), nn.Parameter(np.ones(3))
    optimizer = optim.SGD([p], lr=0.1)
    for group, error, message in (
        ([q], TypeError, "expected groups"),
        ({"lr": 0.1}, TypeError, "expected groups"),
        ({"params": p}, ValueError, "given twice"),
        ({"params": [q, q]}, ValueError, "given twice"),
        ({"params": q, "lr": -1}, ValueError, "lr: expected"),
        ({"params": q, "speed": 1}, ValueError, "unknown option speed; SGD has lr, momentum"),
        ({"params": q * 2}, TypeError, "with a history"),
        ({"params": nn.Linear(2, 2)}, TypeError, "expected a list of parameters, got Linear"),
        ({"params": {q}}, TypeError, "got set"),
    ):
        with pytest.raises(error, match=message):
            optimizer.add_param_group(group)
        assert len(optimizer.param_groups) == 1


def test_decay_shrinks_by_itself_in_adamw_alone():
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.1, 10, 5)  # of the gradients: Adam's decay depends on it, AdamW's not
    moved = {}
    for make in (optim.Adam, optim.AdamW):
        runs = []
        for decay in (0.0, 0.1):
            p = nn.Parameter(np.full(5, 2.0))
            optimizer = make([p], lr=0.01, weight_decay=decay)
            p.grad = scale.copy()
            optimizer.step()
            runs.append(p.data)
        moved[make] = runs[0] - runs[1]
    np.testing.assert_allclose(moved[optim.AdamW], 0.01 * 0.1 * 2, rtol=1e-9)
    assert not np.allclose(moved[optim.Adam], 0.01 * 0.1 * 2, rtol=0.5)
