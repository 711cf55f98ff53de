"""`minires models` and `minires summary`."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from minires import models
from minires.__main__ import main
from minires.models.catalogue import ENTRIES

SMALL = ["resnet20", "--option", "width=4", "--input", "3x16x16"]


def test_models_lists_every_net_by_family(capsys):
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    for entry in ENTRIES:
        assert f"  {entry.name} " in text
        assert f" {entry.parameters:,} " in text
        assert entry.family.title in text
    assert max(map(len, text.splitlines())) <= 90
    assert "arXiv 1512.03385" in text


def test_models_as_json(capsys):
    assert main(["models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["name"] for f in found] == [e.name for e in ENTRIES]
    assert main(["models", "resnet18", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert (one["parameters"], one["macs"]) == (11_689_512, 1_814_073_344)
    assert one["options"]["shortcut"]["default"] == "B"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_models_tells_the_options_of_a_net(capsys, entry):
    assert main(["models", entry.name]) == 0
    text = capsys.readouterr().out
    for key, value in entry.options.items():
        assert f"  {key}={value!r}" in text


def test_summary_takes_the_nets_own_input_and_options(capsys):
    assert main(["summary", "resnet20", "--depth", "1"]) == 0
    text = capsys.readouterr().out
    assert "input 3×32×32, batch 1, float32" in text
    assert "parameters  269,722" in text
    assert "MACs        40,551,040" in text
    options = ["--option", "in_channels=1", "--option", "shortcut=B", "--option", "width=4"]
    assert main(["summary", "resnet20", *options, "--batch", "2", "--dtype", "float64"]) == 0
    text = capsys.readouterr().out
    assert "input 1×32×32, batch 2, float64" in text
    net = models.resnet20(in_channels=1, shortcut="B", width=4)
    assert f"parameters  {sum(p.size for p in net.parameters()):,}" in text


def test_summary_as_json(capsys):
    assert main(["summary", *SMALL, "--times", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for name in ("parameters", "macs", "kept", "forward", "backward"):
        assert sum(row[name] for row in found["layers"]) == pytest.approx(found["total"][name])
        assert found["total"][name] > 0
    assert found["timed passes"] > 1
    assert found["machine"]
    assert found["layers"][0]["output shapes"] == [[1, 10]]  # beside "outputs", in bytes


def test_summary_of_a_net_of_ones_own(capsys, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from minires import nn\n"
        "def net(width=8):\n    return nn.Sequential(nn.Linear(4, width), nn.ReLU())\n"
        "def number():\n    return 3\n",
        encoding="utf-8",
    )
    assert main(["summary", f"{file}:net", "--input", "4", "--option", "width=16"]) == 0
    assert "parameters  80" in capsys.readouterr().out
    for given, told in (
        ([f"{file}:nett", "--input", "4"], "did you mean net?"),
        ([f"{file}:number", "--input", "4"], "number returned int, not a Module"),
        ([f"{file}:net"], "--input"),
        ([f"{file}"], ":FUNCTION"),
        ([f"{file}:net", "--input", "4", "--option", "size=3"], "size"),
        ([f"{tmp_path / 'none.py'}:net", "--input", "4"], "there is no file"),
    ):
        assert main(["summary", *given]) == 2
        assert told in capsys.readouterr().err
    file.write_text("1 / 0\n", encoding="utf-8")
    assert main(["summary", f"{file}:net", "--input", "4"]) == 2
    assert "does not run: ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["resnet21"], "did you mean"),
        (["resnet20", "--input", "1x32x32"], "layer conv1"),
        (["resnet20", "--input", "3x32"], "layer conv1"),
        (["resnet20", "--input", "3x32x32", "--input", "10"], "the net itself"),
        (["resnet20", "--option", "wdith=3"], "did you mean 'width'"),
        (["resnet20", "--option", "width=wide"], "width: expected"),
        (["resnet20", "--option", "width=1", "--option", "width=2"], "twice"),
        (["resnet20", "--batch", "100000000"], "smaller"),
        (["resnet20", "--weights", "none.safetensors"], "none.safetensors"),
    ],
)
def test_summary_of_what_is_wrong(capsys, given, told):
    assert main(["summary", *given]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--input", "3x-1"], "e.g. 3x224x224"),
        (["--input", "ax3"], "e.g. 3x224x224"),
        (["--input", ""], "e.g. 3x224x224"),
        (["--option", "width"], "KEY=VALUE"),
        (["--option", "=3"], "KEY=VALUE"),
        (["--depth", "0"], "positive integer"),
        (["--batch", "-1"], "positive integer"),
    ],
)
def test_summary_refuses_arguments(capsys, given, told):
    with pytest.raises(SystemExit, match="2"):
        main(["summary", "resnet20", *given])
    assert told in capsys.readouterr().err


def test_weights_must_fit(capsys, tmp_path):
    file = tmp_path / "w.npz"
    np.savez(file, **models.resnet20(width=4).state_dict())
    assert main(["summary", *SMALL, "--weights", str(file)]) == 0
    assert main(["summary", "resnet32", "--option", "width=4", "--weights", str(file)]) == 2
    assert "layer1.3" in capsys.readouterr().err
    assert main(["summary", *SMALL, "--weights", str(tmp_path)]) == 2
    assert "is a folder; name a file of weights in it" in capsys.readouterr().err


def test_a_pipe_and_a_terminal_without_unicode(tmp_path):
    env = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "70"}
    command = [sys.executable, "-m", "minires", "summary", *SMALL, "--depth", "2"]
    done = subprocess.run(command, env=env, capture_output=True, check=True, timeout=100)
    lines = done.stdout.decode("ascii").splitlines()
    assert lines[3].startswith("layer    type              output")
    assert lines[3].endswith("of MACs")  # 100 columns, whatever COLUMNS says
    assert set(lines[4]) == {"-"}
    assert "  0 ~ 2  3 x BasicBlock" in done.stdout.decode()
