"""What lesson 9 states, asserted on what its script measures."""

import math

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "90": "definition: nine of ten classes, guessed",
    "-1": "definition: a reversed ranking",
    "-6": "setting: bias of a gate",
    "-5": "setting: bias of a gate",
    "27": "setting: blocks of the network of 54 layers",
    "110": "the paper's network",
}


def claims(n):
    assert pytest.approx(1.331) == 1.1**3
    assert 0.5**3 / 0.6**3 > 0.5  # "still more than half of everything"
    assert max(n["differences"]) < 1e-12
    assert n["passes"](0, 27) == n["what_is_left"]() == pytest.approx(0.5**27)
    assert n["passes"](-6, 1) == pytest.approx(1 - 0.0025, abs=1e-4)
    assert n["passes"](-6, 54) > 0.8
    assert n["passes"](n["bias_for"](0.5, 54), 54) == pytest.approx(0.5)
    means, errors = n["means"], n["errors"]
    assert min(means, key=means.get) == "x"
    assert n["open_ones"][:3] == ["x", "gate, b = -6", "exclusive gate, b = -6"]
    assert n["opening"][0] > n["opening"][-1]
    assert n["relative"]["x"] < 0.6 < 1 < n["relative"]["0.5 x"]  # a small branch, and a large one
    assert means["projection"] > means["x"] + 10
    assert n["counts"]["projection"] > 1.3 * n["counts"]["x"]
    assert {o: c - n["conv"]["A"] for o, c in n["conv"].items()} == {"A": 0, "B": 2752, "C": 98240}
    assert n["conv"]["A"] == 1_727_962
    assert n["halved"].tolist() == [0.0, 0.25, 2.0]
    assert all(len(found) == n["P"].seeds for found in errors.values())
    if not n["lesson"].fast:
        zoo(n)
        orders(n)


def orders(n):
    """At the large rate pre-activation wins clearly; the loss of the first epoch says so too."""
    by, first = n["by_order"], n["first_loss"]
    assert max(by["pre-activation", 0.1]) < min(by["post-activation", 0.1])
    assert first["post-activation"] > 1.5 * math.log(10)
    assert first["pre-activation"] < math.log(10)


def zoo(n):
    """The orders and gaps of 54 layers, which a short training of fewer does not show."""
    errors, own, by = n["errors"], n["own"], n["by_order"]
    first, second, third = (errors[name] for name in n["open_ones"][:3])
    assert max(first) < min(second)
    if not n["lesson"].full:  # with more epochs the gates catch up with each other
        assert max(second) < min(third)
    closed = min(min(errors[name]) for name in n["shrunk"])
    assert max(third) < closed - 15
    assert math.prod(n["opening"]) < n["passes"](-6, n["B"])
    assert n["agreement"] > 0.7
    assert np.mean(own["shuffled x"]) < np.mean(own["x"]) + 3
    assert np.mean(own["rotated x"]) > np.mean(own["x"]) + 30
    rotated, straight = own["rotated x, ReLU before the branch"], own["x, ReLU before the branch"]
    assert abs(np.mean(rotated) - np.mean(straight)) < 8
    assert n["means"]["0.5 x"] < n["means"]["0.5 x and 0.5 F"] + 5
    if not n["lesson"].full:
        assert max(by["post-activation", 0.01]) < min(by["pre-activation", 0.01])


def claims_in_full(n):
    assert not n["lesson"].fast


def headline(n):
    return {
        "what": "order of the shortcuts by training error, rank correlation with the paper's",
        "measured": f"{n['agreement']:.2f}; x {spread(n['errors']['x'], '{:.1f}')} %, "
        f"projection {spread(n['errors']['projection'], '{:.1f}')} %",
        "reference": "He et al. 2016, Table 1: x best, projection far behind",
        "verdict": "the top of the order and its gap agree",
    }
