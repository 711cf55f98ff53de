"""The commands of the experiments: what they print, before which work they refuse, and Ctrl-C."""

import json
import re

import pytest

import minires as mr
from minires.__main__ import main
from minires.experiments import degradation as training
from minires.experiments import gradflow as measuring
from minires.experiments.columns import COLUMNS


def call(*arguments):
    try:
        return main(arguments)
    except SystemExit as stop:  # argparse
        return stop.code


SMALL = {
    "gradflow": ("gradflow", "--depths", "4,6", "--seeds", "1", "--width", "8"),
    "degradation": ("degradation", "--depths", "4,6", "--seeds", "1", "--width", "8",
                    "--epochs", "2"),
}  # fmt: skip


def test_the_main_job_shows_vanishing_then_batch_norm(tmp_path, capsys):
    assert call("gradflow", "--depths", "20", "--seeds", "2", "--out", str(tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if "layers" in line and "twins" in line]
    assert said[0].startswith("PyTorch's default init, no normalisation: 20 plain layers lose 8.")
    assert said[0].endswith(" decades, their residual twins 0.4.")
    assert said[1].startswith("PyTorch's default init, batch norm: 20 plain layers gain 1.")
    assert any("residual ones explode: `minires gradflow --init he`" in line for line in lines)
    assert not any("residual" in line and "lessons run" in line for line in lines)
    header, *_ = lines
    assert "note" not in header  # there is none
    assert all(any(line.startswith(word) for line in lines) for word in ("dx  ", "decades lost  "))
    assert {"dx at input", "dx at loss"} <= set(re.split("  +", header))
    assert {p.name for p in tmp_path.iterdir()} == {
        "gradflow.png", "gradflow.svg", "layers.csv", "blocks.csv", "run.json",
        "runs",
    }  # fmt: skip
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert {r["init"] for r in document["runs"]} == {"default"}
    svg = (tmp_path / "gradflow.svg").read_text(encoding="utf-8")
    assert "decades of the gradient, their residual twins 0.4" in svg
    assert "theory: × 0.408 a layer" in svg


@pytest.mark.slow
def test_56_plain_layers_lose_22_decades_and_their_residual_twins_a_third_of_one(tmp_path, capsys):
    assert call("gradflow", "--out", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "56 plain layers lose 22 decades, their residual twins 0.3." in printed
    assert "56 plain layers gain 4.8 decades, their residual twins 1.7." in printed


@pytest.mark.parametrize("command", SMALL)
def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    command, tmp_path, monkeypatch, capsys
):
    def work(*_arguments):
        raise AssertionError("worked")

    monkeypatch.setattr(measuring, "measure", work)
    monkeypatch.setattr(training, "train", work)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert call(*SMALL[command], "--out", str(tmp_path / "file")) == 2
    assert f"{tmp_path / 'file'} is a file; name another folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("command", SMALL)
@pytest.mark.parametrize("after", [0, 2])
def test_ctrl_c_keeps_what_is_done(command, after, tmp_path, monkeypatch, capsys):
    module, name = {"gradflow": (measuring, "measure"), "degradation": (training, "train")}[command]
    work, calls = getattr(module, name), []

    def interrupted(*arguments):
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(arguments)
        return work(*arguments)

    monkeypatch.setattr(module, name, interrupted)
    if after == 0:
        with pytest.raises(KeyboardInterrupt):
            call(*SMALL[command], "--out", str(tmp_path))
        assert list(tmp_path.iterdir()) == []
        return
    assert call(*SMALL[command], "--out", str(tmp_path)) == 130
    printed = capsys.readouterr()
    asked = {"gradflow": 8, "degradation": 4}[command]
    assert f"interrupted: 2 of {asked} nets" in printed.err
    assert "wrote" in printed.out
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert len(document["runs"]) == 2
    assert document["arguments"]["nets_asked"] == asked


@pytest.mark.usefixtures("unrendered")
def test_what_becomes_of_an_earlier_run_is_said(tmp_path, capsys):
    for command, said in (
        ("gradflow", ""),
        ("gradflow", "these replace the results of an earlier run"),
        ("degradation", "another kind: gradflow.png gradflow.svg layers.csv blocks.csv\n"),
    ):
        assert call(*SMALL[command], "--out", str(tmp_path)) == 0
        printed = capsys.readouterr().out
        assert said in printed
        assert ("earlier run" in printed) == bool(said)


@pytest.mark.parametrize("command", SMALL)
def test_help_explains_the_columns_and_the_layers(command, capsys):
    assert call(command, "--help") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "mlp-8 has 10 weight layers" in printed
    shown = "dx_norm" if command == "gradflow" else "train_error"
    assert f"{shown} {COLUMNS[shown]}" in printed


def test_the_experiments_are_there_after_import_minires():
    assert mr.gradflow.run is measuring.run
    assert mr.degradation.run is training.run
    assert mr.record.Recorder.__name__ == "Recorder"
    assert {"gradflow", "degradation", "record"} <= set(dir(mr))
    with pytest.raises(AttributeError, match="no attribute 'gradflows'"):
        mr.gradflows  # noqa: B018


@pytest.mark.usefixtures("unrendered")
def test_the_two_experiments_have_a_folder_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ("--depths", "4", "--seeds", "1", "--width", "8", "--batch-size", "1024")
    assert call("gradflow", *small) == 0
    measured = (tmp_path / "out" / "run.json").read_bytes()
    assert call("gradflow", *small, "--train", "--norm", "bn") == 0
    assert call("degradation", *small, "--epochs", "1") == 0
    assert (tmp_path / "out" / "run.json").read_bytes() == measured
    trained = json.loads((tmp_path / "out/degradation/run.json").read_text(encoding="utf-8"))
    assert trained["experiment"] == "degradation"
    capsys.readouterr()
