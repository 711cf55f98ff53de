"""Hooks and their handles: each registration is its own, on modules and on tensors."""

import itertools

import numpy as np
import pytest

import minires as mr
from minires import nn


def on_module(kind):
    module = nn.Identity()
    register = getattr(module, f"register_forward_{kind}")

    def run():
        module(mr.tensor([1.0]))

    return register, run


def on_tensor(kind):
    x = mr.tensor([1.0], requires_grad=True)
    y = x * 2
    return (x if kind == "leaf" else y).register_hook, lambda: y.backward(retain_graph=True)


PLACES = {
    "pre_hook": lambda: on_module("pre_hook"),
    "hook": lambda: on_module("hook"),
    "leaf": lambda: on_tensor("leaf"),
    "result": lambda: on_tensor("result"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_handles_remove_their_own_registration_in_any_order(place, order):
    register, run = PLACES[place]()
    seen = []

    def twice(*_):
        seen.append("f")

    handles = [register(twice), register(lambda *_: seen.append("g")), register(twice)]
    left = ["f", "g", "f"]
    for i in order:
        run()
        assert seen == [name for name in left if name]
        handles[i].remove()
        handles[i].remove()
        left[i] = ""
        seen.clear()
    run()
    assert seen == []


@pytest.mark.parametrize("place", PLACES)
def test_hooks_added_and_removed_during_a_call_count_from_the_next(place):
    register, run = PLACES[place]()
    seen, handles = [], []

    def first(*_):
        seen.append("first")
        handles[0].remove()
        handles[1].remove()
        handles.append(register(lambda *_: seen.append("new")))

    handles += [register(first), register(lambda *_: seen.append("second"))]
    run()
    assert seen == ["first", "second"]
    run()
    assert seen[2:] == ["new"]


@pytest.mark.parametrize("place", PLACES)
def test_a_handle_is_a_with_block(place):
    register, run = PLACES[place]()
    seen = []
    with pytest.raises(KeyError), register(lambda *_: seen.append(1)) as handle:
        run()
        raise KeyError
    run()
    assert seen == [1]
    handle.remove()
    with pytest.raises(TypeError, match="callable, got int"):
        register(3)


def test_an_error_in_a_hook_leaves_the_hooks_as_they_are():
    register, run = PLACES["hook"]()
    seen = []

    def fails(*_):
        seen.append(1)
        raise KeyError

    handle = register(fails)
    for _ in range(2):
        with pytest.raises(KeyError):
            run()
    handle.remove()
    run()
    assert seen == [1, 1]


class Scaled(nn.Module):
    def forward(self, x, scale):
        return x * scale


def test_hooks_see_keyword_inputs_when_they_ask_for_them():
    net, x, seen = Scaled(), mr.tensor([3.0]), []
    net.register_forward_pre_hook(lambda m, inputs: seen.append(len(inputs)))
    net.register_forward_pre_hook(
        lambda m, inputs, named: (inputs, {"scale": 2 * named["scale"]}), with_kwargs=True
    )
    net.register_forward_hook(
        lambda m, inputs, named, y: y + named["scale"], with_kwargs=True, prepend=True
    )
    assert net(x, scale=2.0).data.tolist() == [16.0]
    assert seen == [1]
    wrong = net.register_forward_pre_hook(lambda m, inputs, named: named, with_kwargs=True)
    with pytest.raises(TypeError, match="a tuple of inputs and a dict"):
        net(x, scale=2.0)
    wrong.remove()
    net.register_forward_pre_hook(lambda m, inputs: (inputs[0] * 10,))
    assert net(x, scale=2.0).data.tolist() == [124.0]


def test_prepended_hooks_run_first():
    net, seen = nn.Identity(), []
    for name in "ab":
        for register in (net.register_forward_pre_hook, net.register_forward_hook):
            register(lambda *_, name=name: seen.append(name), prepend=True)
    net(mr.tensor([1.0]))
    assert seen == ["b", "a", "b", "a"]


def test_a_handle_keeps_no_graph_alive():
    import gc
    import weakref

    x = mr.tensor(np.ones(3), requires_grad=True)
    y = x * 2
    y.register_hook(lambda dy, big=y: None)
    z = y * 2
    z.register_hook(lambda dy: None)
    alive = weakref.ref(z)
    gc.disable()
    try:
        del z
        assert alive() is None  # without the garbage collector
    finally:
        gc.enable()
