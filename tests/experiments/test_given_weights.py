"""Reproductions of given weights: which file it was is kept, and its classes are those asked for."""

import json

import pytest

from minires import models, weights
from minires.experiments import reproductions
from minires.experiments.reproductions import Form, ensembles, running


def save(path, seed=0, classes="0123456789"):
    net = models.resnet20(width=2, in_channels=1, num_classes=len(classes), seed=seed)
    said = {
        "kind": "minires model",
        "model": "resnet20",
        "options": '{"width": 2}',
        "classes": json.dumps(list(classes)),
        "shape": "[8, 8, 1]",
        "normalise": '{"mean": [0.5], "std": [0.5]}',
    }
    weights.save(path, net, said)


@pytest.fixture(autouse=True)
def _few_images(monkeypatch):
    monkeypatch.setattr(ensembles, "TESTED", 40)


def measured(path, out):
    form = Form(data="digits", out=out, weights={"resnet20": str(path)})
    chosen = reproductions.find("lesion")
    (result,) = running.stream(chosen, form, chosen.arms(form), 1)
    return result.value


def test_a_file_with_other_weights_is_measured_again(tmp_path):
    path = tmp_path / "m.safetensors"
    save(path)
    first = measured(path, tmp_path)
    assert measured(path, tmp_path) == first
    save(path, seed=1)
    assert measured(path, tmp_path) != first


def test_a_net_of_other_classes_is_refused(tmp_path):
    save(tmp_path / "m.safetensors", classes="abcdefghij")
    with pytest.raises(ValueError, match="digits has other classes than the given net"):
        measured(tmp_path / "m.safetensors", tmp_path)
    assert not list(tmp_path.glob("runs/*"))
