"""Weights that come with minires: what they say of themselves, which options they refuse."""

import json
import sys

import numpy as np
import pytest

from minires import models, weights
from minires.weights import shipped

NORMALISE = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.25]}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with weights of a ResNet-20, as `minires train` writes them."""
    monkeypatch.setattr(shipped, "FILES", tmp_path)
    net = models.resnet20(seed=3)
    notes = {
        "model": "resnet20",
        "options": json.dumps({}),
        "classes": json.dumps(["cat", "dog"]),
        "normalise": json.dumps(NORMALISE),
        "data": "cifar10",
    }
    weights.save(tmp_path / "resnet20_cifar10.safetensors", net, notes)
    return tmp_path


def test_a_net_with_its_weights(files):
    net = models.resnet20(weights="cifar10", width=16, seed=5)  # what the weights are of
    expected = models.resnet20(seed=3).state_dict()
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert models.build("resnet20", weights="cifar10").fc.bias.data.shape == (10,)
    found = weights.pretrained("resnet20", "cifar10")
    assert found.classes == ("cat", "dog")
    assert found.metadata["data"] == "cifar10"
    np.testing.assert_array_equal(found.normalise.mean, np.float32(NORMALISE["mean"]))
    np.testing.assert_array_equal(found.normalise.std, np.float32(NORMALISE["std"]))


def test_the_same_without_the_library(files, monkeypatch):
    first = weights.pretrained("resnet20", "cifar10")
    monkeypatch.setitem(sys.modules, "safetensors", None)  # as in a browser
    second = weights.pretrained("resnet20", "cifar10")
    assert second.metadata == first.metadata
    assert list(second.state) == list(first.state)
    for name, value in second.state.items():
        np.testing.assert_array_equal(value, first.state[name], err_msg=name)
        assert value.dtype == first.state[name].dtype


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 8}, "are of a net with width=16, got width=8; leave out one of the two$"),
        ({"num_classes": 5}, r"num_classes=10, got num_classes=5;.*replace net\.fc"),
        ({"shortcut": "B"}, "shortcut='A', got shortcut='B'"),
        ({"order": "preact"}, "order='original', got order='preact'"),
        ({"init": "xavier"}, "init='he', got init='xavier'"),
    ],
)
def test_options_that_contradict_the_weights(files, options, message):
    with pytest.raises(ValueError, match=message):
        models.resnet20(weights="cifar10", **options)


def test_weights_of_a_net_with_options(files):
    path = files / "resnet20_cifar10.safetensors"
    net = models.resnet20(shortcut="B", width=8)
    weights.save(path, net, {"options": json.dumps({"shortcut": "B", "width": 8})})
    models.resnet20(weights="cifar10", shortcut="B", width=8)
    with pytest.raises(ValueError, match="width=8, got width=16"):
        models.resnet20(weights="cifar10", shortcut="B", width=16)
    with pytest.raises(ValueError, match=r"cifar10\.safetensors does not say its 'classes'"):
        _ = weights.pretrained("resnet20", "cifar10").classes


def test_weights_that_there_are_not(files, tmp_path):
    with pytest.raises(ValueError, match=r"no weights 'imagenet'.*resnet20 with weights='cifar10'"):
        models.resnet20(weights="imagenet")
    with pytest.raises(ValueError, match=r"no weights '\.\./x' of resnet20"):
        models.resnet20(weights="../x")
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"nor any others\. Train it \(minires train --model"):
        weights.pretrained("resnet20", "cifar10")


def test_what_really_comes_with_minires():
    """Each file loads, says what its use needs, and has a card."""
    for model, data in shipped.names():
        found = weights.pretrained(model, data)
        net = models.build(model, weights=data)
        assert net.fc.weight.shape[0] == len(found.classes)
        assert found.normalise.mean.shape[-1] == 3
        assert {"data", "recipe", "test_error", "command"} <= set(found.metadata)
        assert found.path.with_suffix(".md").is_file()
