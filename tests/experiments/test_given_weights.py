"""Reproductions of given weights: which file it was is kept, and its classes are asked for."""

import json

import pytest

from minires import models, weights
from minires.experiments import reproductions
from minires.experiments.reproductions import Form, running


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


def form(path, out):
    return Form(data="digits", out=out, weights={"resnet20": str(path)})


@pytest.mark.parametrize("name", ["lesion", "transfer"])
def test_a_file_with_other_weights_is_another_run(tmp_path, name):
    """What `running` compares before it takes a finished run."""
    path = tmp_path / "m.safetensors"

    def settings():
        return reproductions.find(name).arms(form(path, tmp_path))[0].settings

    save(path)
    first = settings()
    assert settings() == first
    save(path, seed=1)
    assert settings() != first


def test_a_net_of_other_classes_is_refused(tmp_path):
    save(tmp_path / "m.safetensors", classes="abcdefghij")
    chosen, given = reproductions.find("lesion"), form(tmp_path / "m.safetensors", tmp_path)
    with pytest.raises(ValueError, match="digits has other classes than the given net"):
        list(running.stream(chosen, given, chosen.arms(given), 1))
    assert not list(tmp_path.glob("runs/*"))
