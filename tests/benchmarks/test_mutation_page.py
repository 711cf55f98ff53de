"""MUTATION.md says what the stored rows say."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import mutation

STORED = sorted(mutation.HERE.glob("*.csv"))


def counts(path):
    with path.open(encoding="utf-8", newline="") as file:
        return Counter(row["status"] for row in csv.DictReader(file))


@pytest.mark.parametrize("path", STORED, ids=lambda p: p.stem)
def test_the_page_has_the_numbers(path):
    page = Path(mutation.__file__).with_name("MUTATION.md").read_text(encoding="utf-8")
    c = counts(path)
    dead = c["killed"] + c["crash"] + c["timeout"]
    score = f"{dead / (dead + c['survived']):.1%}"
    numbers = [c.total(), dead, c["survived"], c["equivalent"], score]
    assert f"| {path.stem} | {' | '.join(map(str, numbers))} |" in page
    assert not c["error"]


def test_none_of_the_definitions_survives():
    assert counts(mutation.HERE / "reference.csv")["survived"] == 0
