"""MobileNets, and the nets that restore or enlarge images beside their direct twins."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, record
from minires.models.separable import ConvNorm, ReLU6


def count(net):
    return sum(p.size for p in net.parameters())


def images(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("mobilenet_v1", 4_231_976), ("mobilenet_v2", 3_504_872), ("vdsr", 665_921)],
)
def test_published_parameters(name, parameters):
    assert count(getattr(models, name)()) == parameters


def test_a_separable_layer_has_nine_weights_for_each_channel_and_a_matrix():
    """9C + CK in place of 9CK: 64 channels to 64 are 4,672 weights instead of 36,864."""
    depthwise, pointwise = ConvNorm(64, 64, 3, groups=64), ConvNorm(64, 64, 1)
    assert depthwise[0].weight.size + pointwise[0].weight.size == 9 * 64 + 64 * 64 == 4_672
    assert mr.nn.Conv2d(64, 64, 3).weight.size == 36_864


def test_names_and_shapes_of_mobilenet_v2_are_torchvisions():
    net = models.mobilenet_v2(num_classes=5)
    assert sum(getattr(m, "skip", False) for m in net.features) == 10
    state = {k: v.shape for k, v in net.state_dict().items()}
    weights = [k for k in state if k.endswith("weight") and len(state[k]) == 4]
    assert weights[:6] == [
        "features.0.0.weight",
        "features.1.conv.0.0.weight",
        "features.1.conv.1.weight",
        "features.2.conv.0.0.weight",
        "features.2.conv.1.0.weight",
        "features.2.conv.2.weight",
    ]
    assert state["features.1.conv.0.0.weight"] == (32, 1, 3, 3)
    assert state["features.17.conv.2.weight"] == (320, 960, 1, 1)
    assert state["features.17.conv.3.running_var"] == (320,)
    assert state["features.18.0.weight"] == (1280, 320, 1, 1)
    assert state["classifier.1.weight"] == (5, 1280)
    assert len([k for k in state if not k.endswith("num_batches_tracked")]) == 5 * 52 + 2


def test_channels_are_rounded_to_multiples_of_eight():
    net = models.mobilenet_v2(width=0.35, num_classes=2)
    assert net.features[0][0].weight.shape[0] == 16  # 11.2, and 8 would be less by a tenth
    assert net.features[1].conv[1].weight.shape[0] == 8
    assert net.features[18][0].weight.shape[0] == 1280  # never less


@pytest.mark.parametrize("make", [models.mobilenet_v1, models.mobilenet_v2])
@pytest.mark.parametrize("stride", [32, 8, 4, 1])
def test_the_output_stride_is_that_of_the_net(make, stride):
    net = make(width=0.05, output_stride=stride, num_classes=3, seed=0).eval()
    seen = []
    net.features.register_forward_hook(lambda _m, _x, y: seen.append(y.shape[2:]))
    with mr.no_grad():
        assert net(mr.tensor(images((1, 3, 32, 32)))).shape == (1, 3)
    assert seen == [(32 // stride, 32 // stride)]


def test_inverted_residuals_add_their_input_where_the_shape_stays():
    block = models.InvertedResidual(4, 4, 1, 2).eval()
    x = mr.tensor(images((2, 4, 5, 5)))
    np.testing.assert_allclose(block(x).data, x.data + block.conv(x).data, rtol=1e-6)
    assert not models.InvertedResidual(4, 4, 2, 2).skip
    assert not models.InvertedResidual(4, 8, 1, 2).skip
    net = models.mobilenet_v2(width=0.1, num_classes=3, output_stride=4, seed=0)
    with record.Recorder(net) as recorder:
        F.cross_entropy(net(mr.tensor(images((2, 3, 8, 8)))), np.arange(2)).backward()
    assert len(recorder.layers) == 53
    assert len(recorder.blocks) == sum(getattr(m, "skip", False) for m in net.features) == 13
    assert all(b.skip_norm > 0 and b.branch_norm > 0 for b in recorder.blocks)


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.InvertedResidual(2, 2, 1, 2),
        lambda: models.InvertedResidual(2, 3, 2, 1),
        lambda: models.vdsr(3, width=2, in_channels=2),
        lambda: models.vdsr(3, width=2, in_channels=2, residual=False, norm="bn"),
    ],
    ids=["inverted", "strided", "residual", "direct"],
)
def test_gradients(make):
    with mr.random.using(np.random.default_rng(0)):
        module = make().double()
    report = mr.gradcheck(module, np.random.default_rng(1).standard_normal((2, 2, 4, 4)))
    assert report.ok, report


def test_relu6():
    x = mr.tensor(np.array([-1.0, 0.0, 3.0, 6.5]), requires_grad=True)
    y = ReLU6()(x)
    assert y.data.tolist() == [0, 0, 3, 6]
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 0]


def test_the_twins_that_restore_differ_in_one_addition():
    first, second = (models.vdsr(6, width=4, residual=r, seed=2) for r in (True, False))
    for (name, p), (other, q) in zip(
        first.named_parameters(), second.named_parameters(), strict=True
    ):
        assert name == other
        assert np.array_equal(p.data, q.data)
    x = images((2, 1, 9, 7))
    with mr.no_grad():
        with_x, without = (net(mr.tensor(x)).data for net in (first, second))
    assert with_x.shape == x.shape
    np.testing.assert_allclose(with_x - x, without, atol=1e-5)


def test_the_denoiser_normalises_its_inner_layers():
    net = models.vdsr(17, norm="bn", seed=0)
    kinds = [type(m).__name__ for m in net.body]
    assert kinds == ["Conv2d", "ReLU"] + ["Conv2d", "BatchNorm2d", "ReLU"] * 15 + ["Conv2d"]
    assert count(net) == 640 + 15 * (36_864 + 128) + 577


def test_enlarging_works_on_the_small_image():
    x = images((1, 3, 5, 4))
    for scale, parameters in ((2, 1_369_859), (3, 1_554_499), (4, 1_517_571)):
        assert count(models.edsr(scale=scale)) == parameters
        net = models.edsr(blocks=1, width=2, scale=scale, seed=0)
        with mr.no_grad():
            assert net(mr.tensor(x)).shape == (1, 3, 5 * scale, 4 * scale)


def test_the_blocks_that_enlarge_have_no_activation_around_their_branch():
    net = models.edsr(blocks=2, width=4, branch_scale=0.1, seed=0)
    block, x = net.body[0], mr.tensor(images((2, 4, 5, 5)))
    inner = block.conv2(mr.nn.ReLU()(block.conv1(x)))
    np.testing.assert_allclose(block(x).data, x.data + 0.1 * inner.data, rtol=1e-5, atol=1e-6)
    twin = models.edsr(blocks=2, width=4, skip=False, seed=0)
    inner = twin.body[0].conv2(mr.nn.ReLU()(twin.body[0].conv1(x)))
    np.testing.assert_allclose(twin.body[0](x).data, inner.data, rtol=1e-5, atol=1e-6)
    for (name, p), (other, q) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        assert name == other
        assert np.array_equal(p.data, q.data)
    report = mr.gradcheck(models.edsr(blocks=1, width=1, in_channels=2).double().tail, SMALL)
    assert report.ok, report


SMALL = np.random.default_rng(2).standard_normal((1, 1, 3, 3))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: models.vdsr(1), ValueError, "depth"),
        (lambda: models.vdsr(residual="yes"), TypeError, "residual: expected True or False"),
        (lambda: models.vdsr(norm="layer"), ValueError, "none, bn"),
        (lambda: models.vdsr(activation="swish"), ValueError, "relu, tanh"),
        (lambda: models.vdsr(in_channels=0), ValueError, "in_channels"),
        (lambda: models.vdsr(width=2, init="zero"), ValueError, "he, xavier"),
        (lambda: models.edsr(scale=5), ValueError, "2, 3, 4"),
        (lambda: models.edsr(blocks=0), ValueError, "blocks"),
        (lambda: models.edsr(skip=1), TypeError, "skip"),
        (lambda: models.mobilenet_v1(width=0), ValueError, "factor above 0"),
        (lambda: models.mobilenet_v1(width=float("nan")), ValueError, "width"),
        (lambda: models.mobilenet_v2(output_stride=3), ValueError, "32, 16, 8"),
        (lambda: models.mobilenet_v2(dropout=1), ValueError, "p: expected"),
        (lambda: models.mobilenet_v2(num_classes=0), ValueError, "num_classes"),
        (lambda: models.mobilenet_v2(width="big"), TypeError, "width: expected"),
    ],
)
def test_wrong_arguments_say_what_is_offered(make, error, message):
    with pytest.raises(error, match=message):
        make()
