"""The ImageNet nets: the paper's sizes, torchvision's names, twins, options."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, record


def count(net):
    return sum(p.size for p in net.parameters())


def torchvision_state(blocks, layers, width=64, classes=1000):
    """Names and shapes of torchvision's resnets, written out from their structure."""
    state = {}

    def conv(name, outputs, inputs, kernel):
        state[f"{name}.weight"] = (outputs, inputs, kernel, kernel)

    def bn(name, channels):
        for key in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.{key}"] = (channels,)
        state[f"{name}.num_batches_tracked"] = ()

    conv("conv1", width, 3, 7)
    bn("bn1", width)
    inputs = width
    for stage, number in enumerate(blocks):
        filters = width * 2**stage
        outputs = filters if layers == 2 else 4 * filters
        for i in range(number):
            name = f"layer{stage + 1}.{i}"
            sizes = [(filters, inputs, 3), (filters, filters, 3)]
            if layers == 3:
                sizes = [(filters, inputs, 1), (filters, filters, 3), (outputs, filters, 1)]
            for j, size in enumerate(sizes, start=1):
                conv(f"{name}.conv{j}", *size)
                bn(f"{name}.bn{j}", size[0])
            if i == 0 and (stage > 0 or outputs != inputs):
                conv(f"{name}.downsample.0", outputs, inputs, 1)
                bn(f"{name}.downsample.1", outputs)
            inputs = outputs
    state["fc.weight"], state["fc.bias"] = (classes, inputs), (classes,)
    return state


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet18", 11_689_512),
        pytest.param("resnet34", 21_797_672, marks=pytest.mark.slow),
        ("resnet50", 25_557_032),
        pytest.param("resnet101", 44_549_160, marks=pytest.mark.slow),
        pytest.param("resnet152", 60_192_808, marks=pytest.mark.slow),
        ("plain18", 11_689_512 - 173_824),  # three projections fewer
        pytest.param("plain34", 21_797_672 - 173_824, marks=pytest.mark.slow),
    ],
)
def test_published_parameters(name, parameters):
    assert count(getattr(models, name)()) == parameters


@pytest.mark.parametrize(
    ("name", "blocks", "layers"),
    [
        ("resnet18", (2, 2, 2, 2), 2),
        ("resnet34", (3, 4, 6, 3), 2),
        ("resnet50", (3, 4, 6, 3), 3),
        ("resnet101", (3, 4, 23, 3), 3),
        ("resnet152", (3, 8, 36, 3), 3),
    ],
)
def test_names_shapes_and_their_order_are_torchvisions(name, blocks, layers):
    net = getattr(models, name)(width=4, num_classes=6, seed=0)
    found = {key: value.shape for key, value in net.state_dict().items()}
    assert list(found.items()) == list(torchvision_state(blocks, layers, 4, 6).items())


@pytest.mark.parametrize("name", ["resnet18", "plain34", "resnet50"])
@pytest.mark.parametrize("size", [(64, 64), (33, 47), (1, 1)])
def test_shapes(name, size):
    net = getattr(models, name)(width=2, in_channels=1, num_classes=7, seed=0)
    stages = {}
    for key in ("maxpool", "layer1", "layer2", "layer3", "layer4"):
        hook = lambda _module, _inputs, y, key=key: stages.update({key: y.shape})  # noqa: E731
        getattr(net, key).register_forward_hook(hook)
    with mr.no_grad():
        y = net(mr.tensor(np.ones((2, 1, *size), np.float32)))
    assert y.shape == (2, 7)
    expansion = 4 if name == "resnet50" else 1
    for i, shape in enumerate(stages.values()):
        stage = max(i - 1, 0)
        channels = 2 * 2**stage * (expansion if i else 1)
        assert shape == (2, channels, *(-(-s // (4 * 2**stage)) for s in size))


@pytest.mark.parametrize("depth", [18, 50])
def test_twins_with_zero_padding_start_alike(depth):
    options = {"shortcut": "A", "width": 2, "seed": 5}
    nets = [models.imagenet_resnet(depth, skip=skip, **options) for skip in (True, False)]
    pairs = zip(*(net.named_parameters() for net in nets), strict=True)
    for (name, p), (other, q) in pairs:
        assert name == other
        assert np.array_equal(p.data, q.data)


@pytest.mark.parametrize(("depth", "blocks"), [(18, 8), (50, 16)])
def test_projections(depth, blocks):
    for shortcut, expected in (("A", 0), ("B", 3 if depth == 18 else 4), ("C", blocks)):
        net = models.imagenet_resnet(depth, shortcut=shortcut, width=2)
        found = [k for k, _ in net.named_parameters() if k.endswith("downsample.0.weight")]
        assert len(found) == expected


def strides(net):
    block = net.layer2[0]
    return [conv.stride for conv in (block.conv1, block.conv2, block.conv3)]


def test_the_stride_is_in_the_3x3_or_as_in_the_paper_in_the_1x1():
    ours, papers = (models.resnet50(width=2, seed=0, **o) for o in ({}, {"stride_in": "1x1"}))
    assert strides(ours) == [(1, 1), (2, 2), (1, 1)]
    assert strides(papers) == [(2, 2), (1, 1), (1, 1)]
    papers.load_state_dict(ours.state_dict())
    x = mr.tensor(np.random.default_rng(0).standard_normal((2, 3, 40, 40)).astype(np.float32))
    with mr.no_grad():
        assert not np.allclose(ours(x).data, papers(x).data)


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"skip": False}, marks=pytest.mark.slow),
        pytest.param({"activation": "tanh"}, marks=pytest.mark.slow),
        pytest.param({"scale": 0.5}, marks=pytest.mark.slow),
        {"scale": None},
        {"shortcut": "A", "stride_in": "1x1"},
        pytest.param({"norm": "none"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_bottleneck_gradients(options):
    with mr.random.using(np.random.default_rng(0)):
        block = models.Bottleneck(2, 2, 2, **options).double()
    if options.get("scale", 1) is None:
        block.alpha.update_(np.array(0.7))
    x = np.random.default_rng(1).standard_normal((2, 2, 3, 3))
    report = mr.gradcheck(block, x, max_elements=200)
    assert report.ok, report


def test_branch_scales():
    x = np.random.default_rng(0).standard_normal((2, 8, 5, 5)).astype(np.float32)
    block = models.Bottleneck(8, 2, scale=None)
    assert np.array_equal(block(mr.tensor(x)).data, np.maximum(x, 0))  # alpha starts at 0
    tanh = models.Bottleneck(8, 2, scale=0.0, activation="tanh")
    np.testing.assert_allclose(tanh(mr.tensor(x)).data, np.tanh(x), rtol=1e-6)
    half = models.Bottleneck(8, 2, scale=0.5)
    block.load_state_dict(half.state_dict() | {"alpha": np.array(0.5)})
    np.testing.assert_allclose(half(mr.tensor(x)).data, block(mr.tensor(x)).data, rtol=1e-6)
    for depth, blocks in ((18, 8), (50, 16)):
        net = models.imagenet_resnet(depth, width=2, branch_scale="1/sqrt(blocks)")
        assert {b.scale for b in net.layer3} == {1 / np.sqrt(blocks)}
        net = models.imagenet_resnet(depth, width=2, branch_scale="skipinit")
        assert sum(name.endswith("alpha") for name, _ in net.named_parameters()) == blocks


def test_the_recorder_sees_every_layer_and_block():
    net = models.resnet50(width=2, num_classes=4, seed=0)
    x = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype(np.float32)
    with record.Recorder(net) as recorder:
        F.cross_entropy(net(mr.tensor(x)), np.arange(4)).backward()
    assert len(recorder.layers) == 50 + 4  # and the projections
    assert len(recorder.blocks) == 16
    assert all(b.skip_norm > 0 and b.branch_norm > 0 for b in recorder.blocks)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.imagenet_resnet(20), "18, 34, 50, 101, 152, got 20"),
        (lambda: models.imagenet_resnet(0), "depth"),
        (lambda: models.resnet18(shortcut="D"), "A, B, C"),
        (lambda: models.resnet18(norm="layer"), "none, bn"),
        (lambda: models.resnet18(activation="softplus"), "sigmoid"),
        (lambda: models.resnet18(width=2, init="zero"), "he, xavier"),
        (lambda: models.resnet18(width=0), "width"),
        (lambda: models.resnet18(width=2, num_classes=0), "num_classes"),
        (lambda: models.resnet18(in_channels=0), "in_channels"),
        (lambda: models.resnet18(branch_scale="half"), "skipinit"),
        (lambda: models.resnet50(stride_in="5x5"), "3x3, 1x1"),
        (lambda: models.resnet18(stride_in="1x1"), "no 1×1"),
    ],
)
def test_wrong_arguments_say_what_is_offered(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("depth", [18.0, True, "18"])
def test_a_depth_is_an_integer(depth):
    with pytest.raises(TypeError, match="depth: expected an integer"):
        models.imagenet_resnet(depth)
