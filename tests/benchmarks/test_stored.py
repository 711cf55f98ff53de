"""What a lesson keeps of a training comes from the record of its run, and can be made again."""

import csv
import json
from pathlib import Path

import pytest

from benchmarks import stored
from minires.lessons import files

RUNS = Path(stored.__file__).parent / "results" / "train"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "folder", lambda: tmp_path)
    return tmp_path / "stored"


@pytest.mark.parametrize("run", sorted(p.name for p in RUNS.iterdir()))
def test_what_is_stored_is_what_the_record_says(run, home, monkeypatch):
    top = RUNS.parents[2]
    monkeypatch.chdir(top)
    assert stored.main([f"benchmarks/results/train/{run}"]) == 0
    for name in ("epochs.csv", "run.json"):
        assert (home / run / name).read_bytes() == (
            top / "lessons" / "stored" / run / name
        ).read_bytes()


def test_a_run_that_goes_on_tells_how_far_it_came(home, tmp_path):
    running = tmp_path / "running"
    running.mkdir()
    lines = (RUNS / "resnet20-budget" / "metrics.csv").read_text(encoding="utf-8").splitlines()
    (running / "metrics.csv").write_text(
        "\n".join(lines[:8]) + "\n", encoding="utf-8"
    )  # in the second epoch
    with pytest.raises(SystemExit, match="give --recipe and --command"):
        stored.main([str(running)])
    stored.main([str(running), "--recipe", "he2015", "--command", "minires train"])
    told = json.loads((home / "running" / "run.json").read_text(encoding="utf-8"))
    assert (told["status"], told["iterations"]) == ("unfinished", 64_000)
    rows = list(
        csv.DictReader((home / "running" / "epochs.csv").read_text(encoding="utf-8").splitlines())
    )
    assert told["iteration"] == int(rows[-1]["iteration"]) > 0
    assert float(rows[0]["test_error"]) == 0.5057
    left = {"status": "interrupted", "iteration": 100, "origin": {"command": "minires train"}}
    (running / "run.json").write_text(json.dumps(left), encoding="utf-8")  # of a session before
    stored.main([str(running)])
    told = json.loads((home / "running" / "run.json").read_text(encoding="utf-8"))
    assert (told["status"], told["iteration"]) == ("unfinished", int(rows[-1]["iteration"]))
