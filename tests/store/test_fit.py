"""`minires train --record` keeps its records and curves in a store."""

import json

import pytest

from minires.__main__ import main
from minires.store import Store
from minires.train import finish

TRAIN = ("train", "--data", "digits", "--model", "plain20", "--option", "width=2", "--iterations",
         "4", "--batch-size", "16", "--quiet")  # fmt: skip


@pytest.fixture(autouse=True)
def no_curves(monkeypatch):
    monkeypatch.setattr(finish.curves, "render", lambda *_: {})


def test_records_and_curves_are_kept_and_seeds_add_to_them(tmp_path, capsys):
    there = Store(tmp_path / "s")
    for seed in ("0", "1"):
        out = tmp_path / seed
        asked = [*TRAIN, "--record", "2", "--seed", seed, "--out", str(out)]
        assert main([*asked, "--store", str(there.path)]) == 0
        assert f"kept in {there.runs_path}" in capsys.readouterr().out
    runs = there.runs()
    assert [r.seed for r in runs] == [0, 1]
    layers = (out / "layers.csv").read_text(encoding="utf-8").splitlines()
    assert (len(runs[1].rows()), {r["step"] for r in runs[1].rows()}) == (len(layers) - 1, {0, 2})
    document = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert runs[1].summary["test_error"] == document["test_error"]
    assert runs[1].setting["model"] == "plain20"
    assert main(["runs", "list", "task=fit", "model=plain20", "--store", str(there.path)]) == 0
    assert "2 runs in" in capsys.readouterr().out


def test_the_same_training_is_the_same_run(tmp_path, capsys):
    digests = []
    for name in ("a", "b"):
        assert main([*TRAIN, "--record", "4", "--out", str(tmp_path / name)]) == 0
        (run,) = Store(tmp_path / name).runs()
        digests.append((run.key, run.digest()))
    capsys.readouterr()
    assert digests[0] == digests[1]


def test_without_records_there_is_no_store_and_a_file_is_refused_before_the_work(tmp_path, capsys):
    assert main([*TRAIN, "--out", str(tmp_path / "a")]) == 0
    assert not (tmp_path / "a" / "runs").exists()
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    out, file = str(tmp_path / "b"), str(tmp_path / "file")
    assert main([*TRAIN, "--record", "2", "--store", file, "--out", out]) == 2
    assert "is a file, and a store of runs is a folder" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
