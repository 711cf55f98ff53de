"""`minires export`: what it writes and prints, and what it refuses."""

import json
import textwrap

import numpy as np
import pytest

from minires import models, weights
from minires.__main__ import main

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install minires[onnx]")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install minires[onnx]")


def initializers(path):
    return {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}


def test_a_net_by_name_with_weights(tmp_path, capsys):
    net = models.resnet(20, width=4, shortcut="B", seed=3)
    file = weights.save(tmp_path / "w.safetensors", net)
    out = tmp_path / "net.onnx"
    options = ["--option", "width=4", "--option", "shortcut=B", "--input", "3x16x16"]
    assert main(["export", "resnet20", str(out), *options, "--weights", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"weights: {file}" in said
    assert f"wrote {out}: 73 nodes" in said
    assert "max |a - b| / max |b| = " in said
    np.testing.assert_array_equal(initializers(out)["fc.weight"], net.fc.weight.data)
    assert "options" in {p.key for p in onnx.load(out).metadata_props}


def test_json_batch_and_opset(tmp_path, capsys):
    out = tmp_path / "net.onnx"
    call = ["export", "mlp_stack", str(out), "--option", "depth=2", "--batch", "3", "--json"]
    assert main([*call, "--opset", "18"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["difference"] < 1e-5
    assert (said["opset"], said["weights"], said["path"]) == (18, None, str(out))


def test_a_file_of_weights_tells_its_net(tmp_path, capsys):
    net = models.resnet18(num_classes=3, seed=0)
    file = weights.save(tmp_path / "w.npz", net)
    call = ["export", str(file), str(tmp_path / "net.onnx"), "--input", "3x32x32"]
    assert main(call) == 0
    assert f"weights: {file}" in capsys.readouterr().out
    found = initializers(tmp_path / "net.onnx")
    np.testing.assert_array_equal(found["layer4.1.conv2.weight"], net.layer4[1].conv2.weight.data)


def test_a_net_of_ones_own(tmp_path, capsys):
    source = """
        from minires import nn

        def make(width=3):
            return nn.Sequential(nn.Flatten(), nn.Linear(12, width))
        """
    (tmp_path / "mine.py").write_text(textwrap.dedent(source), encoding="utf-8")
    call = ["export", f"{tmp_path}/mine.py:make", str(tmp_path / "net.onnx")]
    assert main(call) == 2
    assert "--input: tell the shape of one input" in capsys.readouterr().err
    assert main([*call, "--input", "3x2x2", "--option", "width=5"]) == 0
    assert initializers(tmp_path / "net.onnx")["1.weight"].shape == (5, 12)


def test_what_is_refused(tmp_path, capsys):
    out = str(tmp_path / "net.onnx")
    plain = weights.save(tmp_path / "plain.npz", models.plain20(width=4))
    other = weights.save(tmp_path / "other.npz", {"a": np.ones(3)})
    cases = {
        ("resnet21", out): "no net is called 'resnet21'",
        (str(plain), out): "weights look like those of resnet20 or plain20",
        (str(other), out): "are of no net that is known here; name the net: minires export NET",
        (str(plain), out, "--option", "width=4"): "tells the net and its options; leave them out",
        ("resnet20", out, "--weights", str(other)): "these weights are of no family",
        ("resnet20", out, "--opset", "12"): "opset: expected at least 13",
        ("resnet20", out, "--option", "width=2", "--option", "width=4"): "a key is given twice",
        ("resnet20", str(tmp_path), "--option", "width=2"): "Is a directory",
    }
    for call, told in cases.items():
        assert main(["export", *call]) == 2, call
        assert told in capsys.readouterr().err, call
    with pytest.raises(SystemExit):
        main(["export", "resnet20", out, "--batch", "0"])
    assert "expected a positive integer, got '0'" in capsys.readouterr().err
    assert not (tmp_path / "net.onnx").exists()
