"""Names of weights: whose they are, ours from theirs and back, and what a wrong file is told."""

import contextlib
import functools
import random

import numpy as np
import pytest

from minires import models
from minires.weights import describe, rename

NETS = {
    "resnet20": lambda: models.resnet(20, width=4),
    "resnet20 B": lambda: models.resnet(20, width=4, shortcut="B"),
    "resnet20 C": lambda: models.resnet(20, width=4, shortcut="C"),
    "plain20": lambda: models.plain(20, width=4),
    "resnet110": lambda: models.resnet(110, width=2),
    "preact164": lambda: models.resnet(
        164, width=2, block="bottleneck", order="preact", shortcut="B"
    ),
    "resnet18": lambda: models.resnet18(width=4, num_classes=10),
    "resnet34": lambda: models.resnet34(width=4, num_classes=10),
    "resnet18 A": lambda: models.resnet18(width=4, shortcut="A"),
    "plain34": lambda: models.plain34(width=4),
    "resnet50": lambda: models.resnet50(width=4),
    "resnet101": lambda: models.resnet101(width=4),
    "resnet152": lambda: models.resnet152(width=4),
}


@functools.cache
def state_of(name):
    return NETS[name]().state_dict()


def same(a, b):
    return list(a) == list(b) and all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("names", rename.TABLES)
def test_there_and_back_again(name, names):
    ours = state_of(name)
    of_cifar = name in ("resnet20", "plain20", "resnet110")
    if names in ("kuangliu", "akamaster") and (names == "akamaster") != of_cifar:
        with pytest.raises(ValueError, match="no such net there"):
            rename.from_ours(ours, names)
        return
    theirs = rename.from_ours(ours, names)
    assert same(rename.to_ours(theirs, names), ours)
    assert rename.names_of(theirs) == ("torchvision" if "torchvision" in names else names)
    in_checkpoint = {"epoch": 7, "state_dict": {"module." + k: v for k, v in theirs.items()}}
    assert same(rename.to_ours(in_checkpoint), ours)  # whose they are is found out


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("resnet.embedder.embedder.convolution.weight", "conv1.weight"),
        ("embedder.embedder.normalization.running_var", "bn1.running_var"),
        (
            "resnet.encoder.stages.0.layers.2.layer.1.convolution.weight",
            "layer1.2.conv2.weight",
        ),
        ("encoder.stages.3.layers.0.layer.2.normalization.bias", "layer4.0.bn3.bias"),
        (
            "resnet.encoder.stages.1.layers.0.shortcut.convolution.weight",
            "layer2.0.downsample.0.weight",
        ),
        (
            "resnet.encoder.stages.2.layers.0.shortcut.normalization.running_mean",
            "layer3.0.downsample.1.running_mean",
        ),
        ("classifier.1.weight", "fc.weight"),
        ("resnet.pooler.weight", "resnet.pooler.weight"),  # of no rule: it stays
    ],
)
def test_names_of_hugging_face(theirs, ours):
    assert rename.renamed(theirs, rename.TABLES["huggingface"]) == ours


def test_old_names_of_torchvisions_densenet():
    old = {"features.denseblock2.denselayer12.norm.1.running_mean": 1, "features.conv0.weight": 2}
    assert rename.names_of(old) == "torchvision-2017"
    assert list(rename.to_ours(old)) == [
        "features.denseblock2.denselayer12.norm1.running_mean",
        "features.conv0.weight",
    ]


def test_a_net_whose_own_names_have_a_wrappers_prefix_takes_them_as_they_are():
    own = {"model.fc.weight": np.ones(2), "model.fc.bias": np.ones(1)}
    assert rename.for_net(own, own) == own
    assert list(rename.for_net(["fc.weight", "fc.bias"], own)) == ["fc.weight", "fc.bias"]
    assert rename.for_net(["other"], {"x.y": 1}) == {"x.y": 1}


def test_wrappers_may_be_nested():
    state = {"net": {"module._orig_mod.fc.weight": 1, "module._orig_mod.fc.bias": 2}, "acc": 93.1}
    assert rename.unwrapped(state) == {"fc.weight": 1, "fc.bias": 2}


def test_what_is_refused():
    with pytest.raises(ValueError, match="expected one of torchvision, huggingface"):
        rename.from_ours({}, "keras")
    with pytest.raises(ValueError, match=r"two names of 'fc\.weight'"):
        rename.to_ours({"linear.weight": 1, "fc.weight": 2}, "kuangliu")
    state = rename.from_ours(state_of("resnet20"), "akamaster")
    state["layer3.0.conv2.weight"] = np.zeros((3, 16, 3, 3))
    with pytest.raises(ValueError, match="expected 16 channels along axis 0"):
        rename.to_ours(state)
    del state["conv1.weight"]
    with pytest.raises(ValueError, match=r"there is no conv1\.weight"):
        rename.to_ours(state)
    with pytest.raises(ValueError, match="padded on both sides"):
        rename.to_ours(
            rename.from_ours(models.resnet(8, width=3).state_dict(), "torchvision"), "akamaster"
        )


@pytest.mark.parametrize(
    ("of", "into", "told"),
    [
        ("resnet34", "resnet18", "weights of resnet34; the net is resnet18"),
        (
            "resnet20 B",
            "resnet20",
            "resnet20 (projections: option B); the net is resnet20 or plain20 (no projections",
        ),
        ("resnet20 C", "resnet20 B", "option C); the net is resnet20 (projections: option B)"),
        ("preact164", "resnet110", "weights of preact_resnet164 (projections: option B"),
        ("resnet50", "resnet18", "resnet50 (1000 classes); the net is resnet18 (10 classes)"),
        ("plain34", "resnet34", "resnet34 or plain34 (no projections: option A, or a plain net"),
    ],
)
@pytest.mark.parametrize("names", ["torchvision", "huggingface"])
def test_a_wrong_file_is_told_what_it_is_of(of, into, told, names):
    weights = rename.from_ours(state_of(of), names)
    assert told in describe.mismatch(weights, state_of(into))


def test_nets_are_told_by_their_state():
    options = {
        "resnet20": {"shortcut": "B", "width": 4},
        "resnet34": {"width": 4},
        "resnet164": {"width": 2},
        "preact_resnet110": {"width": 2},
        "preact_resnet18": {"width": 4},
        "wide_resnet16_4": {"width": 2},
        "wide_resnet50_2": {"width": 4},
        "resnext29_8x64d": {"width": 4},
        "resnext50_32x4d": {"width": 16},
        "densenet40": {"growth": 2},
        "densenet_bc100": {"growth": 2},
        "densenet121": {"growth": 2},
        "mobilenet_v1": {"width": 0.25},
        "mobilenet_v2": {"width": 0.25},
    }
    for name, given in options.items():
        assert describe.kind_of(models.build(name, **given).state_dict()).name == name
    for name in ("plain20", "resnet20"):
        assert describe.kind_of(models.build(name).state_dict()).name == "resnet20 or plain20"


@pytest.mark.parametrize("seed", range(20))
def test_mutated_states_give_an_error_or_an_answer(seed):
    rng = random.Random(seed)
    others = ("resnet20", "resnet20 C", "resnet18", "preact164")
    state = dict(state_of(rng.choice(others)))
    if rng.random() < 0.5:
        state = {"module." + k: v for k, v in rename.from_ours(state, "huggingface").items()}
    for _ in range(rng.randint(1, 8)):
        name = rng.choice(list(state))
        match rng.randrange(5):
            case 0:
                state[name] = np.zeros([rng.randrange(3) for _ in range(rng.randrange(5))])
            case 1:
                state[name[: rng.randint(0, len(name))]] = state.pop(name)
            case 2:
                part = rng.choice("123.lw")
                new = name.replace(part, rng.choice(["9" * 30, "..", "-1", "٣"]))
                state[new] = state.pop(name)
            case 3:
                state[name] = rng.choice(["text", None, 3, [[1], [2, 3]]])
            case _:
                state[rng.choice([3, None, ("a",)])] = state.pop(name)
    net = state_of("resnet20")
    assert rename.names_of(state) in (*rename.TABLES, "unknown")
    assert isinstance(describe.mismatch(state, net), str)
    with contextlib.suppress(ValueError):
        rename.for_net(net, state)


def test_another_number_of_classes_is_told_how_to_keep_the_head():
    told = describe.mismatch(state_of("resnet18"), models.resnet18(width=4).state_dict())
    assert "resnet18 (10 classes); the net is resnet18 (1000 classes)" in told
    assert "leave fc.weight and fc.bias out" in told


def test_what_is_of_no_family_is_said_to_be():
    assert describe.kind_of({"a": 1}) is None
    told = describe.mismatch({"a": np.ones(3)}, state_of("resnet18"))
    assert told == "these weights are of no family that is known here"
    headless = {k: v for k, v in state_of("resnet18").items() if not k.startswith("fc")}
    assert "resnet18 (no classifier)" in describe.mismatch(headless, state_of("resnet18"))
    assert describe.mismatch({"a": 1}, {"b": 2}) == ""


def test_a_name_of_a_million_wrappers_is_no_hang():
    state = {"module." * 1_000_000 + "fc.weight": np.zeros((2, 2))}
    (name,) = rename.to_ours(state)
    assert name.startswith("module.")
    assert list(rename.to_ours({"module._orig_mod.model.fc.weight": 0})) == ["fc.weight"]
