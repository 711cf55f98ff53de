"""Tensors survive copies and pickles with their state, and nothing flows to the original."""

import copy
import pickle

import numpy as np
import pytest

import minires as mr
from minires import nn
from minires.tensor import Tensor

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def trained():
    w = mr.tensor(np.array([1.0, 2.0]), requires_grad=True)
    (w * w).sum().backward()
    return w


WAYS = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": lambda t, p=p: pickle.loads(pickle.dumps(t, p)) for p in PROTOCOLS},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_leaf_after_a_backward(way):
    w = trained()
    twin = WAYS[way](w)
    assert (twin.data.tolist(), twin.grad.tolist()) == ([1.0, 2.0], [2.0, 4.0])
    assert twin.requires_grad
    assert not np.shares_memory(twin.data, w.data)
    assert not np.shares_memory(twin.grad, w.grad)
    (twin * 10).sum().backward()
    assert twin.grad.tolist() == [12.0, 14.0]
    assert w.grad.tolist() == [2.0, 4.0]
    with mr.no_grad():
        twin -= 1.0
    assert w.data.tolist() == [1.0, 2.0]


def test_a_shallow_copy_shares_the_values_and_not_the_gradient():
    w = trained()
    twin = copy.copy(w)
    assert twin.data is w.data
    (twin * 10).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]
    assert twin.grad.tolist() == [12.0, 14.0]
    y = (w * w).sum()
    with mr.no_grad():
        twin -= 1.0  # one memory, so graphs of the original must notice
    with pytest.raises(RuntimeError, match="updated in place"):
        y.backward()


@pytest.mark.parametrize("way", WAYS)
def test_ties_between_tensors_are_kept(way):
    w = trained()
    a, b = WAYS[way]([w, w])
    assert a is b


def test_hooks_go_along_with_copies():
    w = trained()
    w.register_hook(lambda g: g * 0)
    twin = copy.deepcopy(w)
    handle = twin.register_hook(lambda g: g + 1)
    (twin * 1.0).sum().backward()
    assert twin.grad.tolist() == [3.0, 5.0]
    w.grad = None
    (w * 1.0).sum().backward()
    assert w.grad.tolist() == [0.0, 0.0]
    handle.remove()


@pytest.mark.parametrize("way", ["deepcopy", "pickle 5"])
def test_a_value_with_a_history_says_what_to_do(way):
    y = trained() * 2
    with pytest.raises(RuntimeError, match=r"\.detach\(\)"):
        WAYS[way](y)
    assert WAYS[way](y.detach()).data.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("way", WAYS)
def test_parameters_and_subclasses(way):
    class_, p = nn.Parameter, nn.Parameter(np.ones((2, 3), np.float32))
    p.requires_grad_(False)
    twin = WAYS[way](p)
    assert type(twin) is class_
    assert not twin.requires_grad
    assert twin.dtype == np.float32


class Named(Tensor):
    """A tensor with attributes of its own."""


@pytest.mark.parametrize("way", WAYS)
def test_attributes_of_a_subclass(way):
    t = Named(np.zeros(2))
    t.name = "mine"
    assert WAYS[way](t).name == "mine"


def test_memory_order_survives_a_deep_copy():
    x = mr.tensor(np.zeros((2, 5, 6, 3), np.float32).transpose(0, 3, 1, 2))
    assert copy.deepcopy(x).data.strides == x.data.strides
