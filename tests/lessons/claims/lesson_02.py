"""What the text of lesson 2 states, and where its numbers come from."""

import math

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "45": "setting: the minutes of the header",
    "0.001": "example: three decades below 1",
    "20": "example: the layers of exercise 2.1's chain",
    "0.5": "example: the weights of exercise 2.1's chain",
    "128": "setting: the batch of gradflow",
    "80": "setting: what gradflow.fit_factor fits, in %",
    "64": "setting: the units of the nets that are trained",
}


def claims(n):
    deepest, factors = n["deepest"], n["factors"]
    assert n["by_signal"] == pytest.approx({"x2": 0.4, "x1": 0.24, "x0": 0.12})
    assert n["by_weight"] == pytest.approx({"w3": 0.6, "w2": 0.4, "w1": 0.48})
    for key, found in factors.items():
        tolerance = 0.05 if key[2] < 20 else 0.03
        assert np.mean(found) == pytest.approx(n["theory"][key], rel=tolerance), key
    xavier = [np.mean(factors["tanh", "xavier", depth]) for depth in n["P"].depths]
    assert xavier == sorted(xavier)  # it creeps towards 1
    assert n["default_theory"] == pytest.approx(1 / math.sqrt(6))
    assert n["lost_by_default"] > 2 * np.mean(n["decades"]["relu", "xavier", deepest])
    assert n["lost_by_default"] > np.mean(n["decades"]["tanh", "default", deepest])
    assert abs(np.mean(n["decades"]["relu", "he", deepest])) < 1
    assert n["dx_ratio"] < 0.01
    assert 0.2 < n["dw_ratio"] < 5
    assert n["off_theory"] < 0.05
    assert math.log10(n["x_ratio"]) == pytest.approx(-math.log10(n["dx_ratio"]), abs=1)
    assert max(n["built"]) < 0.3
    hidden = n["hidden"]
    assert 0.2 < hidden["ReLU, He init"] < 5
    assert hidden["ReLU, PyTorch's default"] < 1e-3
    assert hidden["sigmoid, Xavier init"] < 1e-3
    for name in ("ReLU, PyTorch's default", "sigmoid, Xavier init"):
        assert n["kept_up"][name] < 2
    assert np.mean(n["yours"]) == pytest.approx(1, abs=0.03)
    assert np.mean(n["he"]) == pytest.approx(math.sqrt(1 + n["P"].leak ** 2), rel=0.03)
    assert n["gone"] in (60, 61, 62)
    assert n["square_gone"] in (30, 31)
    error = {name: np.mean(found) for name, found in n["errors"].items()}
    for kind in ("sigmoid, Xavier init", "ReLU, PyTorch's default"):
        assert error[f"plain {kind}"] > 85
        assert error[f"residual {kind}"] < 50
        assert np.mean(n["lost"][f"plain {kind}"]) > 2
        assert abs(np.mean(n["lost"][f"residual {kind}"])) < 2


def claims_in_full(n):
    error = {name: np.mean(found) for name, found in n["errors"].items()}
    assert error["residual sigmoid, Xavier init"] < 20
    assert error["residual ReLU, PyTorch's default"] < 5
    assert error["plain ReLU, Xavier init"] > 60


def headline(n):
    key = ("relu", "xavier", n["deepest"])
    found, theory = n["factors"][key], n["theory"][key]
    return {
        "what": f"factor of ‖∂L/∂x‖ per layer, ReLU, Xavier, {n['deepest']} layers",
        "measured": spread(found, "{:.4f}"),
        "reference": f"√(1/2) = {theory:.4f}",
        "verdict": f"agrees within {100 * abs(np.mean(found) / theory - 1):.1f} %",
    }
