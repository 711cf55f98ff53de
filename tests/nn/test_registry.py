"""The registry: every public net is in it, and what it says of a net is what a build shows."""

import inspect

import numpy as np
import pytest

import minires as mr
from minires import models
from minires.models.catalogue import ENTRIES, MEANINGS

LARGE = 3_000_000  # parameters, from which a build takes seconds
GENERAL = {  # of any depth: these have no name of their own
    "densenet",
    "imagenet_densenet",
    "imagenet_resnet",
    "plain",
    "resnet",
    "wide_resnet",
}


def cases():
    return [
        pytest.param(e, id=e.name, marks=[pytest.mark.slow] * (e.parameters > LARGE))
        for e in ENTRIES
    ]


def weight_layers(net):
    """Count the layers on the way through branches: convolutions and linear ones."""
    return sum(
        isinstance(m, mr.nn.Conv2d | mr.nn.Linear)
        for name, m in net.named_modules()
        if "downsample" not in name and "shortcut" not in name
    )


@pytest.mark.parametrize("entry", cases())
def test_what_is_registered_is_what_is_built(entry):
    net = models.build(entry.name, seed=0).eval()
    x = mr.tensor(np.zeros((1, *entry.input_shape()), np.float32))
    with mr.no_grad(), mr.watching(mr.FlopCounter()) as counter:
        y = net(x)
    products = sum(counter.forward[name] for name in ("Conv2d", "Linear", "MatMul"))
    found = sum(p.size for p in net.parameters()), products // 2, weight_layers(net), y.shape
    output = (entry.family.classes,) if entry.family.classes else y.shape[1:]
    assert found == (entry.parameters, entry.macs, entry.layers, (1, *output))


def test_every_public_builder_is_registered_once():
    builders = {
        name
        for name in models.__all__
        if inspect.isfunction(f := getattr(models, name))
        and f.__module__ != "minires.models.registry"
        and isinstance(kind := inspect.signature(f, eval_str=True).return_annotation, type)
        and issubclass(kind, mr.nn.Module)
    }
    assert sorted(builders - GENERAL) == models.names()
    assert len(set(models.names())) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_every_option_has_a_meaning(entry):
    assert set(entry.options) <= {*MEANINGS, *entry.family.means}


def test_options_reach_the_net():
    net = models.build("resnet20", width=4, num_classes=3, in_channels=1, shortcut="B", seed=1)
    same = models.resnet20(width=4, num_classes=3, in_channels=1, shortcut="B", seed=1)
    assert all(np.array_equal(v, same.state_dict()[k]) for k, v in net.state_dict().items())
    assert models.registry.find("resnet20").input_shape(in_channels=1) == (1, 32, 32)
    assert models.registry.find("mlp_stack").input_shape(width=8) == (8,)
    assert models.build("mlp_stack", depth=4).stem is not None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnet2O", "did you mean resnet32 or resnet20"),
        ("ResNet-50", "did you mean resnet50"),
        ("vgg", "minires models"),
        ("", "minires models"),
    ],
)
def test_an_unknown_name_is_told_its_neighbours(name, told):
    with pytest.raises(ValueError, match=told):
        models.build(name)


def test_an_option_that_a_net_does_not_take_is_named():
    with pytest.raises(TypeError, match=r"resnet20 takes no option 'wdith'.*did you mean 'width'"):
        models.build("resnet20", wdith=3)
    with pytest.raises(TypeError, match="plain20 takes no option 'skip'; it takes shortcut"):
        models.build("plain20", skip=True)
    with pytest.raises(TypeError, match="resnet20 takes no option 'depth'"):
        models.build("resnet20", depth=3)
    with pytest.raises(TypeError, match="expected the name of a net, got None"):
        models.build(None)
