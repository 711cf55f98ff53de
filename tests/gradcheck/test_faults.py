"""No wrong backward pass of the collection passes, and no right one, however tricky, is accused.

A part of them is tried here; all of a folder by

    python -m benchmarks.measure_faults benchmarks/faults/held_out
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.measure_faults import load
from minires.gradcheck import check_backward

FAULTS = Path(__file__).parents[2] / "benchmarks" / "faults"
WRONG = sorted(FAULTS.glob("*/[a-z][0-9]*.py"))
RIGHT = sorted(FAULTS.glob("*/right/*.py"))


def verdict(path, side):
    module = load(path)
    options = getattr(module, "OPTIONS", {})
    with np.errstate(all="ignore"):
        report = check_backward(module.forward, getattr(module, side), *module.inputs(0), **options)
    return report.verdict


def test_the_collection_is_there():
    assert (len(WRONG), len(RIGHT)) == (390, 140)


@pytest.mark.parametrize("step", [35, pytest.param(3, marks=pytest.mark.slow)])
def test_no_wrong_pass_passes_and_no_right_one_is_accused(step):
    wrong = {p.stem: verdict(p, "wrong_backward") for p in WRONG[::step]}
    twins = {p.stem: verdict(p, "right_backward") for p in WRONG[:: 3 * step]}
    tricky = {p.stem: verdict(p, "right_backward") for p in RIGHT[::step]}
    assert {k: v for k, v in wrong.items() if v not in ("FAIL", "UNDECIDED")} == {}
    assert {k: v for k, v in (twins | tricky).items() if v not in ("PASS", "UNDECIDED")} == {}
    found = [*wrong.values(), *twins.values(), *tricky.values()]
    assert found.count("UNDECIDED") <= 0.02 * len(found)


def diagnosed(path):
    module = load(path)
    report = check_backward(module.forward, module.wrong_backward, *module.inputs(0))
    lines = [finding.line for finding in report.diagnosis]
    return bool(lines) and lines[0] in module.LABELS["wrong_lines"]


def test_the_line_of_a_missing_upstream_is_named():
    assert diagnosed(FAULTS / "held_out" / "c050.py")


@pytest.mark.slow
def test_the_right_line_is_mostly_named_first():
    right = [diagnosed(path) for path in WRONG[3::25]]
    assert sum(right) >= 0.7 * len(right)
