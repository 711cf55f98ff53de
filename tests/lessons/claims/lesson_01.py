"""What lesson 1 states, asserted on what its script measures."""

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "16": "definition: decimal digits of float64; also numbers at a pixel",
    "7": "definition: decimal digits of float32",
}


def claims(n):
    step(n)
    jacobian_and_derivation(n)
    blind_checks(n)
    assert n["linear_report"]
    assert n["bn_report"]
    suspects = n["SUSPECTS"]
    assert [bool(report) for report in suspects.values()] == [False, False, False]
    assert [row.verdict for row in suspects["A"].rows] == ["PASS", "PASS", "FAIL"]
    assert suspects["A"].rows[2].ratio == pytest.approx(1 / 4)
    families = [hint[0][0] for hint in (report.hints for report in suspects.values())]
    assert families == ["wrong scale", "wrong mask/branch", "missing term"]
    training(n)


def step(n):
    best, lowest, median = n["best"], n["lowest"], n["median"]
    assert 3e-7 < best["tanh, float64"] < 4e-5  # the best step is near 1e-5 to 1e-6
    assert 0.1 < n["arms_cross"] / n["crossing"] < 10
    assert n["left_arm"] == pytest.approx(2, abs=0.1)
    assert n["right_arm"] == pytest.approx(-1, abs=0.4)
    assert lowest["tanh, float64"] < 1e-9 < 1e-6 < n["lowest_single"]
    assert 1e-4 < best["tanh, float32"] < 0.1
    assert n["at_large_step"]["ReLU"] > 10 * n["at_large_step"]["tanh"]
    assert n["ratio"] > 50
    assert n["single"] > 0.5  # not one digit is right
    assert (median["ReLU, float64"][:3] > median["tanh, float64"][:3]).all()


def jacobian_and_derivation(n):
    two = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert (np.array([1.0, 10.0]) @ two == [31, 42]).all()
    difference = n["central_difference"]
    assert difference(lambda x: x**3, 2.0, 0.1) == pytest.approx(12.01)
    assert difference(lambda x: max(x, 0.0), 0.03, 0.1) == pytest.approx(0.65)
    assert (n["relu_backward"](np.array([5.0, 7]), np.array([-1.0, 2])) == [0, 7]).all()
    x, w, dy = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, -1]]), np.array([[10.0], [1]])
    dx, dw, db = n["linear_backward"](dy, x, w)
    assert (dx == [[10, -10], [1, -1]]).all()
    assert (dw == [[13, 24]]).all()
    assert (db == [11]).all()
    assert (n["centre_backward"](np.array([0.0, 5, 0, 0, 0])) == [-1, 4, -1, -1, -1]).all()
    c = np.array([[-4.0, 1, 1, 1, 1]]).T
    dc = n["variance_backward"](np.ones(1), c)
    assert dc.ravel() == pytest.approx([-1.6, 0.4, 0.4, 0.4, 0.4])
    dc, dv = n["divide_backward"](np.array([[0.0, 5, 0, 0, 0]]).T, c, np.array([4.0]))
    assert dc.ravel() == pytest.approx([0, 2.5, 0, 0, 0], abs=1e-4)
    assert dv == pytest.approx([-0.3125], rel=1e-4)
    assert n["small"].ravel() == pytest.approx([0, 1.875, -0.625, -0.625, -0.625], abs=1e-4)
    assert n["one_line_off"] < 1e-13


def blind_checks(n):
    accepted = n["accepted"]
    passes, (ones, squares, random) = list(n["PASSES"]), n["LOSSES"]
    assert passes == ["right", "mean term missing", "variance term missing", "zeros"]
    assert [accepted[name, ones] for name in passes] == [True, False, True, True]
    assert [accepted[name, squares] for name in passes] == [True, True, False, True]
    assert [accepted[name, random] for name in passes] == [True, False, False, False]
    assert min(n["random_errors"]) > 0.02
    assert n["sum_of_outputs"] < 1e-13
    assert n["sum_of_squares"] == pytest.approx(8, rel=1e-3)
    assert n["vacuous"].verdict == "VACUOUS"


def training(n):
    for name, losses in n["final"].items():
        assert losses.mean() < 0.6 * n["first"][name].mean(), name  # it falls
        assert name == "right" or losses.mean() > 1.5 * n["final"]["right"].mean(), name
    assert (n["wrong_final"] < 0.3).all()
    ends = [n["final"][name].mean() for name in n["PASSES"]]
    assert ends[0] == min(ends)
    assert ends[1] > 3 * ends[2]  # the mean term costs more
    assert 0.5 < ends[1] / ends[3] < 1.2  # not far from the zeros


def claims_in_full(n):
    assert n["left_arm"] == pytest.approx(2, abs=0.05)
    assert n["right_arm"] == pytest.approx(-1, abs=0.2)
    assert n["wrong_final"].mean() < 0.06


def headline(n):
    right, wrong = n["final"]["right"], n["wrong_final"]
    return {
        "what": "best step of a central difference, float64, tanh",
        "measured": f"{n['best']['tanh, float64']:.0e}",
        "reference": f"ε^(1/3) = {np.finfo(np.float64).eps ** (1 / 3):.0e}",
        "verdict": "agrees in order; and a wrong pass that one check accepts trains to "
        f"{spread(wrong, '{:.3f}')} instead of {spread(right, '{:.3f}')}",
    }
