"""Module: inputs by keyword, attributes, walking, containers; what PyTorch users try."""

import numpy as np
import pytest

import minires as mr
from minires import nn, optim


class Affine(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x, scale=1.0, *, shift=0.0):
        return self.linear(x) * scale + shift


def values(y):
    return y.data.tolist()


def test_inputs_by_keyword_and_none_at_all():
    net, x = Affine(), mr.tensor([[1.0, 2.0]])
    expected = values(net(x, 2.0, shift=1.0))
    assert values(net(x=x, scale=2.0, shift=1.0)) == expected
    assert values(net(x, shift=1.0, scale=2.0)) == expected
    for layer in (nn.Linear(2, 2), nn.ReLU(), nn.BatchNorm1d(2).eval(), nn.Sequential(nn.ReLU())):
        assert values(layer(x=x)) == values(layer(x))
    with pytest.raises(TypeError, match="shfit"):
        net(x, shfit=1.0)

    class Constant(nn.Module):
        def forward(self):
            return 3

    constant, seen = Constant(), []
    constant.register_forward_pre_hook(lambda m, inputs: seen.append(inputs))
    constant.register_forward_hook(lambda m, inputs, y: y + 1)
    assert constant() == 4
    assert seen == [()]


def test_a_name_is_a_parameter_a_module_or_a_plain_attribute():
    net = nn.Module()
    net.a = nn.Parameter(np.zeros(1))
    net.a = nn.Linear(1, 1)
    assert [name for name, _ in net.named_parameters()] == ["a.weight", "a.bias"]
    net.a = nn.Parameter(np.ones(1))
    assert [name for name, _ in net.named_modules()] == [""]
    net.a = None
    assert net.a is None
    assert not net.state_dict()
    net.a = nn.ReLU()
    del net.a
    assert not hasattr(net, "a")
    with pytest.raises(AttributeError, match="'a'"):
        del net.a
    net.register_buffer("mean", None)
    net.mean = [1.0, 2.0]
    assert net.state_dict()["mean"].tolist() == [1, 2]
    net.mean = mr.tensor([3.0])
    assert type(net.mean) is np.ndarray
    with pytest.raises(TypeError, match=r"buffer mean.*str"):
        net.mean = "three"


@pytest.mark.parametrize("name", ["train", "forward", "float", "a.b", "", "hooked"])
def test_names_that_could_not_be_found_again(name):
    net = Affine()
    with pytest.raises(ValueError, match="name"):
        net.add_module(name, nn.ReLU())
    with pytest.raises((ValueError, AttributeError), match=r"name|setter"):
        setattr(net, name, nn.ReLU())
    with pytest.raises(ValueError, match="name"):
        net.register_buffer(name, np.zeros(1))
    with pytest.raises(ValueError, match="name"):
        net.register_parameter(name, nn.Parameter(np.zeros(1)))


def test_registering_by_name():
    net = Affine()
    net.register_parameter("w", nn.Parameter(np.zeros(1)))
    net.add_module("act", nn.ReLU())
    net.register_parameter("b", None)
    assert net.b is None
    assert "w" in dict(net.named_parameters())
    for register in (net.register_parameter, net.add_module, net.register_buffer):
        with pytest.raises(ValueError, match="already has"):
            register("linear", None)
    with pytest.raises(TypeError, match="expected a Module, got type"):
        net.add_module("class_", nn.ReLU)
    with pytest.raises(TypeError, match="expected a Parameter, got Tensor"):
        net.register_parameter("t", mr.tensor([1.0]))


def test_properties_are_properties():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self._rate = 1

        @property
        def rate(self):
            return self._rate

        @rate.setter
        def rate(self, value):
            self._rate = 2 * value

        @property
        def broken(self):
            return self._nothing

    net = Net()
    net.rate = 3
    assert net.rate == 6
    with pytest.raises(AttributeError, match="_nothing"):
        net.broken  # noqa: B018


def test_a_module_cannot_contain_itself():
    a, b = nn.Sequential(nn.ReLU()), nn.ModuleList()
    a.append(b)
    for build in (
        lambda: setattr(a, "own", a),
        lambda: b.append(a),
        lambda: b.extend([a]),
        lambda: b.add_module("parent", a),
    ):
        with pytest.raises(ValueError, match="would contain itself"):
            build()
    b.parent = (a,)
    assert "ReLU" in repr(a)
    assert len(list(a.modules())) == 3


def test_forgotten_super_is_named_wherever_it_shows():
    class NoSuper(nn.Module):
        def __init__(self):
            pass

    net = NoSuper()
    for use in (
        lambda: net(mr.tensor([1.0])),
        lambda: list(net.parameters()),
        lambda: net.state_dict(),
        lambda: repr(net),
        lambda: setattr(net, "a", 1),
        lambda: delattr(net, "a"),
        lambda: setattr(nn.Sequential(), "0", net),
    ):
        with pytest.raises((RuntimeError, AttributeError), match=r"super\(\).__init__"):
            use()
    assert not hasattr(net, "__setstate__")


def test_walking_by_name():
    net = nn.Sequential(Affine(), nn.ReLU())
    net.again = net[1]
    assert [name for name, _ in net.named_children()] == ["0", "1"]
    assert net.get_submodule("") is net
    assert net.get_submodule("0.linear") is net[0].linear
    assert net.get_parameter("0.linear.bias") is net[0].linear.bias
    with pytest.raises(AttributeError, match=r"no module '0\.lin'; Affine has: linear"):
        net.get_submodule("0.lin.weight")
    with pytest.raises(AttributeError, match=r"no parameter '0\.linear\.w'.*weight, bias"):
        net.get_parameter("0.linear.w")
    assert {"0", "1", "again"} <= set(dir(net))
    for name, module in net.named_children():  # replacing while walking
        setattr(net, name, nn.Sequential(module))
    for name, p in net.named_parameters():
        setattr(net, name.replace(".", "_"), p)
    assert len(list(net.parameters())) == 2


def test_modes_take_booleans():
    net = Affine()
    assert not net.train(False).training
    assert net.train(np.bool_(True)).training is True
    for mode in ("eval", None, mr.tensor([1.0])):
        with pytest.raises(TypeError, match="True or False"):
            net.train(mode)
    net.requires_grad_(False)
    assert not net(mr.tensor([[1.0, 2.0]])).requires_grad


@pytest.mark.parametrize("kind", [nn.Sequential, lambda *m: nn.ModuleList(m)])
def test_rows_of_modules_are_changed_as_lists_are(kind):
    a, b, c, d = (nn.Linear(2, 2) for _ in range(4))
    row = kind(a, b, c)
    assert row[0] is row[-3] is a
    assert row[np.int64(1)] is b
    assert list(row[1:]) == [b, c]
    assert type(row[1:]) is type(row)
    assert list(row[::-1]) == [c, b, a]
    assert row.append(d) is row
    assert list(row.insert(0, b)) == [b, a, b, c, d]
    del row[0]
    del row[-1]
    assert list(row) == [a, b, c]
    row[1] = d
    row.extend([b, a])
    assert list(row) == [a, d, c, b, a]
    assert list(row._modules) == ["0", "1", "2", "3", "4"]
    assert list(row[2:].append(d)) == [c, b, a, d]
    with pytest.raises(IndexError, match="5 modules, no index 7"):
        row[7]
    for wrong in (lambda: row.append(3), lambda: row.__setitem__(0, None), lambda: kind([a])):
        with pytest.raises(TypeError, match="Module"):
            wrong()
    assert len(row) == 5


def test_sequential_by_name():
    net = nn.Sequential({"fc": nn.Linear(2, 2), "act": nn.ReLU()})
    assert list(net.state_dict()) == ["fc.weight", "fc.bias"]
    assert net.act is net[-1]
    net.append(nn.Identity()).insert(0, nn.Identity())
    assert list(net._modules) == ["3", "fc", "act", "2"]
    assert list(net[1:3]._modules) == ["fc", "act"]
    with pytest.raises(TypeError, match=r"unpack it: Sequential\(\*modules\)"):
        nn.Sequential([nn.ReLU()])


@pytest.mark.parametrize("who", ["net", "optimiser"])
def test_gradients_are_forgotten_or_set_to_zero(who):
    net = nn.Linear(2, 2)
    owner = net if who == "net" else optim.SGD(net.parameters())
    net.weight.grad = before = np.ones((2, 2), np.float32)
    owner.zero_grad(set_to_none=False)
    assert net.weight.grad is before
    assert not before.any()
    assert net.bias.grad is None
    owner.zero_grad()
    assert net.weight.grad is None


def test_modules_in_a_plain_list_are_noticed():
    net = Affine()
    for plain in ([nn.ReLU()], {"a": nn.ReLU()}):
        with pytest.warns(UserWarning, match=r"Affine\.parts: modules in a .* nn\.ModuleList"):
            net.parts = plain
    net.parts, net.sizes, net.empty = (nn.ReLU(),), [1, 2], []  # a tuple only refers to them
    with pytest.raises(ValueError, match=r"no parameters.*ModuleList"):
        optim.SGD([], lr=0.1)


def test_a_misspelt_name_is_suggested():
    for owner, wrong in ((nn.Linear(2, 2), "wieght"), (mr.tensor([1.0]), "reshpae")):
        with pytest.raises(AttributeError) as raised:
            getattr(owner, wrong)
        assert raised.value.obj is owner  # what Python needs for it
        assert raised.value.name == wrong


def test_what_an_optimiser_is_given():
    net, p = nn.Linear(2, 2), nn.Parameter(np.ones(2, np.float32))
    for wrong, message in (
        (net, "got Linear"),
        (p, "got Parameter"),
        (set(net.parameters()), "got set"),
        (net.named_parameters(), "got: tuple"),
        ([p * 2.0], "float32 tensor with a history"),
        ([mr.tensor([1])], "int64 tensor"),
        ([{"lr": 1.0}], "groups.*params"),
        ([{"params": [p]}, p], "groups.*params"),
    ):
        with pytest.raises(TypeError, match=message):
            optim.SGD(wrong, lr=0.1)
    assert optim.SGD([{"params": p}], lr=0.1).param_groups[0]["params"][0] is p
    for betas in (0.9, (0.9,), (0.9, 0.9, 0.9)):
        with pytest.raises(ValueError, match="betas: expected two"):
            optim.Adam([p], betas=betas)
    for optimiser in (optim.SGD([p], lr=0.1), optim.Adam([p])):
        for gradient in (mr.tensor(p.data), [1.0, 1.0], 1.0):
            p.grad = gradient
            with pytest.raises(TypeError, match="array"):
                optimiser.step()
    assert p.data.tolist() == [1.0, 1.0]
