"""A gradient added in place to what others have sent: the bits of the separate sum."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import Tensor
from minires.models import shortcuts
from minires.models.shortcuts import PadShortcut
from minires_kernels import kernel
from minires_kernels.cpu.conv2d import v4_winograd

ALL = (True, True, False)


def channels_last(a):
    return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def drawn(n, c, k, h, w, padding, seed=0):
    """Return Winograd's kernel, an upstream gradient, what forward saved, and an earlier dx."""
    rng = np.random.default_rng(seed)
    conv = kernel("conv2d", "cpu", 4)
    x = rng.standard_normal((n, c, h, w), dtype=np.float32)
    y, *saved = conv.forward(x, rng.standard_normal((k, c, 3, 3), dtype=np.float32), None,
                             padding=padding)  # fmt: skip
    dy = rng.standard_normal(y.shape, dtype=np.float32)
    return conv, dy, saved, channels_last(rng.standard_normal(x.shape, dtype=np.float32))


SHAPES = [
    (5, 16, 16, 8, 8, 1),  # whole tiles, several images in a group of tiles
    (3, 11, 19, 7, 9, 1),  # edge tiles, odd channels
    (2, 64, 32, 27, 23, 0),  # an image has more tiles than a group
    (1, 9, 8, 6, 5, (3, 2)),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_winograd_adds_in_place_with_the_bits_of_a_separate_sum(shape):
    conv, dy, saved, before = drawn(*shape)
    dx, dw, _ = conv.backward(dy, *saved, needs=ALL)
    expected = dx + before
    got, dw_got, _ = conv.backward(dy, *saved, needs=ALL, onto=before)
    assert got is before
    np.testing.assert_array_equal(before, expected)
    np.testing.assert_array_equal(dw_got, dw)


def test_what_cannot_be_added_to_in_place_is_left_alone(monkeypatch):
    conv, dy, saved, before = drawn(2, 16, 16, 8, 8, 1)
    dx = conv.backward(dy, *saved)[0]
    strided = np.ascontiguousarray(before)  # in the order N, C, H, W
    kept = strided.copy()
    got = conv.backward(dy, *saved, onto=strided)[0]
    np.testing.assert_array_equal(strided, kept)
    np.testing.assert_array_equal(got, dx)
    monkeypatch.setattr(v4_winograd, "IMAGE_BYTES", 1)  # images beyond a cache
    got = conv.backward(dy, *saved, onto=before)[0]
    assert got is not before
    np.testing.assert_array_equal(got, dx)
    direct = kernel("conv2d", "cpu", 3)
    assert direct.backward(dy, *saved, onto=before)[0] is not before


LAYERS = [  # whole rows of batch norm in each image; the last has more tiles than a group
    (5, 16, 16, 8, 8),
    (3, 11, 24, 8, 12),
    (2, 64, 32, 32, 28),
]


@pytest.mark.parametrize("shape", LAYERS)
@pytest.mark.parametrize("added", [False, True])
def test_a_layer_whose_dc_is_never_in_memory_has_the_bits_of_its_parts(shape, added):
    rng = np.random.default_rng(0)
    n, c, k, h, w = shape
    x, filters = rng.standard_normal((n, c, h, w)), rng.standard_normal((k, c, 3, 3))
    residual = rng.standard_normal((n, k, h, w)) if added else None
    given = (x, filters, *rng.standard_normal((2, k)), None, None, residual)
    given = [a if a is None else a.astype(np.float32) for a in given]
    one, apart = (kernel("conv2d_norm_relu", "cpu", number) for number in (2, 1))
    y, *saved = one.forward(*given, padding=1)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dy[rng.random(y.shape) < 0.01] = np.nan
    expected = apart.backward(dy, *saved)
    for got, e in zip(one.backward(dy, *saved), expected, strict=True):
        np.testing.assert_array_equal(got, e)
    before = channels_last(rng.standard_normal(x.shape).astype(np.float32))
    total = before + expected[0]
    assert one.backward(dy, *saved, onto=before)[0] is before
    np.testing.assert_array_equal(before, total)


class Taking(mr.Function):
    """y = 2 x, which adds its gradient to what has arrived at x."""

    new_gradients = True
    taken = 0

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, dy):
        if ctx.onto is None:
            return 2 * dy
        Taking.taken += 1
        ctx.onto += 2 * dy
        return ctx.onto


def steps(look_on=False):
    """Return the gradient of x, used by three functions, and how often one added in place."""
    Taking.taken = 0
    x = mr.tensor([1.0, 2.0, 3.0], requires_grad=True)
    inner = x * 1.0
    seen = []
    inner.register_hook(lambda g: seen.append(g.copy()))
    y = (Taking.apply(inner) + Taking.apply(inner) + Taking.apply(inner)).sum()
    if look_on:
        with mr.watching(mr.Observer()):
            y.backward()
    else:
        y.backward()
    np.testing.assert_array_equal(seen, [[6.0, 6.0, 6.0]])  # a hook sees the whole sum, once
    return x.grad, Taking.taken


def test_the_engine_offers_only_gradients_that_nobody_else_holds():
    np.testing.assert_array_equal(steps()[0], [6.0, 6.0, 6.0])
    assert steps()[1] == 2
    grad, taken = steps(look_on=True)
    np.testing.assert_array_equal(grad, [6.0, 6.0, 6.0])
    assert taken == 0, "an observer is shown each part by itself"

    x = mr.tensor([1.0, 2.0], requires_grad=True)  # Add sends both its inputs one array
    a, b = Taking.apply(x), x
    (a + b).backward(np.ones(2, np.float32))
    np.testing.assert_array_equal(x.grad, [3.0, 3.0])


def test_a_residual_block_has_the_same_gradients_in_place(monkeypatch):
    grouped, onto = v4_winograd._backward_grouped, []

    def spied(*args):
        onto.append(args[-1] is not None)
        return grouped(*args)

    monkeypatch.setattr(v4_winograd, "_backward_grouped", spied)
    rng = np.random.default_rng(0)
    values = rng.standard_normal((3, 16, 8, 8), dtype=np.float32)
    w = Tensor(rng.standard_normal((16, 16, 3, 3), dtype=np.float32), requires_grad=True)
    found = []
    for look_on in (False, True):
        x = Tensor(channels_last(values), requires_grad=True)
        y = F.add_relu(F.conv2d(x, w, padding=1), F.relu(x)).sum()
        if look_on:
            with mr.watching(mr.Observer()):
                y.backward()
        else:
            y.backward()
        found.append((x.grad, w.grad))
        w.grad = None
    assert onto == [True, False]
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_option_a_adds_to_what_the_branch_has_sent():
    x = Tensor(np.ones((2, 3, 5, 4), np.float32), requires_grad=True)
    around = PadShortcut.apply(x, stride=2, channels=5)
    branch = x * 3.0  # recorded later: first in backward
    sent = []
    branch.register_hook(lambda dy: sent.append(dy.copy()))
    parts = (around * around).sum() + (branch * branch).sum()
    parts.backward()
    expected = 3 * sent[0]
    expected[:, :, ::2, ::2] += 2 * x.data[:, :, ::2, ::2]
    np.testing.assert_array_equal(x.grad, expected)


def test_option_a_needs_no_memory_of_its_own_in_backward(monkeypatch):
    net = mr.models.resnet20(width=8, seed=0)
    y = net(Tensor(np.ones((2, 3, 8, 8), np.float32)))
    monkeypatch.setattr(shortcuts, "zeros_beside", None)
    y.sum().backward()
