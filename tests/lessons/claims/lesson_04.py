"""What lesson 4 states: where its numbers come from, and its sentences as assertions."""

import math

import numpy as np
import pytest

from minires.lessons import spread


def theory(n):
    return math.sqrt(math.pi / (math.pi - 1))


NUMBERS = {
    "0.3": "example: the variance of the four values, computed in the paragraph before",
    "54": "setting: the depth that lesson 5 trains",
    "-0.1": "setting: minus the rate",
}


def mean(n, name, batch):
    values = n["factors"][name, batch][0]
    return sum(values) / len(values)


def claims(n):
    assert n["one_layer"] == pytest.approx(theory(n), rel=1e-9)
    for (name, batch), (found, expected) in n["factors"].items():
        tolerance = 0.04 if n["lesson"].fast else 0.01
        if batch == 128 or "linear" in name:
            assert sum(found) / len(found) == pytest.approx(expected, rel=tolerance), (name, batch)
    # explosion is worse for small batches, and nearly absent without ReLU
    assert mean(n, "ReLU, He", 8) > mean(n, "ReLU, He", 16) + 0.03 > n["plain_factor"] + 0.06
    assert mean(n, "linear, He", 128) < 1.03
    assert n["xavier"] == pytest.approx(n["plain_factor"], rel=0.02)
    # only the plain net with batch norm explodes
    grown = n["grown"]
    assert grown["plain with batch norm"] > 1e7
    assert grown["residual with batch norm"] < 500
    assert n["wander"] < 60
    # scale invariance
    assert n["moved"] < 1e-4
    assert n["ratio"] == pytest.approx(10, rel=1e-3)
    assert n["cosine"] < 1e-3
    # the case
    assert n["exploded"] > 1e7
    assert n["grew"] == pytest.approx(0.1 * n["exploded"], rel=1e-3)
    assert n["one_step_error"] < 0.01
    assert n["turned"] > 0.99
    assert n["median"]("plain", n["deepest"], "w_norm", 0) == pytest.approx(11.3, abs=0.5)
    assert n["verdict"] == "inflated"
    assert n["risen"] > n["fallen"] > 0
    shrunk = n["median"]("plain", n["deepest"], "dw_norm", n["LAST"])
    assert shrunk < 1e-5 * n["exploded"]
    # no way out: long weights, or an upper end that does not move
    way = f"rate {n['gentle']:.0e}"
    assert n["longer"]["rate 0.1"] > 1e6
    assert n["longer"]["rate 0.1 after a warm-up"] > 1e5
    assert n["longer"][way] < 30
    assert n["top"][way] < 1e-6
    assert min(n["final"].values()) > 1.9
    first, last = (n["median"]("residual", n["deepest"], "w_norm", step) for step in (0, n["LAST"]))
    assert last < 20 * first
    assert n["off"] < (0.04 if n["lesson"].fast else 0.01)


def claims_in_full(n):
    assert n["at_first"] > 1e7 > 0.1 > n["at_last"]
    # what is left of the first step's momentum explains the motion of the first matrix
    assert n["update"] == pytest.approx(n["left_over"], rel=0.2)
    assert 8 < n["momentum_limit"] < 10.5  # "no more than another power of ten"
    assert n["risen"] > n["fallen"] + 1  # "mostly because the weights had become longer"
    # "the losses say little yet"
    assert min(n["final"].values()) > math.log(10) - 0.1
    assert n["last_loss"](n["story"]["residual", n["deepest"]]) > math.log(10) - 0.5
    assert n["longer"]["rate 0.1"] > 1e7  # "ten million times longer"
    # healthy norms after ten steps: 20 layers, and 56 only because the weights were inflated
    assert 0.2 < n["first_over_last"]("plain", 20, 10) < 10
    assert 0.03 < n["settled"] < 30
    assert n["median"]("plain", 20, "w_norm", 10) < 40
    assert n["median"]("plain", 56, "w_norm", 10) > 2000
    assert n["first_over_last"]("plain", 56, 0) > 1e3
    assert 0.1 < n["first_over_last"]("plain", 110, 1) < 100  # healthy for a moment


def headline(n):
    found = n["factors"][f"ReLU, {n['middle_depth']} layers, He", 128][0]
    return {
        "what": f"factor of ‖∂L/∂x‖ per layer, plain, batch norm, {n['middle_depth']} layers",
        "measured": spread(found, "{:.4f}"),
        "reference": f"√(π / (π − 1)) = {theory(n):.4f}",
        "verdict": f"agrees within {100 * abs(np.mean(found) / theory(n) - 1):.1f} %",
    }
