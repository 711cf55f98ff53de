"""No wrong backward pass of the collection passes, and no right one, however tricky, is accused."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.measure_faults import load
from minires.gradcheck import check_backward

FAULTS = Path(__file__).parents[2] / "benchmarks" / "faults"
WRONG = sorted(FAULTS.glob("*/[a-z][0-9]*.py"))
RIGHT = sorted(FAULTS.glob("*/right/*.py"))


def sample(paths):
    """Return all of them, most for the longer tests."""
    return [
        pytest.param(p, id=p.stem, marks=[] if i % 25 == 0 else pytest.mark.slow)
        for i, p in enumerate(paths)
    ]


def checked(path, side):
    module = load(path)
    options = getattr(module, "OPTIONS", {})
    with np.errstate(all="ignore"):
        return check_backward(module.forward, getattr(module, side), *module.inputs(0), **options)


def test_the_collection_is_there():
    assert (len(WRONG), len(RIGHT)) == (250, 90)


@pytest.mark.parametrize("path", sample(WRONG))
def test_a_wrong_pass_does_not_pass_and_its_right_twin_does(path):
    report, twin = checked(path, "wrong_backward"), checked(path, "right_backward")
    assert report.verdict in ("FAIL", "UNDECIDED"), str(report)
    assert twin.verdict in ("PASS", "UNDECIDED"), str(twin)


@pytest.mark.parametrize("path", sample(RIGHT))
def test_a_right_pass_is_not_accused(path):
    report = checked(path, "right_backward")
    assert report.verdict in ("PASS", "UNDECIDED"), str(report)


@pytest.mark.slow
def test_little_is_undecided():
    verdicts = [checked(p, "wrong_backward").verdict for p in WRONG]
    verdicts += [checked(p, "right_backward").verdict for p in RIGHT]
    assert verdicts.count("UNDECIDED") <= 0.02 * len(verdicts)


def diagnosed(path):
    module = load(path)
    report = check_backward(module.forward, module.wrong_backward, *module.inputs(0))
    lines = [finding.line for finding in report.diagnosis]
    return bool(lines) and lines[0] in module.LABELS["wrong_lines"]


def test_the_line_of_a_missing_upstream_is_named():
    assert diagnosed(FAULTS / "held_out" / "c050.py")


@pytest.mark.slow
def test_the_right_line_is_mostly_named_first():
    right = [diagnosed(path) for path in WRONG[::25]]
    assert sum(right) >= 0.7 * len(right)
