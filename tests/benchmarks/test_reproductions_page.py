"""The page of reproductions agrees with the files it is made of, and takes new ones."""

import json

import pytest
from PIL import Image

from benchmarks import reproductions
from minires.experiments.reproductions import find


def test_the_page_is_what_the_files_give():
    assert reproductions.PAGE.read_text(encoding="utf-8") == reproductions.page()


def test_what_is_kept_is_whole():
    for name, document in reproductions.documents().items():
        folder = reproductions.KEPT / name
        assert {p.name for p in folder.iterdir()} == set(document["files"])
        assert sum(p.stat().st_size for p in folder.glob("*.png")) < 60_000
        assert sum(p.stat().st_size for p in folder.iterdir()) < 150_000
        experiment = document["experiment"].removeprefix("reproduce ")
        assert name.startswith(experiment)
        assert document["command"].startswith(f"minires reproduce {experiment}")
        assert find(experiment).title == document["title"]


@pytest.mark.parametrize("name", reproductions.documents())
def test_the_means_are_those_of_the_rows(name):
    document = reproductions.documents()[name]
    text = (reproductions.KEPT / name / "rows.csv").read_text(encoding="utf-8")
    head, *lines = text.splitlines()
    assert head.startswith("arm,seed,paper,value,diverged_at,seconds")
    runs = sum(len(arm["values"]) + arm["diverged"] for arm in document["arms"])
    assert runs == len(lines)


def test_taking_a_result(tmp_path, monkeypatch):
    monkeypatch.setattr(reproductions, "KEPT", tmp_path / "kept")
    source = tmp_path / "out" / "sd-mine"
    source.mkdir(parents=True)
    arms = [
        {"arm": "constant depth", "paper": 6.41, "paper_text": "6.41", "values": [7.0, 8.0],
         "mean": 7.5, "diverged": 0},
        {"arm": "a|b", "paper": None, "paper_text": "-", "values": [], "mean": None,
         "diverged": 2},
    ]  # fmt: skip
    document = {
        "experiment": "reproduce sd", "files": ["sd.png", "sd.svg", "rows.csv", "run.json"],
        "title": "Is it?", "verdict": "holds", "verdict_text": "It is.", "minutes": 1.5,
        "arms": arms, "seeds": [0, 1], "data": "digits", "data_note": "files differ", "form":
        "short", "command": "minires reproduce sd", "paper": "Nobody", "theirs": "t", "ours": "o",
    }  # fmt: skip
    (source / "run.json").write_text(json.dumps(document), encoding="utf-8")
    for name in ("sd.png", "sd.svg", "rows.csv"):
        (source / name).write_text(name, encoding="utf-8")
    Image.new("RGB", (8, 8), "red").save(source / "sd.png")
    assert reproductions.take(source) == "sd-mine"
    assert {p.name for p in (tmp_path / "kept/sd-mine").iterdir()} == {
        "sd.png",
        "rows.csv",
        "run.json",
    }
    page = reproductions.page()
    assert "| constant depth | 6.41 | 7.50 (7.00–8.00) |" in page
    assert "| a\\|b | - | 2 diverged |" in page
    assert "2 seeds, 1.5 min. files differ" in page
    assert "results/reproductions/sd-mine/sd.png" in page
    with pytest.raises(ValueError, match="begins with sd"):
        reproductions.take(source.rename(tmp_path / "other"))
