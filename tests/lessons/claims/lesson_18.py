"""What lesson 18 states, asserted on what its script measures."""

import numpy as np
import pytest

from minires.lessons import spread
from minires.lessons.checks.lesson_18 import EXERCISES
from minires.lessons.checks.project_results import LEAST, MOST

NUMBERS = {
    "10": lambda n: EXERCISES["18.1"].points,
    "15": lambda n: EXERCISES["18.2"].points,
    "20": lambda n: EXERCISES["18.5"].points,
    "100": lambda n: sum(e.points for e in EXERCISES.values()),
    "1.1": lambda n: LEAST,
    "4": lambda n: MOST,
    "1.5": lambda n: 3 / 2,
    "1.015": lambda n: 1 + 0.1**2 * 1.5,
    "1.02": lambda n: 1 + 0.1**2 * 2,
}


def claims(n):
    points = [e.points for e in EXERCISES.values()]
    assert points == [10, 15, 15, 15, 20, 10, 15]
    z = np.random.default_rng(1).standard_normal(10**6)
    y, slope = n["own_pass"](z, np.ones_like(z))
    assert np.mean(y**2) == pytest.approx(1.5, rel=0.02)
    assert np.mean(slope**2) == pytest.approx(2, rel=0.02)
    assert n["found_wrong"] == []
    assert n["reached"] == pytest.approx(n["ratio"], rel=0.35)
    assert LEAST < n["reached"] < MOST
    assert not n["rule_holds"]
    assert n["plain_factor"](lambda z: np.maximum(z, 0)) == pytest.approx(2**0.5, rel=0.02)
    assert n["paper"]["verdict"] == n["results"][n["PLAIN"]][2]


def claims_in_full(n):
    assert n["results"][n["PLAIN"]][2] == "better"
    assert n["guesses"]
    assert n["results"][n["RELU"]][2] == "no difference"
    assert max(n["errors"][n["OURS"]]) < 15
    assert max(n["errors"][n["RELU"]]) < 15


def headline(n):
    other, half, verdict = n["results"][n["RELU"]]
    return {
        "what": "a block with a squared ReLU: gradient first / last of 27 blocks, and test error "
        "against a ReLU's (points)",
        "measured": f"{spread(n['firsts'][n['YOURS']], '{:.2f}')}; {other:+.1f} ± {half:.1f}",
        "reference": f"{n['ratio']:.2f} predicted by two averages",
        "verdict": f"{verdict} beside the ReLU; {n['results'][n['PLAIN']][2]} than the plain twin",
    }
