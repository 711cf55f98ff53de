"""What followed ResNet-110: pre-activation nets as in 2016, wide ones, ResNeXt, DenseNet."""

import numpy as np
import pytest

import minires as mr
from minires import models
from minires.models.dense import DenseBlock


def count(net):
    return sum(p.size for p in net.parameters())


def shapes(net):
    return {name: value.shape for name, value in net.state_dict().items()}


# Published: torchvision's exact numbers, and those that the papers round.
PARAMETERS = {
    "preact_resnet110": 1_727_962,
    "preact_resnet164": 1_703_258,
    "preact_resnet1001": 10_327_706,
    "resnet164": 1_704_154,
    "resnet1001": 10_328_602,
    "wide_resnet16_4": 2_748_890,
    "wide_resnet16_8": 10_961_370,
    "wide_resnet40_4": 8_949_210,
    "wide_resnet28_10": 36_479_194,
    "densenet40": 1_019_722,
    "densenet_bc100": 769_162,
    "densenet_bc250": 15_324_406,
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "resnext50_32x4d": 25_028_904,
    "wide_resnet50_2": 68_883_240,
    "resnext101_32x8d": 88_791_336,
    "resnext101_64x4d": 83_455_272,
    "wide_resnet101_2": 126_886_696,
    "resnext29_8x64d": 34_426_698,
    "resnext29_16x64d": 68_155_210,
    "densenet_bc190": 25_624_430,
    "preact_resnet18": 11_687_720,
    "preact_resnet50": 25_549_352,
}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        pytest.param(n, p, marks=[pytest.mark.slow] * (p > 8_000_000), id=n)
        for n, p in PARAMETERS.items()
    ],
)
def test_published_parameters(name, parameters):
    assert count(getattr(models, name)()) == parameters


@pytest.mark.slow
def test_the_papers_ten_million_leave_batch_norm_out():
    net = models.preact_resnet1001()
    norms = [m for m in net.modules() if isinstance(m, mr.nn.BatchNorm2d)]
    assert count(net) - sum(count(m) for m in norms) == 10_178_490  # "10.2M"


def test_hundred_classes():
    extra = 90 * 257  # weights and biases of ninety more logits of 256 features
    assert count(models.preact_resnet164(num_classes=100)) == 1_703_258 + extra


@pytest.mark.parametrize("make", [models.preact_resnet164, models.preact_resnet50])
def test_the_first_activation_is_before_the_blocks_and_projections_share_it(make):
    net = make(width=2, seed=0)
    assert isinstance(net.bn1, mr.nn.BatchNorm2d)
    assert [b.first_act for b in net.layer1] == ["none"] + ["branch"] * (len(net.layer1) - 1)
    assert [b.first_act for b in net.layer2] == ["both"] + ["branch"] * (len(net.layer2) - 1)
    names = set(net.state_dict())
    assert not any(name.startswith("layer1.0.bn1") for name in names)
    assert "layer2.0.downsample.0.weight" in names
    assert not any("downsample.1" in name or "downsample.0.bias" in name for name in names)
    assert "tail.0.running_mean" in names


def test_a_shared_activation_feeds_both_paths():
    block = models.Bottleneck(2, 3, 2, order="preact", first_act="both").double()
    x = mr.tensor(np.random.default_rng(0).standard_normal((4, 2, 5, 5)))
    a = block.act1(block.bn1(x))
    y = block.conv3(
        block.act3(block.bn3(block.conv2(block.act2(block.bn2(block.conv1(a))))))
    ) + block.downsample(a)
    np.testing.assert_allclose(block(x).data, y.data, rtol=1e-12)
    assert block.entry is block.conv1
    assert not np.allclose(block(x).data, models_branch_only(block, x).data)


def models_branch_only(block, x):
    """The block as it were if its shortcut started from x itself."""
    return block.paths(x, x) - block.downsample(block.shared(x)) + block.downsample(x)


@pytest.mark.parametrize(
    "options",
    [
        {"order": "preact", "first_act": "both"},
        pytest.param({"order": "preact", "first_act": "none"}, marks=pytest.mark.slow),
        pytest.param(
            {"order": "preact", "first_act": "both", "norm": "none", "scale": 0.5},
            marks=pytest.mark.slow,
        ),
        {"groups": 2, "width_per_group": 32},
        pytest.param({"width_per_group": 128}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_gradients_of_blocks(options):
    with mr.random.using(np.random.default_rng(0)):
        block = models.Bottleneck(2, 2, 2, **options).double()
    x = np.random.default_rng(1).standard_normal((2, 2, 3, 3))
    report = mr.gradcheck(block, x, max_elements=200)
    assert report.ok, report


def test_groups_are_those_of_the_paper():
    """ResNeXt-50's 3×3 convolutions: 32 groups of 4, 8, 16, 32 channels."""
    net = models.resnext50_32x4d(num_classes=1, seed=0)
    found = [
        (stage[0].conv2.groups, *stage[0].conv2.weight.shape[:2])
        for stage in (net.layer1, net.layer2, net.layer3, net.layer4)
    ]
    assert found == [(32, 128, 4), (32, 256, 8), (32, 512, 16), (32, 1024, 32)]
    narrow = models.resnext50_32x4d(width=2, num_classes=3, seed=0)  # one channel in a group
    assert narrow.layer1[0].conv2.weight.shape == (32, 1, 3, 3)


def test_wide_nets_are_wide_in_their_stages_only():
    net = models.wide_resnet(10, 3, width=2, seed=0)
    assert net.conv1.weight.shape[0] == 2
    assert [s[0].conv1.weight.shape[0] for s in (net.layer1, net.layer2, net.layer3)] == [6, 12, 24]


def test_names_and_shapes_of_densenet_are_torchvisions():
    found = list(shapes(models.densenet121(growth=4, num_classes=7)).items())
    expected = {"features.conv0.weight": (8, 3, 7, 7)}

    def bn(name, channels):
        for key in ("weight", "bias", "running_mean", "running_var"):
            expected[f"{name}.{key}"] = (channels,)
        expected[f"{name}.num_batches_tracked"] = ()

    bn("features.norm0", 8)
    channels = 8
    for block, layers in enumerate((6, 12, 24, 16), start=1):
        for i in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{i}"
            bn(f"{name}.norm1", channels)
            expected[f"{name}.conv1.weight"] = (16, channels, 1, 1)
            bn(f"{name}.norm2", 16)
            expected[f"{name}.conv2.weight"] = (4, 16, 3, 3)
            channels += 4
        if block < 4:
            bn(f"features.transition{block}.norm", channels)
            expected[f"features.transition{block}.conv.weight"] = (channels // 2, channels, 1, 1)
            channels //= 2
    bn("features.norm5", channels)
    expected |= {"classifier.weight": (7, channels), "classifier.bias": (7,)}
    assert found == list(expected.items())


def test_a_dense_block_keeps_what_it_was_given():
    net = models.densenet(10, growth=3, seed=0).double()
    block = net.features.denseblock1
    x = mr.tensor(np.random.default_rng(0).standard_normal((2, 6, 5, 5)))
    y = block(x)
    assert y.shape == (2, 9, 5, 5)
    assert np.array_equal(y.data[:, :6], x.data)


@pytest.mark.parametrize("bottleneck", [True, False])
def test_gradients_of_a_dense_block(bottleneck):
    with mr.random.using(np.random.default_rng(0)):
        block = DenseBlock(2, 2, 1, bottleneck, 0.0).double()
    report = mr.gradcheck(block, np.random.default_rng(1).standard_normal((2, 2, 3, 3)))
    assert report.ok, report


def images():
    return np.random.default_rng(1).standard_normal((2, 3, 8, 8))


def test_dropout_of_densenet_acts_in_training_only():
    mr.manual_seed(0)
    net = models.densenet(10, growth=3, dropout=0.5, seed=0)
    x = mr.tensor(images().astype(np.float32))
    with mr.no_grad():
        assert not np.array_equal(net(x).data, net(x).data)
        net.eval()
        assert np.array_equal(net(x).data, net(x).data)


def test_options_reach_the_nets_that_pass_them_on():
    assert models.wide_resnet16_4(norm="none", width=2).fc.weight.shape == (10, 32)
    assert models.preact_resnet110(width=2, shortcut="B").layer2[0].downsample is not None
    assert models.densenet_bc100(compression=1, growth=2).classifier.weight.shape[1] == 100
    assert models.preact_resnet18(width=2, survival=0.5).layer4[1].survival == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.wide_resnet(12, 2), r"6n\+4 \(10, 16"),
        (lambda: models.wide_resnet(16, 0), "widen"),
        (lambda: models.resnet20(groups=2), "groups: blocks of two layers"),
        (lambda: models.resnet20(stride_in="1x1"), "no 1×1"),
        (lambda: models.resnet164(groups=0), "groups"),
        (lambda: models.resnet20(shared_act=True), "shared_act: True needs order='preact'"),
        (lambda: models.BasicBlock(2, 2, first_act="both"), "needs order='preact'"),
        (lambda: models.BasicBlock(2, 2, first_act="all"), "branch, both, none"),
        (lambda: models.densenet(11), r"6n\+4 \(10, 16, 22"),
        (lambda: models.densenet(4, bottleneck=False), "depth"),
        (lambda: models.densenet(41, bottleneck=False), r"3n\+4"),
        (lambda: models.densenet(10, compression=0), "compression"),
        (lambda: models.densenet(10, dropout=1), "dropout"),
        (lambda: models.imagenet_densenet(122), "121, 169, 201"),
        (lambda: models.densenet(10, init="zero"), "he, xavier"),
    ],
)
def test_wrong_arguments_say_what_is_offered(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_wrong_types():
    with pytest.raises(TypeError, match="shared_act: expected True or False"):
        models.resnet20(shared_act=1)
    with pytest.raises(TypeError, match="bottleneck: expected True or False"):
        models.densenet(10, bottleneck="yes")
