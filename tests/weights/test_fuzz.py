"""Mutated files give an error or the right arrays: some hundred here, thousands in the slow run."""

import subprocess
import sys
from pathlib import Path

import fuzz
import mutate
import numpy as np
import pytest

SCRIPT = Path(fuzz.__file__)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory and time are Linux's")
@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_mutated_files(kind, thorough):
    call = [sys.executable, SCRIPT, "--kinds", kind, "--count", "3000" if thorough else "100"]
    done = subprocess.run(call, capture_output=True, encoding="utf-8", timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    cells = [c.strip() for c in done.stdout.splitlines()[2].strip("|").split("|")]
    assert cells[0] == kind
    assert cells[5:11] == ["0"] * 6
    assert int(cells[2].replace(",", "")) >= 1  # some are still sound


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
