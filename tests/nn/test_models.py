"""Models: the paper's parameter counts, twins, shortcuts, names."""

import numpy as np
import pytest

import minires as mr
from minires import models


def count(net):
    return sum(p.size for p in net.parameters())


@pytest.mark.parametrize(
    ("depth", "parameters"),
    [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)],
)
def test_plain_and_residual_have_the_papers_parameters(depth, parameters):
    assert count(getattr(models, f"resnet{depth}")()) == parameters
    assert count(getattr(models, f"plain{depth}")()) == parameters
    assert count(models.resnet(depth, shortcut="B")) == parameters + 2_752


def test_resnet1202_has_19_million():
    assert count(models.resnet1202()) == 19_421_274


@pytest.mark.parametrize(("depth", "parameters"), [(20, 283_962), (56, 900_858)])
def test_projections_everywhere(depth, parameters):
    assert count(models.resnet(depth, shortcut="C")) == parameters


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda **o: models.resnet(14, width=4, **o), ({"skip": True}, {"skip": False})),
        (
            lambda **o: models.mlp_stack(6, 8, norm="bn", **o),
            ({"skip": "identity"}, {"skip": "none"}),
        ),
    ],
    ids=["conv", "mlp"],
)
def test_twins_start_alike_in_the_same_order(make, options):
    first, second = (make(seed=5, **o) for o in options)
    pairs = zip(first.named_parameters(), second.named_parameters(), strict=True)
    for (name, p), (other, q) in pairs:
        assert name == other
        assert np.array_equal(p.data, q.data)
    different = make(seed=6, **options[0])
    assert not np.array_equal(next(first.parameters()).data, next(different.parameters()).data)


@pytest.mark.parametrize(
    ("name", "options", "first", "last"),
    [
        ("resnet20", {}, 0.27074963, 0.25381923),
        ("plain32", {"width": 4}, -0.49575624, 0.12784566),
        ("resnet50", {"width": 4, "num_classes": 5}, -0.05244805, 0.02562859),
        ("mlp_stack", {}, -0.01234049, 0.08517011),
    ],
)
def test_the_weights_of_a_seed_stay_what_they_are(name, options, first, last):
    """Results that are kept name a seed: a new option must not move what the old ones draw."""
    weights = [p.data for p in models.build(name, seed=7, **options).parameters() if p.ndim > 1]
    assert weights[0].flat[0] == pytest.approx(first, rel=1e-6)
    assert weights[-1].flat[-1] == pytest.approx(last, rel=1e-6)


def test_building_a_seeded_net_leaves_the_default_generator_alone():
    mr.manual_seed(0)
    models.resnet(8, width=2, seed=1)
    first = mr.random.generator().random()
    mr.manual_seed(0)
    assert mr.random.generator().random() == first


def test_names_are_torchvisions():
    names = set(models.resnet(14, width=4, shortcut="B").state_dict())
    assert {
        "conv1.weight",
        "bn1.running_mean",
        "layer1.0.conv1.weight",
        "layer2.0.downsample.0.weight",
        "layer2.0.downsample.1.bias",
        "layer3.1.bn2.num_batches_tracked",
        "fc.bias",
    } <= names
    assert not any(name.startswith("layer1.0.downsample") for name in names)


def test_option_a_subsamples_and_pads_with_zero_channels():
    block = models.BasicBlock(2, 4, 2).double()
    x = np.random.default_rng(0).standard_normal((2, 2, 5, 5))
    y = block.shortcut(mr.tensor(x)).data
    np.testing.assert_array_equal(y[:, :2], x[:, :, ::2, ::2])
    assert not y[:, 2:].any()


@pytest.mark.parametrize("skip", [True, False])
def test_one_flag_is_the_only_difference(skip):
    block = models.MLPBlock(4, skip=skip)
    for layer in (block.linear1, block.linear2):
        layer.weight.update_(np.zeros((4, 4)))
        layer.bias.update_(np.zeros(4))
    x = mr.tensor([[1.0, 2.0, -3.0, 4.0]])
    assert block(x).data.tolist() == [[1.0, 2.0, 0.0, 4.0] if skip else [0.0] * 4]


def test_branch_scales():
    x = mr.tensor(np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32))
    zero = models.mlp_stack(4, 8, "preact", branch_scale="skipinit", seed=0)
    assert np.array_equal(zero.body(x).data, x.data)
    assert len([n for n, _ in zero.named_parameters() if n.endswith("alpha")]) == 2
    scaled = models.mlp_stack(8, 8, "identity", branch_scale="1/sqrt(blocks)", seed=0)
    assert all(block.scale == 0.5 for block in scaled.body)


def test_a_net_takes_small_images():
    net = models.resnet20(width=2, in_channels=1, num_classes=7, seed=0)
    x = mr.tensor(np.zeros((2, 1, 8, 8), np.float32))
    assert net(x).shape == (2, 7)


def test_identity_init_passes_positive_inputs_through():
    net = models.mlp_stack(10, 6, init="identity", seed=0)
    x = np.abs(np.random.default_rng(0).standard_normal((4, 6))).astype(np.float32)
    assert np.array_equal(net.body(mr.tensor(x)).data, x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.resnet(21), "6n"),
        (lambda: models.resnet(20, shortcut="D"), "A, B, C"),
        (lambda: models.resnet(20, norm="layer"), "none, bn"),
        (lambda: models.resnet(20, init="zero"), "he, xavier"),
        (lambda: models.resnet(20, width=0), "width"),
        (lambda: models.mlp_stack(5, 8, "identity"), "odd"),
        (lambda: models.mlp_stack(4, 8, "dense"), "preact"),
        (lambda: models.mlp_stack(0, 8), "depth"),
        (lambda: models.mlp_stack(4, 8, activation="softplus"), "sigmoid"),
        (lambda: models.mlp_stack(4, 8, "identity", branch_scale="half"), "skipinit"),
    ],
)
def test_wrong_arguments_say_what_is_offered(make, message):
    with pytest.raises(ValueError, match=message):
        make()
