"""`minires gradcheck`: every kernel and layer on the backends, exit codes, JSON."""

import json

import pytest

from minires.__main__ import main
from minires.gradcheck import report as gradcheck_report
from minires.gradcheck.diagnosis import Diagnosis
from minires.gradcheck.targets import kernel_targets
from minires_kernels import Version, backends, specs


def call(*arguments):
    try:
        return main(["gradcheck", *arguments])
    except SystemExit as stop:  # argparse
        return stop.code


@pytest.mark.slow  # of the reference, test_kernel_gradients.py tries every kernel
def test_everything_passes(capsys):
    backend = "cpu"
    code = call("--backend", backend, "--json")
    document = json.loads(capsys.readouterr().out)
    failed = [(r["target"], r["case"]) for r in document["reports"] if r["verdict"] != "PASS"]
    assert failed == []
    assert code == 0
    assert document["backend"] == backend
    checked = {r["target"] for r in document["reports"]}
    for name, versions in backends.load(backend).KERNELS.items():
        if specs()[name].gradients:
            assert {f"{name} v{v.number}" for v in versions} <= checked
    assert {"Linear", "Conv2d", "BatchNorm2d", "CrossEntropyLoss", "resnet8", "plain8"} <= checked


def test_every_kernel_has_a_target():
    names = {t.name.split(" ")[0] for t in kernel_targets("reference")}
    assert names == {name for name, spec in specs().items() if spec.gradients}


def test_names_choose(capsys):
    assert call("relu", "MaxPool2d", "--backend", "reference") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == ["relu v1", "MaxPool2d"]
    assert all(line.endswith("PASS") for line in lines[:2])
    assert lines[2].startswith("v1, v2, …: versions of a kernel")
    assert "2 of 2 passed" in lines[-1]


def test_verbose_prints_the_tables(capsys):
    assert call("relu", "--backend", "reference", "--verbose") == 0
    printed = capsys.readouterr().out
    assert "analytic" in printed
    assert "rule:" in printed


def test_list(capsys):
    assert call("--list", "--backend", "reference") == 0
    printed = capsys.readouterr().out
    assert "kernel  conv2d v1" in printed
    assert "layer   BatchNorm2d" in printed
    assert call("--list", "--json", "--mutants") == 0
    assert "mutant relu: sign" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv3d"], "nothing to check is called 'conv3d'; there are conv2d"),
        (["relu", "Relu"], "'Relu'"),
        (["--mutants", "Linear"], "'Linear'"),
        (["--mutants", "--backend", "cpu"], "--mutants"),
        (["--backend", "gpu"], "invalid choice"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_wrong_calls_exit_2(arguments, message, capsys):
    assert call(*arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def broken(backward, **changes):
    relu = backends.load("reference").KERNELS["relu"][0]
    return (Version(1, relu.idea, changes.get("forward", relu.forward), backward),)


def crashing(dy, y):
    raise ZeroDivisionError("of course")


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda dy, y: -dy * (y > 0), "hint: x: analytic = -numeric"),
        (lambda dy, y: dy * (y > 0) * (1 if dy.dtype == "f8" else 1.001), "hygiene: float32"),
        (crashing, "ZeroDivisionError: of course"),
    ],
    ids=["sign", "float32 only", "exception"],
)
def test_a_broken_kernel_exits_1_with_its_table(backward, message, monkeypatch, capsys):
    kernels = backends.load("reference").KERNELS
    monkeypatch.setattr(backends, "_cache", {})
    monkeypatch.setattr(gradcheck_report, "diagnose", lambda subject: Diagnosis())  # the table only
    monkeypatch.setitem(kernels, "relu", broken(backward))
    assert call("relu", "global_avg_pool2d", "--backend", "reference") == 1
    printed = capsys.readouterr().out
    assert message in printed
    assert "1 of 2 passed" in printed  # the other is still checked
    if backward is crashing:
        assert call("relu", "--backend", "reference", "--json") == 1
        assert json.loads(capsys.readouterr().out)["failed"] == 1


def test_a_version_that_supports_no_case_fails(monkeypatch, capsys):
    kernels = backends.load("reference").KERNELS
    relu = kernels["relu"][0]
    never = Version(1, relu.idea, relu.forward, relu.backward, lambda *a, **k: False)
    monkeypatch.setattr(backends, "_cache", {})
    monkeypatch.setitem(kernels, "relu", (never,))
    assert call("relu", "--backend", "reference") == 1
    assert "no case" in capsys.readouterr().out


def test_mutants(capsys):
    assert call("--mutants", "relu") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(" rejected " in line for line in lines[:3])
    assert "3 of 3 rejected" in lines[-1]
    assert call("--mutants", "--json", "relu") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["missed"] == 0
    assert [r["rejected"] for r in document["reports"]] == [True] * 3


def test_a_missed_mutant_exits_1(monkeypatch, capsys):
    from minires.gradcheck import mutants

    real = mutants.mutants(0)[0]
    harmless = mutants.Mutant(
        "none: unchanged", "other", real.forward, real.right, real.right, real.arrays
    )
    monkeypatch.setattr(mutants, "mutants", lambda seed: [harmless])
    assert call("--mutants") == 1
    assert "MISSED" in capsys.readouterr().out
