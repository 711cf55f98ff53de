"""Mutated files give an error or the right arrays: some hundred here, thousands in the slow run."""

import sys

import fuzz
import mutate
import numpy as np
import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory and time are Linux's")
@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_mutated_files(kind, thorough, tmp_path):
    count = 3000 if thorough else 100
    found = fuzz.fuzz(kind, count, "0", str(tmp_path), with_torch=False)
    assert not found["wrong"]
    assert found["files"] == found["loaded"] + found["refused"] == count
    assert found["loaded"] >= 1  # some are still sound


def test_the_script_prints_a_table(monkeypatch, capsys):
    sums = dict.fromkeys(fuzz.COUNTS, 7) | {"slowest": 0.5, "wrong": [(3, "code", "os.system")]}
    monkeypatch.setattr(fuzz, "fuzz", lambda *_: sums | {"said": {}})
    monkeypatch.setattr("sys.argv", ["fuzz.py", "--kinds", "npz"])
    assert fuzz.main() == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[2].startswith("| npz | 7 | 7 | ")
    assert printed[3].strip() == "npz 0 3: code: os.system"


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_a_file_can_be_made_again_from_its_number(kind):
    files = mutate.seeds(kind)
    assert mutate.nth(kind, files, 0, 7) == mutate.nth(kind, files, 0, 7)
    assert len({mutate.nth(kind, files, 0, n) for n in range(50)}) > 40


def test_the_judge_sees_what_is_wrong():
    inside, foreign = np.float32([1, 2]), np.float32([1, 3.3333])
    assert fuzz.outside(b"xx" + inside.tobytes(), {"w": inside}) == ""
    assert fuzz.outside(b"xx" + inside.tobytes(), {"w": foreign}).startswith("w: ")
    assert fuzz.same({"w": inside}, {"w": inside.copy()})
    assert not fuzz.same({"w": inside}, {"w": foreign})
    assert not fuzz.same({"w": inside}, {"w": inside[None]})
    assert not fuzz.same({"w": inside}, {})
    assert not fuzz.same({"w": inside}, {"w": foreign.tobytes()})
