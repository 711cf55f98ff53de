"""The demonstration that the same weights give the same logits, on files that PyTorch writes."""

import numpy as np
import pytest

from benchmarks import peers, same_logits, torch_models
from minires import models, weights

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


def a_file(path, net, kind):
    """Let PyTorch write the weights of a net of its own, with moved statistics, as a .pth."""
    twin = torch_models.build(net, kind)
    torch.manual_seed(0)
    for module in twin.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save(twin.state_dict(), path)
    return str(path)


def test_logits_of_a_file_of_pytorchs(tmp_path, capsys):
    file = a_file(tmp_path / "resnet20.pth", models.resnet20(seed=0), "cifar")
    assert same_logits.main([file, "--images", "2", "--size", "16"]) == 0
    said = capsys.readouterr().out
    assert "resnet20, 269,722 parameters" in said
    assert "same class for 2 of 2 images" in said
    assert float(said.split("max |b| = ")[1].split()[0]) < same_logits.BAR


@pytest.mark.slow
def test_resnet18_of_imagenets_size(tmp_path, capsys):
    file = a_file(tmp_path / "resnet18.pth", models.resnet18(seed=0), "imagenet")
    assert same_logits.main([file, "--images", "2"]) == 0
    assert "resnet18, 11,689,512 parameters" in capsys.readouterr().out


def test_a_difference_is_told(tmp_path, capsys, monkeypatch):
    file = a_file(tmp_path / "net.pth", models.resnet20(seed=0), "cifar")
    real = weights.load_into

    def wrong(net, source):
        real(net, source)
        net.fc.bias.update_(net.fc.bias.data + np.float32(0.01))

    monkeypatch.setattr(weights, "load_into", wrong)
    assert same_logits.main([file, "--size", "16"]) == 1


def test_without_pytorch_and_with_a_wrong_file(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(peers, "torch", lambda: None)
    file = str(weights.save(tmp_path / "w.npz", models.resnet20(seed=0)))
    assert same_logits.main([file, "--size", "16"]) == 0
    assert "our logits alone" in capsys.readouterr().out
    assert same_logits.main([file, "--model", "resnet18"]) == 2
    assert "these look like weights of resnet20 or plain20" in capsys.readouterr().err
    assert same_logits.main([str(tmp_path / "none.pth")]) == 2
    assert "none.pth" in capsys.readouterr().err
