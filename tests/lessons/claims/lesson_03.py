"""What the text of lesson 3 states, and where its numbers come from."""

import math

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "50": "setting: the minutes of the header, and the deepest nets",
    "-1": "definition: the cosine of opposite vectors",
    "60": "example: the angle of exercise 3.1",
    "71.4": lambda n: math.degrees(math.acos(1 / math.pi)),
    "8": "example: the layers of the prediction and of exercise 3.2",
    "3": "definition: the power of the formula above",
    "10": "example: the mean in exercise 3.5, and the limit of exercise 3.6 in %",
    "0.99": lambda n: 10**2 / (10**2 + 1),
    "64": lambda n: 1 / float(n["GRID"][1, 0] - n["GRID"][0, 0]),
    "256": lambda n: len(n["GRID"]),
    "200": "setting: the units of the nets on a line",
    "0.1": "setting: the factor of the branch, and the limit of exercise 3.6",
    "0.3": "setting: the noise of the copies",
    "16": "setting: the deepest net of the comparison with theory",
    "17": lambda n: math.degrees(math.atan(n["P"].noise)),
    "24": "setting: the layers over which neighbours are followed",
    "1000": "setting: where the theory's slope is measured",
}


def mean(values):
    return float(np.mean(values))


def claims(n):
    errors = [mean(n["error"][depth]) for depth in n["P"].depths]
    assert errors == sorted(errors)
    assert errors[-1] > errors[0] + 15
    for found in n["ratio"].values():
        assert 0.1 < mean(found) < 10
    for layers, found in n["plain"].items():
        tolerance = {1: 0.1, 2: 0.15, 4: 0.3, 8: 0.6}.get(layers, 3)
        assert mean(found) == pytest.approx(n["predicted"][layers], rel=tolerance), layers
    assert n["predicted"][8] == pytest.approx(0.0500, abs=5e-4)
    assert mean(n["plain"][16]) > 100 * 0.5**16
    assert n["predicted"][16] < mean(n["narrow"])
    assert n["wide"] < mean(n["tested"][n["he_deep"]][0])
    assert n["tail"] == pytest.approx(-3, abs=0.1)
    assert n["law"] == "power"
    for (batch, _), found in n["normalised"].items():
        assert mean(found) == pytest.approx(-1 / (batch - 1), rel=0.1)
    lag = {name: mean(found) for name, found in n["lag_one"].items()}
    deep = n["deep"]
    assert lag["plain, 1 layer"] > 0.9
    assert n["without"] > 0.6
    assert abs(n["with_bn"]) < 0.25
    assert lag[f"the notebook's net, {deep} layers"] > 0.9
    assert n["small"] > n["res"] + 0.3
    assert n["small"] > n["pre"] + 0.3
    assert 0.8 < n["kept"] < 1
    plain, bn = n["apart"]["plain"], n["apart"]["plain, batch norm"]
    assert max(plain) < 0.1
    assert (np.diff(bn) > 0).all()
    assert bn[-1] > 0.6
    tested, signals = n["tested"], n["signal_cosine"]
    assert tested[n["eye"]][0] > 0.8 > tested[n["he_deep"]][0] + 0.2
    assert tested[n["eye"]][1] < tested[n["he_deep"]][1] - 15
    for other in ("bn_shallow", "res_deep"):
        assert abs(tested[n[other]][0]) < tested[n["he_deep"]][0]
        assert tested[n[other]][1] < tested[n["he_deep"]][1] - 15
    assert signals[n["he_deep"]] > 0.85
    assert signals[n["eye"]] < 0.7
    assert signals[n["bn_deep"]] < 0.5
    assert tested[n["bn_deep"]][1] > tested[n["bn_shallow"]][1] + 15


def claims_in_full(n):
    for layers, tolerance in ((1, 0.05), (2, 0.05), (4, 0.1), (8, 0.3)):
        found = mean(n["plain"][layers])
        assert found == pytest.approx(n["predicted"][layers], rel=tolerance), layers
    assert mean(n["error"][8]) < 10
    assert mean(n["error"][50]) > 50
    assert mean(n["plain"][16]) < mean(n["narrow"])  # the wider, the closer to theory
    assert n["res"] < 0.3
    assert abs(n["pre"]) < 0.25
    assert set(n["against"]) == {n["bn_shallow"], n["res_deep"]}
    assert n["tested"][n["eye"]][1] < 10
    assert n["tested"][n["res_deep"]][1] < 5
    assert n["tested"][n["bn_deep"]][1] > 50
    assert n["signal_cosine"][n["he_deep"]] > 0.98


def headline(n):
    deepest = n["P"].depths[-1]
    return {
        "what": f"He init, {deepest} layers: gradient first / last layer, and training error",
        "measured": f"{spread(n['ratio'][deepest], '{:.2f}')}; "
        f"{spread(n['error'][deepest], '{:.0f}')} %",
        "reference": "level (1); cosine of two inputs' gradients after 8 layers "
        f"{mean(n['plain'][8]):.3f}, theory {n['predicted'][8]:.3f}",
        "verdict": "level norms do not suffice",
    }
