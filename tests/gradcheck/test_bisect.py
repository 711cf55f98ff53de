"""bisect: the first wrong operation of a network is named, with its layer and the user's line."""

import inspect

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import Function, models, nn
from minires.gradcheck import bisect
from minires.gradcheck.wording import near

RNG = np.random.default_rng(5)
IMAGES, LABELS = RNG.standard_normal((4, 3, 12, 12)), np.array([1, 0, 3, 2])


def swish(wrong=0.0):
    class Swish(Function):
        @staticmethod
        def forward(ctx, x):
            s = 1 / (1 + np.exp(-x))
            ctx.save(x, s)
            return x * s

        @staticmethod
        def backward(ctx, dy):
            x, s = ctx.saved
            return dy * (s + x * s * (1 - s) + (wrong * (x > 1)).astype(x.dtype))

    return Swish


class Net(nn.Module):
    """A user's net, with a Function of its own between layers of minires."""

    def __init__(self, act):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.4)
        self.fc = nn.Linear(6, 4)
        self.act = act

    def forward(self, x):
        h = self.norm(self.conv(x))
        h = self.act(h)
        return self.fc(self.drop(h).mean((2, 3)))


def line_of(text):
    lines, first = inspect.getsourcelines(Net)
    return first + next(i for i, line in enumerate(lines) if text in line)


def test_a_right_network_and_what_is_left_as_it_was():
    net = Net(swish().apply)
    net.fc.weight.grad = np.ones_like(net.fc.weight.data)
    before = {k: v.copy() for k, v in net.state_dict().items()}
    mr.manual_seed(3)
    first = mr.random.generator().random()
    mr.manual_seed(3)
    result = mr.gradcheck.bisect(net, IMAGES, LABELS)
    assert result.ok
    assert result
    assert result.first is None
    assert not result.undecided
    assert result.checked >= 7
    assert "every call is right" in str(result)
    assert mr.random.generator().random() == first
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)
    np.testing.assert_array_equal(net.fc.weight.grad, 1)
    assert net.conv.weight.grad is None


@pytest.mark.usefixtures("undiagnosed")
def test_the_users_function_and_line_are_named():
    result = bisect(Net(swish(wrong=0.5).apply), IMAGES, LABELS)
    assert not result
    assert len(result.wrong) == 1
    assert result.first.name == "Swish"
    assert result.first.place.line == line_of("h = self.act(h)")
    assert result.first.place.file == __file__
    text = str(result)
    assert "h = self.act(h)" in text
    assert "gradient of x at" in text
    assert f"its backward is in {near(__file__)}" in text


def test_a_layer_deep_in_a_resnet_is_named_by_its_path():
    """One of 19 convolutions, wrong only at the border of its images."""
    net = models.resnet20(width=4, seed=0)

    class Crooked(F.Conv2d):
        @staticmethod
        def backward(ctx, dy):
            dx, *rest = F.Conv2d.backward(ctx, dy)
            if dx is not None:
                dx[:, :, -1] *= 1.5
            return (dx, *rest)

    conv = net.layer2[1].conv1
    conv.forward = lambda x: Crooked.apply(x, conv.weight, None, stride=1, padding=1)
    result = bisect(net, IMAGES, LABELS)
    assert [call.path for call, _ in result.wrong] == ["layer2.1.conv1"]
    assert result.first.module == "Conv2d"
    assert "layer2.1.conv1 (Conv2d: Crooked)" in str(result)


def test_the_first_of_several_is_first():
    bad = swish(wrong=1.0).apply
    result = bisect(lambda x: bad(bad(x) * 2.0), RNG.standard_normal((3, 4)))
    assert [call.name for call, _ in result.wrong] == ["Swish", "Swish"]
    assert result.wrong[0][0].index < result.wrong[1][0].index
    assert "also wrong: Swish" in str(result)


def test_few_wrong_elements_of_many_are_found():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, dy):
            dx = 2 * dy
            dx[3, 77] *= 1.5
            return dx

    result = bisect(Double.apply, RNG.standard_normal((10, 1000)))
    assert "(3, 77)" in str(result)


@pytest.mark.parametrize("x", [IMAGES, np.maximum(IMAGES, 0)], ids=["signed", "with zeros"])
def test_silent_kinks_are_not_called_wrong(x):
    class SilentMax(Function):
        """ReLU, and the maximum of pairs, that report no branches."""

        @staticmethod
        def forward(ctx, x):
            a, b = x[..., ::2], x[..., 1::2]
            ctx.save(a >= b)
            return np.maximum(np.maximum(a, b), 0)

        @staticmethod
        def backward(ctx, dy):
            (left,) = ctx.saved
            dx = np.empty((*dy.shape[:-1], 2 * dy.shape[-1]), dy.dtype)
            dx[..., ::2], dx[..., 1::2] = dy * left, dy * ~left
            return dx * (np.repeat(FORWARD(x), 2, axis=-1) > 0)

    def FORWARD(x):
        return np.maximum(x[..., ::2], x[..., 1::2])

    assert not bisect(SilentMax.apply, x.copy()).wrong


def test_random_and_writing_forward_passes():
    noise = np.random.default_rng(0)

    class Noise(Function):
        @staticmethod
        def forward(ctx, x):
            return x + noise.standard_normal(x.shape)

        @staticmethod
        def backward(ctx, dy):
            return dy.copy()

    class InPlace(Function):
        @staticmethod
        def forward(ctx, x):
            x *= 2
            return x.copy()

        @staticmethod
        def backward(ctx, dy):
            return 2 * dy

    random = bisect(Noise.apply, RNG.standard_normal((3, 4)))
    assert random.ok
    assert "other values the second time" in str(random)
    assert "writes into x" in str(bisect(InPlace.apply, RNG.standard_normal((3, 4))))


def test_a_right_reduction():
    class Total(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save(x)
            return x.sum(axis=0)

        @staticmethod
        def backward(ctx, dy):
            return np.broadcast_to(dy, ctx.saved[0].shape).copy()

    assert bisect(Total.apply, RNG.standard_normal((3, 4)))


def test_what_stops_the_backward_pass_is_told():
    class Cast(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, dy):
            return 2 * dy.astype(np.float64)

    text = str(bisect(Cast.apply, RNG.standard_normal((3, 4)).astype(np.float32)))
    assert "Cast.backward returned shape (3, 4), float64" in text


# ---- every gradient is right, but ---------------------------------------------------------------
def trouble(net, x=IMAGES, y=LABELS):
    result = bisect(net, x, y)
    assert result.ok, str(result)
    return dict(result.ailments)


def test_nan_is_placed():
    net = Net(lambda h: (h - 1e30).log())
    found = trouble(net)
    assert list(found) == ["Log"]
    assert "the first of the forward pass" in found["Log"]
    assert "self.act(h)" in found["Log"] or "1e30" in found["Log"]
    net = Net(F.relu)
    net.conv.weight.data[0] = np.nan
    assert "already diverged" in trouble(net)["conv.weight"]


def test_dead_relus_and_lost_gradients():
    net = Net(lambda h: F.relu(h - 100.0))
    found = trouble(net)
    assert "6 of 6 units" in found["ReLU"] or "gradient ends here" in found["ReLU"]
    assert any("exactly zero" in text for text in found.values())


def test_a_detached_path_is_reported():
    found = trouble(Net(lambda h: mr.tensor(h.data)))
    assert any("cut off" in text and "conv.weight" in place for place, text in found.items())


def test_explosion_is_placed():
    net = nn.Sequential(*(nn.Linear(8, 8, bias=False) for _ in range(6)))
    for i, layer in enumerate(net):
        layer.weight.data[...] *= 1e6 if i == 3 else 1
    found = trouble(net, RNG.standard_normal((5, 8)), np.array([0, 1, 2, 3, 4]))
    assert "explodes" in found["0 (Linear)"]
    assert "at 3 (Linear)" in found["5 (Linear)"]


def test_wrong_calls():
    with pytest.raises(TypeError, match="scalar Tensor"):
        bisect(nn.Linear(3, 2), np.ones((2, 3)), None, loss=lambda out, y: out)
    with pytest.raises(ValueError, match="requires a gradient"):
        bisect(nn.Linear(3, 2).requires_grad_(False), np.ones((2, 3)))
