"""Tensors survive copies and pickles with their state, and nothing flows to the original."""

import copy
import pickle
import sys
import threading

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


class Slotted(nn.Parameter):
    __slots__ = ("__hidden", "name", "unset")

    def __init__(self, data):
        super().__init__(data)
        self.name, self.__hidden = "mine", 3

    def hidden(self):
        return self.__hidden


@pytest.mark.parametrize("way", [*WAYS, "copy"])
def test_slots_of_a_subclass(way):
    p = Slotted(np.zeros(2))
    p.grad = np.ones(2)
    twin = copy.copy(p) if way == "copy" else WAYS[way](p)
    assert (twin.name, twin.hidden(), twin.grad.tolist()) == ("mine", 3, [1.0, 1.0])
    assert not hasattr(twin, "unset")


def double(g):
    return g * 2


@pytest.mark.parametrize("way", ["deepcopy", "pickle 5"])
def test_a_handle_copied_with_its_tensor_removes_the_hook_of_the_copy(way):
    w = trained()
    w.grad = None
    twin, handle = WAYS[way]((w, w.register_hook(double)))
    (twin * 1.0).sum().backward()
    handle.remove()
    (twin * 1.0).sum().backward()
    assert twin.grad.tolist() == [3.0, 3.0]
    (w * 1.0).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0]


def test_a_shallow_copy_has_hooks_of_its_own():
    w = trained()
    w.register_hook(double)
    copy.copy(w).register_hook(lambda g: g * 0)
    (w * 1.0).sum().backward()
    assert w.grad.tolist() == [4.0, 6.0]


def test_threads_that_use_a_leaf_for_the_first_time_lose_no_gradient():
    interval, lost = sys.getswitchinterval(), []
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            w, start = mr.tensor(np.ones(2), requires_grad=True), threading.Barrier(3)

            def run(w=w, start=start):
                start.wait(10)
                (w * 2).sum().backward()

            threads = [threading.Thread(target=run) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
            lost.append(6.0 - w.grad[0])
    finally:
        sys.setswitchinterval(interval)
    assert not any(lost)


def test_memory_order_survives_a_deep_copy():
    x = mr.tensor(np.zeros((2, 5, 6, 3), np.float32).transpose(0, 3, 1, 2))
    assert copy.deepcopy(x).data.strides == x.data.strides
