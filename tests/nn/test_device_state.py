"""Clipping, state dicts and copies of nets whose arrays live on a device."""

import copy
import math

import numpy as np
import pytest

import device_module
from minires import nn, optim

xp = device_module.xp


@pytest.fixture(autouse=True)
def _device():
    with device_module.device():
        yield


def pair():
    """Return a net here, and its twin on the device, with the same gradients."""
    here = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    rng = np.random.default_rng(0)
    for p in here.parameters():
        p.grad = rng.standard_normal(p.shape).astype(np.float32)
    there = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    there.load_state_dict(here.state_dict())
    for p, q in zip(here.parameters(), there.parameters(), strict=True):
        q.grad = p.grad.copy()
    return here, there.to("cuda")


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_gradients_are_clipped_where_they_are(p):
    here, there = pair()
    before = [q.grad for q in there.parameters()]
    expected = nn.clip_grad_norm_(here.parameters(), 0.5, p)
    assert nn.clip_grad_norm_(there.parameters(), 0.5, p) == pytest.approx(expected, rel=1e-12)
    nn.clip_grad_value_(here.parameters(), 0.1)
    nn.clip_grad_value_(there.parameters(), 0.1)
    for a, b, old in zip(here.parameters(), there.parameters(), before, strict=True):
        assert b.grad is old
        np.testing.assert_allclose(b.grad.get(), a.grad, rtol=1e-6)
    there.zero_grad(set_to_none=False)
    assert all(q.grad is old for q, old in zip(there.parameters(), before, strict=True))


def test_state_dicts_go_from_place_to_place():
    here, there = pair()
    state = there.state_dict()
    here.load_state_dict({name: value + 1 for name, value in state.items()})
    assert here[0].weight.device == "cpu"
    there.load_state_dict(here.state_dict())
    assert there[0].weight.device == "cuda"
    for name, value in there.state_dict().items():
        assert np.array_equal(value.get(), here.state_dict()[name])
    there[1].weight = there[0].bias  # tied, on the device
    tied = there.state_dict()
    there.load_state_dict(tied)
    tied["1.weight"] = tied["1.weight"] + 1
    with pytest.raises(ValueError, match="tied"):
        there.load_state_dict(tied)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_a_copy_of_net_and_optimiser_goes_on(kind):
    _, net = pair()
    optimizer = kind(net.parameters(), lr=0.1, **({"momentum": 0.9} if kind is optim.SGD else {}))
    optimizer.step()
    twin, optimizer_twin = copy.deepcopy((net, optimizer))
    optimizer_twin.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"] = 0.2
    before = net.state_dict()
    optimizer_twin.step()
    for name, value in net.state_dict().items():
        assert np.array_equal(value.get(), before[name].get()), name
    optimizer.step()
    for name, value in net.state_dict().items():
        assert np.array_equal(value.get(), twin.state_dict()[name].get()), name
