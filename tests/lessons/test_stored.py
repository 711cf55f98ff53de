"""Stored runs: they come with the lessons, as the command wrote them."""

import pytest

from minires.lessons import files, stored

NAMES = sorted(path.name for path in (files.folder() / "stored").iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_each_run_names_its_command_and_has_a_table(name):
    run = stored.read(name)
    assert run.command.startswith("minires ")
    tables = list(run.folder.glob("*.csv"))
    assert tables
    for table in tables:
        assert table.name in run.run["files"]  # as the command wrote it
        assert run.rows(table.name)


def test_rows_are_numbers_text_and_none():
    rows = stored.read("lesion-cifar10").rows("points.csv")
    assert rows[0] == {
        "arm": "resnet20", "seed": 0, "lesion": "none", "blocks": 0, "block": None, "draw": None,
        "kendall_tau": None, "error": 11.4, "index": None,
    }  # fmt: skip
    assert rows[1]["block"] == "layer1.0"


def test_an_unknown_run_is_told_what_there_is():
    with pytest.raises(ValueError, match=r"no stored run 'lesions'; there are .*lesion-cifar10"):
        stored.read("lesions")
