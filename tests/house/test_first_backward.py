"""How much a reader must read: files entered, and calls made, by a first backward pass."""

import sys
from pathlib import Path

import numpy as np

import minires as mr
import minires.functional as F

ROOT = Path(__file__).parents[2]


def entered(run):
    """Return [(file, function)] of every Python call that `run` makes in our packages."""
    calls = []

    def note(frame, event, _argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT) and path != Path(__file__):
            calls.append((str(path.relative_to(ROOT)), frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


def test_a_product_passes_through_four_files():
    def run():
        a = mr.tensor(2.0, requires_grad=True)
        b = mr.tensor(3.0, requires_grad=True)
        return lambda: (a * b).backward()

    run()()  # the first time, modules are loaded
    calls = entered(run())
    files = {path for path, _ in calls}
    assert files == {
        "minires/engine.py",
        "minires/function.py",
        "minires/ops/arithmetic.py",
        "minires/tensor.py",
    }
    assert sum((ROOT / f).read_text(encoding="utf-8").count("\n") for f in files) <= 750
    assert len(calls) <= 44


def test_a_convolution_passes_through_seven_files():
    rng = np.random.default_rng(0)

    def run():
        x = mr.tensor(rng.standard_normal((2, 3, 8, 8)), requires_grad=True)
        w = mr.tensor(rng.standard_normal((4, 3, 3, 3)), requires_grad=True)
        dy = np.ones((2, 4, 8, 8))
        return lambda: F.conv2d(x, w, padding=1).backward(dy)

    with mr.use_backend("reference"):
        run()()
        files = {path for path, _ in entered(run())}
    assert len(files) <= 7, sorted(files)
