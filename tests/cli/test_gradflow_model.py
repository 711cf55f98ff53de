"""`minires gradflow --model`: the user's own net, and what they are told when it cannot run."""

import json

import pytest

from minires.__main__ import main

MINE = """
import numpy as np
import minires as mr
from minires import nn


def make_net():
    return nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4))


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


class Wrong(Digits):
    def forward(self, x):
        return self.head(x).nothing


made = make_net()


def three():
    return 3
"""
MORE = """

def batch():
    return np.ones((4, 12)), np.zeros((4, 4))


def loss(output, y):
    return ((output - y) ** 4).sum()


def optimizer(net):
    return mr.optim.SGD(net.parameters(), lr=0.001)
"""


def call(tmp_path, capsys, text, name, *options):
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    arguments = ["gradflow", "--model", f"{tmp_path}/mine.py:{name}", "--out", f"{tmp_path}/out"]
    status = main([*arguments, *options])
    return status, capsys.readouterr()


def test_a_net_of_the_users_own_is_measured_and_diagnosed(tmp_path, capsys):
    status, told = call(tmp_path, capsys, MINE, "Digits")
    assert status == 0
    assert "Healthy: no ailment found" in told.out
    assert (tmp_path / "out" / "profile.png").exists()


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("name", ["make_net", "made"])
def test_the_file_may_have_a_batch_a_loss_and_an_optimiser(tmp_path, capsys, name):
    status, told = call(tmp_path, capsys, MINE + MORE, name, "--json")
    document = json.loads(told.out)
    assert status == 0
    assert [row["name"] for row in document["layers"]] == ["0", "2"]
    assert all(row["update_ratio"] > 0 for row in document["layers"])


@pytest.mark.usefixtures("unrendered")
def test_other_shapes_get_normal_numbers(tmp_path, capsys):
    status, told = call(tmp_path, capsys, MINE, "make_net", "--input", "12", "--json")
    first = json.loads(told.out)["layers"][0]
    assert status == 0
    assert 0.9 < first["forward_rms"] < 1.1


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "make_net",
            (),
            ("make_net raised x has 8 features", "1x8x8 fit? --input 64 gives"),
        ),
        ("Wrong", ("--input", "64"), ("Wrong raised AttributeError", "mine.py, line 22)")),
        ("three", (), ("three() returned int", "a net of minires or of PyTorch")),
        ("mak_net", (), ("has no mak_net; did you mean make_net?",)),
        ("Digits", ("--depths", "8"), ("--depths is for nets that minires makes",)),
        ("Digits", ("--batch-size", "5000"), ("--batch-size: expected at most 1500",)),
        ("", (), ("expected FILE.py:NAME",)),
    ],
)
def test_what_cannot_run_is_told_in_the_users_words(tmp_path, capsys, name, options, said):
    status, told = call(tmp_path, capsys, MINE, name, *options)
    assert status == 2
    assert not told.out
    for words in said:
        assert words in told.err
    assert not (tmp_path / "out").exists()


def test_input_needs_a_model(capsys):
    assert main(["gradflow", "--input", "3"]) == 2
    assert "--model FILE.py:NAME" in capsys.readouterr().err
